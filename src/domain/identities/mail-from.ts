/** Custom MAIL FROM domains (SES guide: "Using a custom MAIL FROM domain"). */
import { fail } from '../../errors/fail.ts'
import type { Identity, MailFrom } from '../../store/types.ts'
import { type Ctx, scopeOf } from '../context.ts'
import { nextCheckOf } from './checks.ts'
import { changeIdentity, startCheck } from './identity.ts'
import { domainOf, isSubdomain } from './names.ts'
import { requireDomainName } from './domains.ts'

type Behavior = MailFrom['behaviorOnMxFailure']

/**
 * Sets the MAIL FROM domain of an identity, or takes it away (undefined or empty, which forgets the behavior too).
 * A behavior that is not given stays as it was. Throws InvalidParameterValue (texts as SES, observed).
 */
export async function setMailFrom(
  ctx: Ctx,
  identity: string,
  domain: string | undefined,
  behavior: Behavior | undefined,
): Promise<void> {
  const isCleared = domain === undefined || domain === ''
  const changed = await changeIdentity(ctx, scopeOf(ctx), identity, (existing) => {
    const mailFrom = isCleared ? null : replacement(ctx, existing, { identity, domain, behavior })
    const now = ctx.clock.now()
    const isNew = mailFrom?.state === 'PENDING' && mailFrom.since === now
    return { mailFrom, nextCheckAt: isNew ? now : nextCheckOf({ ...existing, mailFrom }, now) }
  })
  if (changed === undefined) fail('InvalidParameterValue', `Identity <${identity}> does not exist.`)
}

type Wanted = { readonly identity: string; readonly domain: string; readonly behavior: Behavior | undefined }

function replacement(ctx: Ctx, { name, mailFrom }: Identity, wanted: Wanted): MailFrom {
  const domain = requireDomainName(wanted.domain).name
  if (!isSubdomain(domain, domainOf(name))) {
    fail(
      'InvalidParameterValue',
      `Provided MAIL-FROM domain <${wanted.domain}> is not subdomain of the domain of the identity <${wanted.identity}>.`,
    )
  }
  const behaviorOnMxFailure = wanted.behavior ?? mailFrom?.behaviorOnMxFailure ?? 'USE_DEFAULT_VALUE'
  const isKept = mailFrom !== null && mailFrom.domain === domain && mailFrom.state !== 'FAILED'
  return isKept ? { ...mailFrom, behaviorOnMxFailure } : { ...startCheck(ctx), domain, behaviorOnMxFailure }
}
