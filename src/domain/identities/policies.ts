/** Sending authorization policies of identities (SES guide: "Using identity policies"). v1 and v2 see the same ones. */
import { fail } from '../../errors/fail.ts'
import type { IdentityPolicy } from '../../store/types.ts'
import { type Ctx, scopeOf } from '../context.ts'
import { checkCount, findIdentity, oneAtATime, requireIdentity } from './identity.ts'
import { ownedName } from './names.ts'
import { checkPolicy } from './policy-document.ts'

const MOST_POLICIES = 20
/** v1's GetIdentityPolicies. */
const MOST_ASKED = 20

/** v1: creates or replaces. Throws InvalidPolicy, InvalidParameterValue. */
export async function putPolicy(ctx: Ctx, identity: string, name: string, policy: string): Promise<void> {
  checkName(name)
  const scope = scopeOf(ctx)
  const owned = ownedName(scope, identity) ?? invalidIdentity()
  const kept = await checkPolicy(ctx, scope, owned, policy)
  if ((await findIdentity(ctx, scope, owned)) === undefined) invalidIdentity()
  await alone(ctx, owned, async (present) => {
    const isNew = present.every((other) => other.name !== name)
    if (isNew && present.length >= MOST_POLICIES) fail('InvalidParameterValue', tooMany(identity))
    await ctx.store.identities.putPolicy(scope, { identity: owned, name, policy: kept })
  })
}

/** v2: throws NotFound (the identity), AlreadyExists, LimitExceeded, InvalidPolicy, InvalidParameterValue. */
export async function createPolicy(ctx: Ctx, identity: string, name: string, policy: string): Promise<void> {
  const scope = scopeOf(ctx)
  const { name: owned } = await requireIdentity(ctx, scope, identity)
  checkName(name)
  const kept = await checkPolicy(ctx, scope, owned, policy)
  await alone(ctx, owned, async (present) => {
    if (present.some((other) => other.name === name)) fail('AlreadyExists', `Policy <${name}> already exists`)
    if (present.length >= MOST_POLICIES) fail('LimitExceeded', tooMany(identity))
    await ctx.store.identities.insertPolicy(scope, { identity: owned, name, policy: kept })
  })
}

/** v2: throws NotFound (the identity or the policy), InvalidPolicy, InvalidParameterValue. */
export async function updatePolicy(ctx: Ctx, identity: string, name: string, policy: string): Promise<void> {
  const scope = scopeOf(ctx)
  const { name: owned } = await requireIdentity(ctx, scope, identity)
  checkName(name)
  const kept = await checkPolicy(ctx, scope, owned, policy)
  await alone(ctx, owned, async (present) => {
    if (present.every((other) => other.name !== name)) noPolicy(name)
    await ctx.store.identities.putPolicy(scope, { identity: owned, name, policy: kept })
  })
}

/** v1: neither an identity nor a policy that is not there is an error. */
export async function removePolicy(ctx: Ctx, identity: string, name: string): Promise<void> {
  const scope = scopeOf(ctx)
  const owned = ownedName(scope, identity)
  if (owned !== undefined) await ctx.store.identities.removePolicy(scope, owned, name)
}

/** v2: throws NotFound (the identity or the policy). */
export async function deletePolicy(ctx: Ctx, identity: string, name: string): Promise<void> {
  const scope = scopeOf(ctx)
  const { name: owned } = await requireIdentity(ctx, scope, identity)
  if (!(await ctx.store.identities.removePolicy(scope, owned, name))) noPolicy(name)
}

/** v1: the policies of an identity in the order of their names; of one that is not there, none. */
export async function policiesOf(ctx: Ctx, identity: string): Promise<readonly IdentityPolicy[]> {
  const scope = scopeOf(ctx)
  const owned = ownedName(scope, identity)
  return owned === undefined ? [] : await ctx.store.identities.policies(scope, owned)
}

/** v1: those of `names` that there are. Throws Validation past 20 names. */
export async function askedPolicies(ctx: Ctx, identity: string, names: readonly string[]) {
  checkCount('policyNames', names, MOST_ASKED)
  return (await policiesOf(ctx, identity)).filter(({ name }) => names.includes(name))
}

/** v2: throws NotFound (the identity). */
export async function getPolicies(ctx: Ctx, identity: string): Promise<readonly IdentityPolicy[]> {
  const scope = scopeOf(ctx)
  const { name: owned } = await requireIdentity(ctx, scope, identity)
  return await ctx.store.identities.policies(scope, owned)
}

/** Runs `task` with the policies that are there, while no other call adds one. */
async function alone(ctx: Ctx, identity: string, task: (present: readonly IdentityPolicy[]) => Promise<void>) {
  const scope = scopeOf(ctx)
  await oneAtATime(ctx.store, `policies ${scope.account} ${scope.region} ${identity}`, async () => {
    await task(await ctx.store.identities.policies(scope, identity))
  })
}

// The texts below are SES's (observed).

function checkName(name: string): void {
  if (!/^[A-Za-z0-9_-]+$/.test(name)) {
    fail(
      'InvalidParameterValue',
      'PolicyName is invalid. Policy names must only include alpha-numeric characters, dashes, and underscores.',
    )
  }
}

function tooMany(identity: string): string {
  return `Number of policies for <${identity}> exceeds max allowed number of policies per resource`
}

function noPolicy(name: string): never {
  fail('NotFound', `Policy <${name}> does not exist`)
}

function invalidIdentity(): never {
  fail('InvalidParameterValue', 'Invalid identity. Must be a verified email address or domain.')
}
