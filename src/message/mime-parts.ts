/** The MIME parts of a message, found in one pass over its body without recursion (RFC 2046 §5.1). */
import { readContentType, readDisposition } from './content-headers.ts'
import type { ContentHeader } from './content-headers.ts'
import { readPartHeaders } from './headers.ts'
import type { HeaderField, RawMessage } from './headers.ts'

export type Part = {
  readonly headers: readonly HeaderField[]
  /** Its value is `text/plain` for want of anything better (RFC 2045 §5.2). */
  readonly contentType: ContentHeader
  /** null: there is no such header. */
  readonly disposition: ContentHeader | null
  /** Content-Transfer-Encoding in lower case. */
  readonly transferEncoding: string
  /** As it stands in the message, not decoded; empty in a multipart. */
  readonly body: Uint8Array
  /** A multipart whose first boundary line never came. */
  readonly lacksStart: boolean
}

export type Parts = {
  /** In the order of the message; the first is the message itself. */
  readonly parts: readonly Part[]
  /** What the walk stopped at. */
  readonly excess: 'parts' | 'depth' | null
}

export const MAX_PARTS = 1000
export const MAX_DEPTH = 20

type OpenPart = { -readonly [K in keyof Part]: Part[K] }
type Multipart = {
  readonly part: OpenPart
  /** null: the header names none. */
  boundary: string | null
  /** In how many attached messages it is. */
  readonly messages: number
}

type Walk = {
  readonly octets: Buffer
  readonly intoMessages: boolean
  readonly parts: OpenPart[]
  /** The multiparts that the walk is in, from the outside inwards. */
  readonly open: Multipart[]
  /** Whether header lines are being read, or a body. */
  inHeaders: boolean
  /** Where these headers or this body began. */
  start: number
  /** Whose body is being read; null: nobody's (preamble, epilogue). */
  leaf: OpenPart | null
  /** Messages in messages count to the depth as multiparts do. */
  messages: number
  excess: Parts['excess']
}

/** Lists the parts; `intoMessages`: those of attached messages (message/rfc822) too. Stops at 1000 parts or 20 levels. */
export function listParts(message: RawMessage, intoMessages: boolean): Parts {
  const { body } = message
  const octets = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const walk: Walk = {
    octets,
    intoMessages,
    parts: [],
    open: [],
    inHeaders: false,
    start: 0,
    leaf: null,
    messages: 0,
    excess: null,
  }
  beginPart(walk, message.headers, 0)
  if (walk.open.length > 0 || walk.inHeaders) readLines(walk)
  endPart(walk, octets.length)
  return { parts: walk.parts, excess: walk.excess }
}

/** Goes from line to line of headers, and in bodies from one line that begins with `--` to the next. */
function readLines(walk: Walk): void {
  const { octets } = walk
  for (let at = 0; at < octets.length && walk.excess === null;) {
    const next = lineAfter(octets, at)
    if (octets[at] === 0x2d && octets[at + 1] === 0x2d) boundaryLine(walk, at, next)
    else if (walk.inHeaders && isBlankLine(octets, at)) {
      beginPart(walk, readPartHeaders(octets.toString('latin1', walk.start, at)), next)
    }
    at = walk.inHeaders ? next : dashedLineFrom(octets, next)
  }
}

const DASHED_LINE = Buffer.from('\n--')

function dashedLineFrom(octets: Buffer, at: number): number {
  const lineEnd = octets.indexOf(DASHED_LINE, Math.max(0, at - 1))
  return lineEnd < 0 ? octets.length : lineEnd + 1
}

function lineAfter(octets: Buffer, at: number): number {
  const lineEnd = octets.indexOf(0x0a, at)
  return lineEnd < 0 ? octets.length : lineEnd + 1
}

function isBlankLine(octets: Buffer, at: number): boolean {
  return octets[at] === 0x0a || (octets[at] === 0x0d && octets[at + 1] === 0x0a)
}

