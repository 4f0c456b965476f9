import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { simpleParser } from 'mailparser'
import { splitMessage } from '../headers.ts'
import { mayBeAnswered } from './auto-reply.ts'
import { buildBounce } from './build-bounce.ts'
import type { Bounce } from './build-bounce.ts'
import { readReport } from './read-report.ts'

const NOON = Date.UTC(2026, 0, 15, 12)
const ORIGINAL = Buffer.from('From: shop@example.com\r\nMessage-ID: <1@example.com>\r\nSubject: x\r\n\r\nGrüße\r\n')
const BOUNCE: Bounce = {
  from: 'MAILER-DAEMON@amazonses.com',
  to: 'feedback@example.com',
  messageId: '<0100019b-0-0@email.amazonses.com>',
  at: NOON,
  reportingMta: 'mail.example.com',
  arrivedAt: NOON - 1000,
  recipients: [
    {
      address: 'ann@example.org',
      action: 'failed',
      status: '5.1.1',
      diagnosticCode: 'smtp; 550 5.1.1 user unknown',
      remoteMta: 'dns; mx.example.org',
      lastAttemptAt: NOON - 500,
    },
  ],
  original: ORIGINAL,
  maxOriginalOctets: 10_000,
}

describe('a bounce that is forwarded', () => {
  test('reads as SES’s do', () => {
    const text = buildBounce(BOUNCE).toString()
    const [head = '', human = '', status = '', returned = ''] = text.split(/--=_[^\r]+\r\n/)
    assert.match(head, /^From: MAILER-DAEMON@amazonses\.com\r\nTo: feedback@example\.com\r\n/)
    assert.match(head, /\r\nSubject: Delivery Status Notification \(Failure\)\r\n/)
    assert.match(head, /\r\nContent-Type: multipart\/report; report-type=delivery-status;/)
    assert.equal(
      human,
      'Content-Type: text/plain; charset=us-ascii\r\n\r\nThe following message to <ann@example.org> was undeliverable.\r\nThe reason for the problem:\r\n550 5.1.1 user unknown\r\n\r\n',
    )
    assert.equal(
      status,
      [
        'Content-Type: message/delivery-status',
        '',
        'Reporting-MTA: dns; mail.example.com',
        'Arrival-Date: Thu, 15 Jan 2026 11:59:59 +0000',
        '',
        'Final-Recipient: rfc822;ann@example.org',
        'Action: failed',
        'Status: 5.1.1',
        'Remote-MTA: dns; mx.example.org',
        'Diagnostic-Code: smtp; 550 5.1.1 user unknown',
        'Last-Attempt-Date: Thu, 15 Jan 2026 11:59:59 +0000',
        '',
        '',
      ].join('\r\n'),
    )
    assert.equal(
      returned,
      `Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n${ORIGINAL.toString()}\r\n`,
    )
  })

  test('returns the header section of what is too long', async () => {
    const mail = await simpleParser(buildBounce({ ...BOUNCE, maxOriginalOctets: 10 }))
    const last = mail.attachments.at(-1)
    assert.equal(last?.contentType, 'text/rfc822-headers')
    assert.equal(last.content.toString(), 'From: shop@example.com\r\nMessage-ID: <1@example.com>\r\nSubject: x\r\n')
  })

  test('is answered by nobody', () => {
    const message = splitMessage(buildBounce(BOUNCE))
    assert.ok(message.ok)
    assert.equal(mayBeAnswered('feedback@example.com', message.value.headers), false)
  })

  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.constantFrom('\r\n', '--=_', 'a', ' ', 'ü', '\0', 'x'.repeat(1200))).map((list) => list.join('')),
  )
  const recipients = fc.array(
    fc.record(
      {
        address: fc.emailAddress(),
        action: fc.constantFrom('failed', 'delayed', 'delivered', 'relayed', 'expanded'),
        status: fc.tuple(fc.constantFrom(2, 4, 5), fc.nat(9), fc.nat(99)).map((parts) => parts.join('.')),
        diagnosticCode: fc.option(hostile.map((text) => `smtp; ${text}`)),
        remoteMta: fc.option(fc.constant('dns; mx.example.org')),
        lastAttemptAt: fc.option(fc.constant(NOON)),
      },
      { noNullPrototype: true },
    ),
    { minLength: 1, maxLength: 5 },
  )

  test('reads back as what it was made of, on lines that fit, whatever others said', () => {
    fc.assert(
      fc.property(recipients, hostile, fc.boolean(), (made, body, isWhole) => {
        const original = Buffer.from(`Message-ID: <1@example.com>\r\n\r\n${body}`)
        const bounce = buildBounce({ ...BOUNCE, recipients: made, original, maxOriginalOctets: isWhole ? 1e6 : 0 })
        const found = readReport(bounce, '')
        assert.ok(found.kind === 'delivery' && found.isStandard)
        assert.deepEqual(
          found.recipients.map(({ finalRecipient, action, status }) => [finalRecipient, action, status]),
          made.map(({ address, action, status }) => [address, action, status]),
        )
        assert.equal(found.returned?.messageId, '<1@example.com>')
        const own = bounce.toString('latin1').replace(original.toString('latin1'), '')
        for (const line of own.split('\r\n')) assert.match(line, /^[\t -~]{0,998}$/)
      }),
      { numRuns: 300 },
    )
  })
})
