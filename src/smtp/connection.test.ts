import { test } from 'node:test'
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { createSecureContext } from 'node:tls'
import { createLog } from '../platform/log.ts'
import { fakeClock } from '../../test/support/clock.ts'
import { converse } from '../../test/support/dialog.ts'
import { startInbound } from '../../test/support/smtp.ts'
import { Connection } from './connection.ts'
import { Dialogue } from './dialogue.ts'

/** A peer that takes a write only when the test lets it. */
class SlowPeer extends Duplex {
  readonly taken: string[] = []
  #accept: (() => void) | undefined

  constructor() {
    super({ writableHighWaterMark: 1 })
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.taken.push(chunk.toString())
    this.#accept = done
  }

  async accept(): Promise<void> {
    this.#accept?.()
    await new Promise(setImmediate)
  }

  async say(text: string): Promise<void> {
    this.push(text)
    await new Promise(setImmediate)
  }
}

function connect(peer: SlowPeer) {
  const clock = fakeClock()
  const log = createLog('error', clock, (line) => assert.fail(line))
  let isClosed = false
  const connection = new Connection(peer as unknown as Socket, {
    clock,
    log,
    id: 'x',
    ip: '192.0.2.1',
    isTlsFromStart: false,
    secureContext: () => createSecureContext(),
    dialogue: () =>
      new Dialogue({
        hostname: 'ses.example',
        backend: { login: null, anonymous: async () => 'OK', accepts: async () => true },
        isSecure: false,
        requireTls: false,
        maxMessageBytes: 1000,
        maxErrors: 10,
        log,
      }),
    maxMessageBytes: 1000,
    idleTimeoutMs: 10_000,
    sessionTimeoutMs: 100_000,
    budget: { used: 0, max: 1000 },
    closed: () => (isClosed = true),
  })
  connection.start()
  return { clock, isClosed: () => isClosed }
}

test('nothing is read from a peer that does not read its replies', async () => {
  const peer = new SlowPeer()
  connect(peer)
  await peer.say('NOOP\r\n')
  await peer.say('NOOP\r\n')
  assert.equal(peer.taken.length, 1)
  for (let i = 0; i < 100; i++) await peer.say(`NOOP ${'x'.repeat(1000)}\r\n`)
  assert.equal(peer.isPaused(), true)
  assert.equal(peer.taken.length, 1)
  while (peer.taken.join('').split('250 Ok\r\n').length < 103) await peer.accept()
  assert.equal(peer.isPaused(), false)
})

test('a peer that never reads its replies is given up', async () => {
  const peer = new SlowPeer()
  const { clock, isClosed } = connect(peer)
  clock.advance(10_000)
  assert.equal(isClosed(), false)
  clock.advance(5000)
  assert.equal(isClosed(), true)
  assert.equal(peer.destroyed, true)
})

test('a peer that sends on while it is waited for is read no further than needed, and loses nothing', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const sizes: number[] = []
  const receive = async ({ data }: { data: Buffer }) => {
    await promise
    sizes.push(data.length)
  }
  await using server = await startInbound({ receive })
  using client = await converse(server.port)
  const message = `MAIL FROM:<>\r\nRCPT TO:<a@in.example>\r\nDATA\r\n${`${'x'.repeat(98)}\r\n`.repeat(5000)}.\r\n`
  client.send(`${message}${message}${message}QUIT\r\n`)
  await client.talk('S: 220 …\nS: 250 Ok\nS: 250 Ok\nS: 354 …')
  resolve()
  const next = 'S: 250 OK …\nS: 250 Ok\nS: 250 Ok\nS: 354 …\n'
  await client.talk(`${next}${next}S: 250 OK …\nS: 221 Bye\nS: [closed]`)
  assert.deepEqual(sizes, [500_000, 500_000, 500_000])
})