/** Takes up a part whose headers are read and whose body begins at `start`. */
function beginPart(walk: Walk, headers: readonly HeaderField[], start: number): void {
  const part = partOf(headers)
  walk.parts.push(part)
  if (walk.parts.length > MAX_PARTS) walk.excess = 'parts'
  walk.inHeaders = false
  walk.start = start
  walk.leaf = null
  const type = part.contentType.value
  if (type.startsWith('multipart/')) {
    part.lacksStart = true
    const boundary = part.contentType.parameters.get('boundary') ?? null
    walk.open.push({ part, boundary, messages: walk.messages })
  } else if (type === 'message/rfc822' && walk.intoMessages && !isEncoded(part)) {
    walk.inHeaders = true
    walk.messages++
  } else walk.leaf = part
  if (walk.open.length + walk.messages > MAX_DEPTH) walk.excess = 'depth'
}

function partOf(headers: readonly HeaderField[]): OpenPart {
  const value = (lower: string) => headers.find((field) => field.lower === lower)?.value
  const disposition = value('content-disposition')
  const contentType = readContentType(value('content-type') ?? '')
  return {
    headers,
    contentType: contentType.value === '' ? { ...contentType, value: 'text/plain' } : contentType,
    disposition: disposition === undefined ? null : readDisposition(disposition),
    transferEncoding: (value('content-transfer-encoding') ?? '').toLowerCase(),
    body: NOTHING,
    lacksStart: false,
  }
}

const NOTHING = new Uint8Array(0)

/** RFC 2046 §5.2.1 forbids to encode an attached message, but some programs do. */
function isEncoded(part: OpenPart): boolean {
  return part.transferEncoding === 'base64' || part.transferEncoding === 'quoted-printable'
}

/** A line that begins with `--`: where it is the boundary of an open multipart, the part before it has ended. */
function boundaryLine(walk: Walk, at: number, next: number): void {
  const line = walk.octets.toString('latin1', at + 2, next).trimEnd()
  for (let level = walk.open.length - 1; level >= 0; level--) {
    const multipart = walk.open[level]
    if (multipart === undefined || multipart.boundary === null || !line.startsWith(multipart.boundary)) continue
    const rest = line.slice(multipart.boundary.length)
    if (rest !== '' && rest !== '--') continue
    partBoundary(walk, multipart, level, { at, next, isLast: rest === '--' })
    return
  }
  const level = walk.open.length - 1
  const innermost = walk.open[level]
  // As JavaMail: where the header names no boundary, the first line that looks like one is it; a line of dashes is none.
  if (innermost?.boundary !== null || !/[^-]/.test(line)) return
  innermost.boundary = line
  partBoundary(walk, innermost, level, { at, next, isLast: false })
}

type Boundary = { readonly at: number; readonly next: number; readonly isLast: boolean }

function partBoundary(walk: Walk, multipart: Multipart, level: number, { at, next, isLast }: Boundary): void {
  endPart(walk, at)
  if (!isLast) multipart.part.lacksStart = false
  walk.open.length = isLast ? level : level + 1
  walk.messages = multipart.messages
  walk.inHeaders = !isLast
  walk.start = next
}

/** Ends what is being read at `end`: a boundary, whose own line end stands before it (RFC 2046 §5.1.1), or the very end. */
function endPart(walk: Walk, end: number): void {
  const { octets } = walk
  if (walk.inHeaders && walk.excess === null)
    beginPart(walk, readPartHeaders(octets.toString('latin1', walk.start, end)), end)
  walk.inHeaders = false
  if (walk.leaf === null) return
  walk.leaf.body = octets.subarray(walk.start, end < octets.length ? beforeLineEnd(octets, walk.start, end) : end)
  walk.leaf = null
}

function beforeLineEnd(octets: Buffer, start: number, end: number): number {
  if (end <= start || octets[end - 1] !== 0x0a) return end
  return end - 1 > start && octets[end - 2] === 0x0d ? end - 2 : end - 1
}
