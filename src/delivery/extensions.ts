/** What a server can do, from its reply to EHLO (RFC 5321 §4.1.1.1). */
import type { Reply } from '../message/outcome.ts'

export type Extensions = {
  readonly isExtended: boolean
  readonly pipelining: boolean
  readonly eightBitMime: boolean
  readonly startTls: boolean
  /** RFC 1870: whether SIZE is known, and the most octets that are taken; Infinity: it does not say. */
  readonly size: boolean
  readonly maxOctets: number
  /** RFC 4954, upper case. */
  readonly auth: ReadonlySet<string>
  /** RFC 9422: recipients in a transaction and messages in a session; Infinity: it does not say. */
  readonly maxRecipients: number
  readonly maxMessages: number
}

export const NO_EXTENSIONS: Extensions = {
  isExtended: false,
  pipelining: false,
  eightBitMime: false,
  startTls: false,
  size: false,
  maxOctets: Infinity,
  auth: new Set(),
  maxRecipients: Infinity,
  maxMessages: Infinity,
}

export function extensionsOf(reply: Reply): Extensions {
  // `AUTH=LOGIN` is how servers said it before there was a standard.
  const lines = (reply.lines ?? []).slice(1).map((line) => line.slice(4).trim().toUpperCase().split(/[ =]+/))
  const find = (keyword: string) => lines.filter(([first]) => first === keyword).map(([, ...values]) => values)
  const [size] = find('SIZE')
  const limits = new Map(pairs(find('LIMITS').flat()))
  return {
    isExtended: true,
    pipelining: find('PIPELINING').length > 0,
    eightBitMime: find('8BITMIME').length > 0,
    startTls: find('STARTTLS').length > 0,
    size: size !== undefined,
    // RFC 1870 §4: 0 is no limit.
    maxOctets: positive(size?.[0]),
    auth: new Set(find('AUTH').flat()),
    maxRecipients: positive(limits.get('RCPTMAX')),
    maxMessages: positive(limits.get('MAILMAX')),
  }
}

/** `RCPTMAX=50` was cut at its `=` together with the rest of the line. */
function pairs(words: readonly string[]): [string, string][] {
  return words.flatMap((word, index) => (/^[A-Z]+MAX$/.test(word) ? [[word, words[index + 1] ?? '']] : []))
}

function positive(text: string | undefined): number {
  const value = /^[0-9]{1,15}$/.test(text ?? '') ? Number(text) : 0
  return value > 0 ? value : Infinity
}
