/** Content transfer encodings (RFC 2045 §6), and the choice among them. */

export type TransferEncoding = '7bit' | 'quoted-printable' | 'base64'

/** RFC 5322 §2.1.1, without the line end. */
const MAX_LINE = 998
/** RFC 2045 §6.7 (5), §6.8. */
const MAX_ENCODED_LINE = 76

const CR = 0x0d
const LF = 0x0a

/**
 * The encoding that JavaMail takes for a text: 7bit for ASCII in lines of at most 998 octets; quoted-printable where most
 * of it is ASCII, else base64. Control characters count as not ASCII.
 */
export function encodingOf(octets: Uint8Array): TransferEncoding {
  let others = 0
  let longest = 0
  let lineStart = 0
  for (let i = 0; i < octets.length; i++) {
    const c = octets[i] ?? 0
    if (c >= 0x20 && c < 0x7f) continue
    if (c === LF) {
      longest = Math.max(longest, i - lineStart)
      lineStart = i + 1
    } else if (c !== CR && c !== 0x09) others++
  }
  longest = Math.max(longest, octets.length - lineStart + 1)
  // The CR of a line end is counted.
  if (others === 0) return longest <= MAX_LINE + 1 ? '7bit' : 'quoted-printable'
  return octets.length - others > others ? 'quoted-printable' : 'base64'
}

/** Whether a file passes through a 7bit channel without change: ASCII, CRLF at line ends, no long lines. */
export function isSevenBitSafe(octets: Uint8Array): boolean {
  if (encodingOf(octets) !== '7bit') return false
  for (let i = 0; i < octets.length; i++) {
    const c = octets[i]
    if (c === CR && octets[i + 1] !== LF) return false
    if (c === LF && octets[i - 1] !== CR) return false
  }
  return true
}

/** Base64 in lines of 76 characters, CRLF between them. */
export function encodeBase64(octets: Uint8Array): Buffer {
  const text = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('base64')
  const lines = Math.max(1, Math.ceil(text.length / MAX_ENCODED_LINE))
  const encoded = Buffer.allocUnsafe(text.length + 2 * (lines - 1))
  let to = 0
  for (let from = 0; from < text.length; from += MAX_ENCODED_LINE) {
    if (from > 0) to += encoded.write('\r\n', to, 'latin1')
    to += encoded.write(text.slice(from, from + MAX_ENCODED_LINE), to, 'latin1')
  }
  return encoded
}

const HEX = Buffer.from('0123456789ABCDEF')

/**
 * Quoted-printable, RFC 2045 §6.7. CRLF stays a line end when `isText`; in a file every octet counts, so that its line
 * ends are encoded.
 */
export function encodeQuotedPrintable(octets: Uint8Array, isText: boolean): Buffer {
  // Three characters an octet, and three for a soft line break after every 73 to 75 of them.
  const encoded = Buffer.allocUnsafe(3 * octets.length + 3 * Math.ceil((3 * octets.length) / 73))
  let to = 0
  let column = 0
  for (let i = 0; i < octets.length; i++) {
    const c = octets[i] ?? 0
    if (isText && c === CR && octets[i + 1] === LF) {
      to = lineEnd(encoded, to)
      column = 0
      i++
      continue
    }
    const isWritten = c > 0x20 ? c < 0x7f && c !== 0x3d : isInnerSpace(octets, i, isText)
    const width = isWritten ? 1 : 3
    // One column is for the `=` of the soft line break.
    if (column + width >= MAX_ENCODED_LINE) {
      encoded[to++] = 0x3d
      to = lineEnd(encoded, to)
      column = 0
    }
    column += width
    if (isWritten) encoded[to++] = c
    else {
      encoded[to++] = 0x3d
      encoded[to++] = HEX[c >> 4] ?? 0
      encoded[to++] = HEX[c & 15] ?? 0
    }
  }
  return encoded.subarray(0, to)
}

/** A space or tab, and not one that ends a line or the body: such would be lost on the way. */
function isInnerSpace(octets: Uint8Array, at: number, isText: boolean): boolean {
  if (octets[at] !== 0x20 && octets[at] !== 0x09) return false
  return at + 1 < octets.length && !(isText && octets[at + 1] === CR && octets[at + 2] === LF)
}

function lineEnd(encoded: Buffer, at: number): number {
  encoded[at] = CR
  encoded[at + 1] = LF
  return at + 2
}

/** Undoes a transfer encoding, forgiving; an unknown one (7bit, 8bit, binary) leaves the octets as they are. */
export function decodeTransfer(octets: Uint8Array, encoding: string): Buffer {
  const buffer = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength)
  if (encoding === 'base64') return Buffer.from(buffer.toString('latin1'), 'base64')
  if (encoding === 'quoted-printable') return decodeQuotedPrintable(buffer)
  return buffer
}

function decodeQuotedPrintable(octets: Buffer): Buffer {
  const decoded = Buffer.allocUnsafe(octets.length)
  let to = 0
  for (let i = 0; i < octets.length; i++) {
    const c = octets[i] ?? 0
    const end = c === 0x3d ? softBreakEnd(octets, i + 1) : -1
    const octet = c === 0x3d && end < 0 ? hexOctet(octets, i + 1) : -1
    if (end >= 0) i = end
    else if (octet >= 0) {
      decoded[to++] = octet
      i += 2
    } else decoded[to++] = c
  }
  return decoded.subarray(0, to)
}

/** Position of the LF that ends a soft line break, from behind its `=`; −1: it is none. */
function softBreakEnd(octets: Buffer, from: number): number {
  let i = from
  while (octets[i] === 0x20 || octets[i] === 0x09 || octets[i] === CR) i++
  return octets[i] === LF ? i : -1
}

function hexOctet(octets: Buffer, at: number): number {
  const high = hexDigit(octets[at])
  const low = hexDigit(octets[at + 1])
  return high < 0 || low < 0 ? -1 : high * 16 + low
}

function hexDigit(c: number | undefined): number {
  if (c === undefined) return -1
  if (c >= 0x30 && c <= 0x39) return c - 0x30
  const letter = c | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}
