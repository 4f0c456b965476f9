/**
 * Bounces that are written for people only: qmail, older Exim, Exchange, Sendmail, Domino, Gmail and Yahoo of earlier years,
 * and all that resemble them. They have in common that they come from the mail system, that each recipient begins a line,
 * and that what was said about him follows it.
 */
import { compilePhrases } from '../bounces/phrases.ts'
import { enhancedIn, smtpCodeIn } from '../bounces/codes.ts'
import type { HeaderField } from '../headers.ts'
import { MAX_RECIPIENTS } from './delivery-status.ts'
import type { ReportedRecipient } from './delivery-status.ts'
import { addressIn } from './fields.ts'
import type { FoundAddress } from './fields.ts'
import { returnedFrom } from './returned.ts'
import type { Returned } from './returned.ts'

export type PlainBounce = { readonly recipients: readonly ReportedRecipient[]; readonly returned: Returned | null }

const MAX_LINES = 2000
const MAX_LINE = 1000
const MAX_DIAGNOSTIC = 500

const FAILS = compilePhrases([
  'undeliverable',
  'undelivered',
  'not delivered',
  'not be delivered',
  'not deliver',
  'non delivery',
  'unable to deliver',
  'able to deliver',
  'delivery failed',
  'delivery failure',
  'delivery has failed',
  'delivery to the following recipient',
  'delivery to the following recipients',
  'failed permanently',
  'failure notice',
  'did not reach',
  'permanent error',
  'permanent fatal errors',
  'fatal errors',
  'returned mail',
  'returning message',
  'returned to sender',
  'mail delivery',
  'nicht zugestellt',
  'unzustellbar',
])

/** What a notice of a delay says: nothing has failed yet. */
const DELAYS = compilePhrases([
  'warning message only',
  'will be retried',
  'will continue to be',
  'will keep trying',
  'will continue to try',
  'will try again',
  'still being retried',
  'not yet been delivered',
  'not been delivered yet',
  'do not need to resend',
  'need not resend',
  'delivery status notification delay',
  'transient non fatal errors',
  'temporary non fatal errors',
  'delivery delayed',
  'message delayed',
])

/**
 * Reads the text of a mail that comes from a mail system; null: it tells of no recipient that failed or is late. `failed`:
 * what the header field X-Failed-Recipients says, which decides about whom the text is.
 */
export function readPlainBounce(subject: string, text: string, headers: readonly HeaderField[]): PlainBounce | null {
  const lines = text.split(/\r?\n|\r/, MAX_LINES).map((line) => line.slice(0, MAX_LINE))
  const mark = markOf(lines)
  const report = lines.slice(0, mark)
  const named = failedRecipients(headers)
  const all = `${subject}\n${report.join('\n')}`
  if (named.length === 0 && FAILS.find(all).found.size === 0 && DELAYS.find(all).found.size === 0) return null
  const told = toldOf(report)
  const action = DELAYS.find(all).found.size > 0 ? 'delayed' : 'failed'
  const recipients = recipientsOf(told, named).map(({ address, diagnostic }): ReportedRecipient => ({
    originalRecipient: null,
    finalRecipient: address,
    action,
    status: enhancedIn(diagnostic ?? ''),
    diagnosticCode: diagnostic,
    remoteMta: null,
  }))
  return recipients.length === 0 ? null : { recipients, returned: returnedAfter(lines, mark) }
}

type Told = { readonly address: string; readonly lines: string[] }
type Diagnosed = { readonly address: string; readonly diagnostic: string | null }

/** The recipients in their order, with the lines that follow each. */
function toldOf(report: readonly string[]): Told[] {
  const told: Told[] = []
  const seen = new Map<string, Told>()
  for (const line of report) {
    const begins = beginsRecipient(line)
    if (begins === null) {
      told.at(-1)?.lines.push(line)
      continue
    }
    const key = begins.address.toLowerCase()
    const known = seen.get(key)
    const rest = line.slice(begins.end).replace(/^>?:?/, '').trim()
    if (known !== undefined) known.lines.push(line)
    else if (told.length < MAX_RECIPIENTS) {
      const one: Told = { address: begins.address, lines: rest === '' ? [] : [rest] }
      seen.set(key, one)
      told.push(one)
    }
  }
  return told
}

