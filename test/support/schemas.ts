/**
 * The schemas that were released, as SQL: tables and rows. `npm run keep-schema` writes those of this version, when it
 * is released; the files of versions before are never changed again.
 */
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { realClock } from '../../src/platform/clock.ts'
import { postgresSource } from '../../src/store/copy/postgres.ts'
import { sqliteSource } from '../../src/store/copy/sqlite.ts'
import type { Source } from '../../src/store/copy/side.ts'
import { COPIED } from '../../src/store/copy/tables.ts'
import { readMigrations, schemaVersion } from '../../src/store/migrations.ts'
import { fill, type Filling } from './filled.ts'
import { postgres, schemaOf } from './postgres.ts'
import { keptLog } from './stores.ts'

const FOLDER = join(import.meta.dirname, '../fixtures/schemas')
const MIGRATIONS = new URL('../../src/store/', import.meta.url)

export const FILLING: Filling = { messages: 6, bodies: [new Uint8Array(4_000).map((_, index) => index * 7)] }
export const ENGINES = ['sqlite', 'postgres'] as const
export type EngineName = (typeof ENGINES)[number]

/** Numbers of the schemas that were kept. */
export async function keptVersions(): Promise<readonly number[]> {
  const names = await readdir(FOLDER)
  return names.filter((name) => name.endsWith('-sqlite.sql')).map((name) => Number(name.slice(0, 3)))
}

function pathOf(version: number, engine: EngineName): string {
  return join(FOLDER, `${String(version).padStart(3, '0')}-${engine}.sql`)
}

/** Makes a database of a version that was released; gives its name for the store. */
export async function restore(version: number, engine: EngineName, folder: string): Promise<string> {
  const sql = await readFile(pathOf(version, engine), 'utf8')
  if (engine === 'sqlite') {
    const path = join(folder, `${version}.db`)
    const database = new DatabaseSync(path)
    database.exec(`begin; ${sql}; commit`)
    database.close()
    return `sqlite:${path}`
  }
  const server = await postgres()
  const url = await server.schema()
  await server.sql(`begin; set local search_path = ${schemaOf(url)}; ${sql}; commit`)
  return url
}

/** Writes the schema of this version with rows, for both engines. */
export async function keepSchema(): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'sesame-schema-'))
  const url = await (await postgres()).schema()
  const path = join(folder, 'sesame.db')
  const written: string[] = []
  for (const engine of ENGINES) {
    await fill(engine === 'sqlite' ? `sqlite:${path}` : url, FILLING)
    const place = { url, clock: realClock(), log: keptLog() }
    const source = engine === 'sqlite' ? sqliteSource(path) : await postgresSource(place, { warn: () => {} })
    const file = pathOf(schemaVersion(), engine)
    await writeFile(file, await dump(source, engine))
    await source.close()
    written.push(file)
  }
  await rm(folder, { recursive: true })
  return written
}

async function dump(source: Source, engine: EngineName): Promise<string> {
  const migrations = readMigrations(new URL(`${engine}/migrations/`, MIGRATIONS))
  const parts = [`-- Schema ${source.version} as it was released. Never to be changed: see test/support/schemas.ts.\n`]
  parts.push(...migrations.map((text) => `${text.trimEnd()}\n`))
  for (const table of COPIED) {
    const columns = source.tables.get(table)
    if (columns === undefined) continue
    const names = columns.map(({ name }) => `"${name}"`).join(', ')
    const overriding = engine === 'postgres' ? ' overriding system value' : ''
    for await (const row of source.rows(table, columns)) {
      const values = row.map((cell) => literal(cell, engine)).join(', ')
      parts.push(`insert into ${table} (${names})${overriding} values (${values});`)
    }
  }
  parts.push(...(engine === 'sqlite' ? sqliteEnd(source) : postgresEnd(source)))
  return `${parts.join('\n')}\n`
}

function literal(cell: string | number | null | Uint8Array, engine: EngineName): string {
  if (cell === null) return 'null'
  if (typeof cell === 'number') return String(cell)
  if (typeof cell === 'string') return `'${cell.replaceAll("'", "''")}'`
  const hex = Buffer.from(cell).toString('hex')
  return engine === 'sqlite' ? `x'${hex}'` : `'\\x${hex}'`
}

function sqliteEnd({ version, numbers }: Source): readonly string[] {
  const given = [...numbers].map(([name, last]) => [name.split('.')[0], last] as const)
  const sequences = given.map(([table, last]) => `update sqlite_sequence set seq = ${last} where name = '${table}';`)
  return [...sequences, `pragma user_version = ${version};`]
}

/** The sequence of a column has a name that only the server knows: the one that an identity or a default uses. */
function postgresEnd({ version, numbers }: Source): readonly string[] {
  const sequences = [...numbers].map(([name, last]) => {
    const [table, column] = name.split('.')
    return `select setval(coalesce(pg_get_serial_sequence('${table}', '${column}'),
  (select substring(column_default from '''([^'']+)''') from information_schema.columns
   where table_schema = current_schema() and table_name = '${table}' and column_name = '${column}')), ${Math.max(1, last)});`
  })
  return [
    ...sequences,
    'create table sesame_schema (version bigint not null);',
    `insert into sesame_schema values (${version});`,
  ]
}
