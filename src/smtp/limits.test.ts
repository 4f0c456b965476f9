import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { fakeClock } from '../../test/support/clock.ts'
import { converse, dialog } from '../../test/support/dialog.ts'
import { LOGIN, PLAIN, startInbound, startSubmission } from '../../test/support/smtp.ts'

const IDLE = 'S: 451 4.4.2 Timeout waiting for data from client.\nS: [closed]'
const OPEN =
  'S: 220 …\nC: MAIL FROM:<a@b.example>\nC: RCPT TO:<a@in.example>\nC: DATA\nS: 250 Ok\nS: 250 Ok\nS: 354 …\n'
const TLS = { tls: true }

function limited(limits: Record<string, number>, rest: object = {}) {
  return { clock: fakeClock(), config: { limits }, ...rest }
}

describe('time', () => {
  test('a silent client is sent away', async () => {
    const stubs = limited({ smtpIdleTimeoutMs: 10_000 })
    await using server = await startInbound(stubs)
    using client = await converse(server.port)
    await client.talk('S: 220 …')
    stubs.clock.advance(9999)
    await client.talk('C: NOOP\nS: 250 Ok')
    stubs.clock.advance(9999)
    await client.talk('C: NOOP\nS: 250 Ok')
    stubs.clock.advance(10_000)
    await client.talk(IDLE)
  })

  test('so is one that falls silent within a message', async () => {
    const stubs = limited({ smtpIdleTimeoutMs: 10_000 })
    await using server = await startInbound(stubs)
    using client = await converse(server.port)
    await client.talk(`${OPEN}C: half a mess`)
    stubs.clock.advance(20_000)
    await client.talk(IDLE)
    assert.deepEqual(server.mails, [])
  })

  test('one that waits for us is not', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const started = Promise.withResolvers<void>()
    const stubs = limited({ smtpIdleTimeoutMs: 10_000 }, { receive: () => (started.resolve(), promise) })
    await using server = await startInbound(stubs)
    using client = await converse(server.port)
    await client.talk(`${OPEN}C: .`)
    await started.promise
    stubs.clock.advance(100_000)
    resolve()
    await client.talk('S: 250 OK …\nC: NOOP\nS: 250 Ok')
  })

  test('a handshake must come', async () => {
    const stubs = limited({ smtpIdleTimeoutMs: 10_000 })
    await using server = await startSubmission(stubs, 'tls')
    using client = await converse(server.port)
    // A client in TLS shows that the one before it has been accepted.
    await dialog(server.port, 'S: 220 …', TLS)
    stubs.clock.advance(10_000)
    assert.equal(await client.rest(), '')
  })

  test('a login must come within a minute, whatever else is said', async () => {
    const stubs = limited({})
    await using server = await startSubmission(stubs, 'tls')
    using client = await converse(server.port, TLS)
    await client.talk('S: 220 …')
    stubs.clock.advance(59_999)
    await client.talk('C: NOOP\nS: 250 Ok')
    stubs.clock.advance(1)
    await client.talk(IDLE)
  })

  test('a session has an end, for clients that drip', async () => {
    const stubs = limited({ smtpSessionTimeoutMs: 100_000, smtpIdleTimeoutMs: 50_000 })
    await using server = await startInbound(stubs)
    using client = await converse(server.port)
    await client.talk(OPEN)
    for (let i = 0; i < 6; i++) {
      using other = await converse(server.port)
      client.send('x')
      // Answered after the x was read: the octets of both are waiting in the same loop.
      await other.talk('S: 220 …\nC: NOOP\nS: 250 Ok')
      stubs.clock.advance(30_000)
    }
    await client.talk('S: 421 …\nS: [closed]')
  })

  test('a session that ends within a message takes that message still', async () => {
    const stubs = limited({ smtpSessionTimeoutMs: 100_000, smtpIdleTimeoutMs: 50_000 })
    await using server = await startInbound(stubs)
    using client = await converse(server.port)
    stubs.clock.advance(49_999)
    await client.talk('S: 220 …\nC: NOOP\nS: 250 Ok')
    stubs.clock.advance(49_999)
    await client.talk(OPEN.replace('S: 220 …', ''))
    stubs.clock.advance(2)
    await client.talk('C: .\nS: 250 OK …\nS: 421 …\nS: [closed]')
    assert.equal(server.mails.length, 1)
  })
})

