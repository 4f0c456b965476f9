/** The header section of a message: taken apart, put together, checked (RFC 5322 §2.2). */
import { encodeAddresses } from './addresses.ts'
import { decodeUnknown } from './charsets.ts'
import { encodeWords, isPrintable, oneLine } from './encoded-words.ts'
import { parsed, unparsed } from './parsed.ts'
import type { Parsed } from './parsed.ts'

export { decodeWords, encodeWords } from './encoded-words.ts'

export type HeaderField = {
  readonly name: string
  readonly lower: string
  /** Unfolded and trimmed; encoded-words are not undone; 8-bit text is read as UTF-8, or else as Latin-1. */
  readonly value: string
  /** Octet for octet (Latin-1), folds and final CRLF included. */
  readonly raw: string
}

export type RawMessage = {
  readonly headers: readonly HeaderField[]
  /** What follows the blank line. */
  readonly body: Uint8Array
  /** It is known of the body that all its lines end with CRLF, the last one too, and that it holds no NUL. */
  readonly isCanonical?: boolean
}

export const MAX_SECTION_OCTETS = 262_144
const MAX_FIELDS = 1000
export const TOO_LONG = 'Header section too long.'

const CR = 0x0d
const LF = 0x0a
const COLON = 0x3a

/**
 * Takes a message apart. Lines end with CRLF or LF; a bare CR or a NUL within a field becomes a space. A line that cannot
 * be a header field ends the section and begins the body, as in Postfix; an mbox `From ` line before it is skipped.
 * Errors: `Empty header names are illegal.`, `Illegal header 'X'.`, `Header section too long.`
 */
export function splitMessage(raw: Uint8Array): Parsed<RawMessage> {
  const buffer = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength)
  for (let window = 16_384; ; window *= 4) {
    const size = Math.min(window, MAX_SECTION_OCTETS, buffer.length)
    const section = readFields(buffer.toString('latin1', 0, size), size === buffer.length, true)
    if (typeof section === 'string') return unparsed(section)
    if (section !== null) return parsed({ headers: section.headers, body: raw.subarray(section.end) })
    if (size === MAX_SECTION_OCTETS) return unparsed(TOO_LONG)
  }
}

/** As {@link splitMessage}, of a message that was composed here: its header lines without the blank one, and its body. */
export function readComposed({ header, body }: { readonly header: string; readonly body: Buffer }): Parsed<RawMessage> {
  const section = header.length > MAX_SECTION_OCTETS ? TOO_LONG : readFields(header, true, true)
  if (typeof section === 'string') return unparsed(section)
  if (section?.end === header.length) return parsed({ headers: section.headers, body, isCanonical: true })
  // A caller's field ended the section before its time.
  return splitMessage(Buffer.concat([Buffer.from(`${header}\r\n`, 'latin1'), body]))
}

/** The header fields of a MIME part, given as Latin-1 without the blank line; what is wrong is left out. */
export function readPartHeaders(text: string): readonly HeaderField[] {
  const section = readFields(text, true, false)
  return section === null || typeof section === 'string' ? [] : section.headers
}

type Section = { readonly headers: HeaderField[]; readonly end: number }

/**
 * Reads fields from the beginning of `text`. `end` is where the body begins; null: the text is not `complete` and ends
 * within the section; a string: the error, where `strict`.
 */
function readFields(text: string, complete: boolean, strict: boolean): Section | string | null {
  const headers: HeaderField[] = []
  let at = text.startsWith('From ') ? lineAfter(text, 0) : 0
  while (at < text.length) {
    const lineEnd = text.indexOf('\n', at)
    if (lineEnd < 0 && !complete) return null
    const first = text.charCodeAt(at)
    if (first === LF) return { headers, end: at + 1 }
    if (first === CR && text.charCodeAt(at + 1) === LF) return { headers, end: at + 2 }
    const next = fieldEnd(text, lineEnd, complete)
    if (next < 0) return null
    const colon = colonOf(text, at, lineEnd < 0 ? text.length : lineEnd)
    // Only the very first line can begin with white space: it continues nothing.
    if (colon < 0 || isBlank(first)) return { headers, end: at }
    const name = fieldName(text, at, colon)
    if (isFieldName(name)) headers.push(readField(text, name, at, colon, next))
    else if (strict) return name === '' ? 'Empty header names are illegal.' : `Illegal header '${name}'.`
    if (headers.length > MAX_FIELDS) return TOO_LONG
    at = next
  }
  return complete ? { headers, end: at } : null
}

function lineAfter(text: string, from: number): number {
  const lineEnd = text.indexOf('\n', from)
  return lineEnd < 0 ? text.length : lineEnd + 1
}

/** Where the field ends whose first line ends at `lineEnd`: after its continuation lines. −1: not known yet. */
function fieldEnd(text: string, lineEnd: number, complete: boolean): number {
  let end = lineEnd
  while (end >= 0) {
    const c = text.charCodeAt(end + 1)
    if (Number.isNaN(c)) return complete ? text.length : -1
    if (c !== 0x20 && c !== 0x09) return end + 1
    end = text.indexOf('\n', end + 1)
  }
  return complete ? text.length : -1
}

function colonOf(text: string, from: number, to: number): number {
  const colon = text.indexOf(':', from)
  return colon >= to ? -1 : colon
}

/** RFC 5322 §4.5 allows white space before the colon, from old programs. */
function fieldName(text: string, from: number, colon: number): string {
  let to = colon
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--
  return text.slice(from, to)
}

function isBlank(c: number): boolean {
  return c === 0x20 || c === 0x09
}

/** RFC 5322 §2.2: printable ASCII without the colon. */
export function isFieldName(name: string): boolean {
  if (name.length === 0) return false
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i)
    if (c <= 0x20 || c >= 0x7f || c === COLON) return false
  }
  return true
}

