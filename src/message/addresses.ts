/** Mail addresses as SES reads them: API fields, address headers, SMTP paths. */
import { LIST, ONE, scanAddresses, trimmed } from './address-scanner.ts'
import type { AddressSpan } from './address-scanner.ts'
import { parseAddrSpec } from './addr-spec.ts'
import { decodeWords, encodeWords, isPrintable, oneLine, toEncodedWords } from './encoded-words.ts'
import { parsed, unparsed } from './parsed.ts'
import type { Parsed } from './parsed.ts'
import { endOfComment, endOfQuoted, unescape } from './quoted.ts'

export type Mailbox = {
  /** The display name with quotes and encoded-words undone, or the first comment where there is no name. */
  readonly name: string | null
  readonly localPart: string
  readonly domain: string
  /** `localPart@domain`: the addr-spec, in the case and quoting it came in. */
  readonly address: string
  /** As supplied, trimmed. */
  readonly text: string
}

/** SES measures the normalized form in UTF-16 units. */
const MAX_LENGTH = 320

/** RFC 822 `specials` and the dot: with one of these a display name is put in quotes. */
const PHRASE_SPECIALS = /[()<>@,;:\\".[\]]|[^\t\r\n\x20-\x7e]/

/**
 * Reads one address of an API field: `ann@example.com`, `Ann <ann@example.com>`. Display names and comments may hold
 * anything. The error is the text that SES answers with.
 */
export function parseMailbox(text: string): Parsed<Mailbox> {
  const known = KNOWN.get(text)
  if (known !== undefined) return known
  const result = readOne(text)
  if (text.length <= LONGEST_KNOWN) {
    if (KNOWN.size >= MOST_KNOWN) KNOWN.clear()
    KNOWN.set(text, result)
  }
  return result
}

/** One message asks for the same address some four times, and most senders send again. */
const KNOWN = new Map<string, Parsed<Mailbox>>()
const MOST_KNOWN = 1000
const LONGEST_KNOWN = 100

function readOne(text: string): Parsed<Mailbox> {
  const spans = scanAddresses(text, ONE)
  if (!spans.ok) return spans
  const [span] = spans.value
  return span === undefined ? unparsed('Illegal address') : readMailbox(text, span)
}

/** Reads the unfolded value of an address header; groups are allowed, and an empty list too. */
export function parseMailboxList(text: string): Parsed<readonly Mailbox[]> {
  if (BARE.test(text)) {
    const only = parseMailbox(text)
    if (only.ok) return parsed([only.value])
  }
  const spans = scanAddresses(text, LIST)
  if (!spans.ok) return spans
  const mailboxes: Mailbox[] = []
  for (const span of spans.value) {
    const mailbox = readMailbox(text, span)
    if (!mailbox.ok) return mailbox
    mailboxes.push(mailbox.value)
  }
  return parsed(mailboxes)
}

/** One address of the plainest form, which is read alike wherever it stands. */
const BARE = /^[\w.+-]+@[\w.-]+$/

/** SES's refusal of an address whose normalized form is longer than 320 characters; null: it is not. */
export function overLengthError(mailbox: Mailbox): string | null {
  // Normalizing adds at most a backslash to each character, two quotes, two brackets and a space.
  if (2 * mailbox.text.length + 5 <= MAX_LENGTH) return null
  const normalized = formatMailbox(mailbox)
  if (normalized.length <= MAX_LENGTH) return null
  return `Address length is more than ${MAX_LENGTH} characters long: '${normalized}'.`
}

/**
 * The normalized form: `name <address>`, the name as it came (encoded-words are not undone) and in quotes only where it
 * has to be. SES measures this form.
 */
export function formatMailbox(mailbox: Mailbox): string {
  const phrase = mailbox.text === mailbox.address ? null : phraseOf(mailbox.text)
  if (phrase !== null) return `${quotePhrase(phrase)} <${mailbox.address}>`
  return /[()<>,;:\\"[\]]/.test(mailbox.address) ? `<${mailbox.address}>` : mailbox.address
}

/** The address as a header field can hold it: as {@link formatMailbox} has it, or else with its name as encoded-words. */
export function headerForm(mailbox: Mailbox): string {
  const form = formatMailbox(mailbox)
  if (isPrintable(form)) return form
  const name = oneLine(mailbox.name ?? '').trim()
  if (name === '') return mailbox.address
  return `${isPrintable(name) ? quotePhrase(name) : toEncodedWords(name)} <${mailbox.address}>`
}

/** An address list that is not all ASCII, written so that a header field can hold it. */
export function encodeAddresses(list: string): string {
  const mailboxes = parseMailboxList(list)
  return mailboxes.ok ? mailboxes.value.map(headerForm).join(', ') : encodeWords(list)
}

/** Puts a display name in quotes where it has special or non-ASCII characters. */
export function quotePhrase(phrase: string): string {
  return PHRASE_SPECIALS.test(phrase) ? `"${phrase.replace(/["\\]/g, '\\$&')}"` : phrase
}

/**
 * The path of MAIL FROM and RCPT TO, without its ESMTP parameters: `<a@b>`, or `a@b` alone, as SES takes it.
 * null: the null path `<>`. undefined: not a path (source routes are refused too, RFC 5321 §4.1.1.3 allows that).
 */
export function parsePath(argument: string): Mailbox | null | undefined {
  const text = trimmed(argument, 0, argument.length)
  if (text === '<>') return null
  const bracketed = text.startsWith('<')
  if (bracketed && !text.endsWith('>')) return undefined
  const spec = bracketed ? text.slice(1, -1) : text
  const result = parseAddrSpec(spec)
  if (!result.ok) return undefined
  return { name: null, ...result.value, address: spec, text: spec }
}

/**
 * What SES's SMTP endpoint says of a quoted local part that holds `:` or `@` (seen in 2020, end of DATA); null: nothing.
 * Such an address would be read as a route or as another domain by some relays.
 */
export function userNameError(mailbox: Mailbox): string | null {
  if (!/[:@]/.test(mailbox.localPart)) return null
  return `Address contains illegal characters in user name: '<${mailbox.address}>'.`
}

function readMailbox(text: string, span: AddressSpan): Parsed<Mailbox> {
  const whole = trimmed(text, span.start, span.end)
  const spec = addrSpecText(text, span)
  if (spec === null) return unparsed('Illegal address')
  const result = parseAddrSpec(spec)
  if (!result.ok) return result
  const phrase = spanPhrase(text, span)
  return parsed({ name: phrase === null ? null : decodeWords(phrase), ...result.value, address: spec, text: whole })
}

/** The addr-spec of a span; null: something stands behind the angle brackets. */
function addrSpecText(text: string, span: AddressSpan): string | null {
  if (span.angle < 0) {
    const spec = trimmed(text, span.start, span.end)
    return span.comment < 0 ? spec : withoutComments(spec)
  }
  const rest = trimmed(text, span.angleEnd + 1, span.end)
  if (rest !== '' && withoutComments(rest) !== '') return null
  return trimmed(text, span.angle + 1, span.angleEnd)
}

/** The display name as it stands there, its quotes undone; for want of one, the first comment; null: neither. */
function spanPhrase(text: string, span: AddressSpan): string | null {
  const phrase = span.angle < 0 ? '' : unquote(trimmed(text, span.start, span.angle))
  if (phrase !== '') return phrase
  if (span.comment < 0) return null
  const comment = unescape(trimmed(text, span.comment + 1, endOfComment(text, span.comment)))
  return comment === '' ? null : comment
}

function phraseOf(text: string): string | null {
  const spans = scanAddresses(text, ONE)
  const span = spans.ok ? spans.value[0] : undefined
  return span === undefined ? null : spanPhrase(text, span)
}

/** A phrase that is one quoted-string loses its quotes; any other stays as it is. */
function unquote(phrase: string): string {
  if (phrase.charCodeAt(0) !== 0x22 || endOfQuoted(phrase, 0) !== phrase.length - 1) return phrase
  return unescape(phrase.slice(1, -1))
}

/** The text without its comments and the spaces that these leave at its ends. */
function withoutComments(text: string): string {
  let kept = ''
  let from = 0
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 0x22) {
      const end = endOfQuoted(text, i)
      if (end < 0) break
      i = end
    } else if (c === 0x28) {
      const end = endOfComment(text, i)
      if (end < 0) break
      kept += text.slice(from, i)
      from = end + 1
      i = end
    }
  }
  kept += text.slice(from)
  return trimmed(kept, 0, kept.length)
}
