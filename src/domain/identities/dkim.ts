/** The DKIM settings of identities (SES guide: "Managing Easy DKIM and BYODKIM"). */
import { fail } from '../../errors/fail.ts'
import type { Dkim, Identity, Scope } from '../../store/types.ts'
import { type Ctx, scopeOf, type Services } from '../context.ts'
import { isSearched, nextCheckOf } from './checks.ts'
import { retired, type Ring } from '../dkim/ring.ts'
import { findPrimary, type Origin, type SigningAttributes, startDkim } from './dkim-origins.ts'
import { madeKeys, tendKeys, wantedAlgorithms } from './dkim-rotation.ts'
import { isDecreed, keysToCarry, ownersKey, signingKeys, unproved, withFoundKeys } from './dkim-state.ts'
import { type Change, changeIdentity, requireIdentity, startCheck } from './identity.ts'
import { domainOf, storedName } from './names.ts'
import { effectiveDkim } from './resolution.ts'

const DAY_MS = 24 * 60 * 60 * 1000

/**
 * Switches signing on or off (v1 SetIdentityDkimEnabled, v2 PutEmailIdentityDkimAttributes). An address overrides its
 * domain; where it is no identity itself, nothing changes (as SES, observed). Throws InvalidParameterValue.
 */
export async function setDkimEnabled(ctx: Ctx, identity: string, signingEnabled: boolean): Promise<void> {
  const scope = scopeOf(ctx)
  const name = storedName(identity)
  const domain = await ctx.store.identities.find(scope, domainOf(name))
  // Before DKIM was set up there is nothing to switch on.
  if (domain === undefined || (signingEnabled && domain.dkim.state === 'NOT_STARTED')) {
    fail('InvalidParameterValue', `Domain ${domainOf(identity)} is not verified for DKIM signing.`)
  }
  await changeIdentity(ctx, scope, name, ({ kind, dkim }) => ({
    dkim: { ...dkim, signingEnabled, since: kind === 'DOMAIN' ? dkim.since : ctx.clock.now() },
  }))
}

/** v2 PutEmailIdentityDkimSigningAttributes. The settings after it. Throws NotFound and InvalidParameterValue. */
export async function putDkimSigning(
  ctx: Ctx,
  identity: string,
  origin: Origin,
  attributes: SigningAttributes,
): Promise<Dkim> {
  // The words for an address, and for a blank (as SES, observed).
  if (identity.includes('@') || identity.trim() === '') {
    fail('InvalidParameterValue', 'The EmailIdentity value must be a valid domain.')
  }
  const scope = scopeOf(ctx)
  await requireIdentity(ctx, scope, identity)
  const wanted = await startDkim(ctx, storedName(identity), origin, attributes)
  const changed = await changeIdentity(ctx, scope, identity, (existing) => {
    const dkim = replacement(ctx, existing, wanted, attributes)
    return dkim && withDkim(ctx, existing, dkim)
  })
  const dkim = changed?.dkim ?? fail('NotFound', `Email identity <${identity}> does not exist.`)
  // A key of another length is published at once, and signs when it is found.
  return isSignedFor(dkim) ? await tendKeys(ctx, scope, storedName(identity), dkim) : dkim
}

function isSignedFor({ state }: Dkim): boolean {
  return state === 'SUCCESS' || state === 'TEMPORARY_FAILURE'
}

/** What `wanted` replaces the present settings by; undefined: nothing changes. */
function replacement(ctx: Ctx, { dkim, createdAt }: Identity, wanted: Dkim, { nextKeyLength }: SigningAttributes) {
  if (dkim.state === 'NOT_STARTED') return wanted
  if (dkim.origin === wanted.origin) {
    const again = dkim.state === 'FAILED' ? searchedAgain(ctx, dkim) : undefined
    if (wanted.origin === 'AWS_SES' && nextKeyLength === undefined) return again
    if (wanted.origin === 'AWS_SES') {
      checkSwitch(dkim, createdAt, wanted, ctx.clock.now())
      return withNextLength(ctx, again ?? dkim, wanted)
    }
    if (wanted.origin === 'EXTERNAL' && isSameKey(dkim, wanted)) return again
  }
  const { signingEnabled } = dkim
  const replaced = { ...wanted, signingEnabled, keys: [...keysToCarry(dkim), ...wanted.keys] }
  return isDecreed(replaced) ? withFoundKeys(replaced, ANYTHING, ctx.clock.now()) : replaced
}

