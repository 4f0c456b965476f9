/** Yahoo and AOL, Apple, and other large mailbox providers. */
import type { Rule } from '../rule.ts'

export const PROVIDERS: readonly Rule[] = [
  // Yahoo, AOL
  [
    'unexpected volume or user complaints',
    'rate',
    '421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints',
  ],
  [
    'will be permanently deferred',
    'reputation',
    '421 4.7.1 [TSS11] All messages from 192.0.2.1 will be permanently deferred; Retrying will NOT succeed.',
  ],
  ['message not accepted for policy reasons', 'content', '554 5.7.9 Message not accepted for policy reasons.', '7.9'],
  [
    'user doesn t have a',
    'no-mailbox',
    '554 delivery error: dd This user doesn’t have a yahoo.com account (a@yahoo.example) [0]',
  ],
  [
    'dd not a valid recipient',
    'no-mailbox',
    '554 delivery error: dd Not a valid recipient - atlas101.mail.yahoo.example',
  ],
  [
    'this mailbox is disabled',
    'inactive-mailbox',
    '554 30 Sorry, your message cannot be delivered. This mailbox is disabled (554.30).',
  ],
  // Apple
  [
    'message rejected due to local policy',
    'policy',
    '554 5.7.1 [CS01] Message rejected due to local policy. Please visit the support page.',
  ],
  ['message rejected under suspicion of spam', 'content', '550 5.7.0 [HM08] Message rejected under suspicion of spam'],
  // AT&T, Comcast, Orange, GMX, T-Online, mail.ru, QQ, Spectrum
  [
    'attrbl',
    'reputation',
    '553 5.3.0 flpd575 DNSBL:ATTRBL 521< 192.0.2.1 >_is_blocked. For assistance: your IP is blocked for abuse',
  ],
  ['too many sessions', 'rate', '421 Reject, too many sessions opened from this host'],
  ['ofr 506', 'rate', '421 4.0.0 Service refused, please try later. OFR_506 [506]'],
  ['trop de connexions', 'rate', '421 Trop de connexions, veuillez verifier votre configuration.'],
  [
    'adresse d au moins un destinataire invalide',
    'no-mailbox',
    '550 5.0.0 Adresse d au moins un destinataire invalide. Invalid recipient. OFR204_416',
  ],
  ['postfach ist voll', 'mailbox-full', '552 Postfach ist voll'],
  ['empfänger unbekannt', 'no-mailbox', '550 Empfänger unbekannt'],
  [
    'for explanation visit … gmx',
    'policy',
    '554 Transaction failed Reject due to policy restrictions. For explanation visit postmaster.gmx.example',
  ],
  [
    'invalid dns',
    'bad-sender',
    '550 Requested action not taken: mailbox unavailable; invalid DNS MX or A/AAAA resource record',
  ],
  ['bad dns ptr', 'authentication', '554 Requested action not taken: bad DNS PTR resource record'],
  ['spam message rejected', 'content', '550 spam message rejected. Please visit help.mail.example or report details'],
  ['user terminated', 'inactive-mailbox', '550 User is terminated: user terminated'],
  [
    'invalid mailbox user not found',
    'no-mailbox',
    '550 Message was not accepted -- invalid mailbox. Local mailbox is unavailable: invalid mailbox, user not found',
  ],
  [
    'local mailbox … is unavailable account is disabled',
    'inactive-mailbox',
    '550 Message was not accepted -- local mailbox a@mail.example is unavailable: account is disabled',
  ],
  ['mailbox not found or access denied', 'no-mailbox', '550 Mailbox not found or access denied'],
  ['suspected spam ip', 'reputation', '550 Mail rejected: suspected spam ip'],
]
