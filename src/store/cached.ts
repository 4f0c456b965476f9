/** What every send reads, from memory when it was read before and has not changed since. */
import { Cache } from './cache.ts'
import type { CacheOptions } from './cache.ts'
import type { Change } from './changes.ts'
import type { AccountStore, ConfigurationSetStore, IdentityStore, KeyStore, SuppressionStore } from './store.ts'
import type { AccessKey, Account, AccountSettings, ConfigurationSet, Identity, IdentityPolicy, Scope } from './types.ts'

/**
 * As the stores of the same names, with values that are shared and never changed in place. They show every write of
 * this process that has settled. A write of another node shows within milliseconds, when its notice arrives, and at
 * the latest after the age that docs/scaling.md gives. So they are for deciding on a send, and not for changing what
 * was read.
 */
export type CachedReads = {
  readonly accounts: Pick<AccountStore, 'find' | 'settings'>
  readonly keys: Pick<KeyStore, 'find'>
  readonly identities: Pick<IdentityStore, 'find' | 'findMany' | 'policies'>
  readonly configurationSets: Pick<ConfigurationSetStore, 'find'>
  /** Of a list it is known whether there is anything on it; a list that is not empty is asked. */
  readonly suppressions: Pick<SuppressionStore, 'any' | 'findMany'>
}

export type Caches = {
  readonly reads: CachedReads
  /** Lets go of what may have changed. */
  readonly forget: (changes: readonly Change[]) => void
}

export function createCaches(stores: CachedReads, options: CacheOptions): Caches {
  const accounts = new Cache<Account | undefined>(options)
  const keys = new Cache<AccessKey | undefined>(options)
  const settings = new Cache<AccountSettings | undefined>(options)
  const identities = new Cache<Identity | undefined>(options)
  const policies = new Cache<readonly IdentityPolicy[]>(options)
  const configurationSets = new Cache<ConfigurationSet | undefined>(options)
  const suppressions = new Cache<boolean>(options)
  const byKind = { accounts, keys, settings, identities, policies, configurationSets, suppressions }

  function forgetOne(change: Change): void {
    if (change.kind === 'all') {
      for (const cache of Object.values(byKind)) cache.clear()
      return
    }
    // Nobody keeps single ones: who needs them reads them all.
    if (change.kind === 'suspensions') return
    const key = keyOf(change)
    if (key === undefined) byKind[change.kind].clear()
    else byKind[change.kind].forget(key)
  }

  async function findMany(scope: Scope, names: readonly string[]): Promise<readonly Identity[]> {
    const nameOf = new Map(names.map((name) => [named(scope, name), name]))
    const found = await identities.readMany([...nameOf.keys()], async (missing) => {
      const read = await stores.identities.findMany(
        scope,
        missing.flatMap((key) => nameOf.get(key) ?? []),
      )
      const byKey = new Map(read.map((identity) => [named(scope, identity.name), identity]))
      return (key) => byKey.get(key)
    })
    return found.filter((identity) => identity !== undefined)
  }

  async function anySuppressed(scope: Scope): Promise<boolean> {
    return suppressions.read(named(scope, ''), () => stores.suppressions.any(scope))
  }

  return {
    forget(changes) {
      for (const change of changes) forgetOne(change)
    },
    reads: {
      accounts: {
        find: async (id) => accounts.read(id, () => stores.accounts.find(id)),
        settings: async (scope) => settings.read(named(scope, ''), () => stores.accounts.settings(scope)),
      },
      keys: { find: async (id) => keys.read(id, () => stores.keys.find(id)) },
      identities: {
        find: async (scope, name) => identities.read(named(scope, name), () => stores.identities.find(scope, name)),
        findMany,
        policies: async (scope, identity) =>
          policies.read(named(scope, identity), () => stores.identities.policies(scope, identity)),
      },
      configurationSets: {
        find: async (scope, name) =>
          configurationSets.read(named(scope, name), () => stores.configurationSets.find(scope, name)),
      },
      suppressions: {
        any: anySuppressed,
        findMany: async (scope, addresses) =>
          (await anySuppressed(scope)) ? await stores.suppressions.findMany(scope, addresses) : [],
      },
    },
  }
}

/** No two things have the same key, whatever is in their names. */
function named({ account, region }: Scope, name: string): string {
  return `${account.length} ${region.length} ${account}${region}${name}`
}

/** Kinds of which an account has one in each region. */
const OF_SCOPE: ReadonlySet<Change['kind']> = new Set(['settings', 'suppressions'])

/** The key of what changed; undefined: there may be several. */
function keyOf({ kind, account, region, name }: Change): string | undefined {
  if (kind === 'accounts') return account
  if (kind === 'keys') return name
  if (account === undefined || region === undefined) return undefined
  return OF_SCOPE.has(kind) ? named({ account, region }, '') : name && named({ account, region }, name)
}
