/** What the codes of a reply mean: enhanced ones (RFC 3463, RFC 7505, the IANA registry), and SMTP's own. */
import type { Cause } from './causes.ts'

/**
 * Subject and detail of an enhanced code, whose class (4 or 5) the reply gives. These say enough by themselves; only rules
 * that name the code go before them.
 */
export const PRECISE: Readonly<Record<string, Cause>> = {
  '1.1': 'no-mailbox',
  '1.2': 'bad-domain',
  '1.3': 'bad-address',
  '1.6': 'no-mailbox',
  '1.7': 'bad-sender',
  '1.8': 'bad-sender',
  '1.9': 'protocol',
  // RFC 7505: null MX. At Exchange: RecipientNotFound. Both are about the address.
  '1.10': 'no-mailbox',
  '2.1': 'inactive-mailbox',
  '2.2': 'mailbox-full',
  '2.3': 'too-large',
  '3.1': 'destination-down',
  '3.2': 'destination-down',
  '3.4': 'too-large',
  '3.5': 'destination-down',
  '4.2': 'unreachable',
  '4.3': 'unreachable',
  '4.5': 'destination-down',
  '4.6': 'loop',
  '4.7': 'expired',
  '4.14': 'loop',
  '5.1': 'protocol',
  '5.2': 'protocol',
  '5.3': 'too-many-recipients',
  '5.4': 'protocol',
  '5.5': 'protocol',
  '5.6': 'protocol',
  '6.1': 'content',
  '6.3': 'content',
  '6.7': 'content',
  '7.2': 'not-allowed',
  // RFC 3463 §3.8: cryptographic failure, which is also what we say where a policy of theirs cannot be met.
  '7.5': 'security',
  '7.8': 'security',
  '7.9': 'security',
  '7.10': 'security',
  '7.11': 'security',
  '7.12': 'security',
  '7.17': 'inactive-mailbox',
  '7.18': 'inactive-mailbox',
  '7.20': 'authentication',
  '7.21': 'authentication',
  '7.22': 'authentication',
  '7.23': 'authentication',
  '7.24': 'authentication',
  '7.25': 'authentication',
  '7.26': 'authentication',
  '7.28': 'rate',
}

/** Where neither a precise code nor a text says more: by the code, by its subject, by the SMTP code. */
export const VAGUE: Readonly<Record<string, Cause>> = {
  '4.1': 'unreachable',
  '4.4': 'unreachable',
  '7.27': 'bad-sender',
  '7.29': 'authentication',
  '7.30': 'security',
}

export const SUBJECTS: Readonly<Record<string, Cause>> = {
  '3': 'destination-down',
  '4': 'unreachable',
  '5': 'protocol',
  '6': 'content',
  '7': 'policy',
}

export const SMTP: Readonly<Record<string, Cause>> = {
  '421': 'destination-down',
  '451': 'destination-down',
  '452': 'destination-down',
  '500': 'protocol',
  '501': 'protocol',
  '502': 'protocol',
  '503': 'protocol',
  '504': 'protocol',
  // RFC 7504: a host that takes no mail at all.
  '521': 'destination-down',
  '530': 'security',
  '535': 'security',
  '538': 'security',
  // RFC 5321 §4.2.3: exceeded storage allocation.
  '552': 'mailbox-full',
  '555': 'protocol',
  '556': 'bad-domain',
}

/** Codes stand at the beginning of what is said. */
const MAX_LOOK = 512
/** An enhanced code stands for itself, not in an IP address or a version. */
const ENHANCED = /(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?!\d|\.\d)/
const SMTP_CODE = /(?<![\d.])[45]\d\d(?=[ -]|$)/

/** The first enhanced code in a text, or null. */
export function enhancedIn(text: string): string | null {
  return ENHANCED.exec(text.slice(0, MAX_LOOK))?.[0] ?? null
}

/** The first number that looks like the SMTP code of a refusal, or null. */
export function smtpCodeIn(text: string): string | null {
  return SMTP_CODE.exec(text.slice(0, MAX_LOOK))?.[0] ?? null
}
