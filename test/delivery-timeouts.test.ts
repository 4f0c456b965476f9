/** How long the SMTP client waits (RFC 5321 §4.5.3.2), by a clock that the tests move. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { NetworkOutcome } from '../src/message/outcome.ts'
import { Internet, tellAll } from './support/internet/internet.ts'
import type { Behaviour } from './support/internet/mx.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND

/** Turns of the event loop in which what is on its way over loopback arrives. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await setImmediate()
}

/** Moves the clock by `ms`; whether the delivery was over by then. */
async function isOverAfter(internet: Internet, ms: number, delivery: Promise<NetworkOutcome>): Promise<boolean> {
  await turns()
  internet.clock.advance(ms)
  await turns()
  const nothing = {}
  return (await Promise.race([delivery, turns().then(() => nothing)])) !== nothing
}

const timedOut = (step: string, more = '') =>
  `deferred 421 4.4.2 Connection timed out (timeout at ${step}, destination${more})`

const ROWS: readonly (readonly [step: string, behaviour: Behaviour, ms: number, outcome: string])[] = [
  ['the greeting', { greeting: 'stall' }, 5 * MINUTE, timedOut('greeting')],
  ['a greeting that never ends', { greeting: ['raw:220-wait', 'stall'] }, 5 * MINUTE, timedOut('greeting')],
  ['EHLO', { ehlo: 'stall' }, 5 * MINUTE, timedOut('ehlo')],
  ['MAIL', { mail: 'stall' }, 5 * MINUTE, timedOut('mail')],
  ['RCPT', { rcpt: 'stall' }, 5 * MINUTE, timedOut('rcpt')],
  ['DATA', { data: 'stall' }, 2 * MINUTE, timedOut('data')],
  ['the message', { dot: 'stall' }, 10 * MINUTE, timedOut('dot', ', may have arrived')],
]

describe('an answer', () => {
  for (const [step, behaviour, ms, outcome] of ROWS) {
    test(`to ${step} is waited for ${ms / MINUTE} minutes`, async () => {
      await using internet = await Internet.start({ limits: { addresses: 1 } })
      const mx = await internet.domain('example.test', '127.0.0.2', behaviour)
      const delivery = internet.deliver('bob@example.test')
      await mx.stalled
      assert.equal(await isOverAfter(internet, ms - SECOND, delivery), false)
      assert.equal(await isOverAfter(internet, SECOND, delivery), true)
      assert.deepEqual(tellAll(await delivery), [outcome])
    })
  }

  test('that comes in time gives the next its own time', async () => {
    await using internet = await Internet.start()
    const mx = await internet.domain('example.test', '127.0.0.2', {
      extensions: [],
      greeting: ['220 hi'],
      mail: () => {
        internet.clock.advance(4 * MINUTE)
        return undefined
      },
      rcpt: () => {
        internet.clock.advance(4 * MINUTE)
        return undefined
      },
      dot: () => {
        internet.clock.advance(9 * MINUTE)
        return undefined
      },
    })
    assert.deepEqual(tellAll(await internet.deliver('bob@example.test')), ['delivered 250 2.0.0 Ok: queued'])
    assert.equal(mx.mails.length, 1)
  })
})

test('a server that greets after four minutes gets its mail', async () => {
  await using internet = await Internet.start()
  const mx = await internet.domain('example.test', '127.0.0.2', { greeting: '' })
  const delivery = internet.deliver('bob@example.test')
  while (mx.sessions === 0) await setImmediate()
  assert.equal(await isOverAfter(internet, 4 * MINUTE, delivery), false)
  mx.drip('220 mx.test at last\r\n')
  const { recipients, timings } = await delivery
  assert.equal(recipients[0]?.kind, 'delivered')
  assert.equal(timings.handshakeMs, 4 * MINUTE)
})

test('a message that nobody reads is given up three minutes after its last octet left', async () => {
  await using internet = await Internet.start({ limits: { addresses: 1 } })
  const mx = await internet.domain('example.test', '127.0.0.2', {
    extensions: ['PIPELINING'],
    data: (_, session) => {
      session.pause()
      return ['354 Go on', 'stall']
    },
  })
  const message = Buffer.from(`Subject: big\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(500_000)}`)
  const delivery = internet.deliver('bob@example.test', { message })
  await mx.stalled
  assert.equal(await isOverAfter(internet, 3 * MINUTE - SECOND, delivery), false)
  assert.equal(await isOverAfter(internet, SECOND, delivery), true)
  assert.deepEqual(tellAll(await delivery), [timedOut('body')])
})

test('a connection that does not come about is given up after a minute', async () => {
  await using internet = await Internet.start()
  internet.zone['example.test'] = { mx: ['10 a.test'] }
  internet.zone['a.test'] = { a: ['127.0.0.2'] }
  const begun = Promise.withResolvers<void>()
  Object.assign(internet.deps, {
    dial: (_: unknown, signal: AbortSignal) => {
      begun.resolve()
      return new Promise<string>((resolve) => signal.addEventListener('abort', () => resolve('ETIMEDOUT')))
    },
  })
  const delivery = internet.deliver('bob@example.test')
  await begun.promise
  assert.equal(await isOverAfter(internet, MINUTE, delivery), true)
  assert.deepEqual(tellAll(await delivery), [
    'deferred 421 4.4.1 Failed to establish connection (timeout at connect, destination)',
  ])
})

test('a tarpit that keeps every single time is given up after half an hour, over all hosts', async () => {
  await using internet = await Internet.start()
  internet.zone['example.test'] = { mx: ['10 a.test', '20 b.test'] }
  const slow = () => {
    internet.clock.advance(4 * MINUTE)
    return undefined
  }
  const mx = await internet.mx(
    '127.0.0.2',
    { extensions: [], ehlo: slow, mail: slow, rcpt: slow, dot: 'stall' },
    'a.test',
  )
  const other = await internet.mx('127.0.0.3', {}, 'b.test')
  const delivery = internet.deliver(['a', 'b', 'c', 'd'].map((name) => `${name}@example.test`))
  await mx.stalled
  assert.equal(await isOverAfter(internet, 6 * MINUTE - SECOND, delivery), false)
  assert.equal(await isOverAfter(internet, SECOND, delivery), true)
  assert.equal(tellAll(await delivery)[0], timedOut('dot', ', may have arrived'))
  assert.equal(other.sessions, 0)
})

test('a server that says one octet a minute has no more time than others', async () => {
  await using internet = await Internet.start({ limits: { addresses: 1 } })
  const mx = await internet.domain('example.test', '127.0.0.2', { mail: ['raw:2', 'stall'] })
  const delivery = internet.deliver('bob@example.test')
  await mx.stalled
  for (let minute = 1; minute < 5; minute++) {
    assert.equal(await isOverAfter(internet, MINUTE, delivery), false)
    mx.drip(minute === 1 ? '5' : minute === 2 ? '0' : ' ')
  }
  assert.equal(await isOverAfter(internet, MINUTE, delivery), true)
  assert.deepEqual(tellAll(await delivery), [timedOut('mail')])
})