/** What follows the last of several recipients in a row is said of all of them. */
function diagnosed(told: readonly Told[]): Diagnosed[] {
  let after: string | null = null
  return told
    .toReversed()
    .map(({ address, lines }) => {
      after = diagnosticOf(lines) ?? after
      return { address, diagnostic: after }
    })
    .toReversed()
}

/**
 * `<ann@example.org>:`, `ann@example.org` alone, `ann@example.org on Mon, …` (Exchange), or a sentence such as `The
 * following message to <ann@example.org> was undeliverable.`
 */
function beginsRecipient(line: string): FoundAddress | null {
  const found = addressIn(line)
  if (found === null) return null
  const before = line.slice(0, found.start).trim()
  const after = line.slice(found.end).trim()
  if (before === '' || before === '<' || before === '*' || before === '-') {
    if (/^>?\s?(?::|$|\(|\.\.\.|on (?:mon|tue|wed|thu|fri|sat|sun))/i.test(after)) return found
  }
  return before.endsWith('<') &&
    after.startsWith('>') &&
    /\b(?:undeliverable|not be delivered|not delivered)\b/i.test(after)
    ? found
    : null
}

/** Whom the header names, in its order; of those that the text does not name, what it says at all. */
function recipientsOf(told: readonly Told[], named: readonly string[]): readonly Diagnosed[] {
  const found = diagnosed(told)
  if (named.length === 0) return found
  const byAddress = new Map(found.map((one) => [one.address.toLowerCase(), one]))
  const diagnostic = diagnosticOf(told.flatMap(({ lines }) => lines))
  return named.map((address) => byAddress.get(address.toLowerCase()) ?? { address, diagnostic })
}

/** Exim and Gmail name those who failed in a field of the header. */
function failedRecipients(headers: readonly HeaderField[]): string[] {
  const found = new Set<string>()
  for (const { lower, value } of headers) {
    if (lower !== 'x-failed-recipients') continue
    for (const piece of value.split(',', MAX_RECIPIENTS)) {
      const address = addressIn(piece)?.address
      if (address !== undefined && found.size < MAX_RECIPIENTS) found.add(address)
    }
  }
  return [...found]
}

/** From the first line that has a code to the next blank one; else from the first that is no heading (`because:`). */
function diagnosticOf(lines: readonly string[]): string | null {
  const coded = lines.findIndex((line) => smtpCodeIn(line) !== null || enhancedIn(line) !== null)
  const start = coded >= 0 ? coded : lines.findIndex((line) => /[^:]$/.test(line.trim()))
  if (start < 0) return null
  const blank = lines.findIndex((line, index) => index > start && line.trim() === '')
  const said = lines.slice(start, blank < 0 ? start + 10 : Math.min(blank, start + 10))
  return said
    .map((line) => line.trim())
    .join(' ')
    .slice(0, MAX_DIAGNOSTIC)
}

/** What stands above the message that comes back. */
const MARKS = compilePhrases([
  'a copy of the message',
  'a copy of your message',
  'copy of the original message',
  'the original headers',
  'original message',
  'original message follows',
  'original message headers',
  'message header follows',
  'message headers follow',
  'unsent message follows',
  'returned message follows',
  'your message follows',
  'undelivered message follows',
  'undelivered message headers',
])

/** The line that parts the report from the message; the number of lines where there is none. */
function markOf(lines: readonly string[]): number {
  const mark = lines.findIndex((line) => {
    const text = line.trim()
    if (text.length > 120 || !(/^[-*=_#]{2}/.test(text) || text.endsWith(':'))) return false
    return MARKS.find(text).found.size > 0
  })
  if (mark >= 0) return mark
  const header = lines.findIndex((line) => /^(?:Return-Path|Received): /i.test(line))
  return header < 0 ? lines.length : header
}

function returnedAfter(lines: readonly string[], mark: number): Returned | null {
  const isMark = addressIn(lines[mark] ?? '') === null && !/^(?:Return-Path|Received): /i.test(lines[mark] ?? '')
  return returnedFrom(lines.slice(isMark ? mark + 1 : mark).join('\r\n'))
}
