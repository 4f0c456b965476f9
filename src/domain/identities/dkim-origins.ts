/** Where the DKIM keys of a domain come from: made here (Easy DKIM), brought by the owner, or taken over from another region. */
import { fail } from '../../errors/fail.ts'
import type { CheckError, Dkim, Scope } from '../../store/types.ts'
import { type Ctx, scopeOf, type Services } from '../context.ts'
import { activated, newKey } from '../dkim/ring.ts'
import { type KeyLength, makeTokens, readPrivateKey } from './dkim-keys.ts'
import { DEFAULT_LENGTH } from './dkim-rotation.ts'
import { isDecreed } from './dkim-state.ts'
import { NO_DKIM, startCheck } from './identity.ts'

/** `AWS_SES`: Easy DKIM; `EXTERNAL`: the owner's key; `AWS_SES_US_EAST_1`: that of the same domain in us-east-1. */
export type Origin = Dkim['origin']

export type SigningAttributes = {
  readonly selector: string | undefined
  readonly privateKey: string | undefined
  readonly nextKeyLength: KeyLength | undefined
}

/** The DKIM of a domain at its start, of the origin that the caller chose. Throws InvalidParameterValue. */
export async function startDkim(
  ctx: Ctx,
  domain: string,
  origin: Origin,
  { selector, privateKey, nextKeyLength }: SigningAttributes,
): Promise<Dkim> {
  if (origin === 'EXTERNAL') return externalDkim(ctx, selector, privateKey)
  if (selector !== undefined || privateKey !== undefined) {
    fail('InvalidParameterValue', `DomainSigningSelector and DomainSigningPrivateKey do not go with ${origin}.`)
  }
  return origin === 'AWS_SES' ? easyDkim(ctx, nextKeyLength) : await replicaDkim(ctx, domain, origin)
}

/** Easy DKIM at its start. Its key is made when it is first needed, which is before its records are found. */
export function easyDkim(services: Services, length: KeyLength = DEFAULT_LENGTH): Dkim {
  return {
    ...NO_DKIM,
    ...startCheck(services),
    signingEnabled: true,
    tokens: makeTokens(services.random),
    currentKeyLength: length,
    nextKeyLength: length,
    keysMadeAt: services.clock.now(),
  }
}

function externalDkim(services: Services, selector: string | undefined, privateKey: string | undefined): Dkim {
  if (selector === undefined || privateKey === undefined) {
    return fail('InvalidParameterValue', 'EXTERNAL needs DomainSigningSelector and DomainSigningPrivateKey.')
  }
  const read = readPrivateKey(privateKey)
  if (!read.ok) fail('InvalidParameterValue', `DomainSigningPrivateKey is not valid: ${read.error}.`)
  const now = services.clock.now()
  const keys = [newKey({ selector, algorithm: 'rsa', pem: read.value, publishedBy: 'owner' }, now)]
  const dkim: Dkim = { ...NO_DKIM, ...startCheck(services), signingEnabled: true, origin: 'EXTERNAL', selector }
  return { ...dkim, keys: isDecreed(dkim) ? activated(keys, () => true, now) : keys }
}

/** Deterministic Easy DKIM. What is wrong with the primary is told as the check's error, and looked at again with it. */
async function replicaDkim(ctx: Ctx, domain: string, origin: Origin): Promise<Dkim> {
  const replica: Dkim = { ...NO_DKIM, ...startCheck(ctx), signingEnabled: true, origin }
  const primary = await findPrimary(ctx, scopeOf(ctx), domain, replica)
  return primary.ok ? { ...replica, ...takenOver(primary.dkim) } : { ...replica, error: primary.error }
}

export type Primary =
  | { readonly ok: true; readonly scope: Scope; readonly dkim: Dkim }
  | { readonly ok: false; readonly error: CheckError }

/** The same domain of the same account, in the region that the origin of `replica` names. */
export async function findPrimary(services: Services, scope: Scope, domain: string, replica: Dkim): Promise<Primary> {
  const region = replica.origin.slice('AWS_SES_'.length).toLowerCase().replaceAll('_', '-')
  if (region === scope.region) return { ok: false, error: 'REPLICATION_PRIMARY_INVALID_REGION' }
  const primary = { account: scope.account, region }
  const dkim = (await services.store.identities.find(primary, domain))?.dkim
  if (dkim === undefined || dkim.state === 'NOT_STARTED') return { ok: false, error: 'REPLICATION_PRIMARY_NOT_FOUND' }
  if (dkim.origin === 'EXTERNAL') return { ok: false, error: 'REPLICATION_PRIMARY_BYO_DKIM_NOT_SUPPORTED' }
  if (dkim.origin !== 'AWS_SES') return { ok: false, error: 'REPLICATION_REPLICA_AS_PRIMARY_NOT_SUPPORTED' }
  return { ok: true, scope: primary, dkim }
}

/** What a replica has of its primary. */
export function takenOver({ tokens, keys, currentKeyLength, nextKeyLength, keysMadeAt }: Dkim) {
  return { tokens, keys, currentKeyLength, nextKeyLength, keysMadeAt }
}
