/** What comes back later of mail that was taken, and what does not leave at all. */
import { arf, dsn, type Failure } from '../../support/reports.ts'
import { bounced, complained, delivered, type Report, type Row } from '../../support/internet/rows.ts'

const FBL = 'fbl@out.sesame.test'
const HARD = 'Permanent/General'
/** As support/reports.ts has it. */
const INNER = { reportedBy: 'inner.one.test' } as const
const UNKNOWN = '550 5.1.1 User unknown'

const bounce =
  (local: string, more: Partial<Failure> = {}): Report =>
  ({ returnPath, recipients }) => {
    const recipient = recipients.find((address) => address.startsWith(`${local}@`)) ?? local
    return { to: returnPath, lines: dsn({ recipient, ...more }) }
  }
const complaint =
  (type: string): Report =>
  ({ returnPath }) => ({ to: FBL, lines: arf({ type, mailFrom: returnPath }) })

/** The test file that every scanner knows (EICAR), in two pieces, so that this file is none. */
const EICAR = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD', '-ANTIVIRUS-TEST-FILE!$H+H*'].join('')

export const REPORTS: readonly Row[] = [
  {
    domain: 'bounces-later.test',
    does: 'finds out later that it does not know the recipient',
    reports: [bounce('bob')],
    fates: [delivered(), bounced(HARD, UNKNOWN, { ...INNER, suppresses: true })],
  },
  {
    domain: 'bounces-twice.test',
    does: 'says so twice',
    reports: [bounce('bob'), bounce('bob')],
    fates: [delivered(), bounced(HARD, UNKNOWN, { ...INNER, suppresses: true })],
  },
  {
    domain: 'bounces-one.test',
    does: 'bounces one of two later',
    to: ['bob', 'joe'],
    reports: [bounce('joe')],
    fates: [delivered(), bounced(HARD, UNKNOWN, { ...INNER, to: ['joe'], suppresses: true })],
  },
  {
    domain: 'full-later.test',
    does: 'finds out later that the mailbox is full',
    reports: [bounce('bob', { status: '5.2.2', diagnostic: 'smtp; 552 5.2.2 Mailbox full' })],
    fates: [delivered(), bounced('Transient/MailboxFull', '552 5.2.2 Mailbox full', INNER)],
  },
  {
    domain: 'forwards.test',
    does: 'forwards, and bounces with an address of which nobody here knows',
    reports: [bounce('bob', { recipient: 'inner@elsewhere.test' })],
    fates: [delivered(), bounced(HARD, UNKNOWN, { ...INNER, suppresses: true })],
  },
  {
    domain: 'late.test',
    does: 'is late, and says so',
    reports: [bounce('bob', { action: 'delayed', status: '4.4.1' })],
    fates: [delivered()],
  },
  {
    domain: 'away.test',
    does: 'has a recipient who is out of office',
    reports: [
      ({ returnPath }) => ({
        to: returnPath,
        lines: ['From: bob@away.test', 'Subject: Out of office: Hi', 'Auto-Submitted: auto-replied', '', '550 5.1.1'],
      }),
    ],
    fates: [delivered()],
  },
  {
    domain: 'complains.test',
    does: 'has a recipient who complains',
    reports: [complaint('abuse')],
    fates: [delivered(), complained('abuse', { counts: true, suppresses: true })],
  },
  {
    domain: 'complains-of-two.test',
    does: 'has one of two recipients complain, and does not say who',
    to: ['bob', 'joe'],
    reports: [complaint('abuse')],
    fates: [delivered(), complained('abuse', { counts: true })],
  },
  {
    domain: 'no-spam.test',
    does: 'has a recipient who finds it in his spam, and likes it',
    reports: [complaint('not-spam')],
    fates: [delivered(), complained('not-spam')],
  },
  {
    domain: 'both.test',
    does: 'complains and bounces',
    reports: [complaint('fraud'), bounce('bob')],
    fates: [delivered(), complained('fraud', { counts: true }), bounced(HARD, UNKNOWN, { ...INNER, suppresses: true })],
  },
  {
    domain: 'told-elsewhere.test',
    does: 'bounces mail whose sender hears of it at another address',
    hosts: { mx: { rcpt: UNKNOWN } },
    feedbackTo: 'feedback@example.com',
    fates: [bounced(HARD, UNKNOWN, { suppresses: true })],
  },
  {
    domain: 'not-listed.test',
    does: 'bounces mail of a configuration set that wants no suppression',
    hosts: { mx: { rcpt: UNKNOWN } },
    set: { SuppressedReasons: [] },
    fates: [bounced(HARD, UNKNOWN)],
  },
  {
    domain: 'virus.test',
    does: 'is sent a virus, which does not leave',
    raw: Buffer.from(`\r\n${EICAR}\r\n`),
    fates: [{ type: 'Reject' }],
  },
]
