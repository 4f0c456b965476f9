/** What the owner of each identity publishes, and for it the operator. */
import type { Identity, Scope } from '../../store/types.ts'
import type { Services } from '../context.ts'
import { madeKeys } from '../identities/dkim-rotation.ts'
import { type DnsRecord, recordsOf } from '../identities/records.ts'
import { DMARC_WHY, text } from './operator.ts'
import type { Need, WantedRecord } from './records.ts'
import { identitiesOfAll, type IdentityPage } from './scopes.ts'

export type IdentityRecord = WantedRecord & Pick<DnsRecord, 'publishedBy'>

export type IdentityDns = {
  readonly scope: Scope
  readonly identity: Identity
  readonly records: readonly IdentityRecord[]
}

/** A page of identities with their records. Keys of Easy DKIM that are still missing are made, so that they can be published. */
export async function identityDns(
  services: Services,
  page: IdentityPage,
): Promise<{ readonly items: readonly IdentityDns[]; readonly next: string | undefined }> {
  const { items, next } = await identitiesOfAll(services, page)
  const found: IdentityDns[] = []
  for (const { scope, identity } of items) found.push(await withRecords(services, scope, identity))
  return { items: found, next }
}

async function withRecords(services: Services, scope: Scope, identity: Identity): Promise<IdentityDns> {
  const { kind, dkim } = identity
  const isEasy = kind === 'DOMAIN' && dkim.origin === 'AWS_SES' && dkim.tokens.length > 0
  const keys = isEasy ? await madeKeys(services, scope, identity.name, dkim) : dkim.keys
  const withKeys = { ...identity, dkim: { ...dkim, keys } }
  return { scope, identity: withKeys, records: wantedOf(withKeys, scope.region, services.config.hostname) }
}

/** Every record of an identity whose keys are made. */
export function wantedOf(identity: Identity, region: string, hostname: string): readonly IdentityRecord[] {
  const records = recordsOf(identity, region, hostname).map((record) => ({ ...record, ...purposeOf(record) }))
  if (identity.kind !== 'DOMAIN') return records
  const dmarc = text(`_dmarc.${identity.name}`, 'v=DMARC1; p=none', 'recommended', DMARC_WHY)
  return [...records, { ...dmarc, publishedBy: 'owner' }]
}

const PENDING_WHY = 'a new key: mail is signed with it as soon as it is found'
const RETIRED_WHY = 'an old key: for mail that is under way; it leaves this list after 8 days'

function purposeOf({ name, type, publishedBy, keyState }: DnsRecord): { readonly need: Need; readonly why: string } {
  const need = 'required'
  if (keyState === 'retired') return { need: 'recommended', why: RETIRED_WHY }
  if (publishedBy === 'operator' && keyState === 'pending') return { need: 'recommended', why: PENDING_WHY }
  if (publishedBy === 'operator') return { need, why: "the public key that the domain's mail is signed with" }
  if (type === 'CNAME') return { need, why: 'Easy DKIM: proves the domain, and leads to its key' }
  if (type === 'MX') return { need, why: 'MAIL FROM: bounces come to the server' }
  if (name.startsWith('_amazonses.')) return { need, why: 'proves the domain' }
  if (name.includes('._domainkey.')) return { need, why: 'proves the domain, and is the key of its mail' }
  return { need: 'recommended', why: 'MAIL FROM: SPF' }
}
