/** What all signatures of one message have in common: computed once, and small enough to hand to another thread. */
import { relaxedBodyHash, relaxedField, splitSection } from './canonical.ts'

/**
 * Strings only, so that it can be posted to a thread, or stored beside the message.
 */
export type Prepared = {
  /** SHA-256 of the relaxed body, base64: `bh=`. */
  readonly bodyHash: string
  /** Field names for `h=`, oversigned ones at the end. */
  readonly names: readonly string[]
  /** The signed fields in relaxed form, in the order of `names`, a CRLF after each. */
  readonly headers: string
  /** The same of Feedback-ID, the last one first: only the platform's own signature covers it. */
  readonly feedbackIds: readonly string[]
}

/**
 * Signed once more than they occur, even where they do not occur at all, so that nobody can add one to a message and
 * send it on under our signature (RFC 6376 §8.15; DKIM replay).
 */
const OVERSIGNED = [
  'From',
  'To',
  'Cc',
  'Subject',
  'Date',
  'Reply-To',
  'Message-ID',
  'MIME-Version',
  'Content-Type',
  'Content-Transfer-Encoding',
]

const ALWAYS: ReadonlySet<string> = new Set(OVERSIGNED.map((name) => name.toLowerCase()))

/**
 * Signed, and oversigned, where they occur. Mailing lists add List-… and Sender to mail that they send on otherwise
 * unchanged; that alone shall not break the signature.
 */
const WHERE_PRESENT: ReadonlySet<string> = new Set([
  'sender',
  'in-reply-to',
  'references',
  'content-disposition',
  'content-id',
  'content-description',
  'content-language',
  'tls-report-domain',
  'tls-report-submitter',
  'list-archive',
  'list-help',
  'list-id',
  'list-owner',
  'list-post',
  'list-subscribe',
  'list-unsubscribe',
  'list-unsubscribe-post',
])

/**
 * Reads a finished message: all lines end with CRLF, and no field is changed after this. Takes time linear in its size,
 * and no more memory than its header section.
 */
export function prepare(message: Uint8Array): Prepared {
  const { fields, bodyStart } = splitSection(message)
  const names: string[] = []
  const present = new Map<string, string[]>()
  const feedback: string[] = []
  for (const field of fields) {
    const name = field.slice(0, field.indexOf(':')).trimEnd()
    const lower = name.toLowerCase()
    if (lower === 'feedback-id') feedback.push(field)
    if (!ALWAYS.has(lower) && !WHERE_PRESENT.has(lower)) continue
    names.push(name)
    const same = present.get(lower)
    if (same === undefined) present.set(lower, [field])
    else same.push(field)
  }
  return {
    bodyHash: relaxedBodyHash(message.subarray(bodyStart)),
    names: [...names, ...OVERSIGNED, ...extraNames(names)],
    headers: inOrderOf(names, present),
    feedbackIds: feedback.map((field) => `${relaxedField(field)}\r\n`).toReversed(),
  }
}

/** Fields of one name are taken from the last one upwards (RFC 6376 §5.4.2). An oversigned name adds nothing. */
function inOrderOf(names: readonly string[], present: ReadonlyMap<string, string[]>): string {
  let text = ''
  for (const name of names) {
    const field = present.get(name.toLowerCase())?.pop()
    if (field !== undefined) text += `${relaxedField(field)}\r\n`
  }
  return text
}

function extraNames(names: readonly string[]): string[] {
  const extra = new Map<string, string>()
  for (const name of names) if (WHERE_PRESENT.has(name.toLowerCase())) extra.set(name.toLowerCase(), name)
  return [...extra.values()]
}
