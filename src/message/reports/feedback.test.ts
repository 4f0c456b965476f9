import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { feedbackReport } from '../../../test/support/reports.ts'
import { readReport } from './read-report.ts'
import type { Report } from './read-report.ts'

const RETURNED = [
  'Return-Path: <token@bounces.example.com>',
  'From: Shop <shop@example.com>',
  'To: undisclosed-recipients:;',
  'Message-ID: <1@example.com>',
]

function read(
  fields: readonly string[],
  returned: readonly string[] = ['Content-Type: message/rfc822', '', ...RETURNED, '', 'Hi'],
): Report {
  return readReport(Buffer.from(`${feedbackReport(fields, returned).join('\r\n')}\r\n`), 'abuse@example.org')
}

describe('a complaint', () => {
  test('as RFC 5965 has it', () => {
    const found = read([
      'Feedback-Type: abuse',
      'User-Agent: SomeGenerator/1.0',
      'Version: 1',
      'Original-Mail-From: <token@bounces.example.com>',
      'Original-Rcpt-To: <ann@example.org>',
      'Original-Rcpt-To: <bob@example.org>',
      'Arrival-Date: Tue, 8 Mar 2005 14:00:00 EDT',
      'Reporting-MTA: dns; mail.example.org',
      'Source-IP: 192.0.2.1',
      'Reported-Domain: example.com',
    ])
    assert.ok(found.kind === 'feedback')
    assert.deepEqual(
      { ...found, returned: found.returned?.messageId },
      {
        kind: 'feedback',
        feedbackType: 'abuse',
        userAgent: 'SomeGenerator/1.0',
        arrivedAt: Date.UTC(2005, 2, 8, 18),
        originalMailFrom: 'token@bounces.example.com',
        originalRecipients: ['ann@example.org', 'bob@example.org'],
        sourceIp: '192.0.2.1',
        returned: '<1@example.com>',
      },
    )
  })

  test('as Yahoo and AOL write it', () => {
    const found = read(
      [
        'Feedback-Type: Abuse',
        'User-Agent: Yahoo!-Mail-Feedback/1.0',
        'Version: 0.1',
        '',
        'Original-Mail-From: token@bounces.example.com',
        'Original-Rcpt-To: redacted',
        'Received-Date: Thu, 15 Jan 2026 12:00:00 GMT',
        'Redacted-Address: redacted@',
      ],
      ['Content-Type: text/rfc822-headers', '', ...RETURNED],
    )
    assert.ok(found.kind === 'feedback')
    assert.deepEqual(
      [found.feedbackType, found.arrivedAt, found.originalRecipients, found.returned?.messageId],
      ['abuse', Date.UTC(2026, 0, 15, 12), [], '<1@example.com>'],
    )
  })

  test('of a type that SES does not know is another', () => {
    for (const [type, known] of [
      ['not-spam', 'not-spam'],
      ['VIRUS', 'virus'],
      ['opt-out', 'other'],
      ['', 'other'],
      ['__proto__', 'other'],
    ]) {
      const found = read([`Feedback-Type: ${type}`])
      assert.equal(found.kind === 'feedback' && found.feedbackType, known)
    }
  })

  test('as Outlook.com’s junk mail reporting sends it', () => {
    const lines = (subject: string, named: readonly string[]) => [
      'From: staff@hotmail.example',
      `Subject: ${subject}`,
      'Content-Type: multipart/mixed; boundary="B"',
      '',
      '--B',
      'Content-Type: message/rfc822',
      '',
      ...named,
      ...RETURNED,
      '',
      'Hi',
      '--B--',
      '',
    ]
    const readJunk = (subject: string, named: readonly string[]) =>
      readReport(Buffer.from(lines(subject, named).join('\r\n')), 'staff@hotmail.example')
    const found = readJunk('complaint about message from 192.0.2.1', ['X-HmXmrOriginalRecipient: ann@hotmail.example'])
    assert.ok(found.kind === 'feedback')
    assert.deepEqual(
      [found.feedbackType, found.originalMailFrom, found.originalRecipients, found.returned?.messageId],
      ['abuse', 'token@bounces.example.com', ['ann@hotmail.example'], '<1@example.com>'],
    )
    assert.equal(readJunk('complaint about message from 192.0.2.1', []).kind, 'feedback')
    assert.equal(readJunk('Fwd: look at this', []).kind, 'other')
  })
})