describe('numbers', () => {
  test('connections', async () => {
    await using server = await startInbound(limited({ smtpConnections: 2 }))
    {
      using one = await converse(server.port)
      using two = await converse(server.port)
      await Promise.all([one.talk('S: 220 …'), two.talk('S: 220 …')])
      await dialog(server.port, 'S: 421 Too many concurrent SMTP connections\nS: [closed]')
      await two.talk('C: QUIT\nS: 221 Bye\nS: [closed]')
    }
    await dialog(server.port, 'S: 220 …')
  })

  test('connections in TLS: not even a handshake is spent on those beyond', async () => {
    await using server = await startSubmission(limited({ smtpConnections: 1 }), 'tls')
    using one = await converse(server.port, TLS)
    await one.talk('S: 220 …')
    using two = await converse(server.port)
    assert.equal(await two.rest(), '')
  })

  test('connections of one client: an eighth is left to others', async () => {
    await using server = await startInbound(limited({ smtpConnections: 8 }))
    await using open = new AsyncDisposableStack()
    for (let i = 0; i < 7; i++) await open.use(await converse(server.port)).talk('S: 220 …')
    await dialog(server.port, 'S: 421 Too many concurrent SMTP connections\nS: [closed]')
  })

  test('refused commands', async () => {
    await using server = await startInbound(limited({ smtpErrors: 3 }))
    const steps = 'C: FOO\nC: BAR\nC: QUX\nC: NOOP\nS: 500 …\nS: 500 …\nS: 500 …\nS: 421 Too many errors\nS: [closed]'
    await dialog(server.port, `S: 220 …\n${steps}`)
  })

  test('recipients that were refused', async () => {
    await using server = await startInbound(limited({ smtpErrors: 3 }))
    const steps = 'C: RCPT TO:<a@x.example>\n'.repeat(4) + 'S: 550 …\n'.repeat(3)
    await dialog(server.port, `S: 220 …\nC: MAIL FROM:<>\nS: 250 Ok\n${steps}S: 421 Too many errors\nS: [closed]`)
  })

  test('commands without a message', async () => {
    await using server = await startInbound(limited({}))
    const steps = 'C: NOOP\n'.repeat(3010) + 'S: 250 Ok\n'.repeat(3000)
    await dialog(server.port, `S: 220 …\n${steps}S: 421 Too many commands\nS: [closed]`)
  })

  test('octets before a login', async () => {
    await using server = await startSubmission(limited({}), 'tls')
    using client = await converse(server.port, TLS)
    client.send(`NOOP ${'x'.repeat(1900)}\r\n`.repeat(40))
    const said = (await client.rest()).split('\r\n')
    assert.match(said.at(-2) ?? '', /^421 /)
    assert.ok(said.length < 40)
  })

  test('recipients that are remembered', async () => {
    await using server = await startSubmission(limited({}), 'tls')
    const many = Array.from({ length: 1002 }, (_, i) => `C: RCPT TO:<r${i}@example.com>\n`).join('')
    const said = `${'S: 250 Ok\n'.repeat(1000)}S: 452 Too many recipients\nS: 452 Too many recipients\n`
    await dialog(
      server.port,
      `${LOGIN}\nC: MAIL FROM:<a@b.example>\nS: 250 Ok\n${many}${said}C: DATA\nC: .\nS: 354 …\nS: 250 Ok …`,
      TLS,
    )
    assert.equal(server.mails[0]?.recipients.length, 1000)
  })
})

