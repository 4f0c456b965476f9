/** Where the addresses of a list begin and end (RFC 5322 §3.4), found in one pass over the text. */
import { parseAddrSpec } from './addr-spec.ts'
import { parsed, unparsed } from './parsed.ts'
import type { Parsed } from './parsed.ts'
import { endOfComment, endOfQuoted } from './quoted.ts'

/** Positions in the scanned text; `angle` and `angleEnd` are those of `<` and `>`, −1 where there are none. */
export type AddressSpan = {
  readonly start: number
  readonly end: number
  readonly angle: number
  readonly angleEnd: number
  /** Position of the `(` of the first comment outside the angle brackets, or −1. */
  readonly comment: number
}

type Scan = {
  readonly text: string
  readonly spans: AddressSpan[]
  start: number
  angle: number
  angleEnd: number
  comment: number
  /** Where the group in hand began, or −1. */
  group: number
}

/** One address of an API field: `group: a, b;` and `a, b` are not one. */
export const ONE = 'one'
/** An address list of a header: groups are taken apart, empty places (`a,,b`) left out. */
export const LIST = 'list'

/**
 * Finds the addresses. The errors are those of JavaMail's tokenizer: SES has been seen to report `Missing '"'`,
 * `Extra route-addr`, `Illegal semicolon, not in group` and `Illegal address` from it; `Missing '>'`, `Missing '<'`,
 * `Missing ')'` and `Missing '('` come from the same place. Linear in the length of the text.
 */
export function scanAddresses(text: string, kind: typeof ONE | typeof LIST): Parsed<readonly AddressSpan[]> {
  const scan: Scan = { text, spans: [], start: 0, angle: -1, angleEnd: -1, comment: -1, group: -1 }
  let inLiteral = false
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    // The specials lie below `A`, but for the brackets; most characters of an address are letters.
    if (c >= 0x40 && c !== 0x5b && c !== 0x5d) continue
    if (c === 0x5b) inLiteral = text.charCodeAt(i - 1) === 0x40
    else if (c === 0x5d) inLiteral = false
    else if (!inLiteral && isDelimiter(c)) {
      const next = delimiter(scan, kind, c, i)
      if (typeof next === 'string') return unparsed(next)
      i = next
    }
  }
  if (scan.group >= 0) return unparsed(addrSpecError(text.slice(scan.group)))
  finishAddress(scan, text.length)
  return parsed(scan.spans)
}

function isDelimiter(c: number): boolean {
  return (
    c === 0x22 || c === 0x28 || c === 0x29 || c === 0x2c || c === 0x3a || c === 0x3b || c === 0x3c || c === 0x3e // " ( ) , : ; < >
  )
}

/** Deals with the delimiter at `at`: the position to go on from (the loop adds one), or an error. */
function delimiter(scan: Scan, kind: typeof ONE | typeof LIST, c: number, at: number): number | string {
  switch (c) {
    case 0x22: {
      const end = endOfQuoted(scan.text, at)
      return end < 0 ? `Missing '"'` : end
    }
    case 0x28: {
      if (scan.comment < 0) scan.comment = at
      const end = endOfComment(scan.text, at)
      return end < 0 ? "Missing ')'" : end
    }
    case 0x29:
      return "Missing '('"
    case 0x3c:
      return angleAddress(scan, at)
    case 0x3e:
      return "Missing '<'"
    case 0x2c:
      if (kind === ONE) return 'Illegal address'
      finishAddress(scan, at)
      return at
    case 0x3a:
      return groupBegins(scan, kind, at)
    default:
      if (kind === ONE || scan.group < 0) return 'Illegal semicolon, not in group'
      finishAddress(scan, at)
      scan.group = -1
      return at
  }
}

function angleAddress(scan: Scan, at: number): number | string {
  if (scan.angle >= 0) return 'Extra route-addr'
  scan.angle = at
  for (let i = at + 1; i < scan.text.length; i++) {
    const c = scan.text.charCodeAt(i)
    if (c === 0x3e) {
      scan.angleEnd = i
      return i
    }
    if (c === 0x22) {
      i = endOfQuoted(scan.text, i)
      if (i < 0) return `Missing '"'`
    }
  }
  return "Missing '>'"
}

/** A colon that begins no group is judged as part of an addr-spec: SES, of `DEBUG: Bob <b@example.com>`. */
function groupBegins(scan: Scan, kind: typeof ONE | typeof LIST, at: number): number | string {
  if (kind === ONE || scan.group >= 0 || scan.angle >= 0) {
    return addrSpecError(scan.text.slice(scan.group >= 0 ? scan.group : scan.start))
  }
  scan.group = scan.start
  scan.start = at + 1
  scan.comment = -1
  return at
}

function addrSpecError(text: string): string {
  const result = parseAddrSpec(trimmed(text, 0, text.length))
  return result.ok ? 'Illegal address' : result.error
}

function finishAddress(scan: Scan, end: number): void {
  const { text, start, angle, angleEnd, comment } = scan
  if (!isBlank(text, start, end)) scan.spans.push({ start, end, angle, angleEnd, comment })
  scan.start = end + 1
  scan.angle = -1
  scan.angleEnd = -1
  scan.comment = -1
}

function isBlank(text: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (text.charCodeAt(i) > 0x20) return false
  return true
}

/** text[start, end) without the controls and spaces around it. Other white space is not dropped: SES refuses it. */
export function trimmed(text: string, start: number, end: number): string {
  let from = start
  let to = end
  while (from < to && text.charCodeAt(from) <= 0x20) from++
  while (to > from && text.charCodeAt(to - 1) <= 0x20) to--
  return text.slice(from, to)
}
