/** SES's SMTP dialogue word for word (docs/fidelity.md), as clients of both submission ports meet it. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { createTransport } from 'nodemailer'
import { SesError } from '../src/errors/fail.ts'
import type { Failure } from '../src/errors/catalogue.ts'
import { converse, dialog } from './support/dialog.ts'
import { base64, HELLO, LOGIN, MESSAGE, PASSWORD, PLAIN, startSubmission, USER } from './support/smtp.ts'

describe('submission', () => {
  test('goes as in the guide: STARTTLS, AUTH LOGIN, a message, QUIT', async () => {
    await using server = await startSubmission()
    const said = await dialog(
      server.port,
      `
      S: 220 ses.example ESMTP SimpleEmailService-d-…
      C: EHLO client.example
      S: 250-ses.example
      S: 250-8BITMIME
      S: 250-PIPELINING
      S: 250-STARTTLS
      S: 250 Ok
      C: STARTTLS
      S: 220 Ready to start TLS
      C: EHLO again.example
      S: 250-ses.example
      S: 250-8BITMIME
      S: 250-PIPELINING
      S: 250-AUTH PLAIN LOGIN
      S: 250 Ok
      C: AUTH LOGIN
      S: 334 VXNlcm5hbWU6
      C: ${base64(USER)}
      S: 334 UGFzc3dvcmQ6
      C: ${base64(PASSWORD)}
      S: 235 Authentication successful.
      ${MESSAGE}
      S: 250 Ok 0100018a2fd2c0a5-0-000000
      C: QUIT
      S: 221 Bye
      S: [closed]`,
    )
    assert.match(said[0] ?? '', /^220 ses\.example ESMTP SimpleEmailService-d-[A-Z0-9]{9} [A-Za-z0-9]{20}$/)
    const [mail] = server.mails
    assert.deepEqual(mail, {
      session: { principal: { accessKeyId: USER }, region: 'us-east-1' },
      mailFrom: 'ann@example.com',
      recipients: ['bob@example.com'],
      data: Buffer.from('Subject: Hi\r\n\r\nBob\r\n'),
      sourceIp: '127.0.0.1',
      tlsVersion: 'TLSv1.3',
      requestId: mail?.requestId,
      heloName: 'again.example',
    })
  })

  test('takes several messages on one connection, and everything in one segment (PIPELINING)', async () => {
    await using server = await startSubmission({}, 'tls')
    await dialog(
      server.port,
      `${LOGIN}
      C: MAIL FROM:<ann@example.com>
      C: RCPT TO:<bob@example.com>
      C: RCPT TO:<cid@example.com>
      C: DATA
      C: one
      C: .
      C: MAIL FROM:<dan@example.com>
      C: RCPT TO:<eve@example.com>
      C: DATA
      C: ..two
      C: .
      C: NOOP
      C: QUIT
      S: 250 Ok
      S: 250 Ok
      S: 250 Ok
      S: 354 End data with <CR><LF>.<CR><LF>
      S: 250 Ok 0100018a2fd2c0a5-0-000000
      S: 250 Ok
      S: 250 Ok
      S: 354 End data with <CR><LF>.<CR><LF>
      S: 250 Ok 0100018a2fd2c0a5-1-000000
      S: 250 Ok
      S: 221 Bye
      S: [closed]`,
      { tls: true },
    )
    const [one, two] = server.mails
    assert.deepEqual(one?.recipients, ['bob@example.com', 'cid@example.com'])
    assert.deepEqual(
      [two?.mailFrom, two?.recipients, two?.data.toString()],
      ['dan@example.com', ['eve@example.com'], '.two\r\n'],
    )
  })

  test('offers and takes AUTH in the clear where TLS is not required', async () => {
    await using server = await startSubmission({ config: { requireTls: false } })
    await dialog(
      server.port,
      `
      S: 220 …
      C: EHLO client.example
      S: 250-ses.example
      S: 250-8BITMIME
      S: 250-PIPELINING
      S: 250-STARTTLS
      S: 250-AUTH PLAIN LOGIN
      S: 250 Ok
      C: AUTH PLAIN ${PLAIN}
      S: 235 Authentication successful.
      ${MESSAGE}
      S: 250 Ok 0100018a2fd2c0a5-0-000000`,
    )
    assert.equal(server.mails[0]?.tlsVersion, null)
  })

  test('answers a client that has half-closed after its message', async () => {
    await using server = await startSubmission({ config: { requireTls: false } })
    using client = await converse(server.port)
    await client.talk(`S: 220 …\nC: AUTH PLAIN ${PLAIN}\nS: 235 …\n${MESSAGE}`)
    client.end()
    await client.talk('S: 250 Ok …\nS: [closed]')
    assert.equal(server.mails.length, 1)
  })

  test('answers the small commands', async () => {
    await using server = await startSubmission({}, 'tls')
    await dialog(
      server.port,
      `S: 220 …
      C: HELO client.example
      S: 250 ses.example
      C: noop whatever
      S: 250 Ok
      C: RSET
      S: 250 Ok
      C: AUTH PLAIN ${PLAIN}
      S: 235 …
      C: VRFY ann
      S: 502 VRFY command is disabled
      C: EXPN staff
      S: 502 EXPN command is disabled
      C: HELP
      S: 214 …
      C: EHLO
      S: 501 Syntax: EHLO hostname
      C: HELO
      S: 501 Syntax: HELO hostname
      C: ETRN x
      S: 500 Error: command not implemented
      C: X
      S: 500 Error: bad syntax
      C: STARTTLS
      S: 454 TLS not available due to temporary reason: TLS already active`,
      { tls: true },
    )
  })

  test('wants TLS first, where that is required', async () => {
    await using server = await startSubmission()
    await dialog(
      server.port,
      `S: 220 …
      C: AUTH LOGIN
      S: 530 Must issue a STARTTLS command first
      C: AUTH PLAIN ${PLAIN}
      S: 530 Must issue a STARTTLS command first
      C: MAIL FROM:<ann@example.com>
      S: 530 Must issue a STARTTLS command first
      C: RSET
      S: 530 Must issue a STARTTLS command first
      C: STARTTLS now
      S: 501 Syntax error (no parameters allowed)
      C: NOOP
      S: 250 Ok
      C: QUIT
      S: 221 Bye`,
    )
  })

  test('wants to know who is there', async () => {
    await using server = await startSubmission({}, 'tls')
    const commands = ['MAIL FROM:<ann@example.com>', 'RCPT TO:<bob@example.com>', 'DATA']
    const steps = commands.map((command) => `C: ${command}\nS: 530 Authentication required`)
    await dialog(server.port, [HELLO, ...steps].join('\n'), { tls: true })
  })

  test('keeps the order of commands', async () => {
    await using server = await startSubmission({}, 'tls')
    await dialog(
      server.port,
      `${LOGIN}
      C: RCPT TO:<bob@example.com>
      S: 503 Error: need MAIL command
      C: DATA
      S: 503 Error: need MAIL command
      C: MAIL FROM:<ann@example.com>
      S: 250 Ok
      C: DATA
      S: 503 Error: need RCPT command
      C: MAIL FROM:<ann@example.com>
      S: 503 Sender already specified.
      C: AUTH PLAIN ${PLAIN}
      S: 503 Refusing any other AUTH command.
      C: RCPT TO:<bob@example.com>
      S: 250 Ok
      C: DATA now
      S: 501 Syntax error (no parameters allowed)
      C: RSET
      S: 250 Ok
      C: DATA
      S: 503 Error: need MAIL command
      C: MAIL FROM:<ann@example.com>
      S: 250 Ok
      C: EHLO again.example
      S: 250-…
      S: 250-…
      S: 250-…
      S: 250-…
      S: 250 Ok
      C: RCPT TO:<bob@example.com>
      S: 503 Error: need MAIL command`,
      { tls: true },
    )
  })

  for (const [argument, said] of [
    ['FROM: ann@example.com', '250 Ok'],
    ['FROM:<ann@example.com> SIZE=1000 BODY=8BITMIME AUTH=<>', '250 Ok'],
    ['from:<ann@example.com> body=7bit', '250 Ok'],
    ['FROM:<>', '501 Invalid MAIL FROM address provided'],
    ['FROM:<ann>', '501 Invalid MAIL FROM address provided'],
    ['FROM:<ann@example.com', '501 Invalid MAIL FROM address provided'],
    ['FROM', '501 Invalid MAIL FROM address provided'],
    ['TO:<ann@example.com>', '501 Invalid MAIL FROM address provided'],
    ['FROM:<ann@example.com> SIZE=x', '501 Syntax error in parameters or arguments'],
    ['FROM:<ann@example.com> SIZE', '501 Syntax error in parameters or arguments'],
    ['FROM:<ann@example.com> SIZE=41943041', '552 Message is too long.'],
    ['FROM:<ann@example.com> SIZE=41943040', '250 Ok'],
    ['FROM:<ann@example.com> BODY=BINARYMIME', '504 Command parameter not implemented'],
    ['FROM:<ann@example.com> SMTPUTF8', '555 MAIL FROM/RCPT TO parameters not recognized or not implemented'],
    ['FROM:<ann@example.com> RET=HDRS', '555 MAIL FROM/RCPT TO parameters not recognized or not implemented'],
  ] as const) {
    test(`MAIL ${argument} is answered ${said}`, async () => {
      await using server = await startSubmission({}, 'tls')
      await dialog(server.port, `${LOGIN}\nC: MAIL ${argument}\nS: ${said}`, { tls: true })
    })
  }

  for (const [argument, said] of [
    ['TO: bob@example.com', '250 Ok'],
    ['TO:<"bob smith"@example.com>', '250 Ok'],
    ['TO:<>', '501 Invalid RCPT TO address provided'],
    ['TO:<bob>', '501 Invalid RCPT TO address provided'],
    ['FROM:<bob@example.com>', '501 Invalid RCPT TO address provided'],
    ['TO:<bob@example.com> NOTIFY=NEVER', '555 MAIL FROM/RCPT TO parameters not recognized or not implemented'],
    ['TO:<bob@example.com> =', '501 Syntax error in parameters or arguments'],
  ] as const) {
    test(`RCPT ${argument} is answered ${said}`, async () => {
      await using server = await startSubmission({}, 'tls')
      await dialog(server.port, `${LOGIN}\nC: MAIL FROM:<a@example.com>\nS: 250 Ok\nC: RCPT ${argument}\nS: ${said}`, {
        tls: true,
      })
    })
  }

  for (const [failure, text, said] of [
    [
      'MessageRejected',
      'Email address is not verified. The following identities failed the check in region US-EAST-1: a@x.com',
      '554 Message rejected: Email address is not verified. The following identities failed the check in region US-EAST-1: a@x.com',
    ],
    ['InvalidParameterValue', 'Recipient count exceeds 50.', '554 Transaction failed: Recipient count exceeds 50.'],
    [
      'AccessDenied',
      "User `arn:aws:iam::1:user/x' is not authorized",
      "554 Access denied: User `arn:aws:iam::1:user/x' is not authorized",
    ],
    [
      'MailFromDomainNotVerified',
      'DNS setup for MAIL FROM domain is invalid.',
      '554 MAIL FROM domain not verified: DNS setup for MAIL FROM domain is invalid.',
    ],
    ['SendingThrottled', 'Maximum sending rate exceeded.', '454 Throttling failure: Maximum sending rate exceeded.'],
    ['MessageTooLong', null, '552 Message is too long.'],
    ['ServiceUnavailable', null, '451 Temporary service failure'],
  ] as const satisfies readonly (readonly [Failure, string | null, string])[]) {
    test(`a message that fails with ${failure} is answered ${said.slice(0, 40)}, and the session goes on`, async () => {
      const failures: SesError[] = [new SesError(failure, text)]
      await using server = await startSubmission(
        {
          async submit() {
            const error = failures.pop()
            if (error) throw error
            return { messageId: 'next' }
          },
        },
        'tls',
      )
      await dialog(
        server.port,
        `${LOGIN}${MESSAGE}\nS: ${said}\nC: RCPT TO:<b@c.example>\nS: 503 …${MESSAGE}\nS: 250 Ok next`,
        { tls: true },
      )
      assert.equal(server.mails.length, 1)
    })
  }

  test('a bug is told as a temporary failure, and logged', async () => {
    await using server = await startSubmission({ submit: () => Promise.reject(new TypeError('secret detail')) }, 'tls')
    await dialog(server.port, `${LOGIN}${MESSAGE}\nS: 451 Temporary service failure`, { tls: true })
    assert.ok(server.logged.some((line) => line.includes('level=error') && line.includes('secret detail')))
  })
})

describe('nodemailer', () => {
  for (const mode of ['starttls', 'tls'] as const) {
    test(`sends over ${mode}, pooled, and reads the MessageId`, async () => {
      await using server = await startSubmission({}, mode)
      const transport = createTransport({
        host: '127.0.0.1',
        port: server.port,
        secure: mode === 'tls',
        requireTLS: true,
        pool: true,
        maxConnections: 2,
        auth: { user: USER, pass: PASSWORD },
        tls: { rejectUnauthorized: false },
      })
      const text = 'Grüße\n.\n..\nend\n'
      const sent = await Promise.all(
        [1, 2, 3].map(() =>
          transport.sendMail({
            from: 'ann@example.com',
            to: ['bob@example.com', 'cid@example.com'],
            subject: 'Hi',
            text,
          }),
        ),
      )
      for (const { response } of sent) assert.match(response, /^250 Ok 0100018a2fd2c0a5-\d-000000$/)
      transport.close()
      assert.equal(server.mails.length, 3)
      for (const { recipients, data } of server.mails) {
        assert.deepEqual(recipients, ['bob@example.com', 'cid@example.com'])
        assert.match(data.toString(), /^\.\r\n\.\.\r\nend\r\n$/m)
      }
    })
  }

  test('is told of wrong credentials and of a rejected message', async () => {
    const rejected = new SesError('MessageRejected', 'No.')
    await using server = await startSubmission({ submit: () => Promise.reject(rejected) }, 'tls')
    const to = (pass: string) =>
      createTransport({
        host: '127.0.0.1',
        port: server.port,
        secure: true,
        auth: { user: USER, pass },
        tls: { rejectUnauthorized: false },
      })
    const mail = { from: 'ann@example.com', to: 'bob@example.com', text: 'x' }
    await assert.rejects(to('wrong').sendMail(mail), { code: 'EAUTH', responseCode: 535 })
    await assert.rejects(to(PASSWORD).sendMail(mail), { responseCode: 554, response: '554 Message rejected: No.' })
  })
})
