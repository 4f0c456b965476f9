/** Brings the schema of an SQLite database up to date: numbered SQL files, forward only. */
import type { DatabaseSync } from 'node:sqlite'
import { readMigrations, refuseLater } from '../migrations.ts'
import { integer, row } from '../rows.ts'

const FOLDER = new URL('./migrations/', import.meta.url)

/** `PRAGMA user_version` holds the number of the last migration. */
const version = row({ user_version: integer })

/**
 * Applies what is missing, all in one transaction. Throws when the database was written by a later version of the
 * program.
 */
export function migrate(database: DatabaseSync): void {
  const migrations = readMigrations(FOLDER)
  const wanted = migrations.length
  if (versionOf(database) === wanted) return
  database.exec('begin immediate')
  try {
    // Read again: another process may have brought it up to date meanwhile.
    const found = versionOf(database)
    refuseLater(found, wanted)
    for (const migration of migrations.slice(found)) database.exec(migration)
    database.exec(`pragma user_version = ${wanted}; commit`)
  } catch (error) {
    if (database.isTransaction) database.exec('rollback')
    throw error
  }
}

function versionOf(database: DatabaseSync): number {
  return version(database.prepare('pragma user_version').get() ?? {}).user_version
}
