/** The life of an identity: made, changed one change at a time, found, removed. */
import { fail } from '../../errors/fail.ts'
import type { Store } from '../../store/store.ts'
import type { Check, Dkim, Identity, Scope } from '../../store/types.ts'
import type { Services } from '../context.ts'
import { decreed, NOT_STARTED, pending } from './checks.ts'
import type { IdentityName } from './names.ts'
import { ownedName, storedName } from './names.ts'
import { wakeChecks } from './wake.ts'

export type { Identity }

// SES guide: "Service quotas".
const MOST_IDENTITIES = 10_000
// SES API: GetIdentityVerificationAttributes and its like.
const MOST_ASKED = 100

export type Change = Partial<Omit<Identity, 'name' | 'kind'>>

export const NO_DKIM: Dkim = {
  ...NOT_STARTED,
  signingEnabled: false,
  origin: 'AWS_SES',
  tokens: [],
  keys: [],
  selector: null,
  currentKeyLength: null,
  nextKeyLength: null,
  keysMadeAt: null,
}

/** The beginning of a search; where `autoVerify` is set, its end too. */
export function startCheck({ config, clock }: Services): Check {
  return config.autoVerify ? decreed(clock.now()) : pending(clock.now())
}

/** An identity as it is before anything is set. `token`: a domain's TXT token, or the secret of an address's link. */
export function blankIdentity(services: Services, { name, kind }: IdentityName, token: string): Identity {
  const now = services.clock.now()
  return {
    name,
    kind,
    createdAt: now,
    verification: { ...startCheck(services), token, byTxt: false },
    dkim: NO_DKIM,
    mailFrom: null,
    feedback: { forwardingEnabled: true },
    configurationSet: null,
    tags: [],
    nextCheckAt: null,
  }
}

/** False when there is one of that name. Throws LimitExceeded past 10,000 identities. */
export async function addIdentity(services: Services, scope: Scope, identity: Identity): Promise<boolean> {
  if ((await services.store.identities.count(scope)) >= MOST_IDENTITIES) {
    fail(
      'LimitExceeded',
      `Number of identities for account ${scope.account} exceeds max allowed number of identities (${MOST_IDENTITIES})`,
    )
  }
  const isAdded = await services.store.identities.insert(scope, identity)
  if (isAdded && identity.nextCheckAt !== null) wakeChecks(services)
  return isAdded
}

/** The identity that a caller names; undefined when there is none. */
export async function findIdentity(services: Services, scope: Scope, name: string): Promise<Identity | undefined> {
  return await services.store.identities.find(scope, storedName(name))
}

/** v2: throws NotFound in the words of most of its calls. */
export async function requireIdentity(services: Services, scope: Scope, name: string): Promise<Identity> {
  return (await findIdentity(services, scope, name)) ?? fail('NotFound', `Email identity <${name}> does not exist.`)
}

/** v1: those of `names` (or ARNs) that exist, each under the spelling that the caller used. Throws Validation past 100 names. */
export async function findAsked(
  services: Services,
  scope: Scope,
  names: readonly string[],
): Promise<readonly { readonly asked: string; readonly identity: Identity }[]> {
  checkCount('identities', names, MOST_ASKED)
  const found = new Map<string, Identity>()
  const wanted = names.flatMap((asked) => ownedName(scope, asked) ?? [])
  for (const identity of await services.store.identities.findMany(scope, wanted)) found.set(identity.name, identity)
  return [...new Set(names)].flatMap((asked) => {
    const identity = found.get(ownedName(scope, asked) ?? '')
    return identity === undefined ? [] : [{ asked, identity }]
  })
}

/** Throws Validation for a list that is too long; `member` is its name in the request. */
export function checkCount(member: string, list: readonly unknown[], most: number): void {
  if (list.length <= most) return
  const constraint = `Member must have length less than or equal to ${most}`
  fail('Validation', `1 validation error detected: Value at '${member}' failed to satisfy constraint: ${constraint}`)
}

/**
 * Changes an identity by what `change` makes of it as it is now (undefined: nothing). The identity after the change;
 * undefined when there is none. Changes of one identity wait for one another, since they read before they write.
 */
export async function changeIdentity(
  services: Services,
  scope: Scope,
  name: string,
  change: (identity: Identity) => Change | undefined,
): Promise<Identity | undefined> {
  const { identities } = services.store
  const stored = storedName(name)
  return await oneAtATime(services.store, `identity ${scope.account} ${scope.region} ${stored}`, async () => {
    const identity = await identities.find(scope, stored)
    const patch = identity && change(identity)
    if (patch === undefined) return identity
    const changed = await identities.patch(scope, stored, patch)
    if (changed !== undefined && changed.nextCheckAt !== null) wakeChecks(services)
    return changed
  })
}

// By store: each process has one, each test its own.
const underWay = new WeakMap<Store, Map<string, Promise<unknown>>>()

/** Runs `task` when every earlier task of the same key is done. */
export async function oneAtATime<T>(store: Store, key: string, task: () => Promise<T>): Promise<T> {
  const tasks = underWay.get(store) ?? new Map<string, Promise<unknown>>()
  underWay.set(store, tasks)
  const before = tasks.get(key)
  const run = before === undefined ? task() : before.then(task, task)
  tasks.set(key, run)
  try {
    return await run
  } finally {
    if (tasks.get(key) === run) tasks.delete(key)
  }
}
