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
  readonly accounts: AtHand<Pick<AccountStore, 'find' | 'settings'>>
  readonly keys: AtHand<Pick<KeyStore, 'find'>>
  readonly identities: AtHand<Pick<IdentityStore, 'find' | 'findMany' | 'policies'>>
  readonly configurationSets: AtHand<Pick<ConfigurationSetStore, 'find'>>
  /** Of a list it is known whether there is anything on it; a list that is not empty is asked. */
  readonly suppressions: AtHand<Pick<SuppressionStore, 'any' | 'findMany'>>
}

/** What is known is given at once, without a promise: a message asks some ten times. */
type AtHand<T> = {
  readonly [K in keyof T]: T[K] extends (...args: infer A) => Promise<infer R> ? (...args: A) => R | Promise<R> : T[K]
}

/**
 * Makes a cache of something that is made of the identities and policies of one scope. It holds until one of them changes, and never longer than they are kept. `make` is given reads that
 * are not cached, so that the two ages do not add up.
 */
export type Derive = <V>() => Derived<V>
type Derived<V> = (scope: Scope, key: string, make: (fresh: CachedReads) => Promise<V>) => V | Promise<V>

export type Caches = {
  readonly reads: CachedReads
  readonly derive: Derive
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
  const generations = new Generations()

  function forgetOne(change: Change): void {
    if (change.kind === 'all') {
      for (const cache of Object.values(byKind)) cache.clear()
      generations.endAll()
      return
    }
    if (DERIVED_FROM.has(change.kind)) generations.end(change)
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

  const anySuppressed = (scope: Scope) =>
    suppressions.read(named(scope, ''), async () => stores.suppressions.any(scope))

  function derive<V>(): Derived<V> {
    const cache = new Cache<V>(options)
    return (scope, key, make) => cache.read(generations.key(scope, key), () => make(stores))
  }

  return {
    forget(changes) {
      for (const change of changes) forgetOne(change)
    },
    reads: {
      accounts: {
        find: (id) => accounts.read(id, async () => stores.accounts.find(id)),
        settings: (scope) => settings.read(named(scope, ''), async () => stores.accounts.settings(scope)),
      },
      keys: { find: (id) => keys.read(id, async () => stores.keys.find(id)) },
      identities: {
        find: (scope, name) => identities.read(named(scope, name), async () => stores.identities.find(scope, name)),
        findMany,
        policies: (scope, identity) =>
          policies.read(named(scope, identity), async () => stores.identities.policies(scope, identity)),
      },
      configurationSets: {
        find: (scope, name) =>
          configurationSets.read(named(scope, name), async () => stores.configurationSets.find(scope, name)),
      },
      suppressions: {
        any: anySuppressed,
        findMany: async (scope, addresses) =>
          (await anySuppressed(scope)) ? await stores.suppressions.findMany(scope, addresses) : [],
      },
    },
    derive,
  }
}

/** Kinds that {@link Derive} makes something of. */
const DERIVED_FROM: ReadonlySet<Change['kind']> = new Set(['identities', 'policies'])
const MOST_GENERATIONS = 10_000

/** Which changes of its scope a key knows: an older one is never read again, and falls out of its cache as unused. */
class Generations {
  readonly #ofScope = new Map<string, number>()
  #latest = 0
  /** Of scopes that are not remembered: their changes are no later than this. */
  #oldest = 0

  key(scope: Scope, key: string): string {
    const prefix = named(scope, '')
    return `${this.#ofScope.get(prefix) ?? this.#oldest} ${prefix} ${key}`
  }

  end({ account, region }: Change): void {
    if (account === undefined || region === undefined || this.#ofScope.size >= MOST_GENERATIONS) {
      this.endAll()
    } else this.#ofScope.set(named({ account, region }, ''), ++this.#latest)
  }

  endAll(): void {
    this.#ofScope.clear()
    this.#oldest = ++this.#latest
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
