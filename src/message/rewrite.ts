/** What SES changes in every message that it accepts (developer guide, “Amazon SES header fields”). */
import { foldField, joinMessage } from './headers.ts'
import type { HeaderField, RawMessage } from './headers.ts'

export type Changes = {
  /** As {@link formatDate} writes it. */
  readonly date: string
  /** `<…@email.amazonses.com>`. */
  readonly messageId: string
  readonly feedbackId: string
}

/**
 * The message as it is delivered: Date and Message-ID are SES's own (in the place of the caller's, else Date first and
 * Message-ID before the Subject, where JavaMail puts them); Return-Path, Bcc and X-SES-… are taken out; Feedback-ID comes
 * last. All lines end with CRLF, the last one too; NULs are dropped. Everything else stays, 8-bit text as well.
 */
export function rewrite(message: RawMessage, changes: Changes): Buffer {
  const date = ownField('Date', changes.date)
  const messageId = ownField('Message-ID', changes.messageId)
  const own = new Map([
    ['date', date],
    ['message-id', messageId],
  ])
  const headers: HeaderField[] = []
  for (const field of message.headers) {
    const replacement = own.get(field.lower)
    if (replacement !== undefined) {
      if (!headers.includes(replacement)) headers.push(replacement)
    } else if (!isRemoved(field.lower)) headers.push(field)
  }
  if (!headers.includes(messageId)) headers.splice(placeOfMessageId(headers), 0, messageId)
  if (!headers.includes(date)) headers.unshift(date)
  headers.push(ownField('Feedback-ID', changes.feedbackId))
  return joinMessage(headers, message.isCanonical === true ? message.body : withCrlf(message.body))
}

function ownField(name: string, value: string): HeaderField {
  return { name, lower: name.toLowerCase(), value, raw: foldField(name, value) }
}

/** Resent-Bcc is a Bcc too (RFC 5322 §3.6.6). */
function isRemoved(lower: string): boolean {
  return lower === 'bcc' || lower === 'resent-bcc' || lower === 'return-path' || lower.startsWith('x-ses-')
}

function placeOfMessageId(headers: readonly HeaderField[]): number {
  const subject = headers.findIndex(({ lower }) => lower === 'subject' || lower === 'mime-version')
  return subject < 0 ? headers.length : subject
}

const CR = 0x0d
const LF = 0x0a

/** Every CR, LF and CRLF becomes CRLF, so that no server takes a bare one for a line end (“SMTP smuggling”). */
function withCrlf(body: Uint8Array): Uint8Array {
  if (hasCrlfOnly(Buffer.from(body.buffer, body.byteOffset, body.byteLength))) return body
  const lines = Buffer.allocUnsafe(body.length + extraOctets(body))
  let to = 0
  let last = 0
  for (const c of body) {
    if (c === LF && last === CR) {
      last = c
      continue
    }
    last = c
    if (c === 0) continue
    if (c === CR || c === LF) {
      lines[to++] = CR
      lines[to++] = LF
    } else lines[to++] = c
  }
  if (to > 0 && lines[to - 1] !== LF) {
    lines[to++] = CR
    lines[to++] = LF
  }
  return lines.subarray(0, to)
}

/** Whether all lines end with CRLF already. Two native searches a line: half the time of a loop over the octets. */
function hasCrlfOnly(body: Buffer): boolean {
  if (body.includes(0)) return false
  let start = 0
  while (start < body.length) {
    const cr = body.indexOf(CR, start)
    if (cr < 0 || body.indexOf(LF, start) !== cr + 1) return false
    start = cr + 2
  }
  return true
}

/** How many octets stray line ends and a missing last one add, or somewhat more. */
function extraOctets(body: Uint8Array): number {
  let extra = 2
  for (let i = 0; i < body.length; i++) {
    const c = body[i]
    if (c === LF ? body[i - 1] !== CR : c === CR && body[i + 1] !== LF) extra++
  }
  return extra
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** A time in milliseconds as SES writes the Date header, in UTC: `Tue, 29 Aug 2023 10:11:12 +0000` (RFC 5322 §3.3). */
export function formatDate(ms: number): string {
  const second = Math.floor(ms / 1000)
  if (second !== lastDate.second) lastDate = { second, text: writeDate(ms) }
  return lastDate.text
}

/** Thousands of messages a second have the same. */
let lastDate = { second: NaN, text: '' }

function writeDate(ms: number): string {
  const time = new Date(ms)
  const day = `${DAYS[time.getUTCDay()] ?? ''}, ${time.getUTCDate()} ${MONTHS[time.getUTCMonth()] ?? ''} ${time.getUTCFullYear()}`
  return `${day} ${two(time.getUTCHours())}:${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())} +0000`
}

function two(n: number): string {
  return String(n).padStart(2, '0')
}
