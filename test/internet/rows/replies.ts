/** What replies mean: codes and texts of refusals, in SES's words (docs/bounces.md). */
import { bounced, expired, type Row } from '../../support/internet/rows.ts'

const HARD = 'Permanent/General'

const REFUSALS: readonly (readonly [reply: string, kind: string, suppresses?: true])[] = [
  ['550 5.1.1 User unknown', HARD, true],
  ['550-5.1.1 The email account that you tried to reach\n550 5.1.1 does not exist.', HARD, true],
  ['553 5.1.3 That is no address', HARD, true],
  ['550 5.2.1 The mailbox is disabled', HARD, true],
  ['552 5.2.2 Over quota', 'Transient/MailboxFull'],
  ['552 5.2.3 Longer than she allows', 'Transient/MessageTooLarge'],
  ['552 5.3.4 Message too big for system', 'Transient/MessageTooLarge'],
  ['550 5.7.1 No', 'Transient/ContentRejected'],
  ['550 5.7.1 Your IP address is blocked', 'Transient/ContentRejected'],
  ['550 5.7.1 Attachments of this kind are refused', 'Transient/AttachmentRejected'],
  ['550 5.7.1 <bob>: Relay access denied', HARD],
  ['550 5.7.26 Fails DMARC', 'Transient/ContentRejected'],
  ['550 No such user here', HARD, true],
  ['552 Mailbox is full', 'Transient/MailboxFull'],
  ['554 Message looks like spam', 'Transient/ContentRejected'],
  ['550 I would prefer not to', HARD],
  ['550', HARD],
  ['550 4.2.2 Mailbox full, for good', 'Transient/MailboxFull'],
]

const DELAYS: readonly (readonly [reply: string, delayType: string])[] = [
  ['452 4.2.2 Mailbox full', 'MailboxFull'],
  ['450 4.2.1 Receiving mail too quickly', 'General'],
  ['451 4.3.5 Out of order', 'RecipientServerError'],
  ['450 4.4.1 No way to the inner host', 'TransientCommunicationFailure'],
  ['451 4.7.1 Looks like spam', 'SpamDetected'],
  ['450 4.7.1 Your reputation is low', 'IPFailure'],
  ['454 4.7.5 Cannot encrypt by our policy', 'General'],
  ['450 Come again', 'General'],
  ['450 5.1.1 Not yet', 'General'],
]

export const REPLIES: readonly Row[] = [
  {
    domain: 'controls.test',
    does: 'has control characters in what it says, which nobody is to see',
    hosts: { mx: { rcpt: '550 5.1.1 Bell\x07, null\x00 and escape\x1b[31m' } },
    fates: [bounced(HARD, '550 5.1.1 Bell?, null? and escape?[31m', { suppresses: true })],
  },
  {
    domain: 'umlauts.test',
    does: 'says it in UTF-8',
    hosts: { mx: { rcpt: Buffer.from('550 5.1.1 Größe unbekannt').toString('latin1') } },
    fates: [bounced(HARD, '550 5.1.1 Größe unbekannt', { suppresses: true })],
  },
  ...REFUSALS.map(([reply, kind, suppresses = false], at): Row => ({
    domain: `refusal-${at}.test`,
    does: `says ${JSON.stringify(reply)}`,
    hosts: { mx: { rcpt: reply } },
    fates: [bounced(kind, reply, { suppresses })],
  })),
  ...DELAYS.map(([reply, delayType], at): Row => ({
    domain: `delay-${at}.test`,
    does: `says ${JSON.stringify(reply)}, until it is too late`,
    hosts: { mx: { rcpt: reply } },
    fates: expired(delayType, reply),
  })),
]
