/** Why mail is refused or delayed, and what follows from it in SES's words. docs/bounces.md is made from this table. */

export type BounceType = 'Undetermined' | 'Permanent' | 'Transient'

export type BounceSubType =
  | 'Undetermined'
  | 'General'
  | 'MailboxFull'
  | 'MessageTooLarge'
  | 'ContentRejected'
  | 'AttachmentRejected'
  | 'CustomTimeoutExceeded'

/** SES's `delayType`; its others (BYOIPHostNameLookupUnavailable, SendingDeferral) are not told by a reply. */
export type DelayType =
  | 'InternalFailure'
  | 'General'
  | 'MailboxFull'
  | 'SpamDetected'
  | 'RecipientServerError'
  | 'IPFailure'
  | 'TransientCommunicationFailure'
  | 'Undetermined'

/**
 * Whose problem it is. Only `recipient` may put an address on a suppression list: a block of our IP address says nothing
 * about the people behind it.
 */
export type Whose = 'recipient' | 'sender' | 'content' | 'destination' | 'policy' | 'unknown'

type Row = {
  readonly means: string
  /** What a refusal for good is. One that is not for good is Transient, with the subtype if that one is Transient's too. */
  readonly bounce: readonly [BounceType, BounceSubType]
  readonly whose: Whose
  readonly delay: DelayType
  /** Whether the destination wants less mail of ours. Where it does not say, 421 and 4.7.x mean that it does. */
  readonly slows?: boolean
  /** Worth another attempt even after a reply that says "for good". */
  readonly isTemporary?: true
}

const HARD = ['Permanent', 'General'] as const
const SOFT = ['Transient', 'General'] as const
const CONTENT = ['Transient', 'ContentRejected'] as const

export const CAUSES = {
  'no-mailbox': { means: 'nobody has this address', bounce: HARD, whose: 'recipient', delay: 'General' },
  'inactive-mailbox': { means: 'the mailbox is closed', bounce: HARD, whose: 'recipient', delay: 'General' },
  'bad-address': { means: 'this is no address', bounce: HARD, whose: 'recipient', delay: 'General' },
  'bad-domain': {
    means: 'the domain does not exist or takes no mail',
    bounce: HARD,
    whose: 'recipient',
    delay: 'TransientCommunicationFailure',
  },
  'mailbox-full': {
    means: 'the mailbox is full',
    bounce: ['Transient', 'MailboxFull'],
    whose: 'recipient',
    delay: 'MailboxFull',
    slows: false,
  },
  'recipient-busy': {
    means: 'the mailbox gets too much mail just now',
    bounce: SOFT,
    whose: 'recipient',
    delay: 'General',
    slows: false,
    isTemporary: true,
  },
  'too-large': {
    means: 'the message is too large',
    bounce: ['Transient', 'MessageTooLarge'],
    whose: 'content',
    delay: 'General',
  },
  attachment: {
    means: 'an attachment is not allowed, or infected',
    bounce: ['Transient', 'AttachmentRejected'],
    whose: 'content',
    delay: 'SpamDetected',
  },
  content: { means: 'the content is taken for spam', bounce: CONTENT, whose: 'content', delay: 'SpamDetected' },
  reputation: {
    means: 'our IP address or domain is blocked',
    bounce: CONTENT,
    whose: 'sender',
    delay: 'IPFailure',
    slows: true,
  },
  authentication: {
    means: 'SPF, DKIM, DMARC or reverse DNS fails',
    bounce: CONTENT,
    whose: 'sender',
    delay: 'IPFailure',
  },
  rate: {
    means: 'we send too much, or open too many connections',
    bounce: SOFT,
    whose: 'sender',
    delay: 'IPFailure',
    slows: true,
    isTemporary: true,
  },
  greylisted: {
    means: 'greylisting: the same again later',
    bounce: SOFT,
    whose: 'policy',
    delay: 'General',
    slows: false,
    isTemporary: true,
  },
  'bad-sender': { means: 'the sender is not taken', bounce: HARD, whose: 'sender', delay: 'General' },
  'not-allowed': {
    means: 'the recipient or his organization takes no mail from us',
    bounce: HARD,
    whose: 'policy',
    delay: 'General',
  },
  policy: {
    means: 'refused for policy, without saying which',
    bounce: CONTENT,
    whose: 'policy',
    delay: 'SpamDetected',
  },
  security: { means: 'TLS or a login is asked for', bounce: HARD, whose: 'policy', delay: 'General' },
  'relay-denied': {
    means: 'the host does not take mail for this domain',
    bounce: HARD,
    whose: 'destination',
    delay: 'RecipientServerError',
  },
  'too-many-recipients': {
    means: 'more recipients than one transaction may have',
    bounce: SOFT,
    whose: 'sender',
    delay: 'General',
    slows: false,
    isTemporary: true,
  },
  loop: { means: 'a mail loop', bounce: HARD, whose: 'destination', delay: 'RecipientServerError' },
  'destination-down': {
    means: 'the host has a problem of its own',
    bounce: HARD,
    whose: 'destination',
    delay: 'RecipientServerError',
  },
  unreachable: {
    means: 'DNS or network failure',
    bounce: HARD,
    whose: 'destination',
    delay: 'TransientCommunicationFailure',
  },
  expired: {
    means: 'its time ran out',
    bounce: SOFT,
    whose: 'destination',
    delay: 'TransientCommunicationFailure',
  },
  protocol: { means: 'a command is not understood', bounce: HARD, whose: 'sender', delay: 'General' },
  unknown: { means: 'refused without a reason that we know', bounce: HARD, whose: 'unknown', delay: 'General' },
} as const satisfies Record<string, Row>

export type Cause = keyof typeof CAUSES

/** A cause's row, with the members that not all rows have. */
export function rowOf(cause: Cause): Row {
  return CAUSES[cause]
}
