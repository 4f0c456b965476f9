/** The DKIM settings of identities (SES guide: "Managing Easy DKIM and BYODKIM"). */
import { fail } from '../../errors/fail.ts'
import type { Dkim, Identity, Scope } from '../../store/types.ts'
import { type Ctx, scopeOf, type Services } from '../context.ts'
import { isSearched, nextCheckOf } from './checks.ts'
import { findPrimary, madeKeys, type Origin, type SigningAttributes, startDkim } from './dkim-origins.ts'
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
  return changed?.dkim ?? fail('NotFound', `Email identity <${identity}> does not exist.`)
}

/** What `wanted` replaces the present settings by; undefined: nothing changes. */
function replacement(ctx: Ctx, { dkim, createdAt }: Identity, wanted: Dkim, { nextKeyLength }: SigningAttributes) {
  if (dkim.state === 'NOT_STARTED') return wanted
  if (dkim.origin === wanted.origin) {
    const again = dkim.state === 'FAILED' ? { ...dkim, ...startCheck(ctx) } : undefined
    if (wanted.origin === 'AWS_SES' && nextKeyLength === undefined) return again
    if (wanted.origin === 'AWS_SES') checkSwitch(dkim, createdAt, wanted, ctx.clock.now())
    if (wanted.origin === 'EXTERNAL' && isSameKey(dkim, wanted)) return again
  }
  return { ...wanted, signingEnabled: dkim.signingEnabled }
}

function isSameKey(one: Dkim, other: Dkim): boolean {
  return one.selector === other.selector && one.privateKeys[0] === other.privateKeys[0]
}

/**
 * The length of the key may change once in 24 hours, so that mail under way can still be checked; the way down to 1024
 * bits is always open (SES guide: "Change the Easy DKIM signing key length"). The first keys of an identity are no change.
 */
function checkSwitch({ currentKeyLength, keysMadeAt }: Dkim, createdAt: number, wanted: Dkim, now: number): void {
  const length = wanted.currentKeyLength
  if (length === currentKeyLength) {
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
  const isDecreed = services.config.autoVerify && verification.state === 'PENDING'
  const proved = isGivenUp || isDecreed ? { ...verification, ...startCheck(services) } : verification
  const next = nextCheckOf({ ...identity, verification: proved, dkim }, now)
  return { verification: proved, dkim, nextCheckAt: isSearched(dkim) ? now : next }
}

export type Signer = { readonly domain: string; readonly selector: string; readonly privateKey: string }

/** With what mail from the identity is to be signed; undefined: it is not signed. Makes the key at its first use. */
export async function dkimSigner(services: Services, scope: Scope, identity: Identity): Promise<Signer | undefined> {
  const effective = await effectiveDkim(services, scope, identity)
  if (effective?.dkim.state !== 'SUCCESS' || !effective.dkim.signingEnabled) return undefined
  const { domain, dkim } = effective
  const selector = dkim.selector ?? dkim.tokens[0]
  const [privateKey] = await keysOf(services, scope, domain, dkim)
  return selector === undefined || privateKey === undefined ? undefined : { domain, selector, privateKey }
}

async function keysOf(services: Services, scope: Scope, domain: string, dkim: Dkim): Promise<readonly string[]> {
  if (dkim.privateKeys.length > 0 || dkim.origin === 'EXTERNAL') return dkim.privateKeys
  if (dkim.origin === 'AWS_SES') return await madeKeys(services, scope, domain, dkim)
  const primary = await findPrimary(services, scope, domain, dkim)
  const isCurrent = primary.ok && primary.dkim.tokens[0] === dkim.tokens[0]
  return isCurrent ? await madeKeys(services, primary.scope, domain, primary.dkim) : []
}