const ANYTHING = { isShown: () => true, isWanted: () => true }

function isSameKey(one: Dkim, other: Dkim): boolean {
  return one.selector === other.selector && ownersKey(one)?.pem === ownersKey(other)?.pem
}

/** From the beginning, with the same records. */
export function searchedAgain(services: Services, dkim: Dkim): Dkim {
  const again = { ...dkim, ...startCheck(services) }
  return isDecreed(again) ? again : { ...again, keys: unproved(dkim) }
}

/**
 * The tokens stay, so that the owner has nothing to publish: the next key gets one that is free. Where nothing is signed
 * yet the first key is just made anew.
 */
function withNextLength({ clock }: Services, dkim: Dkim, { nextKeyLength }: Dkim): Dkim {
  const keys = retired(dkim.keys, ({ algorithm, state }) => algorithm === 'rsa' && state === 'pending', clock.now())
  const isInUse = keys.some(({ algorithm }) => algorithm === 'rsa') || isSignedFor(dkim)
  const currentKeyLength = isInUse ? dkim.currentKeyLength : nextKeyLength
  return { ...dkim, keys, nextKeyLength, currentKeyLength, keysMadeAt: clock.now() }
}

/**
 * The length of the key may change once in 24 hours, so that mail under way can still be checked; the way down to 1024
 * bits is always open (SES guide: "Change the Easy DKIM signing key length"). The first keys of an identity are no change.
 */
function checkSwitch({ nextKeyLength, keysMadeAt }: Dkim, createdAt: number, wanted: Dkim, now: number): void {
  const length = wanted.nextKeyLength
  if (length === nextKeyLength) {
    fail('InvalidParameterValue', `The DKIM signing key length is already ${length}.`)
  }
  const isRecent = keysMadeAt !== null && keysMadeAt !== createdAt && now - keysMadeAt < DAY_MS
  if (isRecent && length !== 'RSA_1024_BIT') {
    fail('InvalidParameterValue', 'The DKIM signing key length can be changed at most once in 24 hours.')
  }
}

/** What changes with the DKIM of a domain: a domain that was given up is looked for again, for DKIM is a proof of it. */
export function withDkim(services: Services, identity: Identity, dkim: Dkim): Change {
  const now = services.clock.now()
  const { verification } = identity
  const isGivenUp = verification.state === 'FAILED' || verification.state === 'NOT_STARTED'
  const isToDecree = services.config.autoVerify && verification.state === 'PENDING'
  const proved = isGivenUp || isToDecree ? { ...verification, ...startCheck(services) } : verification
  const next = nextCheckOf({ ...identity, verification: proved, dkim }, now)
  return { verification: proved, dkim, nextCheckAt: isSearched(dkim) ? now : next }
}

export type SigningKeys = { readonly domain: string; readonly keys: Ring }

/** With what mail from the identity is to be signed, RSA first, as of what is kept of it. Makes keys at their first use. */
export async function dkimSigners(services: Services, scope: Scope, identity: Identity): Promise<SigningKeys> {
  const effective = await effectiveDkim(services.store.cached, scope, identity)
  if (effective === undefined) return { domain: identity.name, keys: [] }
  const { domain, dkim } = effective
  // Where identities are verified at once nobody has looked for the records, and so made the keys.
  const isToMake = dkim.signingEnabled && isSignedFor(dkim)
  const keys = isToMake ? await keysOf(services, scope, domain, dkim) : dkim.keys
  // What was switched off lately is still among them.
  const wanted = wantedAlgorithms(services.config)
  return { domain, keys: signingKeys({ ...dkim, keys }).filter(({ algorithm }) => wanted.includes(algorithm)) }
}

async function keysOf(services: Services, scope: Scope, domain: string, dkim: Dkim): Promise<Ring> {
  if (dkim.origin === 'EXTERNAL') return dkim.keys
  if (dkim.origin === 'AWS_SES') return await madeKeys(services, scope, domain, dkim)
  if (dkim.keys.length > 0) return dkim.keys
  const primary = await findPrimary(services, scope, domain, dkim)
  const isCurrent = primary.ok && primary.dkim.tokens[0] === dkim.tokens[0]
  return isCurrent ? await madeKeys(services, primary.scope, domain, primary.dkim) : []
}
