/** What the DKIM settings of a domain come to: which keys are its own, which sign, and what a look at DNS makes of them. */
import type { Dkim, DkimKey } from '../../store/types.ts'
import { activated, activeKeys, hasKey, retired, swept, type Ring } from '../dkim/ring.ts'
import { keyLengthOf } from './dkim-keys.ts'

/** Whether a key belongs to the set-up as it is now, and not to one that was replaced. */
function isOwn({ origin, selector, tokens }: Dkim, key: DkimKey): boolean {
  if (origin === 'EXTERNAL') return key.publishedBy === 'owner' && key.selector === selector
  return key.publishedBy === 'operator' && tokens.includes(key.selector)
}

export function ownKeys(dkim: Dkim): Ring {
  return dkim.keys.filter((key) => isOwn(dkim, key))
}

/** The key that the owner brought last. */
export function ownersKey(dkim: Dkim): DkimKey | undefined {
  return ownKeys(dkim).findLast(({ pem }) => pem !== '')
}

/** Taken as found without a look; nobody will look for keys either. */
export function isDecreed({ state, lastCheckedAt }: Dkim): boolean {
  return state === 'SUCCESS' && lastCheckedAt === null
}

/**
 * The keys that mail is signed with. A record that was missed lately is given time to come back, as the identity is; and
 * while a new set-up is looked for, the one that it replaces goes on.
 */
export function signingKeys({ signingEnabled, state, keys }: Dkim): Ring {
  const mayBeFound = state === 'SUCCESS' || state === 'TEMPORARY_FAILURE' || state === 'PENDING'
  return signingEnabled && mayBeFound ? activeKeys(keys) : []
}

/** What the API says while another key length is on its way, as SES does; what is there goes on signing. */
export function shownState(dkim: Dkim): Dkim['state'] {
  return dkim.state === 'SUCCESS' && dkim.currentKeyLength !== dkim.nextKeyLength ? 'PENDING' : dkim.state
}

/** Those of a set-up that is replaced which go on as before, until the new one is found. */
export function keysToCarry({ state, keys }: Dkim): Ring {
  return state === 'FAILED' ? [] : keys.filter((key) => key.state !== 'pending')
}

/** Before a new search, for nothing is known to be found any more. */
export function unproved(dkim: Dkim): Ring {
  return ownKeys(dkim).map((key) => (key.state === 'active' ? { ...key, state: 'pending' } : key))
}

/**
 * Keys whose records were found begin to sign; then those of a set-up that was replaced, and of an algorithm that is not
 * wanted any more, cease to. `isShown`: a key that is waited for is in DNS.
 */
export function withFoundKeys(
  dkim: Dkim,
  { isShown, isWanted }: { isShown: (key: DkimKey) => boolean; isWanted: (key: DkimKey) => boolean },
  now: number,
): Dkim {
  if (dkim.state !== 'SUCCESS') return dkim
  // The first key follows the proof of the domain: until then nothing is signed, so that nothing can be lost.
  const isFirst = !hasActive(dkim.keys)
  const isFound = (key: DkimKey) =>
    isOwn(dkim, key) && (isShown(key) || dkim.origin === 'EXTERNAL' || (isFirst && key.algorithm === 'rsa'))
  const found = activated(dkim.keys, isFound, now)
  const hasOwn = hasActive(found.filter((key) => isOwn(dkim, key)))
  const left = retired(found, (key) => !isWanted(key) || (hasOwn && !isOwn(dkim, key)), now)
  return withKeys(dkim, swept(left, now))
}

/** With the length of the key that signs, where SES tells it. */
export function withKeys(dkim: Dkim, keys: Ring): Dkim {
  if (keys === dkim.keys) return dkim
  const [rsa] = activeKeys(keys).filter((key) => key.algorithm === 'rsa' && isOwn(dkim, key))
  const isTold = dkim.origin !== 'EXTERNAL' && rsa !== undefined
  return { ...dkim, keys, currentKeyLength: isTold ? keyLengthOf(rsa.pem) : dkim.currentKeyLength }
}

function hasActive(keys: Ring): boolean {
  return hasKey(
    keys.filter(({ state }) => state === 'active'),
    'rsa',
  )
}
