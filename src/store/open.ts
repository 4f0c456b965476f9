/** Opens the store on the engine that the database's name asks for. */
import { realClock } from '../platform/clock.ts'
import type { Clock, Log } from '../platform/platform.ts'
import { accountStore } from './accounts.ts'
import { announcing, createAnnouncements } from './changes.ts'
import { reset } from './commands.ts'
import { configurationSetStore } from './configuration-sets.ts'
import { identityStore } from './identities.ts'
import { jobStore } from './jobs.ts'
import { keyStore } from './keys.ts'
import { messageStore } from './messages.ts'
import type { Engine } from './engine.ts'
import type { NoticeOptions, Notices } from './postgres/notices.ts'
import { openSqlite } from './sqlite/open.ts'
import type { Store } from './store.ts'

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
  const engine = await openEngine(database, log)
  const { tell, onChange } = createAnnouncements(log)
  const db = announcing(engine.db, tell)
  const notices = engine.isShared
    ? await hear({ url: database, db: engine.db, clock: wallClock, log, tell })
    : undefined
  return {
    accounts: accountStore(db),
    keys: keyStore(db),
    identities: identityStore(db),
    configurationSets: configurationSetStore(db),
    messages: messageStore(db),
    jobs: jobStore(db),
    onChange,
    metrics: engine.metrics,
    reset: () => db.write(reset, null),
    async close() {
      await notices?.close()
      await engine.close()
    },
  }
}

/** Hears of the changes of other nodes from now on, as soon as that is possible. */
async function hear(options: NoticeOptions): Promise<Notices> {
  const { listenForChanges } = await import('./postgres/notices.ts')
  return listenForChanges(options)
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
