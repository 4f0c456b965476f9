/** Opens the store on the engine that the database's name asks for. */
import type { Log } from '../platform/platform.ts'
import { accountStore } from './accounts.ts'
import { reset } from './commands.ts'
import { configurationSetStore } from './configuration-sets.ts'
import { identityStore } from './identities.ts'
import { jobStore } from './jobs.ts'
import { keyStore } from './keys.ts'
import { messageStore } from './messages.ts'
import type { Engine } from './engine.ts'
import { openSqlite } from './sqlite/open.ts'
import type { Store } from './store.ts'
import { upkeepStore } from './upkeep.ts'

export type StoreOptions = {
  /** `sqlite:PATH`, `sqlite::memory:` (gone when it is closed), or `postgres://…`. */
  readonly database: string
  readonly log: Log
}

/**
 * Opens the store and brings its schema up to date. Throws an Error with a message for the operator when the
 * database cannot be opened, was written by a later version, or is of a kind that is not known.
 */
export async function openStore({ database, log }: StoreOptions): Promise<Store> {
  const { db, days, metrics, close } = await openEngine(database, log)
  return {
    accounts: accountStore(db),
    keys: keyStore(db),
    identities: identityStore(db),
    configurationSets: configurationSetStore(db),
    messages: messageStore(db),
    jobs: jobStore(db),
    upkeep: upkeepStore(db, days),
    metrics,
    reset: () => db.write(reset, null),
    close,
  }
}

async function openEngine(database: string, log: Log): Promise<Engine> {
  if (database.startsWith('sqlite:') && database.length > 'sqlite:'.length) {
    return openSqlite(database.slice('sqlite:'.length), log)
  }
  if (/^postgres(ql)?:\/\//.test(database)) {
    // Loaded only here: its client takes 60 ms and 10 MB.
    const { openPostgres } = await import('./postgres/open.ts')
    return openPostgres(database, log)
  }
  throw new Error(`The database ${JSON.stringify(database)} is not sqlite:PATH or postgres://….`)
}
