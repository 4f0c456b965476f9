/** A connection takes the next message when the outcome of the one before is on disk, not earlier. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Client } from 'pg'
import { createOutbound, type Outbound } from '../src/delivery/outbound.ts'
import type { MovableClock } from '../src/platform/platform.ts'
import { realPlatform } from '../src/platform/real.ts'
import { fakeClock } from './support/clock.ts'
import { fakeDns } from './support/dns.ts'
import { Mx } from './support/internet/mx.ts'
import { emptyDatabase } from './support/nodes.ts'
import { until } from './support/until.ts'
import { startWorld } from './support/world.ts'

type Ways = AsyncDisposable & { readonly outbound: Outbound; readonly mx: Mx; readonly clock: MovableClock }

async function startWays(): Promise<Ways> {
  const mx = await Mx.start('127.0.0.2', 0)
  const clock = fakeClock()
  const outbound = createOutbound({
    ...realPlatform({ dns: undefined, logLevel: 'error', writeLog: () => {} }),
    clock,
    dns: fakeDns({ 'one.test': { mx: ['10 mx.one.test'] }, 'mx.one.test': { a: ['127.0.0.2'] } }),
    hostname: 'out.sesame.test',
    port: mx.port,
    allowPrivate: true,
    ownAddresses: [],
    egress: [],
    minTlsVersions: { demanded: 'TLSv1.2', opportunistic: 'TLSv1' },
    stsMemory: { find: async () => undefined, keep: async () => {} },
    warmup: { isWarming: () => false, take: async () => true, giveBack: () => {} },
    smarthost: undefined,
  })
  return {
    outbound,
    mx,
    clock,
    async [Symbol.asyncDispose]() {
      outbound.close()
      await mx[Symbol.asyncDispose]()
    },
  }
}

async function send({ outbound }: Ways) {
  const sent = await outbound.deliver({
    sender: 'ann@sesame.test',
    domain: 'one.test',
    recipients: [{ position: 0, mailbox: 'bob@one.test' }],
    message: Buffer.from('Subject: Hi\r\n\r\nHello.\r\n'),
    tlsPolicy: 'OPTIONAL',
    pool: undefined,
    messageId: 'one',
    attempts: 0,
  })
  assert.ok(sent !== 'full')
  return sent
}

async function closed(mx: Mx, count: number): Promise<void> {
  while (mx.heard.filter((line) => line === '(closed)').length < count) await setImmediate()
}

describe('a connection', () => {
  test('is not used again while the outcome of its last message is being written', async () => {
    await using ways = await startWays()
    const first = await send(ways)
    const second = await send(ways)
    assert.equal(ways.mx.sessions, 2)
    second.free()
    const third = await send(ways)
    assert.deepEqual(third.outcome.connections, { opened: 0, failed: 0, reused: 1 })
    first.free()
    first.free()
    await send(ways)
    assert.equal(ways.mx.sessions, 2)
  })

  test('is closed when that takes long, when we stop, and when the server ends it meanwhile', async () => {
    await using ways = await startWays()
    const late = await send(ways)
    ways.clock.advance(5_000)
    await closed(ways.mx, 1)
    late.free()
    const ended = await send(ways)
    ways.mx.hangUp()
    await closed(ways.mx, 2)
    ended.free()
    const { outcome } = await send(ways)
    assert.deepEqual(outcome.connections, { opened: 1, failed: 0, reused: 0 })
    ways.outbound.close()
    await closed(ways.mx, 3)
    assert.equal(ways.mx.heard.filter((line) => line === 'QUIT').length, 2)
  })

  test('waits for the commit in a running server, while others go on', async () => {
    const database = await emptyDatabase()
    // Standing still, it closes no connection for being idle.
    await using world = await startWorld({ database }, { wallClock: fakeClock(Date.now()) })
    const one = await world.domain('one.test', '127.0.0.2', { rcpt: '451 4.7.1 Greylisted' })
    const id = await world.send(['bob@one.test'])
    await world.app.idle()
    one.behaviour = {}
    const inTheWay = new Client({ connectionString: database })
    await using stack = new AsyncDisposableStack()
    stack.defer(() => inTheWay.end())
    await inTheWay.connect()
    await inTheWay.query('begin')
    // A settlement has to lock its message.
    await inTheWay.query('select 1 from messages where id = $1 for update', [id])
    world.app.clock.advance(3 * 60_000)
    await until(
      async () => one.mails.length,
      (mails) => mails === 1,
    )
    await world.send(['eve@one.test'])
    await until(
      async () => one.mails.length,
      (mails) => mails === 2,
    )
    assert.deepEqual(
      one.mails.map(({ session }) => session),
      [1, 2],
    )
    assert.equal(one.sessions, 2)
    await inTheWay.query('rollback')
    await world.app.idle()
    await world.send(['kim@one.test'])
    await world.app.idle()
    assert.deepEqual([one.mails.length, one.sessions], [3, 2])
  })
})
