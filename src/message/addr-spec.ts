/** The addr-spec (RFC 5322 §3.4.1), scanned once from left to right, with the words in which SES refuses one. */
import { parsed, unparsed } from './parsed.ts'
import type { Parsed } from './parsed.ts'

export type AddrSpec = { readonly localPart: string; readonly domain: string }

// The words are JavaMail's. All of them but `Domain starts with dot` and `Quote not at end of local address` have been
// seen from SES; these two come from the same loops. JavaMail's rules on dots in the local part are not SES's: it takes
// `.a@`, `a.@` and `a..b@`. docs/fidelity.md has the sources.
const NO_DOMAIN = "Missing final '@domain'"
const LOCAL_CONTROL = 'Local address contains control or whitespace'
const LOCAL_ILLEGAL = 'Local address contains illegal character'
const DOMAIN_CONTROL = 'Domain contains control or whitespace'
const DOMAIN_ILLEGAL = 'Domain contains illegal character'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const AT = 0x40
const DOT = 0x2e

/** Reads `local@domain` with nothing around it. Both halves come back as written (quotes kept, case kept). */
export function parseAddrSpec(spec: string): Parsed<AddrSpec> {
  const at = spec.charCodeAt(0) === QUOTE ? scanQuotedLocal(spec) : scanLocal(spec)
  if (typeof at === 'string') return unparsed(at)
  const wrong = domainError(spec, at + 1)
  if (wrong !== null) return unparsed(wrong)
  return parsed({ localPart: spec.slice(0, at), domain: spec.slice(at + 1) })
}

/** Position of the `@`, or the error. */
function scanLocal(spec: string): number | string {
  for (let i = 0; i < spec.length; i++) {
    const c = spec.charCodeAt(i)
    if (c === AT) return i === 0 ? 'Missing local name' : i
    if (isControlOrNotAscii(c)) return LOCAL_CONTROL
    if (isSpecial(c)) return LOCAL_ILLEGAL
  }
  return NO_DOMAIN
}

/** The same for a quoted local part, whose inside SES does not look at, but for line ends. */
function scanQuotedLocal(spec: string): number | string {
  let escaped = false
  for (let i = 1; i < spec.length; i++) {
    const c = spec.charCodeAt(i)
    if (c === 0x0d || c === 0x0a) return `Invalid email address<${spec}>.`
    // Ours: without SMTPUTF8 these octets could not be sent on.
    if ((c < 0x20 && c !== 0x09) || c >= 0x7f) return LOCAL_CONTROL
    if (escaped) escaped = false
    else if (c === BACKSLASH) escaped = true
    else if (c === QUOTE) return afterQuote(spec, i + 1)
  }
  return `Missing '"'`
}

function afterQuote(spec: string, next: number): number | string {
  if (next === spec.length) return NO_DOMAIN
  return spec.charCodeAt(next) === AT ? next : 'Quote not at end of local address'
}

function domainError(spec: string, start: number): string | null {
  if (start === spec.length) return 'Missing domain'
  if (spec.charCodeAt(start) === 0x5b) return literalError(spec, start + 1)
  if (spec.charCodeAt(start) === DOT) return 'Domain starts with dot'
  let last = 0
  for (let i = start; i < spec.length; i++) {
    const c = spec.charCodeAt(i)
    if (isControlOrNotAscii(c)) return DOMAIN_CONTROL
    if (!isLetterOrDigit(c) && c !== 0x2d && c !== DOT) return DOMAIN_ILLEGAL
    if (c === DOT && last === DOT) return 'Domain contains dot-dot'
    last = c
  }
  return last === DOT ? 'Domain ends with dot' : null
}

/** A domain literal, `[192.0.2.1]`: any printable characters, no bracket or backslash within. */
function literalError(spec: string, start: number): string | null {
  const end = spec.length - 1
  for (let i = start; i < end; i++) {
    const c = spec.charCodeAt(i)
    if (isControlOrNotAscii(c)) return DOMAIN_CONTROL
    if (c === 0x5b || c === 0x5d || c === BACKSLASH) return DOMAIN_ILLEGAL
  }
  return end > start && spec.charCodeAt(end) === 0x5d ? null : DOMAIN_ILLEGAL
}

/** SES tests for the control characters, space and everything above ASCII at once. */
function isControlOrNotAscii(c: number): boolean {
  return c <= 0x20 || c >= 0x7f
}

function isLetterOrDigit(c: number): boolean {
  return (c >= 0x61 && c <= 0x7a) || (c >= 0x41 && c <= 0x5a) || (c >= 0x30 && c <= 0x39)
}

/** RFC 5322 `specials` without the dot and the at sign: `( ) < > , ; : \ " [ ]`. */
function isSpecial(c: number): boolean {
  switch (c) {
    case 0x22:
    case 0x28:
    case 0x29:
    case 0x2c:
    case 0x3a:
    case 0x3b:
    case 0x3c:
    case 0x3e:
    case 0x5b:
    case 0x5c:
    case 0x5d:
      return true
    default:
      return false
  }
}
