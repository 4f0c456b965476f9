/** Brings the schema of a PostgreSQL database up to date: numbered SQL files, forward only. */
import { query } from '../db.ts'
import { readMigrations, refuseLater } from '../migrations.ts'
import { integer, row } from '../rows.ts'
import type { Session } from './session.ts'

const FOLDER = new URL('./migrations/', import.meta.url)

/** Any number that other programs on the same server are unlikely to lock: “sesame” in ASCII. */
const LOCK = 0x73_65_73_61_6d_65

const VERSION = query(`select version from sesame_schema`, row({ version: integer }))
const TABLES = query(
  `select count(*) as "tables", count(*) filter (where tablename = 'sesame_schema') as "ours"
   from pg_tables where schemaname = current_schema()`,
  row({ tables: integer, ours: integer }),
)

/**
 * Applies what is missing, all in one transaction, while other nodes that start wait for its end (an advisory lock of
 * the transaction, so that a pooler may stand in between). Throws when the tables there are those of another program
 * or of a later version of this one.
 */
export async function migrate(session: Session): Promise<void> {
  const migrations = readMigrations(FOLDER)
  await session.execute('begin')
  await session.execute(`select pg_advisory_xact_lock(${LOCK})`)
  const found = await versionOf(session)
  refuseLater(found, migrations.length)
  for (const migration of migrations.slice(found)) await session.execute(migration)
  await session.run(`update sesame_schema set version = ?1`, [migrations.length])
  await session.commit()
}

/** 0 in a schema that is still empty. */
async function versionOf(session: Session): Promise<number> {
  const found = await session.get(TABLES, [])
  if (found?.ours === 1) return (await session.get(VERSION, []))?.version ?? 0
  if (found !== undefined && found.tables > 0) {
    throw new Error('it holds tables of another program; give Sesame a database, or a schema in one, of its own')
  }
  await session.execute(`create table sesame_schema (version bigint not null); insert into sesame_schema values (0)`)
  return 0
}
