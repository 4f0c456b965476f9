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

type Sample = { readonly lines: readonly string[]; readonly says: readonly string[]; readonly id?: string | null }

const SAMPLES: Readonly<Record<string, Sample>> = {
  qmail: {
    lines: [
      'From: MAILER-DAEMON@mx.example.org',
      'Subject: failure notice',
      '',
      'Hi. This is the qmail-send program at mx.example.org.',
      "I'm afraid I wasn't able to deliver your message to the following addresses.",
      "This is a permanent error; I've given up. Sorry it didn't work out.",
      '',
      '<ann@example.org>:',
      'Sorry, no mailbox here by that name. (#5.1.1)',
      '',
      '<bob@example.net>:',
      '192.0.2.1 does not like recipient.',
      'Remote host said: 552 5.2.2 over quota',
      'Giving up on 192.0.2.1.',
      '',
      '--- Below this line is a copy of the message.',
      '',
      ...RETURNED,
      '',
      'someone@example.com',
    ],
    says: [`ann@example.org failed 5.1.1 ${HARD}`, 'bob@example.net failed 5.2.2 Transient/MailboxFull'],
  },
  Exim: {
    lines: [
      'X-Failed-Recipients: ann@example.org,',
      ' bob@example.net',
      'From: Mail Delivery System <Mailer-Daemon@mx.example.com>',
      'Subject: Mail delivery failed: returning message to sender',
      '',
      'This message was created automatically by mail delivery software.',
      '',
      'A message that you sent could not be delivered to one or more of its',
      'recipients. This is a permanent error. The following address(es) failed:',
      '',
      '  ann@example.org',
      '    SMTP error from remote mail server after RCPT TO:<ann@example.org>:',
      '    host mx.example.org [192.0.2.1]: 550 5.1.1 User unknown',
      '',
      '  bob@example.net',
      '    Unrouteable address',
      '',
      '------ This is a copy of the message, including all the headers. ------',
      '',
      ...RETURNED,
    ],
    says: [`ann@example.org failed 5.1.1 ${HARD}`, `bob@example.net failed null ${HARD}`],
  },
  'Exim, of a delay': {
    lines: [
      'From: Mail Delivery System <Mailer-Daemon@mx.example.com>',
      'Subject: Warning: message 1abc-2 delayed 24 hours',
      '',
      'This message was created automatically by mail delivery software.',
      'A message that you sent has not yet been delivered to one or more of its',
      'recipients after more than 24 hours on the queue on mx.example.com.',
      'The address to which the message has not yet been delivered is:',
      '',
      '  ann@example.org',
      '    host mx.example.org [192.0.2.1]: 451 4.7.1 try later',
      '',
      'No action is required on your part.',
    ],
    says: ['ann@example.org delayed 4.7.1 Transient/ContentRejected'],
    id: null,
  },
  'Exchange 5.5': {
    lines: [
      'From: System Administrator <postmaster@example.org>',
      'Subject: Undeliverable: Your order',
      '',
      'Your message',
      '',
      '  To:      ann@example.org',
      '  Subject: Your order',
      '  Sent:    Thu, 15 Jan 2026 12:00:00 +0000',
      '',
      'did not reach the following recipient(s):',
      '',
      'ann@example.org on Thu, 15 Jan 2026 12:00:01 +0000',
      '    The recipient name is not recognized',
      '\tThe MTS-ID of the original message is: c=us;a= ;p=example',
      '    MSEXCH:IMS:EXAMPLE:MAIL 0 (000C05A6) Unknown Recipient',
    ],
    says: [`ann@example.org failed null ${HARD}`],
    id: null,
  },
  'Exchange in HTML': {
    lines: [
      'From: postmaster@example.org',
      'Subject: Undeliverable: Your order',
      'Content-Type: text/html',
      '',
      '<html><body><p>Delivery has failed to these recipients or groups:</p><p><a href="mailto:ann@example.org">ann@example.org</a></p>',
      '<p>The address could not be found.</p><p>#550 5.1.1 RESOLVER.ADR.ExRecipNotFound; not found ##</p>',
      '<p>Original message headers:</p><pre>Message-ID: &lt;1@example.com&gt;</pre></body></html>',
    ],
    says: [`ann@example.org failed 5.1.1 ${HARD}`],
  },
  'Gmail of earlier years': {
    lines: [
      'From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>',
      'X-Failed-Recipients: ann@example.org',
      'Subject: Delivery Status Notification (Failure)',
      '',
      'Delivery to the following recipient failed permanently:',
      '',
      '     ann@example.org',
      '',
      'Technical details of permanent failure: ',
      'The error that the other server returned was:',
      '550 550 5.1.1 User unknown',
      '',
      '----- Original message -----',
      '',
      ...RETURNED,
    ],
    says: [`ann@example.org failed 5.1.1 ${HARD}`],
  },
  'Gmail, of a delay': {
    lines: [
      'From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>',
      'Subject: Delivery Status Notification (Delay)',
      '',
      'This is an automatically generated Delivery Status Notification',
      'THIS IS A WARNING MESSAGE ONLY.',
      'YOU DO NOT NEED TO RESEND YOUR MESSAGE.',
      'Delivery to the following recipient has been delayed:',
      '',
      '     ann@example.org',
      '',
      'Message will be retried for 2 more day(s)',
    ],
    says: ['ann@example.org delayed null Undetermined/Undetermined'],
    id: null,
  },
  'Yahoo of earlier years': {
    lines: [
      'From: MAILER-DAEMON@yahoo.example',
      'Subject: Failure Notice',
      '',
      'Sorry, we were unable to deliver your message to the following address.',
      '',
      '<ann@example.org>:',
      "554: delivery error: dd This user doesn't have a yahoo.example account (ann@example.org) [0]",
      '',
      '--- Below this line is a copy of the message.',
      '',
      ...RETURNED,
    ],
    says: [`ann@example.org failed null ${HARD}`],
  },
  Domino: {
    lines: [
      'From: Postmaster@example.org',
      'Subject: DELIVERY FAILURE: User ann (ann@example.org) not listed in Domino Directory',
      '',
      'Your message',
      '',
      '  Subject: Your order',
      '',
      'was not delivered to:',
      '',
      '  ann@example.org',
      '',
      'because:',
      '',
      '  User ann (ann@example.org) not listed in Domino Directory',
    ],
    says: [`ann@example.org failed null ${HARD}`],
    id: null,
  },
  Sendmail: {
    lines: [
      'From: Mail Delivery Subsystem <MAILER-DAEMON@mx.example.com>',
      'Subject: Returned mail: see transcript for details',
      '',
      'The original message was received at Thu, 15 Jan 2026 12:00:00 GMT',
      '',
      '   ----- The following addresses had permanent fatal errors -----',
      '<ann@example.org>',
      '    (reason: 550 5.1.1 <ann@example.org>... User unknown)',
      '',
      '   ----- Transcript of session follows -----',
      '... while talking to mx.example.org.:',
      '>>> DATA',
      '<<< 550 5.1.1 <ann@example.org>... User unknown',
      '',
      '   ----- Original message follows -----',
      ...RETURNED,
    ],
    says: [`ann@example.org failed 5.1.1 ${HARD}`],
  },
  'Postfix, its words alone': {
    lines: [
      'From: MAILER-DAEMON (Mail Delivery System)',
      'Subject: Undelivered Mail Returned to Sender',
      '',
      'This is the mail system at host mx.example.com.',
      '',
      'I am sorry to have to inform you that your message could not',
      "be delivered to one or more recipients. It's attached below.",
      '',
      '<ann@example.org>: host mx.example.org[192.0.2.1] said: 550 5.1.1',
      '    <ann@example.org>: Recipient address rejected: User unknown (in reply',
      '    to RCPT TO command)',
    ],
    says: [`ann@example.org failed 5.1.1 ${HARD}`],
    id: null,
  },
  'SES and IronPort': {
    lines: [
      'From: MAILER-DAEMON@amazonses.example',
      'Subject: Delivery Status Notification (Failure)',
      '',
      'The following message to <ann@example.org> was undeliverable.',
      'The reason for the problem:',
      "5.1.0 - Unknown address error 550-'no such user'",
    ],
    says: [`ann@example.org failed 5.1.0 ${HARD}`],
    id: null,
  },
  'a provider that lists several': {
    lines: [
      'From: postmaster@example.net',
      'Subject: Undelivered mail',
      '',
      'Your message could not be delivered to the following recipients:',
      '',
      'ann@example.net',
      'bob@example.net',
      '',
      '550 Mailbox full',
      '',
      '----- Original message headers -----',
      'Message-ID: <1@example.com>',
    ],
    says: ['ann@example.net failed null Transient/MailboxFull', 'bob@example.net failed null Transient/MailboxFull'],
  },
}

describe('a bounce for people only', () => {
  for (const [program, { lines, says, id = '<1@example.com>' }] of Object.entries(SAMPLES)) {
    test(`of ${program}`, () => {
      const found = report(lines)
      assert.deepEqual(told(found), says)
      assert.equal(returnedId(found), id)
      assert.ok(found.kind === 'delivery' && !found.isStandard)
    })
  }

  test('does not come from a person', () => {
    for (const { lines } of Object.values(SAMPLES)) {
      const fromPerson = lines
        .filter((line) => !line.startsWith('X-Failed-Recipients') && line !== ' bob@example.net')
        .map((line) => (line.startsWith('From: ') ? 'From: Ann <ann@example.org>' : line))
      assert.equal(report(fromPerson, 'ann@example.org').kind, 'other', fromPerson.join('\n'))
    }
  })
})
