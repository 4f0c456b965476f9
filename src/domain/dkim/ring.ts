/**
 * The DKIM keys of one domain, as they come and go. A new one is published beside the one that signs, and takes its place
 * when DNS shows it; what was signed with the old one can be verified until that has expired.
 *
 *   pending ── DNS shows it ──► active ── another is ──► retired ── 8 days ──► withdrawn ── 1 day ──► (forgotten)
 *
 * Pure: what is not changed by a step is the same object after it.
 */
import type { DkimKey } from '../../store/types.ts'

export type Ring = readonly DkimKey[]
export type Algorithm = DkimKey['algorithm']

const DAY_MS = 24 * 60 * 60_000
/**
 * How long an old key stays published. Our signatures expire after seven days (`x=`), which is longer than our queue and
 * that of a receiver keep a message; one more for clocks, and for those who look again when mail is read.
 */
const RETIRED_MS = 8 * DAY_MS
/** How long its selector then stays empty: caches that have the old key must not meet signatures with the next. */
const EMPTY_MS = DAY_MS

/** RSA stands first: all verifiers know it, and some look at one signature only. */
export function activeKeys(ring: Ring): Ring {
  const active = ring.filter(({ state }) => state === 'active')
  return active.toSorted((one, other) => Number(other.algorithm === 'rsa') - Number(one.algorithm === 'rsa'))
}

export function pendingKeys(ring: Ring): Ring {
  return ring.filter(({ state }) => state === 'pending')
}

/** Whether its record has to stand in DNS. */
export function isPublished({ state }: DkimKey): boolean {
  return state !== 'withdrawn'
}

/** A key that nobody knows of yet. */
export function newKey(key: Omit<DkimKey, 'state' | 'since'>, now: number): DkimKey {
  return { ...key, state: 'pending', since: now }
}

/** Keys that are found in DNS begin to sign, and those that signed with the same algorithm cease to. */
export function activated(ring: Ring, isShown: (key: DkimKey) => boolean, now: number): Ring {
  const shown = new Map<Algorithm, DkimKey>()
  for (const key of pendingKeys(ring)) if (isShown(key)) shown.set(key.algorithm, key)
  return mapped(ring, (key) => {
    const next = shown.get(key.algorithm)
    if (next === undefined) return key
    if (key === next) return { ...key, state: 'active', since: now }
    return key.state === 'active' ? retiredKey(key, now) : key
  })
}

/** Keys that are not wanted any more sign no longer; those that never did are forgotten at once. */
export function retired(ring: Ring, isUnwanted: (key: DkimKey) => boolean, now: number): Ring {
  const left = filtered(ring, (key) => key.state !== 'pending' || !isUnwanted(key))
  return mapped(left, (key) => (key.state === 'active' && isUnwanted(key) ? retiredKey(key, now) : key))
}

/** Takes from DNS, and then forgets, what is old enough. A private key is gone with its record. */
export function swept(ring: Ring, now: number): Ring {
  const left = filtered(ring, ({ state, since }) => state !== 'withdrawn' || now - since < EMPTY_MS)
  return mapped(left, (key) =>
    key.state === 'retired' && now - key.since >= RETIRED_MS
      ? { ...key, state: 'withdrawn', since: now, pem: '' }
      : key,
  )
}

/** Whether there is one of the algorithm that signs, or will. */
export function hasKey(ring: Ring, algorithm: Algorithm): boolean {
  return ring.some((key) => key.algorithm === algorithm && (key.state === 'active' || key.state === 'pending'))
}

/** Whether a key is so old that another is to be made; `everyMs` 0: never. */
export function isDue(ring: Ring, algorithm: Algorithm, now: number, everyMs: number): boolean {
  const own = ring.filter((key) => key.algorithm === algorithm)
  const active = own.find(({ state }) => state === 'active')
  if (everyMs === 0 || active === undefined || pendingKeys(own).length > 0) return false
  return now - active.since >= everyMs
}

/**
 * The selector that has been empty for longest, of those whose names are given once and for all; undefined: each still
 * has a key. The last one that was filled has the last turn.
 */
export function freeSelector(selectors: readonly string[], ring: Ring): string | undefined {
  const latest = ring.findLast(({ selector }) => selectors.includes(selector))?.selector
  const from = latest === undefined ? 0 : selectors.indexOf(latest) + 1
  const inTurn = [...selectors.slice(from), ...selectors.slice(0, from)]
  return inTurn.find((selector) => !ring.some((key) => key.selector === selector))
}

/** When a key that is waited for is to be looked for again: by the minute at first, by the hour in the end. */
export function nextLookForKeys(ring: Ring, now: number): number | null {
  const waits = pendingKeys(ring).map(({ since }) => Math.min(Math.max((now - since) / 2, DAY_MS / 1440), DAY_MS / 24))
  return waits.length === 0 ? null : Math.round(now + Math.min(...waits))
}

function retiredKey(key: DkimKey, now: number): DkimKey {
  return { ...key, state: 'retired', since: now }
}

function mapped(ring: Ring, change: (key: DkimKey) => DkimKey): Ring {
  const all = ring.map(change)
  return all.every((key, index) => key === ring[index]) ? ring : all
}

function filtered(ring: Ring, isLeft: (key: DkimKey) => boolean): Ring {
  return ring.every(isLeft) ? ring : ring.filter(isLeft)
}
