import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { SesError } from '../errors/fail.ts'
import { dialog } from '../../test/support/dialog.ts'
import { PLAIN, startInbound } from '../../test/support/smtp.ts'

describe('the MX', () => {
  test('asks for each recipient, has no AUTH, and takes the null sender', async () => {
    await using server = await startInbound()
    await dialog(
      server.port,
      `
      S: 220 ses.example ESMTP SimpleEmailService-d-…
      C: EHLO mx.example
      S: 250-ses.example
      S: 250-8BITMIME
      S: 250-PIPELINING
      S: 250-STARTTLS
      S: 250 Ok
      C: AUTH PLAIN ${PLAIN}
      S: 502 Authentication not supported
      C: MAIL FROM:<>
      C: RCPT TO:<bob@elsewhere.example>
      C: RCPT TO:<ann@in.example>
      C: DATA
      S: 250 Ok
      S: 550 5.1.1 Requested action not taken: mailbox unavailable
      S: 250 Ok
      S: 354 End data with <CR><LF>.<CR><LF>
      C: text
      C: .
      S: 250 OK …
      C: STARTTLS
      S: 220 Ready to start TLS
      C: MAIL FROM:<cid@example.com>
      S: 250 Ok
      C: RCPT TO:<bob@elsewhere.example>
      S: 550 5.1.1 Requested action not taken: mailbox unavailable
      C: DATA
      S: 503 Error: need RCPT command`,
    )
    const [mail] = server.mails
    assert.deepEqual([mail?.mailFrom, mail?.recipients, mail?.data.toString()], ['', ['ann@in.example'], 'text\r\n'])
  })

  test('tells failures of receiving', async () => {
    await using server = await startInbound({ receive: () => Promise.reject(new SesError('ServiceUnavailable', null)) })
    await dialog(
      server.port,
      'S: 220 …\nC: MAIL FROM:<a@b.example>\nC: RCPT TO:<a@in.example>\nC: DATA\nC: .\nS: 250 Ok\nS: 250 Ok\nS: 354 …\nS: 451 Temporary service failure',
    )
  })
})
