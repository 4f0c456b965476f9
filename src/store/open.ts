/** Opens the store on the engine that the database's name asks for. */
import { realClock } from '../platform/clock.ts'
import type { Clock, Log } from '../platform/platform.ts'
import { accountStore } from './accounts.ts'
import { createCaches } from './cached.ts'
import { announcing, createAnnouncements } from './changes.ts'
import { reset } from './commands.ts'
import { configurationSetStore } from './configuration-sets.ts'
import { identityStore } from './identities.ts'
import { jobStore } from './jobs.ts'
import { keyStore } from './keys.ts'
import { limitStore } from './limits.ts'
import { messageStore } from './messages.ts'
import { suppressionStore } from './suppressions.ts'
import type { Db } from './db.ts'
import type { Engine } from './engine.ts'
import { nodeStore } from './nodes.ts'
import type { NoticeOptions, Notices } from './postgres/notices.ts'
import { openSqlite } from './sqlite/open.ts'
import { secretStore } from './secrets.ts'
import type { Store } from './store.ts'
import { stsPolicyStore } from './sts-policies.ts'
import { suspensionStore } from './suspensions.ts'
import { tlsResultStore } from './tls-results.ts'
import { warmupStore } from './warmup.ts'
import { upkeepStore } from './upkeep.ts'

/**
 * How old may be what is kept of a database that other processes write as well: a safety where notices of their
 * changes arrive, and all that there is where they do not. A file of SQLite only its owner writes (platform/ownership.ts).
 */
const AGE_MS = 5_000
const UNTOLD_AGE_MS = 1_000

export type StoreOptions = {
  /** `sqlite:PATH`, `sqlite::memory:` (gone when it is closed), or `postgres://…`. */
  readonly database: string
  readonly log: Log
  /** Real time, for timeouts. */
  readonly wallClock?: Clock
}

/**
 * Opens the store and brings its schema up to date. Throws an Error with a message for the operator when the
 * database cannot be opened, was written by a later version, or is of a kind that is not known.
 */
export async function openStore({ database, log, wallClock = realClock() }: StoreOptions): Promise<Store> {
  const engine = await openEngine(database, log, wallClock)
  const { tell, onChange } = createAnnouncements(log)
  const db = announcing(
    counting(engine.db, () => (reads += 1)),
    tell,
  )
  let reads = 0
  const notices = engine.isShared
    ? await hear({ url: database, db: engine.db, clock: wallClock, log, tell })
    : undefined
  const maxAgeMs = () => (notices === undefined ? Number.POSITIVE_INFINITY : notices.isLive() ? AGE_MS : UNTOLD_AGE_MS)
  const stores = {
    accounts: accountStore(db),
    keys: keyStore(db),
    identities: identityStore(db),
    configurationSets: configurationSetStore(db),
    suppressions: suppressionStore(db),
  }
  const limits = engine.isShared ? limitStore(db) : undefined
  const caches = createCaches(stores, { now: () => wallClock.now(), maxAgeMs })
  onChange(caches.forget)
  return {
    ...stores,
    cached: caches.reads,
    derive: caches.derive,
    secrets: secretStore(db),
    messages: messageStore(db),
    jobs: jobStore(db),
    suspensions: suspensionStore(db),
    tlsResults: tlsResultStore(db),
    stsPolicies: stsPolicyStore(db),
    warmup: warmupStore(db),
    limits,
    nodes: engine.isShared ? nodeStore(db) : undefined,
    upkeep: upkeepStore(db, engine.days),
    onChange,
    metrics: () => ({ ...engine.metrics(), reads }),
    async reset() {
      await limits?.clear()
      await db.write(reset, null)
    },
    async close() {
      await notices?.close()
      await engine.close()
    },
  }
}

/** A database that tells of each query. */
function counting(db: Db, count: () => void): Db {
  return {
    ...db,
    get(query, values) {
      count()
      return db.get(query, values)
    },
    all(query, values) {
      count()
      return db.all(query, values)
    },
  }
}

/** Hears of the changes of other nodes from now on, as soon as that is possible. */
async function hear(options: NoticeOptions): Promise<Notices> {
  const { listenForChanges } = await import('./postgres/notices.ts')
  return listenForChanges(options)
}

async function openEngine(database: string, log: Log, wallClock: Clock): Promise<Engine> {
  if (database.startsWith('sqlite:') && database.length > 'sqlite:'.length) {
    return openSqlite(database.slice('sqlite:'.length), log)
  }
  if (/^postgres(ql)?:\/\//.test(database)) {
    // Loaded only here: its client takes 60 ms and 10 MB.
    const { openPostgres } = await import('./postgres/open.ts')
    return openPostgres(database, log, wallClock)
  }
  throw new Error(`The database ${JSON.stringify(database)} is not sqlite:PATH or postgres://….`)
}
