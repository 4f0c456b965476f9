/** One connection to an SQLite database, as the queries and commands of the aggregates see it. */
import { DatabaseSync } from 'node:sqlite'
import type { StatementSync } from 'node:sqlite'
import type { Query, Tx, Value } from '../db.ts'
import { integer, row } from '../rows.ts'

// A command line tool may write the same file for a moment; two servers never do.
const BUSY_TIMEOUT_MS = 10_000
/** Pages are 16 kB, so that a mail of 2 kB stays out of overflow pages: 15.6 µs of CPU a row against 28.2 with 4 kB. */
const PAGE_BYTES = 16_384
/** A batch larger than the cache would be written twice. Negative: KiB (SQLite, “PRAGMA cache_size”). */
const CACHE_KIB = 8_192

export type Connection = Tx & {
  readonly database: DatabaseSync
  /** Runs a statement without values that gives no rows, such as `commit`. */
  execute(statement: string): void
}

/**
 * Opens a database file, or `:memory:`. WAL with synchronous=FULL: a commit that has returned is on disk. The size
 * of the WAL and its checkpoints stay at SQLite's defaults: a larger WAL grows the file, and then each fdatasync also
 * commits the file system's journal (measured: half the rate of single commits).
 */
export function openConnection(path: string): Connection {
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true })
  try {
    // Before the pragmas: they would change a file that is none of ours.
    refuseOthers(database)
    database.exec(
      `pragma page_size = ${PAGE_BYTES}; pragma journal_mode = wal; pragma synchronous = full;
       pragma cache_size = -${CACHE_KIB}`,
    )
  } catch (error) {
    database.close()
    throw error
  }
  return connection(database)
}

const schema = row({ version: integer, tables: integer })

/** Migrations number our schema from 1; a database with tables and without such a number is not ours. */
function refuseOthers(database: DatabaseSync): void {
  const found = database
    .prepare(
      `select user_version as "version", (select count(*) from sqlite_schema) as "tables" from pragma_user_version`,
    )
    .get()
  const { version, tables } = schema(found ?? {})
  if (version === 0 && tables > 0) throw new Error('it belongs to another program')
}

/** Makes a connection of an open database; each text is prepared when it is first used, and kept. */
export function connection(database: DatabaseSync): Connection {
  const prepared = new Map<string, StatementSync>()
  function statement(text: string): StatementSync {
    let made = prepared.get(text)
    if (made === undefined) {
      made = database.prepare(text)
      prepared.set(text, made)
    }
    return made
  }
  function get<T>({ text, decode }: Query<T>, values: readonly Value[]): T | undefined {
    const found = statement(text).get(...values)
    return found === undefined ? undefined : decode(found)
  }
  return {
    database,
    get,
    // SQLite has one writer: nobody else can change the row.
    getLocked: get,
    all: ({ text, decode }, values) =>
      statement(text)
        .all(...values)
        .map(decode),
    insertNumbered: (text, values) => Number(statement(text).run(...values).lastInsertRowid),
    run: (text, values) => Number(statement(text).run(...values).changes),
    execute: (text) => void statement(text).run(),
  }
}
