import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { classifyReport } from '../bounces/classify.ts'
import { readReport } from './read-report.ts'
import type { Report } from './read-report.ts'

function report(lines: readonly string[], envelopeSender = ''): Report {
  return readReport(Buffer.from(lines.join('\r\n')), envelopeSender)
}

/** `ann@example.org failed 5.1.1` a recipient, and what SES makes of it. */
function told(found: Report): string[] {
  assert.equal(found.kind, 'delivery')
  return found.recipients.map(({ finalRecipient, action, status, diagnosticCode }) => {
    const { bounceType, bounceSubType } = classifyReport({ status, diagnosticCode })
    return `${finalRecipient} ${action} ${status} ${bounceType}/${bounceSubType}`
  })
}

function returnedId(found: Report): string | null {
  assert.ok(found.kind === 'delivery' || found.kind === 'feedback')
  return found.returned?.messageId ?? null
}

const RETURNED = [
  'Return-Path: <token@bounces.example.com>',
  'Received: from a by b; Thu, 15 Jan 2026 12:00:00 +0000',
  'From: Shop <shop@example.com>',
  'To: ann@example.org',
  'Subject: Your order',
  'Message-ID: <1@example.com>',
]
const HARD = 'Permanent/General'

describe('a report by RFC 3464', () => {
  const standard = (
    status: readonly string[],
    returned: readonly string[] = ['Content-Type: message/rfc822', '', ...RETURNED, '', 'Hi'],
  ) => [
    'From: MAILER-DAEMON@mx.example.org (Mail Delivery System)',
    'Subject: Undelivered Mail Returned to Sender',
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status;',
    '\tboundary="B"',
    '',
    'This is a MIME-encapsulated message.',
    '--B',
    'Content-Type: text/plain; charset=us-ascii',
    '',
    'I am sorry to tell you …',
    '--B',
    'Content-Type: message/delivery-status',
    '',
    ...status,
    '--B',
    ...returned,
    '--B--',
    '',
  ]

  test('as Postfix writes it', () => {
    const found = report(
      standard([
        'Reporting-MTA: dns; mx.example.org',
        'X-Postfix-Queue-ID: 4ABC',
        'Arrival-Date: Thu, 15 Jan 2026 13:00:00 +0100 (CET)',
        '',
        'Final-Recipient: rfc822; ann@example.org',
        'Original-Recipient: rfc822;ann+news@example.org',
        'Action: failed',
        'Status: 5.1.1',
        'Remote-MTA: dns; inner.example.org',
        'Diagnostic-Code: smtp; 550 5.1.1 <ann@example.org>: Recipient address',
        '    rejected: User unknown',
        '',
        'Final-Recipient: rfc822; bob@example.org',
        'Action: delayed',
        'Status: 4.2.2 (mailbox full)',
      ]),
    )
    assert.ok(found.kind === 'delivery')
    assert.deepEqual(
      { ...found, returned: null },
      {
        kind: 'delivery',
        isStandard: true,
        reportingMta: 'dns; mx.example.org',
        arrivedAt: Date.UTC(2026, 0, 15, 12),
        recipients: [
          {
            originalRecipient: 'ann+news@example.org',
            finalRecipient: 'ann@example.org',
            action: 'failed',
            status: '5.1.1',
            diagnosticCode: 'smtp; 550 5.1.1 <ann@example.org>: Recipient address rejected: User unknown',
            remoteMta: 'dns; inner.example.org',
          },
          {
            originalRecipient: null,
            finalRecipient: 'bob@example.org',
            action: 'delayed',
            status: '4.2.2',
            diagnosticCode: null,
            remoteMta: null,
          },
        ],
        returned: null,
      },
    )
    assert.equal(returnedId(found), '<1@example.com>')
  })

  test('with only the header section of the message', () => {
    const found = report(
      standard(
        [
          'Reporting-MTA: dns;x',
          '',
          'Final-Recipient: RFC822;<ann@example.org>',
          'Action: Failed (permanent)',
          'Status: 5.0.0',
        ],
        ['Content-Type: text/rfc822-headers', '', ...RETURNED],
      ),
    )
    assert.deepEqual(told(found), [`ann@example.org failed 5.0.0 ${HARD}`])
    assert.equal(returnedId(found), '<1@example.com>')
  })

  test('without blank lines, without actions, with blank lines at the start', () => {
    const found = report(
      standard([
        '',
        'Reporting-MTA: dns;x',
        'Final-Recipient: rfc822;ann@example.org',
        'Status: 5.2.2',
        'Final-Recipient: rfc822;bob@example.org',
        'Diagnostic-Code: smtp;550 5.1.1 unknown',
        'Final-Recipient: rfc822;nobody@example.org',
      ]),
    )
    assert.deepEqual(told(found), [
      'ann@example.org failed 5.2.2 Transient/MailboxFull',
      `bob@example.org failed 5.1.1 ${HARD}`,
    ])
  })

  test('with the status encoded, in a mail whose header section is broken', () => {
    const status = Buffer.from('Final-Recipient: rfc822;ann@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n')
    const lines = standard([status.toString('base64')])
    const at = lines.indexOf('Content-Type: message/delivery-status')
    const encoded = lines.toSpliced(at + 1, 0, 'Content-Transfer-Encoding: base64')
    assert.deepEqual(told(report(['X bad header: x', ...encoded])), [`ann@example.org failed 5.1.1 ${HARD}`])
  })

  test('of success', () => {
    const found = report(standard(['Final-Recipient: rfc822;ann@example.org', 'Action: relayed', 'Status: 2.0.0']))
    assert.deepEqual(told(found), ['ann@example.org relayed 2.0.0 Undetermined/Undetermined'])
  })

  test('of nobody is no report', () => {
    assert.equal(
      report(['Subject: x', 'Content-Type: message/delivery-status', '', 'Reporting-MTA: dns;x']).kind,
      'other',
    )
  })
})

describe('what is no bounce', () => {
  const from = 'From: Ann <ann@example.org>'
  const AUTOMATIC: readonly (readonly string[])[] = [
    [from, 'Subject: Re: Your order', 'Auto-Submitted: auto-replied; owner-email="a"', '', 'I am away'],
    [from, 'Subject: Automatic reply: Your order', '', 'I am away'],
    [from, 'Subject: =?utf-8?q?R=C3=A9ponse_automatique_=3A_x?=', '', 'Je suis absent'],
    [from, 'Subject: Abwesenheitsnotiz: x', '', 'Ich bin nicht da'],
    [from, 'Subject: Re: x', 'Precedence: auto_reply', '', 'x'],
    [from, 'Subject: Re: x', 'X-Autoreply: yes', '', 'x'],
    ['From: postmaster@example.org', 'Subject: Out of Office: x', 'Auto-Submitted: auto-generated', '', 'Gone fishing'],
  ]

  test('an automatic answer, by its fields or its subject', () => {
    for (const lines of AUTOMATIC) assert.equal(report(lines).kind, 'auto-reply', lines.join('\n'))
  })

  test('a person’s answer', () => {
    for (const lines of [
      [from, 'Subject: Re: Your order', '', 'Thanks! 550 thanks to bob@example.org'],
      [from, 'Subject: Re: x', 'Auto-Submitted: no', '', 'x'],
      [from, 'Subject: Re: the vacation', '', 'x'],
      ['From: postmaster@example.org', 'Subject: hello', '', 'ann@example.org is a nice address'],
      [''],
      ['', ''],
    ]) {
      assert.equal(report(lines).kind, 'other', lines.join('\n'))
    }
  })
})
