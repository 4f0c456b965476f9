/** Text to octets and back, in any charset that mail is written in. */
import { createRequire } from 'node:module'
import type * as Iconv from 'iconv-lite'

const require = createRequire(import.meta.url)

// The tables of iconv-lite are loaded only when a message needs them: nearly all mail is UTF-8.
let loaded: typeof Iconv | undefined
function iconv(): typeof Iconv {
  if (loaded === undefined) {
    const module: typeof Iconv = require('iconv-lite')
    loaded = module
  }
  return loaded
}

/** Names that iconv-lite knows and that are not charsets of text. */
const NOT_TEXT = new Set(['base64', 'hex', 'binary', 'internal'])

type Codec = { readonly encode: (text: string) => Buffer; readonly decode: (octets: Buffer) => string }

const utf8: Codec = { encode: (text) => Buffer.from(text, 'utf8'), decode: (octets) => octets.toString('utf8') }
// 8-bit text under the name of ASCII is UTF-8 more often than not.
const ascii: Codec = { encode: encodeAscii, decode: utf8.decode }
const latin1: Codec = {
  encode: (text) => Buffer.from(text.replace(/[^\p{ASCII}\x80-\xff]/gu, '?'), 'latin1'),
  decode: (octets) => octets.toString('latin1'),
}
const iso2022Jp: Codec = {
  encode: encodeIso2022Jp,
  decode: (octets) => new TextDecoder('iso-2022-jp').decode(octets),
}

/** What Node does itself; ISO-2022-JP is here because iconv-lite has no codec for it. */
const NATIVE: ReadonlyMap<string, Codec> = new Map([
  ['utf-8', utf8],
  ['utf8', utf8],
  ['us-ascii', ascii],
  ['ascii', ascii],
  ['ansi_x3.4-1968', ascii],
  ['iso-8859-1', latin1],
  ['iso8859-1', latin1],
  ['latin1', latin1],
  ['iso-2022-jp', iso2022Jp],
])

function encodeAscii(text: string): Buffer {
  const octets = Buffer.from(text, 'utf8')
  // What is not ASCII takes more octets than it has UTF-16 units.
  return octets.length === text.length ? octets : Buffer.from(text.replace(/\P{ASCII}/gu, '?'), 'latin1')
}

function codecOf(charset: string): Codec | undefined {
  const lower = charset.toLowerCase()
  const native = NATIVE.get(lower)
  if (native !== undefined) return native
  // RFC 1556: `-i` and `-e` say in which direction to read, the characters are the same.
  const name = /^iso-8859-[68]-[ie]$/.test(lower) ? lower.slice(0, -2) : lower
  if (!/^[a-z0-9][a-z0-9._-]{0,39}$/.test(name) || NOT_TEXT.has(name) || !iconv().encodingExists(name)) return undefined
  return {
    encode: (text) => iconv().encode(text, name, { addBOM: false }),
    decode: (octets) => iconv().decode(octets, name),
  }
}

/** Whether text can be written in this charset. */
export function isCharset(charset: string): boolean {
  return codecOf(charset) !== undefined
}

/** The octets of `text`; what the charset has no character for becomes `?`, as in Java. An unknown charset is UTF-8. */
export function encodeText(text: string, charset: string): Buffer {
  return (codecOf(charset) ?? utf8).encode(text)
}

/** The text of the octets. A charset that nobody knows is read as UTF-8 where it can be, else as Latin-1. */
export function decodeText(octets: Uint8Array, charset: string): string {
  const buffer = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength)
  return codecOf(charset)?.decode(buffer) ?? decodeUnknown(buffer)
}

/** UTF-8 where the octets are that, else Latin-1, in which every octet is a character. */
export function decodeUnknown(octets: Buffer): string {
  const text = octets.toString('utf8')
  return text.includes('\ufffd') ? octets.toString('latin1') : text
}

const TO_ASCII = [0x1b, 0x28, 0x42]
const TO_JIS_X_0208 = [0x1b, 0x24, 0x42]

/**
 * RFC 1468. EUC-JP holds the same JIS X 0208 characters with the eighth bit set; characters that it writes in one or
 * three octets (half-width katakana, JIS X 0212) have no place in ISO-2022-JP.
 */
function encodeIso2022Jp(text: string): Buffer {
  const octets: number[] = []
  let twoByte = false
  for (const character of text.normalize('NFC')) {
    const [first = 0x3f, second] = character < '\x80' ? [character.charCodeAt(0)] : jisOctets(character)
    if ((second !== undefined) !== twoByte) {
      twoByte = !twoByte
      octets.push(...(twoByte ? TO_JIS_X_0208 : TO_ASCII))
    }
    octets.push(first)
    if (second !== undefined) octets.push(second)
  }
  if (twoByte) octets.push(...TO_ASCII)
  return Buffer.from(octets)
}

function jisOctets(character: string): readonly number[] {
  const euc = iconv().encode(character, 'euc-jp')
  const [first = 0, second = 0] = euc
  return euc.length === 2 && first > 0xa0 && second > 0xa0 ? [first & 0x7f, second & 0x7f] : [0x3f]
}
