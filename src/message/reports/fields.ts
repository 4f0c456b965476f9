/** Fields of the machine-readable parts of reports (RFC 3464 §2.1, RFC 5965 §3.1): groups of `Name: value` lines. */
import { isFieldName } from '../headers.ts'

/** Values by their names in lower case, in the order in which they came. */
export type FieldGroup = ReadonlyMap<string, readonly string[]>

const MAX_TEXT = 262_144
const MAX_FIELDS = 10_000
export const MAX_VALUE = 4096

/**
 * Reads the groups, unfolded. They are parted by blank lines, and by a name of `starts` that occurs again: not all
 * programs write the blank lines. Lines that are no fields are left out.
 */
export function readFieldGroups(text: string, starts: ReadonlySet<string>): FieldGroup[] {
  const groups: Map<string, string[]>[] = []
  let group = new Map<string, string[]>()
  const end = () => {
    if (group.size > 0) groups.push(group)
    group = new Map()
  }
  let read = 0
  for (const line of unfoldedLines(text.slice(0, MAX_TEXT))) {
    const colon = line.indexOf(':')
    if (line.trim() === '') end()
    else if (colon > 0 && read < MAX_FIELDS) {
      const name = line.slice(0, colon).trim().toLowerCase()
      if (!isFieldName(name)) continue
      if (starts.has(name) && group.has(name)) end()
      const value = line.slice(colon + 1, colon + 1 + MAX_VALUE).trim()
      const values = group.get(name)
      if (values === undefined) group.set(name, [value])
      else values.push(value)
      read++
    }
  }
  end()
  return groups
}

/** A line that begins with white space goes on with the one before it, unless it is blank. */
function unfoldedLines(text: string): string[] {
  const lines: string[] = []
  let pieces: string[] = []
  for (const line of text.split(/\r?\n|\r/)) {
    const isContinuation = pieces.length > 0 && /^[ \t]+\S/.test(line)
    if (!isContinuation && pieces.length > 0) {
      lines.push(pieces.join(' '))
      pieces = []
    }
    if (isContinuation) pieces.push(line.trim())
    else if (line.trim() === '') lines.push('')
    else pieces.push(line)
  }
  return [...lines, pieces.join(' ')]
}

/** The first value of a field, or null where there is none or it is empty. */
export function firstOf(group: FieldGroup, name: string): string | null {
  const value = group.get(name)?.[0] ?? ''
  return value === '' ? null : value
}

/** The last value of the sort of address fields: `rfc822; <a@example.org> (Ann)` → `a@example.org`. */
export function addressOf(value: string | null): string | null {
  if (value === null) return null
  const text = value.replace(/^[\w-]{1,32}[ \t]{0,32};/, '').trim()
  return addressIn(text)?.address ?? null
}

/** RFC 5321 §4.5.3.1. */
const MAX_LOCAL = 64
const MAX_DOMAIN = 255

export type FoundAddress = { readonly address: string; readonly start: number; readonly end: number }

/** The first thing in a text that looks like an address. Looks at no character more than a few times. */
export function addressIn(text: string, from = 0): FoundAddress | null {
  for (let at = text.indexOf('@', from); at >= 0; at = text.indexOf('@', at + 1)) {
    let start = at
    while (start > from && at - start < MAX_LOCAL && isLocal(text.charCodeAt(start - 1))) start--
    let end = at + 1
    while (end < text.length && end - at <= MAX_DOMAIN && isDomain(text.charCodeAt(end))) end++
    // A full stop at the end is the sentence's.
    while (end > at + 1 && text.charCodeAt(end - 1) === 0x2e) end--
    if (start < at && end > at + 1) return { address: text.slice(start, end), start, end }
  }
  return null
}

function isDomain(c: number): boolean {
  return (c >= 0x61 && c <= 0x7a) || (c >= 0x30 && c <= 0x39) || (c >= 0x41 && c <= 0x5a) || c === 0x2e || c === 0x2d
}

/** RFC 5322 §3.2.3 `atext`, the dot, and letters beyond ASCII. */
function isLocal(c: number): boolean {
  return isDomain(c) || c > 0x7f || LOCAL.has(c)
}

const LOCAL: ReadonlySet<number> = new Set(Buffer.from("!#$%&'*+/=?^_`{|}~"))

/** A date of a header field as milliseconds since the epoch, or null. */
export function dateOf(value: string | null): number | null {
  const time = value === null || value.length > 100 ? Number.NaN : Date.parse(value)
  return Number.isNaN(time) ? null : time
}