function readField(text: string, name: string, from: number, colon: number, to: number): HeaderField {
  const field = text.slice(from, to)
  const lines = hasStrayOctets(field) ? field.split('\n').map(withoutStrayOctets) : null
  const raw = lines === null ? withFinalCrlf(field) : withFinalCrlf(lines.join('\r\n'))
  return { name, lower: name.toLowerCase(), value: unfold(raw.slice(colon - from + 1)), raw }
}

/** Whether something else than CRLF ends a line, or a NUL is there: hardly ever. */
function hasStrayOctets(field: string): boolean {
  if (field.includes('\0')) return true
  const cr = field.indexOf('\r')
  if (cr === field.length - 2 && field.indexOf('\n') === field.length - 1) return false
  for (let i = 0; i < field.length; i++) {
    const c = field.charCodeAt(i)
    if (c === LF ? field.charCodeAt(i - 1) !== CR : c === CR && field.charCodeAt(i + 1) !== LF) return true
  }
  return false
}

function withoutStrayOctets(line: string): string {
  return line.replace(/\r$/, '').replace(/[\r\0]/g, ' ')
}

function withFinalCrlf(field: string): string {
  return field.endsWith('\r\n') ? field : `${field}\r\n`
}

/** A line end and the white space after it show as one space: SES's events print its own `;⏎⇥boundary` so. */
function unfold(folded: string): string {
  const line =
    folded.length > 2 && folded.indexOf('\r\n') < folded.length - 2 ? folded.replace(/\r\n[ \t]/g, ' ') : folded
  const value = line.trim()
  return /[\x80-\xff]/.test(value) ? decodeUnknown(Buffer.from(value, 'latin1')) : value
}

/** Fields of addresses, in which only the display names can be encoded. */
const ADDRESS_FIELDS: ReadonlySet<string> = new Set(['from', 'sender', 'reply-to', 'to', 'cc', 'bcc'])

/**
 * A new field. Line ends and NULs in name or value never make a new line: they become spaces (in the name they are
 * dropped). What is not ASCII is written as encoded-words. Lines are folded at 76 characters where there is white space.
 */
export function headerField(name: string, value: string): HeaderField {
  const safeName = isFieldName(name) ? name : name.replace(/[^!-9;-~]/g, '')
  const lower = safeName.toLowerCase()
  const encoded = encodeValue(lower, oneLine(value).trim())
  return { name: safeName, lower, value: encoded, raw: foldField(safeName, encoded) }
}

function encodeValue(lower: string, line: string): string {
  if (isPrintable(line)) return line
  return ADDRESS_FIELDS.has(lower) ? encodeAddresses(line) : encodeWords(line)
}

/** RFC 5322 §2.1.1: at most 78 characters a line where it can be; JavaMail folds at 76. */
const FOLD_AT = 76

/**
 * `Name: value` with its final CRLF, folded before white space that a character follows, but not before the first word:
 * a long identifier stays on the line of its name, as in mail that SES sends. The value has no line ends.
 */
export function foldField(name: string, value: string): string {
  const line = `${name}: ${value}`
  if (line.length <= FOLD_AT) return `${line}\r\n`
  let folded = ''
  let start = 0
  let space = -1
  for (let i = name.length + 2; i < line.length; i++) {
    if (!isBlank(line.charCodeAt(i)) || isBlank(line.charCodeAt(i + 1)) || i + 1 === line.length) continue
    if (i - start > FOLD_AT && space > start) {
      folded += `${line.slice(start, space)}\r\n`
      start = space
    }
    space = i
  }
  if (line.length - start > FOLD_AT && space > start) {
    folded += `${line.slice(start, space)}\r\n`
    start = space
  }
  return `${folded}${line.slice(start)}\r\n`
}

/** Puts a message together: the fields as they are, a blank line, the body as it is. */
export function joinMessage(headers: readonly HeaderField[], body: Uint8Array): Buffer {
  let section = ''
  for (const header of headers) section += header.raw
  section += '\r\n'
  const message = Buffer.allocUnsafe(section.length + body.length)
  message.write(section, 'latin1')
  message.set(body, section.length)
  return message
}

// SES developer guide, “Amazon SES header fields”: these may appear once only.
const ONCE_ONLY: ReadonlySet<string> = new Set(
  `accept-language acceptlanguage archived-at auto-submitted bounces-to comments content-alternative content-base
  content-class content-description content-disposition content-duration content-id content-language content-length
  content-location content-md5 content-transfer-encoding content-type date delivered-to disposition-notification-options
  disposition-notification-to dkim-signature domainkey-signature errors-to from importance in-reply-to keywords
  list-archive list-help list-id list-owner list-post list-subscribe list-unsubscribe list-unsubscribe-post
  message-context message-id mime-version organization original-from original-message-id original-recipient
  original-subject precedence priority references reply-to return-path return-receipt-to sender solicitation sensitivity
  subject thread-index thread-topic user-agent vbr-info`.split(/\s+/),
)

/** Seen to be refused (2013). */
const ILLEGAL: ReadonlySet<string> = new Set(['old-return-path'])

/** SES's refusal of the header section, or null: `Duplicate header 'X'.`, `Illegal header 'X'.` */
export function checkHeaders(headers: readonly Pick<HeaderField, 'name' | 'lower'>[]): string | null {
  const seen = new Set<string>()
  for (const { name, lower } of headers) {
    if (ONCE_ONLY.has(lower)) {
      if (seen.has(lower)) return `Duplicate header '${name}'.`
      seen.add(lower)
    } else if (ILLEGAL.has(lower)) return `Illegal header '${name}'.`
  }
  return null
}
