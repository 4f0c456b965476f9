/**
 * What becomes of a proof that is looked for in DNS:
 *
 *                found                    missing
 *   PENDING ───────────────► SUCCESS ───────────────► TEMPORARY_FAILURE
 *      │ 72 h                   ▲          found           │ 72 h
 *      ▼                        └──────────────────────────┤
 *   FAILED ◄───────────────────────────────────────────────┘
 *
 * An answer that may pass (SERVFAIL, no answer) changes nothing but the end of a first search: it never revokes.
 * FAILED is the end of the search; whoever wants it again starts it again (SES guide: "MAIL FROM domain setup states",
 * "Viewing a list of identities").
 */
import type { Check, CheckError, Identity } from '../../store/types.ts'
import { nextLookForKeys } from '../dkim/ring.ts'

export type Finding =
  | { readonly kind: 'found' }
  | { readonly kind: 'missing'; readonly error: CheckError }
  /** No answer was to be had. */
  | { readonly kind: 'temporary'; readonly error: CheckError }

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** How long a record is looked for, and how long one that went missing may stay away. */
export const SEARCH_MS = 72 * HOUR
/** How long a verification link is good. */
export const LINK_MS = 24 * HOUR

const DAILY_MS = 24 * HOUR

/** Nothing is looked for. */
export const NOT_STARTED: Check = {
  state: 'NOT_STARTED',
  since: 0,
  lastCheckedAt: null,
  lastSuccessAt: null,
  error: null,
}

/** A search that begins now. */
export function pending(now: number): Check {
  return { ...NOT_STARTED, state: 'PENDING', since: now }
}

/** Taken as proved without a look (local profile, admin API). Never looked at, so never revoked: `lastCheckedAt` stays null. */
export function decreed(now: number): Check {
  return { ...NOT_STARTED, state: 'SUCCESS', since: now, lastSuccessAt: now }
}

export function isSearched({ state, lastCheckedAt }: Check): boolean {
  return state === 'PENDING' || state === 'TEMPORARY_FAILURE' || (state === 'SUCCESS' && lastCheckedAt !== null)
}

/** The check after a look at `now`. */
export function judge<C extends Check>(check: C, finding: Finding, now: number): C {
  const looked = { ...check, lastCheckedAt: now }
  if (finding.kind === 'found') return { ...looked, state: 'SUCCESS', lastSuccessAt: now, error: null }
  const missed = { ...looked, error: finding.error }
  const isOver = now - check.since >= SEARCH_MS
  switch (check.state) {
    case 'PENDING':
      return isOver ? { ...missed, state: 'FAILED' } : missed
    case 'TEMPORARY_FAILURE':
      return isOver && finding.kind === 'missing' ? { ...missed, state: 'FAILED' } : missed
    case 'SUCCESS':
      return finding.kind === 'missing' ? { ...missed, state: 'TEMPORARY_FAILURE', since: now } : missed
    case 'FAILED':
    case 'NOT_STARTED':
    default:
      return missed
  }
}

/** When to look again; null: never. A first search starts by the minute and slows down to once an hour. */
export function nextLook(check: Check, now: number): number | null {
  if (!isSearched(check)) return null
  if (check.state === 'SUCCESS') return now + (check.error === null ? DAILY_MS : 15 * MINUTE)
  const elapsed = now - check.since
  const wait = check.state === 'PENDING' ? Math.min(Math.max(elapsed / 2, MINUTE), HOUR) : HOUR
  // The last look is at the end of the search, to the minute; past it only for want of an answer.
  const left = SEARCH_MS - elapsed
  return Math.round(now + (left > 0 ? Math.min(wait, Math.max(left, MINUTE)) : wait))
}

/** When anything about the identity is to be looked at again; null: never. */
export function nextCheckOf(
  { kind, verification, dkim, mailFrom }: Pick<Identity, 'kind' | 'verification' | 'dkim' | 'mailFrom'>,
  now: number,
): number | null {
  const looks =
    kind === 'DOMAIN'
      ? [nextLook(verification, now), nextLook(dkim, now), isSearched(dkim) ? nextLookForKeys(dkim.keys, now) : null]
      : [verification.state === 'PENDING' ? verification.since + LINK_MS : null]
  if (mailFrom !== null) looks.push(nextLook(mailFrom, now))
  const times = looks.filter((time) => time !== null)
  return times.length === 0 ? null : Math.min(...times)
}

/**
 * The look at a domain itself: proved by its TXT record where v1 asked for one, and by DKIM in any case.
 * `txt`: what was found of the TXT record; undefined: not looked for. `dkim`: as it is after this look.
 * Undefined: nothing can be said (new DKIM records are being waited for, which does not take a verified domain's standing).
 */
export function domainFinding(
  verification: Identity['verification'],
  txt: Finding | undefined,
  dkim: Check,
): Finding | undefined {
  if (txt?.kind === 'found' || dkim.state === 'SUCCESS') return { kind: 'found' }
  if (dkim.state === 'PENDING' && verification.state === 'SUCCESS') return undefined
  if (txt !== undefined) return txt
  const error = dkim.error ?? 'HOST_NOT_FOUND'
  const mayPass = isSearched(dkim) && (error === 'DNS_SERVER_ERROR' || error === 'SERVICE_ERROR')
  return { kind: mayPass ? 'temporary' : 'missing', error }
}
