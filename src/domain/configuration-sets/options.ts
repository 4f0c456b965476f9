/** What the options of a configuration set refer to, and whether it is there. Their shapes are checked before they come here. */
import { fail } from '../../errors/fail.ts'
import type { Scope } from '../../store/types.ts'
import type { NewConfigurationSet } from '../configuration-sets.ts'
import type { Services } from '../context.ts'
import { checkTags } from '../identities/tag-rules.ts'

// The pools that every account has (SES guide: "Assigning IP pools"); others are the operator's.
const POOLS: ReadonlySet<string> = new Set(['ses-default-dedicated-pool', 'ses-shared-pool'])

/** Throws InvalidParameterValue, in the words and the order that were observed. */
export async function checkOptions(services: Services, scope: Scope, set: NewConfigurationSet): Promise<void> {
  checkTags(set.tags)
  if (set.tracking !== null) await checkRedirectDomain(services, scope, set.tracking.customRedirectDomain)
  if (set.delivery !== null && set.delivery.sendingPoolName !== null) checkPool(services, set.delivery.sendingPoolName)
}

/** Links may only lead to a domain that the account has verified, or to one below it. */
async function checkRedirectDomain({ store }: Services, scope: Scope, domain: string): Promise<void> {
  if (domain.trim() === '') fail('InvalidParameterValue', 'CustomRedirectDomain must be specified.')
  const labels = domain.toLowerCase().split('.')
  // A name has at most 127 labels (RFC 1035 §2.3.4); a longer one is nobody's.
  const parents = labels.length > 127 ? [] : labels.map((_, index) => labels.slice(index).join('.'))
  const found = await store.identities.findMany(scope, parents)
  const isVerified = found.some(({ kind, verification }) => kind === 'DOMAIN' && verification.state === 'SUCCESS')
  if (!isVerified) fail('InvalidParameterValue', `Domain <${domain}> is not verified under this account.`)
}

function checkPool({ config }: Services, name: string): void {
  if (name.trim() === '') fail('InvalidParameterValue', "sendingPoolName can't be blank.")
  const exists = POOLS.has(name) || config.egress.some(({ pool }) => pool === name)
  if (!exists) fail('InvalidParameterValue', `SendingPool <${name}> doesn't exist`)
}
