/** Which identity an address stands for, and whose settings apply to it (SES guide: "Creating and verifying identities"). */
import type { Dkim, Identity, MailFrom, Scope } from '../../store/types.ts'
import type { CachedReads } from '../../store/cached.ts'
import { domainAndParents, domainOf, withoutLabel } from './names.ts'

export type Resolved =
  /** The most granular verified identity. */
  | { readonly identity: Identity }
  /** None is verified; `nearest` exists, but is not. */
  | { readonly identity: undefined; readonly nearest: Identity | undefined }

type Reads = Pick<CachedReads, 'identities'>

/** Whether mail may be sent from it. A proof that is missed is given 72 hours to come back before it is revoked. */
export function isVerified({ verification: { state } }: Identity): boolean {
  return state === 'SUCCESS' || state === 'TEMPORARY_FAILURE'
}

/** The identity of an address: the address (without its `+label` too), its domain, the domain's parents, in this order. */
export async function resolveIdentity(
  reads: Reads,
  scope: Scope,
  mailbox: { readonly localPart: string; readonly domain: string },
): Promise<Resolved> {
  const domain = mailbox.domain.toLowerCase()
  const base = withoutLabel(mailbox.localPart)
  const names = [
    `${mailbox.localPart}@${domain}`,
    ...(base === undefined ? [] : [`${base}@${domain}`]),
    ...domainAndParents(domain),
  ]
  const found = await inOrder(reads, scope, names)
  const identity = found.find(isVerified)
  return identity === undefined ? { identity, nearest: found[0] } : { identity }
}

/**
 * The DKIM settings that mail from the identity goes by, and the domain that signs; undefined where there are none.
 * An address has its exact domain's (observed: not a grandparent's), switched off by the domain or by its own setting.
 */
export async function effectiveDkim(
  { identities }: Reads,
  scope: Scope,
  identity: Identity,
): Promise<{ readonly domain: string; readonly dkim: Dkim } | undefined> {
  if (identity.kind === 'DOMAIN') return { domain: identity.name, dkim: identity.dkim }
  const domain = await identities.find(scope, domainOf(identity.name))
  if (domain === undefined) return undefined
  const signingEnabled = overridesDkim(identity.dkim) ? identity.dkim.signingEnabled : domain.dkim.signingEnabled
  return { domain: domain.name, dkim: { ...domain.dkim, signingEnabled } }
}

/** No record is ever searched for an address, so `since` tells when its owner last set `signingEnabled`; 0: never. */
function overridesDkim({ since }: Dkim): boolean {
  return since > 0
}

/** The MAIL FROM domain of the identity; an address without one of its own has that of the nearest verified domain above. */
export async function effectiveMailFrom(reads: Reads, scope: Scope, identity: Identity): Promise<MailFrom | null> {
  if (identity.mailFrom !== null || identity.kind === 'DOMAIN') return identity.mailFrom
  const above = await inOrder(reads, scope, domainAndParents(domainOf(identity.name)))
  return above.find(isVerified)?.mailFrom ?? null
}

/** Those of `names` that exist, in the order of `names`. */
async function inOrder({ identities }: Reads, scope: Scope, names: readonly string[]): Promise<readonly Identity[]> {
  const found = new Map<string, Identity>()
  for (const identity of await identities.findMany(scope, names)) found.set(identity.name, identity)
  return names.flatMap((name) => found.get(name) ?? [])
}
