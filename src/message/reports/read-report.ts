/**
 * What came back to a return path: a report of deliveries (RFC 3464, or one that only people can read), a complaint
 * (RFC 5965), an automatic answer, or something else. Everything in it is a claim: it counts only where a return path of
 * ours proves it. Never throws; takes time and memory in proportion to the mail, and looks at its first megabytes only.
 */
import { decodeText } from '../charsets.ts'
import { decodeWords } from '../encoded-words.ts'
import { readPartHeaders, splitMessage } from '../headers.ts'
import type { HeaderField, RawMessage } from '../headers.ts'
import { visibleText } from '../html-text.ts'
import { listParts } from '../mime-parts.ts'
import type { Part } from '../mime-parts.ts'
import { decodeTransfer } from '../transfer-encoding.ts'
import { isAutoReply, isMailSystem } from './auto-reply.ts'
import { readDeliveryStatus } from './delivery-status.ts'
import type { DeliveryStatus } from './delivery-status.ts'
import { readFeedback, readPlainFeedback } from './feedback.ts'
import type { Feedback } from './feedback.ts'
import { addressIn } from './fields.ts'
import { readPlainBounce } from './plain-bounce.ts'
import { returnedIn } from './returned.ts'
import type { Returned } from './returned.ts'

export type Report =
  | (DeliveryStatus & {
      readonly kind: 'delivery'
      /** Whether a part message/delivery-status said so; else it was read out of words. */
      readonly isStandard: boolean
      readonly returned: Returned | null
    })
  | (Feedback & { readonly kind: 'feedback' })
  /** Out of office and the like: no bounce. */
  | { readonly kind: 'auto-reply' }
  | { readonly kind: 'other' }

/** Reports stand at the beginning; what follows is the message that comes back. */
const MAX_OCTETS = 2 * 1024 * 1024
const MAX_PART_OCTETS = 262_144
const MAX_TEXT = 65_536

/** Reads a mail as it came in. `envelopeSender`: '' where it came from the null sender, as bounces should. */
export function readReport(raw: Uint8Array, envelopeSender: string): Report {
  const message = split(raw.subarray(0, MAX_OCTETS))
  const { parts } = listParts(message, false)
  const complaint = feedbackIn(message, parts)
  if (complaint !== null) return { kind: 'feedback', ...complaint }
  const status = statusIn(parts)
  if (status !== null) return { kind: 'delivery', isStandard: true, ...status, returned: returnedIn(parts) }
  const plain = plainBounceIn(message, parts, envelopeSender)
  if (plain !== null) return plain
  return { kind: isAutoReply(message.headers) ? 'auto-reply' : 'other' }
}

/** A header section that is not in order is read as far as it can be. */
function split(raw: Uint8Array): RawMessage {
  const message = splitMessage(raw)
  if (message.ok) return message.value
  const octets = Buffer.from(raw.buffer, raw.byteOffset, Math.min(raw.length, MAX_PART_OCTETS))
  const blanks = ['\r\n\r\n', '\n\n'].map((blank) => octets.indexOf(blank)).filter((at) => at >= 0)
  const end = blanks.length === 0 ? octets.length : Math.min(...blanks)
  return { headers: readPartHeaders(octets.toString('latin1', 0, end)), body: raw.subarray(end) }
}

const STATUS_TYPES: ReadonlySet<string> = new Set([
  'message/delivery-status',
  'message/global-delivery-status',
  'text/delivery-status',
  'application/delivery-status',
])

/** All such parts together; null: there is none, or it names nobody. */
function statusIn(parts: readonly Part[]): DeliveryStatus | null {
  const texts = parts.filter(({ contentType }) => STATUS_TYPES.has(contentType.value)).map(textOf)
  const status = texts.length === 0 ? null : readDeliveryStatus(texts.join('\n\n'))
  return status === null || status.recipients.length === 0 ? null : status
}

function feedbackIn(message: RawMessage, parts: readonly Part[]): Feedback | null {
  const part = parts.find(({ contentType }) => contentType.value === 'message/feedback-report')
  return part === undefined ? readPlainFeedback(message.headers, parts) : readFeedback(textOf(part), parts)
}

function plainBounceIn(message: RawMessage, parts: readonly Part[], envelopeSender: string): Report | null {
  const subject = decodeWords(valueOf(message.headers, 'subject').slice(0, 1000))
  if (!isFromMailSystem(message.headers, envelopeSender)) return null
  const found = readPlainBounce(subject, bodyText(parts), message.headers)
  if (found === null) return null
  const { recipients, returned } = found
  // A bounce says of itself that it is automatic; what else does is an answer, whatever words it quotes.
  if (recipients.every(({ diagnosticCode }) => diagnosticCode === null) && isAutoReply(message.headers)) return null
  return {
    kind: 'delivery',
    isStandard: false,
    reportingMta: null,
    arrivedAt: null,
    recipients,
    returned: returnedIn(parts) ?? returned,
  }
}

function isFromMailSystem(headers: readonly HeaderField[], envelopeSender: string): boolean {
  if (headers.some(({ lower }) => lower === 'x-failed-recipients')) return true
  const from = valueOf(headers, 'from')
  const address = addressIn(from)?.address ?? from.replace(/^.{0,200}</, '')
  if (isMailSystem(address) || isMailSystem(envelopeSender)) return true
  return /^"?(?:mail delivery (?:sub)?system|system administrator|mail administrator|mailer-daemon)\b/i.test(
    from.trim(),
  )
}

function valueOf(headers: readonly HeaderField[], name: string): string {
  return headers.find(({ lower }) => lower === name)?.value ?? ''
}

/** The first text for people; HTML where there is no other. */
function bodyText(parts: readonly Part[]): string {
  const plain = parts.find(
    ({ contentType, disposition }) => contentType.value === 'text/plain' && disposition?.value !== 'attachment',
  )
  if (plain !== undefined) return textOf(plain).slice(0, MAX_TEXT)
  const html = parts.find(({ contentType }) => contentType.value === 'text/html')
  return html === undefined ? '' : visibleText(textOf(html).slice(0, MAX_TEXT))
}

function textOf({ body, transferEncoding, contentType }: Part): string {
  const octets = decodeTransfer(body.subarray(0, MAX_PART_OCTETS), transferEncoding)
  return decodeText(octets, contentType.parameters.get('charset') ?? 'utf-8')
}
