/** v2: an identity with everything in one call (SES API v2: CreateEmailIdentity), and its end. */
import { fail } from '../../errors/fail.ts'
import type { Dkim, Identity, Tag } from '../../store/types.ts'
import { type Ctx, scopeOf } from '../context.ts'
import { newAddress, requireAddressName, sendLink } from './addresses.ts'
import { withDkim } from './dkim.ts'
import { easyDkim, type Origin, type SigningAttributes, startDkim } from './dkim-origins.ts'
import { newDomain, requireDomainName } from './domains.ts'
import { addIdentity, findIdentity } from './identity.ts'
import type { IdentityName } from './names.ts'
import { storedName } from './names.ts'
import { requireConfigurationSet } from './settings.ts'
import { checkTags } from './tag-rules.ts'

export type NewIdentity = {
  readonly name: string
  readonly tags: readonly Tag[]
  readonly configurationSet: string | undefined
  /** Only for domains; undefined: Easy DKIM. `origin` undefined: the owner's key where there is one, else Easy DKIM. */
  readonly signing: (SigningAttributes & { readonly origin: Origin | undefined }) | undefined
}

/**
 * Adds an identity that does not exist yet; nothing is added when anything is wrong.
 * Throws AlreadyExists, NotFound (the configuration set), LimitExceeded, InvalidParameterValue.
 */
export async function createIdentity(ctx: Ctx, wanted: NewIdentity): Promise<Identity> {
  const { signing } = wanted
  const isAddress = wanted.name.includes('@')
  const name = isAddress ? requireAddressName(wanted.name) : requireDomainName(wanted.name)
  if (isAddress && signing !== undefined) {
    fail('InvalidParameterValue', 'The EmailIdentity value must be a valid domain.')
  }
  checkTags(wanted.tags)
  const scope = scopeOf(ctx)
  if ((await findIdentity(ctx, scope, name.name)) !== undefined) alreadyExists(wanted.name)
  if (wanted.configurationSet !== undefined) await requireConfigurationSet(ctx, wanted.configurationSet)
  const settings = { tags: wanted.tags, configurationSet: wanted.configurationSet ?? null }
  const identity = { ...(isAddress ? newAddress(ctx, name) : await newSigningDomain(ctx, name, signing)), ...settings }
  if (!(await addIdentity(ctx, scope, identity))) alreadyExists(wanted.name)
  if (isAddress) await sendLink(ctx, scope, identity)
  return identity
}

// The text is SES's (observed), and so is its grammar.
function alreadyExists(name: string): never {
  fail('AlreadyExists', `Email identity ${name} already exist.`, { Name: name })
}

async function newSigningDomain(ctx: Ctx, name: IdentityName, signing: NewIdentity['signing']): Promise<Identity> {
  const domain = newDomain(ctx, name)
  return { ...domain, ...withDkim(ctx, domain, await chosenDkim(ctx, name.name, signing)) }
}

async function chosenDkim(ctx: Ctx, domain: string, signing: NewIdentity['signing']): Promise<Dkim> {
  if (signing === undefined) return easyDkim(ctx)
  const isOwn = signing.selector !== undefined || signing.privateKey !== undefined
  return await startDkim(ctx, domain, signing.origin ?? (isOwn ? 'EXTERNAL' : 'AWS_SES'), signing)
}

/** v1: removes an identity with all its settings and policies; one that is not there is no error. */
export async function removeIdentity(ctx: Ctx, name: string): Promise<boolean> {
  return await ctx.store.identities.remove(scopeOf(ctx), storedName(name))
}

/** v2: throws NotFound, in words of its own (as SES, observed). */
export async function deleteIdentity(ctx: Ctx, name: string): Promise<void> {
  if (!(await removeIdentity(ctx, name))) fail('NotFound', `Email identity ${name} does not exist.`)
}
