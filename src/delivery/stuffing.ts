/** A message as it goes over the wire: CRLF line ends, dots at the start of a line doubled, the end marked. */

const CR = 13
const LF = 10
const DOT = 46

const ONE_CR = Buffer.from('\r')
const ONE_DOT = Buffer.from('.')
const END = Buffer.from('.\r\n')
const END_OF_LINE_TOO = Buffer.from('\r\n.\r\n')

/** `size`: octets as RFC 1870 §3 counts them, without what is only there for the way. */
export type Stuffed = { readonly pieces: readonly Buffer[]; readonly size: number }

/**
 * Cuts a message where a dot has to be doubled (RFC 5321 §4.5.2) and where a line end is not CRLF; what lies between is
 * not copied. A lone CR or LF becomes CRLF: two servers might take it for different things (SMTP smuggling), and what
 * passes us must mean one. Messages that were accepted here have none.
 */
export function stuff(given: Buffer): Stuffed {
  const message = hasLoneCr(given) ? withoutLoneCr(given) : given
  const pieces: Buffer[] = []
  let from = 0
  let dots = 0
  const insert = (at: number, octets: Buffer) => {
    if (at > from) pieces.push(message.subarray(from, at))
    pieces.push(octets)
    from = at
    if (octets === ONE_DOT) dots += 1
  }
  if (message[0] === DOT) insert(0, ONE_DOT)
  for (let at = message.indexOf(LF); at >= 0; at = message.indexOf(LF, at + 1)) {
    if (message[at - 1] !== CR) insert(at, ONE_CR)
    if (message[at + 1] === DOT) insert(at + 1, ONE_DOT)
  }
  if (from < message.length) pieces.push(message.subarray(from))
  pieces.push(message.length === 0 || message.at(-1) === LF ? END : END_OF_LINE_TOO)
  return { pieces, size: pieces.reduce((sum, piece) => sum + piece.length, 0) - dots - END.length }
}

function hasLoneCr(message: Buffer): boolean {
  for (let at = message.indexOf(CR); at >= 0; at = message.indexOf(CR, at + 1)) {
    if (message[at + 1] !== LF) return true
  }
  return false
}

/** A copy: rare, so that the way for all others needs to look for LF only, which the platform does quickly. */
function withoutLoneCr(message: Buffer): Buffer {
  return Buffer.from(message.toString('latin1').replaceAll(/\r\n?|\n/g, '\r\n'), 'latin1')
}
