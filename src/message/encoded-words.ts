/** Encoded-words: text beyond ASCII in header fields (RFC 2047, with the language tag of RFC 2231 §5). */
import { decodeText, encodeText, isCharset } from './charsets.ts'

/**
 * RFC 2047 §2 allows 75 characters; 64 leave room for `Subject: ` and the like on the same line.
 */
const MAX_WORD = 64

/** Whether a header can hold the text as it is: printable ASCII and tabs. */
export function isPrintable(text: string): boolean {
  return !/[^\t\x20-\x7e]/.test(text)
}

/** Runs of line ends and NULs become a space each: nothing that a caller gives can begin a new header line. */
export function oneLine(text: string): string {
  return /[\r\n\0]/.test(text) ? text.replace(/[\r\n\0]+/g, ' ') : text
}

/**
 * Writes text as encoded-words, one space between them, when it is not printable ASCII or could be taken for one; Q when it is mostly ASCII,
 * else B, as JavaMail does. What `charset` (UTF-8 by default, or when nobody knows it) cannot hold becomes `?`.
 */
export function encodeWords(text: string, charset = 'UTF-8'): string {
  return isPrintable(text) && !text.includes('=?') ? text : toEncodedWords(text, charset)
}

/** The same, whether the text needs it or not. */
export function toEncodedWords(text: string, charset = 'UTF-8'): string {
  const name = isCharset(charset) ? charset : 'UTF-8'
  const words: string[] = []
  splitIntoWords(text, name, isMostlyAscii(text) ? qWord : bWord, words)
  return words.join(' ')
}

/** Halves the text until each piece fits: every word then is whole characters, and begins in the charset's first state. */
function splitIntoWords(
  text: string,
  charset: string,
  write: (octets: Buffer, charset: string) => string,
  words: string[],
): void {
  const pending = [text]
  for (let piece = pending.pop(); piece !== undefined; piece = pending.pop()) {
    // No charset writes a UTF-16 unit in less than an octet, nor an octet in less than a character.
    const word = piece.length > 2 * MAX_WORD ? undefined : write(encodeText(piece, charset), charset)
    if (word !== undefined && (word.length <= MAX_WORD || piece.length <= 2)) words.push(word)
    else {
      const middle = characterBoundary(piece, piece.length >> 1)
      pending.push(piece.slice(middle), piece.slice(0, middle))
    }
  }
}

/** `at`, or one more where a surrogate pair would be cut. */
function characterBoundary(text: string, at: number): number {
  const unit = text.charCodeAt(at)
  const before = text.charCodeAt(at - 1)
  return unit >= 0xdc00 && unit <= 0xdfff && before >= 0xd800 && before <= 0xdbff ? at + 1 : at
}

function bWord(octets: Buffer, charset: string): string {
  return `=?${charset}?B?${octets.toString('base64')}?=`
}

/** Only the characters that RFC 2047 §5 (3) allows in a phrase, so that a word can stand anywhere. */
function qWord(octets: Buffer, charset: string): string {
  let text = ''
  for (const octet of octets) {
    if (octet === 0x20) text += '_'
    else if (isPhraseSafe(octet)) text += String.fromCharCode(octet)
    else text += `=${HEX[octet >> 4] ?? ''}${HEX[octet & 15] ?? ''}`
  }
  return `=?${charset}?Q?${text}?=`
}

const HEX = '0123456789ABCDEF'

function isPhraseSafe(c: number): boolean {
  return (
    (c >= 0x61 && c <= 0x7a) ||
    (c >= 0x41 && c <= 0x5a) ||
    (c >= 0x30 && c <= 0x39) ||
    c === 0x21 ||
    c === 0x2a ||
    c === 0x2b ||
    c === 0x2d ||
    c === 0x2f // ! * + - /
  )
}

function isMostlyAscii(text: string): boolean {
  let ascii = 0
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c >= 0x20 && c < 0x7f) ascii++
  }
  return 2 * ascii > text.length
}

type Word = { readonly charset: string; readonly octets: Buffer; readonly end: number }

/**
 * Undoes the encoded-words of an unfolded header value. White space between two of them is dropped (RFC 2047 §6.2), and
 * neighbours in one charset are decoded together, since many programs cut characters in two. What is not a well-formed
 * encoded-word stays as it is.
 */
export function decodeWords(value: string): string {
  let next = value.indexOf('=?')
  if (next < 0) return value
  let text = ''
  let from = 0
  let run: { charset: string; octets: Buffer[] } | null = null
  while (next >= 0) {
    const word = readWord(value, next)
    if (word === null) {
      next = value.indexOf('=?', next + 1)
      continue
    }
    const between = value.slice(from, next)
    if (run === null || !isWhiteSpace(between) || run.charset !== word.charset) {
      if (run !== null) text += decodeRun(run)
      if (run === null || !isWhiteSpace(between)) text += between
      run = { charset: word.charset, octets: [] }
    }
    run.octets.push(word.octets)
    from = word.end
    next = value.indexOf('=?', from)
  }
  if (run !== null) text += decodeRun(run)
  return text + value.slice(from)
}

function decodeRun(run: { charset: string; octets: Buffer[] }): string {
  // Charsets with escape sequences begin each word anew.
  if (run.charset.startsWith('iso-2022')) return run.octets.map((octets) => decodeText(octets, run.charset)).join('')
  return decodeText(Buffer.concat(run.octets), run.charset)
}

/** Reads `=?charset[*language]?B|Q?text?=` at `start`. No search passes the third `?`, so a value is read in linear time. */
function readWord(value: string, start: number): Word | null {
  const charsetEnd = value.indexOf('?', start + 2)
  if (charsetEnd < 0 || charsetEnd === start + 2 || value.charCodeAt(charsetEnd + 2) !== 0x3f) return null
  const textEnd = value.indexOf('?', charsetEnd + 3)
  if (textEnd < 0 || value.charCodeAt(textEnd + 1) !== 0x3d) return null
  const [charset = ''] = value.slice(start + 2, charsetEnd).split('*', 1)
  if (!/^[\w.:+-]+$/.test(charset)) return null
  const text = value.slice(charsetEnd + 3, textEnd)
  const encoding = value.charAt(charsetEnd + 1).toUpperCase()
  if (encoding === 'B') return { charset: charset.toLowerCase(), octets: Buffer.from(text, 'base64'), end: textEnd + 2 }
  if (encoding === 'Q') return { charset: charset.toLowerCase(), octets: qOctets(text), end: textEnd + 2 }
  return null
}

function qOctets(text: string): Buffer {
  const plain = text
    .replaceAll('_', ' ')
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(plain, 'latin1')
}

function isWhiteSpace(text: string): boolean {
  return !/[^ \t\r\n]/.test(text)
}
