/** The SQLite side of a copy. Whoever calls owns the file (platform/ownership.ts): no server uses it meanwhile. */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { integer, nullable, row, text } from '../rows.ts'
import { openConnection } from '../sqlite/connection.ts'
import { migrate } from '../sqlite/migrate.ts'
import { makePrivateFile } from '../sqlite/open.ts'
import { CopyRefused, cell, namesOf } from './side.ts'
import type { Cells, Column, Numbers, Source, Tables, Target } from './side.ts'

const BESIDE = ['-wal', '-shm', '-journal']

/** Opens a database as it is, without bringing its schema up to date. Throws {@link CopyRefused}. */
export function sqliteSource(path: string): Source {
  if (!existsSync(path)) throw new CopyRefused(`There is no database ${path}.`)
  const database = new DatabaseSync(path)
  try {
    // Not opened for reading only: what a crash left in the WAL has to be taken in.
    database.exec('pragma query_only = on; begin')
    return {
      name: path,
      version: versionOf(database),
      tables: tablesOf(database),
      numbers: numbersOf(database),
      count: async (table) => countOf(database, table),
      rows: (table, columns) => rowsOf(database, table, columns),
      async check() {
        const found = database.prepare('pragma integrity_check').all().map(integrity)
        const faults = found.map(({ integrity_check: fault }) => fault).filter((fault) => fault !== 'ok')
        const orphans = database.prepare('pragma foreign_key_check').all()
        return [
          ...faults,
          ...(orphans.length === 0 ? [] : [`${orphans.length} rows refer to others that are not there`]),
        ]
      },
      close: async () => database.close(),
    }
  } catch (error) {
    database.close()
    throw new CopyRefused(`Cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/**
 * A new database: it is written beside its place, to `FILE.copying`, and moved there when it is whole. An older
 * `FILE.copying`, of a copy that was broken off, is dropped. Throws {@link CopyRefused} when the place is taken.
 */
export function sqliteTarget(path: string): Target {
  if (existsSync(path)) refuseUnlessEmpty(path)
  const unfinished = `${path}.copying`
  remove(unfinished)
  makePrivateFile(unfinished)
  const { database } = openConnection(unfinished)
  migrate(database)
  // Nothing is synced before the end: until then there is nothing to lose. Rows come in an order of their own.
  database.exec('pragma synchronous = off; pragma foreign_keys = off')
  return {
    name: path,
    tables: tablesOf(database),
    async write(table, columns, rows) {
      const insert = database.prepare(
        `insert into "${table}" (${namesOf(columns)}) values (${columns.map(() => '?').join()})`,
      )
      database.exec('begin')
      for (const cells of rows) insert.run(...cells)
      database.exec('commit')
    },
    count: async (table) => countOf(database, table),
    async goOnBehind(numbers) {
      for (const table of autoincremented(database)) {
        const last = [...numbers].find(([name]) => name.startsWith(`${table}.`))?.[1] ?? 0
        const changed = database.prepare('update sqlite_sequence set seq = max(seq, ?) where name = ?').run(last, table)
        if (changed.changes > 0) continue
        database.prepare('insert into sqlite_sequence (name, seq) values (?, ?)').run(table, last)
      }
    },
    async finish() {
      // The last connection to close copies the WAL into the file and removes it.
      database.close()
      sync(unfinished)
      // An empty database that was there has nothing in a WAL either.
      for (const suffix of BESIDE) rmSync(`${path}${suffix}`, { force: true })
      renameSync(unfinished, path)
      sync(dirname(path))
    },
    async abandon() {
      if (database.isOpen) database.close()
      remove(unfinished)
    },
  }
}

function refuseUnlessEmpty(path: string): void {
  const database = new DatabaseSync(path)
  try {
    for (const table of tablesOf(database).keys()) {
      if (countOf(database, table) > 0) throw new CopyRefused(`${path} is not empty: it has rows in ${table}.`)
    }
  } finally {
    database.close()
  }
}

const integrity = row({ integrity_check: text })
const version = row({ user_version: integer })
const tableRow = row({ name: text })
const columnRow = row({ name: text, type: text, pk: integer })
const countRow = row({ count: integer })
const sequenceRow = row({ name: text, seq: integer })
const lastRow = row({ last: nullable(integer) })

function versionOf(database: DatabaseSync): number {
  return version(database.prepare('pragma user_version').get() ?? {}).user_version
}

function tableNames(database: DatabaseSync): readonly string[] {
  const found = database.prepare(`select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'`)
  return found.all().map((each) => tableRow(each).name)
}

function columnRows(database: DatabaseSync, table: string) {
  return database.prepare('select name, type, pk from pragma_table_info(?)').all(table).map(columnRow)
}

function tablesOf(database: DatabaseSync): Tables {
  const columns = (table: string) =>
    columnRows(database, table).map(({ name, type }): Column => ({
      name,
      kind: KINDS.get(type.toLowerCase()) ?? other(type),
    }))
  return new Map(tableNames(database).map((table) => [table, columns(table)]))
}

const KINDS: ReadonlyMap<string, Column['kind']> = new Map([
  ['text', 'text'],
  ['integer', 'integer'],
  ['blob', 'bytes'],
])

function other(type: string): never {
  throw new Error(`no column of type ${type} can be copied`)
}

function autoincremented(database: DatabaseSync): readonly string[] {
  const found = database.prepare(`select name from sqlite_schema where type = 'table' and sql like '%autoincrement%'`)
  return found.all().map((each) => tableRow(each).name)
}

/** A table numbers its rows when its key is one whole number. Without autoincrement the greatest is the last. */
function numbersOf(database: DatabaseSync): Numbers {
  const given = new Map(
    database
      .prepare('select name, seq from sqlite_sequence')
      .all()
      .map(sequenceRow)
      .map(({ name, seq }) => [name, seq]),
  )
  const numbers = new Map<string, number>()
  for (const table of tableNames(database)) {
    const keys = columnRows(database, table).filter(({ pk }) => pk > 0)
    const [key] = keys
    if (key === undefined || keys.length > 1 || key.type.toLowerCase() !== 'integer') continue
    const found = database.prepare(`select max("${key.name}") as last from "${table}"`).get()
    numbers.set(`${table}.${key.name}`, Math.max(given.get(table) ?? 0, lastRow(found ?? {}).last ?? 0))
  }
  return numbers
}

function countOf(database: DatabaseSync, table: string): number {
  return countRow(database.prepare(`select count(*) as count from "${table}"`).get() ?? {}).count
}

async function* rowsOf(database: DatabaseSync, table: string, columns: readonly Column[]): AsyncGenerator<Cells> {
  for (const found of database.prepare(`select ${namesOf(columns)} from "${table}"`).iterate()) {
    yield columns.map(({ name }) => cell(found, name))
  }
}

function remove(path: string): void {
  for (const suffix of ['', ...BESIDE]) rmSync(`${path}${suffix}`, { force: true })
}

function sync(path: string): void {
  const opened = openSync(path, 'r')
  fsyncSync(opened)
  closeSync(opened)
}
