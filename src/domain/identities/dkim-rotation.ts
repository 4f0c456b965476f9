/** The keys of Easy DKIM: made when they are first needed, and others beside them when they are old or asked for. */
import { fail } from '../../errors/fail.ts'
import type { Dkim, Identity, Scope } from '../../store/types.ts'
import type { Services } from '../context.ts'
import {
  activated,
  activeKeys,
  type Algorithm,
  freeSelector,
  hasKey,
  isDue,
  newKey,
  nextLookForKeys,
  pendingKeys,
  type Ring,
  swept,
} from '../dkim/ring.ts'
import { type KeyLength, makePrivateKey } from './dkim-keys.ts'
import { isDecreed, ownKeys, withKeys } from './dkim-state.ts'
import { type Change, changeIdentity, oneAtATime, requireIdentity } from './identity.ts'

export const DEFAULT_LENGTH: KeyLength = 'RSA_2048_BIT'
const DAY_MS = 24 * 60 * 60_000

/** What mail is to be signed with: RSA always (RFC 8463 §5 wants both). */
export function wantedAlgorithms({ dkimEd25519 }: Services['config']): readonly Algorithm[] {
  return dkimEd25519 ? ['rsa', 'ed25519'] : ['rsa']
}

export function rotationMs({ dkimRotationDays }: Services['config']): number {
  return dkimRotationDays * DAY_MS
}

/** The keys, with those that were still missing. Nothing is made when the identity is gone or has other tokens by now. */
export async function madeKeys(services: Services, scope: Scope, domain: string, dkim: Dkim): Promise<Ring> {
  let current = dkim
  for (const algorithm of wantedAlgorithms(services.config)) {
    if (hasKey(ownKeys(current), algorithm)) continue
    current = (await addKey(services, scope, domain, current, algorithm)) ?? current
  }
  return current.keys
}

/** Makes what is missing, and the successors of what is too old or of another length than is wanted. */
export async function tendKeys(services: Services, scope: Scope, domain: string, dkim: Dkim): Promise<Dkim> {
  if (dkim.origin !== 'AWS_SES' || dkim.tokens.length === 0) return dkim
  const now = services.clock.now()
  let current = { ...dkim, keys: await madeKeys(services, scope, domain, dkim) }
  for (const algorithm of wantedAlgorithms(services.config)) {
    const own = ownKeys(current)
    const isOld = isDue(own, algorithm, now, rotationMs(services.config))
    const isOther = algorithm === 'rsa' && isOtherLength(current) && hasActive(own, algorithm)
    if (!isOld && !isOther) continue
    current = (await addKey(services, scope, domain, current, algorithm)) ?? current
  }
  return current
}

/**
 * Begins to replace the domain's key now, whatever its age; where that is under way already nothing changes. Throws
 * NotFound, and InvalidParameterValue where there is nothing to replace, or no selector to put the next key under.
 */
export async function rotateKeys(
  services: Services,
  scope: Scope,
  name: string,
  algorithm: Algorithm,
): Promise<Identity> {
  const identity = await requireIdentity(services, scope, name)
  const { dkim } = identity
  if (dkim.origin !== 'AWS_SES') {
    const who = dkim.origin === 'EXTERNAL' ? 'its owner brings its keys' : 'it has the keys of another region'
    fail('InvalidParameterValue', `The DKIM keys of ${name} are not made here: ${who}.`)
  }
  const own = ownKeys(dkim)
  const isProved = dkim.state === 'SUCCESS' || dkim.state === 'TEMPORARY_FAILURE'
  if (!isProved || !hasActive(own, algorithm))
    fail('InvalidParameterValue', `${name} is not signed for with such a key yet.`)
  if (pendingKeys(own).some((key) => key.algorithm === algorithm)) return identity
  if (freeSelector(dkim.tokens, swept(dkim.keys, services.clock.now())) === undefined) {
    fail(
      'InvalidParameterValue',
      `All selectors of ${name} have keys: the oldest is withdrawn 8 days after its last use.`,
    )
  }
  await addKey(services, scope, identity.name, dkim, algorithm)
  return await requireIdentity(services, scope, name)
}

/** The identity's DKIM with a new key of this kind; as it is where that is not to be any more; undefined: it is gone. */
async function addKey(
  services: Services,
  scope: Scope,
  domain: string,
  dkim: Dkim,
  algorithm: Algorithm,
): Promise<Dkim | undefined> {
  const now = services.clock.now()
  if (freeSelector(dkim.tokens, swept(dkim.keys, now)) === undefined || hasPending(dkim, algorithm)) return dkim
  const kind = algorithm === 'rsa' ? (dkim.nextKeyLength ?? DEFAULT_LENGTH) : 'ED25519'
  const isAsked = ({ dkim: present }: Identity) => isSame(present, dkim, algorithm) && !hasPending(present, algorithm)
  // One at a time: a burst of new domains must not take libuv's threads from the rest of the server, nor one of mail
  // from a domain have a key made for each message.
  return await oneAtATime(services.store, 'DKIM keys', async () => {
    const present = await services.store.identities.find(scope, domain)
    if (present === undefined || !isAsked(present)) return present?.dkim
    const pem = await makePrivateKey(kind)
    const changed = await changeIdentity(services, scope, domain, (identity) =>
      isAsked(identity) ? withNewKey(services, identity, algorithm, pem) : undefined,
    )
    return changed?.dkim
  })
}

function withNewKey(
  { clock }: Services,
  { dkim, nextCheckAt }: Identity,
  algorithm: Algorithm,
  pem: string,
): Change | undefined {
  const now = clock.now()
  const kept = swept(dkim.keys, now)
  const selector = freeSelector(dkim.tokens, kept)
  if (selector === undefined) return undefined
  const isSuccessor = algorithm === 'rsa' && hasActive(ownKeys(dkim), algorithm)
  const keys = [...kept, newKey({ selector, algorithm, pem, publishedBy: 'operator' }, now)]
  // The first key is not waited for: without it mail would go unsigned. Nor is any where nobody looks for records.
  const isFirst = algorithm === 'rsa' && dkim.state === 'SUCCESS' && !hasActive(dkim.keys, algorithm)
  const ring = isFirst || isDecreed(dkim) ? activated(keys, (key) => key.pem === pem, now) : keys
  const next = dkim.state === 'SUCCESS' && !isDecreed(dkim) ? nextLookForKeys(ring, now) : null
  return {
    dkim: { ...withKeys(dkim, ring), keysMadeAt: isSuccessor ? now : dkim.keysMadeAt },
    nextCheckAt: next === null ? nextCheckAt : Math.min(next, nextCheckAt ?? next),
  }
}

function isOtherLength({ currentKeyLength, nextKeyLength }: Dkim): boolean {
  return currentKeyLength !== nextKeyLength
}

function hasActive(ring: Ring, algorithm: Algorithm): boolean {
  return activeKeys(ring).some((key) => key.algorithm === algorithm)
}

function hasPending(dkim: Dkim, algorithm: Algorithm): boolean {
  return pendingKeys(ownKeys(dkim)).some((key) => key.algorithm === algorithm)
}

/** Whether what a key was made for is still what is there. */
function isSame(present: Dkim, seen: Dkim, algorithm: Algorithm): boolean {
  const signs = (dkim: Dkim) => activeKeys(ownKeys(dkim)).find((key) => key.algorithm === algorithm)?.pem
  return (
    present.origin === seen.origin &&
    present.tokens.join() === seen.tokens.join() &&
    present.nextKeyLength === seen.nextKeyLength &&
    signs(present) === signs(seen)
  )
}
