/** Complaints: the Abuse Reporting Format (RFC 5965), and the forms of those who do not use it. */
import type { HeaderField } from '../headers.ts'
import type { Part } from '../mime-parts.ts'
import { addressIn, addressOf, dateOf, firstOf, readFieldGroups } from './fields.ts'
import type { FieldGroup } from './fields.ts'
import { returnedIn } from './returned.ts'
import type { Returned } from './returned.ts'

/** SES's `complaintFeedbackType`. */
export type FeedbackType = 'abuse' | 'auth-failure' | 'fraud' | 'not-spam' | 'other' | 'virus'

export type Feedback = {
  readonly feedbackType: FeedbackType
  readonly userAgent: string | null
  /** When the message had reached the one who complains, milliseconds since the epoch. */
  readonly arrivedAt: number | null
  /** The envelope sender of the message: where it is a return path of ours, it proves itself. */
  readonly originalMailFrom: string | null
  /** Often left out, or made unreadable, to keep the one who complains unknown. */
  readonly originalRecipients: readonly string[]
  readonly sourceIp: string | null
  readonly returned: Returned | null
}

const TYPES: readonly FeedbackType[] = ['abuse', 'auth-failure', 'fraud', 'not-spam', 'other', 'virus']
const MAX_RECIPIENTS = 100
const NO_STARTS: ReadonlySet<string> = new Set()

/** Reads the text of the part message/feedback-report. Its fields stand in one group; blank lines do not end it. */
export function readFeedback(text: string, parts: readonly Part[]): Feedback {
  const group = joined(readFieldGroups(text, NO_STARTS))
  const returned = returnedIn(parts)
  const type = (firstOf(group, 'feedback-type') ?? '').toLowerCase()
  const recipients = ['original-rcpt-to', 'removal-recipient', 'redacted-address'].flatMap(
    (name) => group.get(name) ?? [],
  )
  return {
    feedbackType: TYPES.find((each) => each === type) ?? 'other',
    userAgent: firstOf(group, 'user-agent'),
    // Yahoo and others of the format's first years write Received-Date.
    arrivedAt: dateOf(firstOf(group, 'arrival-date') ?? firstOf(group, 'received-date')),
    originalMailFrom: addressOf(firstOf(group, 'original-mail-from')),
    originalRecipients: addresses(recipients),
    sourceIp: firstOf(group, 'source-ip'),
    returned,
  }
}

function joined(groups: readonly FieldGroup[]): FieldGroup {
  const all = new Map<string, string[]>()
  for (const group of groups) {
    for (const [name, values] of group) {
      const known = all.get(name) ?? []
      for (const value of values) known.push(value)
      all.set(name, known)
    }
  }
  return all
}

function addresses(values: readonly string[]): string[] {
  const found = values.slice(0, MAX_RECIPIENTS).flatMap((value) => addressOf(value) ?? [])
  return [...new Set(found)]
}

/** Outlook.com's junk mail reporting: the message attached to a mail whose subject says that it is a complaint. */
const JMRP_SUBJECT = /^(?:complaint about message from|abuse report for)\b/i
const JMRP_RECIPIENT = 'x-hmxmroriginalrecipient'

/** Reads a complaint without a part message/feedback-report; null: it is none. */
export function readPlainFeedback(headers: readonly HeaderField[], parts: readonly Part[]): Feedback | null {
  const returned = returnedIn(parts)
  if (returned === null) return null
  const all = [...headers, ...returned.headers]
  const named = all.filter(({ lower }) => lower === JMRP_RECIPIENT).map(({ value }) => value)
  const subject = headers.find(({ lower }) => lower === 'subject')?.value ?? ''
  if (named.length === 0 && !JMRP_SUBJECT.test(subject.trim())) return null
  const returnPath = returned.headers.find(({ lower }) => lower === 'return-path')?.value ?? ''
  return {
    feedbackType: 'abuse',
    userAgent: null,
    arrivedAt: null,
    originalMailFrom: addressIn(returnPath)?.address ?? null,
    originalRecipients: addresses(named),
    sourceIp: null,
    returned,
  }
}
