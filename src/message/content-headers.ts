/** Content-Type and Content-Disposition: a value and its parameters (RFC 2045 §5.1, RFC 2183, RFC 2231). */
import { decodeText } from './charsets.ts'
import { decodeWords } from './encoded-words.ts'
import { endOfComment, endOfQuoted, unescape } from './quoted.ts'

export type ContentHeader = {
  /** `text/plain`, `attachment`: lower case; '' where it cannot be read. */
  readonly value: string
  /** By their names in lower case, with the pieces of RFC 2231 put together and encoded-words undone. */
  readonly parameters: ReadonlyMap<string, string>
  /** In JavaMail's words, as SES reports them; null: nothing is wrong. */
  readonly error: string | null
}

/** `broken`: what follows cannot be read, and the text says why. */
type Token = { readonly kind: 'atom' | 'quoted' | 'special' | 'broken' | 'end'; readonly text: string }

const END: Token = { kind: 'end', text: 'null' }
/** More than any program writes; a name of 255 characters takes some twenty pieces. */
const MAX_PARAMETERS = 100

export function readContentType(value: string): ContentHeader {
  const known = KNOWN.get(value)
  if (known !== undefined) return known
  const header = contentTypeOf(value)
  // Those with a boundary never come again.
  if (value.length <= LONGEST_KNOWN && !header.value.startsWith('multipart/')) {
    if (KNOWN.size >= MOST_KNOWN) KNOWN.clear()
    KNOWN.set(value, header)
  }
  return header
}

/** Nearly all mail has one of a few. */
const KNOWN = new Map<string, ContentHeader>()
const MOST_KNOWN = 200
const LONGEST_KNOWN = 100

function contentTypeOf(value: string): ContentHeader {
  const tokens = tokenize(value)
  const [type, slash, subtype] = tokens
  if (type?.kind !== 'atom' || slash?.text !== '/' || subtype?.kind !== 'atom') {
    // JavaMail takes a type that it cannot read for text/plain, and so does RFC 2045 §5.2.
    return { value: '', parameters: new Map(), error: null }
  }
  return withParameters(`${type.text}/${subtype.text}`.toLowerCase(), tokens, 3)
}

export function readDisposition(value: string): ContentHeader {
  const tokens = tokenize(value)
  const disposition = tokens[0] ?? END
  if (disposition.kind !== 'atom') {
    const error = disposition.kind === 'broken' ? disposition.text : `Expected disposition, got ${disposition.text}`
    return { value: '', parameters: new Map(), error }
  }
  return withParameters(disposition.text.toLowerCase(), tokens, 1)
}

function withParameters(value: string, tokens: readonly Token[], from: number): ContentHeader {
  const found = new Map<string, string>()
  const error = readParameters(tokens, from, found)
  return { value, parameters: joinPieces(found), error }
}

/** `; name=value`, again and again; a last `;` may stand alone. Fills `found`; the error, or null. */
function readParameters(tokens: readonly Token[], from: number, found: Map<string, string>): string | null {
  for (let i = from; i < tokens.length; i += 4) {
    const [separator = END, name = END, equals = END, value = END] = tokens.slice(i, i + 4)
    if (separator.text !== ';' || separator.kind !== 'special') return expected("';'", separator)
    if (name.kind === 'end') return null
    if (name.kind !== 'atom') return expected('parameter name', name)
    if (equals.text !== '=' || equals.kind !== 'special') return expected("'='", equals)
    if (value.kind !== 'atom' && value.kind !== 'quoted') return expected('parameter value', value)
    if (found.size < MAX_PARAMETERS) found.set(name.text.toLowerCase(), value.text)
  }
  return null
}

function expected(what: string, token: Token): string {
  return token.kind === 'broken' ? token.text : `Expected ${what}, got "${token.text}"`
}

/** Atoms, quoted strings and specials of RFC 2045, comments left out. */
function tokenize(value: string): readonly Token[] {
  const list: Token[] = []
  for (let i = 0; i < value.length;) {
    const c = value.charCodeAt(i)
    if (c === 0x20 || c === 0x09 || c === 0x0d || c === 0x0a) i++
    else if (c === 0x28) {
      const end = endOfComment(value, i)
      if (end < 0) return [...list, { kind: 'broken', text: 'Unbalanced comments' }]
      i = end + 1
    } else if (c === 0x22) {
      const end = endOfQuoted(value, i)
      if (end < 0) return [...list, { kind: 'broken', text: 'Unbalanced quoted string' }]
      list.push({ kind: 'quoted', text: unescape(value.slice(i + 1, end)) })
      i = end + 1
    } else if (isTokenCharacter(c)) {
      const start = i
      while (i < value.length && isTokenCharacter(value.charCodeAt(i))) i++
      list.push({ kind: 'atom', text: value.slice(start, i) })
    } else list.push({ kind: 'special', text: value.charAt(i++) })
  }
  return list
}

/** RFC 2045 §5.1 `token`: printable ASCII without tspecials. */
export function isTokenCharacter(c: number): boolean {
  return c > 0x20 && c < 0x7f && !TSPECIALS.has(c)
}

const TSPECIALS: ReadonlySet<number> = new Set(Buffer.from('()<>@,;:\\"/[]?='))

/** RFC 2231: `name*`, `name*0`, `name*1*` become `name`; the pieces with a final star are percent-encoded. */
function joinPieces(found: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const joined = new Map<string, string>()
  for (const [name, text] of found) if (!name.includes('*')) joined.set(name, decodeWords(text))
  for (const name of found.keys()) {
    const star = name.indexOf('*')
    const base = name.slice(0, star)
    if (star > 0 && (name.endsWith('*0') || name.endsWith('*0*') || star === name.length - 1)) {
      joined.set(base, joinPiecesOf(base, found))
    }
  }
  return joined
}

function joinPiecesOf(base: string, found: ReadonlyMap<string, string>): string {
  const whole = found.get(`${base}*`)
  if (whole !== undefined) return decodeExtended([{ text: whole, isEncoded: true }])
  const pieces: { text: string; isEncoded: boolean }[] = []
  for (let n = 0; n < MAX_PARAMETERS; n++) {
    const encoded = found.get(`${base}*${n}*`)
    const piece = encoded ?? found.get(`${base}*${n}`)
    if (piece === undefined) break
    pieces.push({ text: piece, isEncoded: encoded !== undefined })
  }
  return decodeExtended(pieces)
}

/** `charset'language'text` in the first piece, where that is encoded; the octets of all pieces are decoded together. */
function decodeExtended(pieces: readonly { text: string; isEncoded: boolean }[]): string {
  let charset = 'utf-8'
  const octets: Buffer[] = []
  for (const [index, { text, isEncoded }] of pieces.entries()) {
    const prefix = index === 0 && isEncoded ? /^([^']*)'[^']*'/.exec(text) : null
    if (prefix !== null) charset = prefix[1] === '' ? charset : (prefix[1] ?? charset)
    octets.push(isEncoded ? percentOctets(text.slice(prefix?.[0].length ?? 0)) : Buffer.from(text, 'utf8'))
  }
  return decodeText(Buffer.concat(octets), charset)
}

function percentOctets(text: string): Buffer {
  const plain = text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(plain, 'latin1')
}