describe('sizes', () => {
  test('a message over the limit is refused at its end, and the session goes on', async () => {
    await using server = await startInbound(limited({ messageBytes: 100 }))
    const line = `C: ${'x'.repeat(48)}\n`
    await dialog(server.port, `${OPEN}${line}${line}C: .\nS: 250 OK …\nC: QUIT\nS: 221 Bye`)
    await dialog(server.port, `${OPEN}${line}${line}C:\nC: .\nS: 552 Message is too long.\nC: NOOP\nS: 250 Ok`)
    assert.equal(server.mails.length, 1)
  })

  test('a message without end is cut off', async () => {
    await using server = await startInbound(limited({ messageBytes: 100 }))
    const text = `C: ${'x'.repeat(998)}\n`.repeat(80)
    await dialog(server.port, `${OPEN}${text}S: 552 Message is too long.\nS: 421 …\nS: [closed]`)
  })

  test('a line of a message may have 998 characters', async () => {
    await using server = await startInbound(limited({}))
    await dialog(
      server.port,
      `${OPEN}C: ${'x'.repeat(999)}
      C: .
      S: 554 Transaction failed: Message contains a line longer than 998 characters.
      C: ${'x'.repeat(2047)}
      S: 500 Error: line too long
      C: NOOP
      S: 250 Ok`,
    )
  })

  test('large messages must share the room for them; small ones always find some', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const started = Array.from({ length: 9 }, () => Promise.withResolvers<void>())
    let count = 0
    const stubs = limited(
      { messageBytes: 100_000 },
      {
        receive: () => {
          started[count++]?.resolve()
          return promise
        },
      },
    )
    await using server = await startInbound(stubs)
    await using open = new AsyncDisposableStack()
    const large = `C: ${'x'.repeat(998)}\n`.repeat(100)
    const clients = []
    for (let i = 0; i < 8; i++) {
      const client = open.use(await converse(server.port))
      await client.talk(`${OPEN}${large}C: .`)
      await started[i]?.promise
      clients.push(client)
    }
    await dialog(server.port, `${OPEN}${large}C: .\nS: 451 Temporary service failure`)
    const small = open.use(await converse(server.port))
    await small.talk(`${OPEN}C: x\nC: .`)
    await started[8]?.promise
    resolve()
    for (const client of [...clients, small]) await client.talk('S: 250 OK …')
    await dialog(server.port, `${OPEN}${large}C: .\nS: 250 OK …`)
  })
})

describe('closing', () => {
  test('sends idle clients away', async () => {
    const server = await startInbound(limited({}))
    using client = await converse(server.port)
    await client.talk('S: 220 …')
    const closed = server.close()
    await client.talk('S: 421 Service not available, closing transmission channel\nS: [closed]')
    await closed
    await assert.rejects(converse(server.port), { code: 'ECONNREFUSED' })
  })

  test('lets a message under way come to its end', async () => {
    const server = await startInbound(limited({}))
    using client = await converse(server.port)
    await client.talk(OPEN)
    const closed = server.close()
    await client.talk('C: .\nS: 250 OK …\nS: 421 …\nS: [closed]')
    await closed
    assert.equal(server.mails.length, 1)
  })

  test('lets an answer under way come out', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const started = Promise.withResolvers<void>()
    const server = await startInbound(limited({}, { receive: () => (started.resolve(), promise) }))
    using client = await converse(server.port)
    await client.talk(`${OPEN}C: .`)
    await started.promise
    const closed = server.close()
    resolve()
    await client.talk('S: 250 OK …\nS: 421 …\nS: [closed]')
    await closed
  })

  test('does not wait for ever', async () => {
    const stubs = limited({})
    const server = await startInbound(stubs)
    using client = await converse(server.port)
    await client.talk(OPEN)
    const closed = server.close()
    stubs.clock.advance(10_000)
    await closed
    await client.talk('S: [closed]')
  })

  test('does not wait for a handshake', async () => {
    const server = await startSubmission(limited({}), 'tls')
    using client = await converse(server.port)
    await dialog(server.port, 'S: 220 …', TLS)
    await server.close()
    assert.equal(await client.rest(), '')
  })

  test('a port that is taken is an error of listen()', async () => {
    await using server = await startInbound(limited({}))
    await assert.rejects(startInbound({ ...limited({}), port: server.port }), { code: 'EADDRINUSE' })
  })

  test('a login under way is not lost on the client', async () => {
    const { promise, resolve } = Promise.withResolvers<'temporary'>()
    await using server = await startSubmission(limited({}, { authenticate: () => promise }), 'tls')
    using client = await converse(server.port, TLS)
    await client.talk(`S: 220 …\nC: AUTH PLAIN ${PLAIN}\nC: NOOP\n`)
    resolve('temporary')
    await client.talk('S: 454 …\nS: 250 Ok')
  })
})
