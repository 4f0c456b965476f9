/** Domain identities, proved by a TXT record (v1) or by their DKIM records (SES guide: "Creating a domain identity"). */
import { fail } from '../../errors/fail.ts'
import type { Identity } from '../../store/types.ts'
import { type Ctx, scopeOf, type Services } from '../context.ts'
import { isSearched, nextCheckOf } from './checks.ts'
import { searchedAgain, withDkim } from './dkim.ts'
import { easyDkim } from './dkim-origins.ts'
import { keysToCarry } from './dkim-state.ts'
import { addIdentity, blankIdentity, changeIdentity, startCheck } from './identity.ts'
import { type IdentityName, parseDomainName } from './names.ts'

const TOKEN_OCTETS = 32

/**
 * v1: begins to look for the TXT record `_amazonses.DOMAIN`; gives the token that it must hold, the same each time.
 * Throws InvalidParameterValue.
 */
export async function verifyDomain(ctx: Ctx, domain: string): Promise<string> {
  const name = requireDomainName(domain)
  const now = ctx.clock.now()
  const identity = await createdOr(ctx, name, (existing) => {
    const { state, byTxt } = existing.verification
    const isToStart = state === 'FAILED' || state === 'NOT_STARTED' || (state === 'PENDING' && ctx.config.autoVerify)
    if (byTxt && !isToStart) return undefined
    const verification = { ...existing.verification, ...(isToStart ? startCheck(ctx) : {}), byTxt: true }
    const next = nextCheckOf({ ...existing, verification }, now)
    return { verification, nextCheckAt: state === 'SUCCESS' || !isSearched(verification) ? next : now }
  })
  return identity.verification.token
}

/** v1: sets up Easy DKIM; gives the three tokens, the same each time. Throws InvalidParameterValue. */
export async function verifyDomainDkim(ctx: Ctx, domain: string): Promise<readonly string[]> {
  const name = requireDomainName(domain)
  const identity = await createdOr(ctx, name, (existing) => {
    const { dkim } = existing
    const isEasy = dkim.origin !== 'EXTERNAL' && dkim.tokens.length > 0
    if (!isEasy) return withDkim(ctx, existing, { ...easyDkim(ctx), keys: keysToCarry(dkim) })
    return dkim.state === 'FAILED' ? withDkim(ctx, existing, searchedAgain(ctx, dkim)) : undefined
  })
  return identity.dkim.tokens
}

/** v1 says what is wrong with a period of its own behind the name, whatever that ends in (as SES, observed). */
export function requireDomainName(domain: string): IdentityName {
  return parseDomainName(domain) ?? fail('InvalidParameterValue', `Invalid domain name ${domain}.`)
}

/** A domain identity at its start, without DKIM; the caller adds it. */
export function newDomain(services: Services, name: IdentityName): Identity {
  return blankIdentity(services, name, services.random.bytes(TOKEN_OCTETS).toString('base64'))
}

/** The domain after `change`; where there is none yet, a new one is changed and added. */
async function createdOr(
  ctx: Ctx,
  name: IdentityName,
  change: (identity: Identity) => Partial<Omit<Identity, 'name' | 'kind'>> | undefined,
): Promise<Identity> {
  const scope = scopeOf(ctx)
  const existing = await changeIdentity(ctx, scope, name.name, change)
  if (existing !== undefined) return existing
  const blank = newDomain(ctx, name)
  const added = { ...blank, ...change(blank) }
  if (await addIdentity(ctx, scope, added)) return added
  // Somebody else added it meanwhile.
  return await createdOr(ctx, name, change)
}
