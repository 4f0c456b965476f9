import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { fakeClock } from '../../test/support/clock.ts'
import { converse, dialog } from '../../test/support/dialog.ts'
import { base64, FALSE_ENDS, HELLO, PLAIN, startInbound, startSubmission, USER } from '../../test/support/smtp.ts'

const IN_THE_CLEAR = { config: { requireTls: false } }
const WRONG = base64(`\0${USER}\0nonsense`)

describe('smuggling', () => {
  const forged = 'MAIL FROM:<admin@example.com>\r\nRCPT TO:<victim@example.com>\r\nDATA\r\nforged\r\n.\r\n'

  for (const [name, end] of Object.entries(FALSE_ENDS)) {
    test(`${name} brings no second message`, async () => {
      await using server = await startSubmission(IN_THE_CLEAR)
      using client = await converse(server.port)
      await client.talk(`
        S: 220 …
        C: AUTH PLAIN ${PLAIN}
        C: MAIL FROM:<ann@example.com>
        C: RCPT TO:<bob@example.com>
        C: DATA
        S: 235 …
        S: 250 Ok
        S: 250 Ok
        S: 354 …`)
      client.send(`text${end}${forged}QUIT\r\n`)
      const said = (await client.rest()).split('\r\n')
      assert.match(said[0] ?? '', /^(250 Ok|554 Transaction failed: Message contains a (bare CR|bare LF|NUL))/)
      assert.match(said[1] ?? '', /^(221|421) /)
      assert.equal(said.length, 3)
      assert.ok(server.mails.length <= 1)
      assert.ok(server.mails.every(({ mailFrom }) => mailFrom === 'ann@example.com'))
    })
  }

  test('commands do not end with a lone LF either', async () => {
    await using server = await startSubmission(IN_THE_CLEAR)
    await dialog(server.port, `S: 220 …\nB: AUTH PLAIN ${PLAIN}\\nNOOP\\r\\n\nS: 500 …\nS: 421 …\nS: [closed]`)
  })
})

describe('STARTTLS', () => {
  test('with commands behind it in the same segment is refused', async () => {
    await using server = await startInbound()
    await dialog(
      server.port,
      `S: 220 …
      C: EHLO mx.example
      S: 250-…
      S: 250-…
      S: 250-…
      S: 250-…
      S: 250 Ok
      B: STARTTLS\\r\\nMAIL FROM:<a@b.example>\\r\\nRCPT TO:<a@in.example>\\r\\n
      S: 554 Error: commands pipelined after STARTTLS
      S: 421 …
      S: [closed]`,
    )
  })

  test('makes nothing of commands that come in the clear after it', async () => {
    await using server = await startInbound()
    using client = await converse(server.port)
    assert.match(await client.line(), /^220 /)
    client.send('STARTTLS\r\n')
    assert.equal(await client.line(), '220 Ready to start TLS')
    client.send('MAIL FROM:<a@b.example>\r\nRCPT TO:<a@in.example>\r\nDATA\r\n.\r\n')
    // All that may come is a TLS alert.
    assert.doesNotMatch(await client.rest(), /^[2-5]\d\d/m)
    assert.deepEqual(server.mails, [])
  })

  test('makes nothing of commands that race with its reply', async () => {
    await using server = await startInbound()
    for (let i = 0; i < 20; i++) {
      using client = await converse(server.port)
      await client.line()
      client.send('STARTTLS\r\n')
      await new Promise(setImmediate)
      client.send('MAIL FROM:<a@b.example>\r\n')
      assert.doesNotMatch(await client.rest(), /^250/m)
    }
  })

  test('forgets a login, a transaction and the name of the client', async () => {
    await using server = await startSubmission(IN_THE_CLEAR)
    await dialog(
      server.port,
      `S: 220 …
      C: HELO before.example
      S: 250 …
      C: AUTH PLAIN ${PLAIN}
      S: 235 …
      C: MAIL FROM:<before@example.com>
      S: 250 Ok
      C: STARTTLS
      S: 220 …
      C: RCPT TO:<bob@example.com>
      S: 530 Authentication required
      C: AUTH PLAIN ${PLAIN}
      S: 235 …
      C: RCPT TO:<bob@example.com>
      S: 503 Error: need MAIL command
      C: MAIL FROM:<after@example.com>
      C: RCPT TO:<bob@example.com>
      C: DATA
      C: .
      S: 250 Ok
      S: 250 Ok
      S: 354 …
      S: 250 Ok …`,
    )
    assert.deepEqual([server.mails[0]?.mailFrom, server.mails[0]?.heloName], ['after@example.com', ''])
  })

  test('that fails ends the connection', async () => {
    await using server = await startSubmission()
    using client = await converse(server.port)
    await client.line()
    client.send('STARTTLS\r\n')
    await client.line()
    client.send(Buffer.from([22, 3, 1, 0, 4, 1, 0, 0, 0]))
    client.end()
    await client.rest()
  })
})

