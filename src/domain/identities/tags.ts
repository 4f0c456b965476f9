/** Tags of resources by their ARN (SES API v2: TagResource, UntagResource, ListTagsForResource). */
import { fail } from '../../errors/fail.ts'
import type { Tag } from '../../store/types.ts'
import { type Ctx, scopeOf } from '../context.ts'
import { changeIdentity, findIdentity, oneAtATime } from './identity.ts'
import { checkTags, merged, without } from './tag-rules.ts'

// What the ARN calls a resource, and what SES calls it when it is not there (observed for the first three).
const KINDS: ReadonlyMap<string, string> = new Map([
  ['identity', 'EmailIdentity'],
  ['configuration-set', 'ConfigurationSet'],
  ['template', 'Template'],
  ['contact-list', 'ContactList'],
  ['custom-verification-email-template', 'CustomVerificationEmailTemplate'],
  ['dedicated-ip-pool', 'DedicatedIpPool'],
  ['tenant', 'Tenant'],
])

type Resource = { readonly kind: string; readonly name: string; readonly isOurs: boolean }

/** Adds tags, or replaces their values. Throws InvalidParameterValue, NotFound. */
export async function tagResource(ctx: Ctx, arn: string, tags: readonly Tag[]): Promise<void> {
  const resource = readArn(ctx, arn)
  if (!resource.isOurs) fail('InvalidParameterValue', 'Failed to tag resource')
  checkTags(tags)
  await changeTags(ctx, resource, (present) => merged(present, tags))
}

/** Removes the tags of these keys, where there are any. Throws InvalidParameterValue, NotFound. */
export async function untagResource(ctx: Ctx, arn: string, keys: readonly string[]): Promise<void> {
  const resource = readArn(ctx, arn)
  if (!resource.isOurs) fail('InvalidParameterValue', 'Failed to untag resource')
  await changeTags(ctx, resource, (present) => without(present, keys))
}

/**
 * The tags of a resource. One is looked for by its name, in the region of the call; but an ARN of another region has no
 * tags (both as SES, observed). Throws InvalidParameterValue, NotFound.
 */
export async function listTags(ctx: Ctx, arn: string): Promise<readonly Tag[]> {
  const resource = readArn(ctx, arn)
  const tags = await tagsOf(ctx, resource)
  return resource.isOurs ? (tags ?? notFound(resource)) : tags === undefined ? notFound(resource) : []
}

/** `arn:aws:ses:REGION:ACCOUNT:KIND/NAME`. */
function readArn(ctx: Ctx, arn: string): Resource {
  const [prefix, , service, region, account, ...rest] = arn.split(':')
  const [kind = '', ...name] = rest.join(':').split('/')
  if (prefix !== 'arn' || service !== 'ses' || name.join('/') === '') {
    fail('InvalidParameterValue', `Invalid ARN <${arn}>.`)
  }
  const scope = scopeOf(ctx)
  return { kind, name: name.join('/'), isOurs: region === scope.region && account === scope.account }
}

async function tagsOf(ctx: Ctx, { kind, name }: Resource): Promise<readonly Tag[] | undefined> {
  const scope = scopeOf(ctx)
  if (kind === 'identity') return (await findIdentity(ctx, scope, name))?.tags
  if (kind === 'configuration-set') return (await ctx.store.configurationSets.find(scope, name))?.tags
  return undefined
}

async function changeTags(ctx: Ctx, resource: Resource, change: (tags: readonly Tag[]) => readonly Tag[]) {
  const scope = scopeOf(ctx)
  const { kind, name } = resource
  if (kind === 'identity') {
    const changed = await changeIdentity(ctx, scope, name, ({ tags }) => ({ tags: change(tags) }))
    return changed ?? notFound(resource)
  }
  return await oneAtATime(ctx.store, `tags ${scope.account} ${scope.region} ${kind} ${name}`, async () => {
    const present = await tagsOf(ctx, resource)
    return present === undefined
      ? notFound(resource)
      : await ctx.store.configurationSets.patch(scope, name, { tags: change(present) })
  })
}

function notFound({ kind, name }: Resource): never {
  fail('NotFound', `No ${KINDS.get(kind) ?? 'Resource'} present with name: ${name}`)
}