describe('logins', () => {
  test('may fail three times on one connection', async () => {
    await using server = await startSubmission({}, 'tls')
    const attempt = `\nC: AUTH PLAIN ${WRONG}\nS: 535 Authentication Credentials Invalid`
    await dialog(server.port, `${HELLO}${attempt}${attempt}${attempt}\nS: 421 …\nS: [closed]`, { tls: true })
    assert.ok(server.logged.some((line) => line.includes('login refused') && line.includes(USER)))
  })

  test('that fail again and again are not looked at for a while', async () => {
    const clock = fakeClock()
    let asked = 0
    const authenticate = async () => (asked++, 'invalid' as const)
    await using server = await startSubmission({ clock, authenticate }, 'tls')
    const attempt = `S: 220 …\nC: AUTH PLAIN ${WRONG}\n`
    for (let i = 0; i < 6; i++) await dialog(server.port, `${attempt}S: 535 …`, { tls: true })
    await dialog(server.port, `${attempt}S: 454 Temporary authentication failure`, { tls: true })
    assert.equal(asked, 6)
    clock.advance(1000)
    await dialog(server.port, `${attempt}S: 535 …`, { tls: true })
  })
})

test('a web request is turned away with its body', async () => {
  await using server = await startInbound()
  await dialog(
    server.port,
    `S: 220 …
    C: POST / HTTP/1.1
    C: Host: localhost
    C:
    C: MAIL FROM:<a@b.example>
    S: 500 Error: command not implemented
    S: 421 …
    S: [closed]`,
  )
})

test('TLS on the port that begins in the clear is told so and ended', async () => {
  await using server = await startInbound()
  const hello = String.raw`\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03`
  await dialog(server.port, `S: 220 …\nB: ${hello}\nS: 500 Error: NUL is not allowed\nS: 421 …\nS: [closed]`)
})

test('clear text on the TLS port gets no word of SMTP', async () => {
  await using server = await startSubmission({}, 'tls')
  using client = await converse(server.port)
  client.send('EHLO client.example\r\n')
  assert.doesNotMatch(await client.rest(), /^[2-5]\d\d/m)
  await dialog(server.port, 'S: 220 …', { tls: true })
})

test('a message in chunks (BDAT), which nobody offered, is no message', async () => {
  await using server = await startInbound()
  await dialog(
    server.port,
    `S: 220 …
    C: MAIL FROM:<a@b.example>
    C: RCPT TO:<a@in.example>
    C: BDAT 27 LAST
    C: MAIL FROM:<c@d.example>
    C: QUIT
    S: 250 Ok
    S: 250 Ok
    S: 500 Error: command not implemented
    S: 503 Sender already specified.
    S: 221 Bye
    S: [closed]`,
  )
  assert.deepEqual(server.mails, [])
})

test('the name of the client cannot carry control characters', async () => {
  await using server = await startInbound()
  await dialog(
    server.port,
    `S: 220 …
    B: HELO a\\tb\\x01\\xc3\\xa9 (comment)\\r\\n
    S: 250 …
    C: MAIL FROM:<a@b.example>
    C: RCPT TO:<a@in.example>
    C: DATA
    C: .
    S: 250 Ok
    S: 250 Ok
    S: 354 …
    S: 250 OK …`,
  )
  assert.equal(server.mails[0]?.heloName, 'a?b??')
})
