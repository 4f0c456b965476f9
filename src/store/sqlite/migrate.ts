/** Brings the schema of an SQLite database up to date: numbered SQL files, forward only. */
import { readFileSync, readdirSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { integer, row } from '../rows.ts'

const FOLDER = new URL('./migrations/', import.meta.url)

/** `PRAGMA user_version` holds the number of the last migration. */
const version = row({ user_version: integer })

/**
 * Applies what is missing, all in one transaction. Throws when the database was written by a later version of the
 * program.
 */
export function migrate(database: DatabaseSync): void {
  const migrations = migrationFiles()
  const wanted = migrations.length
  if (versionOf(database) === wanted) return
  database.exec('begin immediate')
  try {
    // Read again: another process may have brought it up to date meanwhile.
    const found = versionOf(database)
    if (found > wanted) {
      throw new Error(
        `it has schema ${found}, and this version of Sesame knows ${wanted}; start the version that wrote it, or a later one`,
      )
    }
    for (const file of migrations.slice(found)) database.exec(readFileSync(new URL(file, FOLDER), 'utf8'))
    database.exec(`pragma user_version = ${wanted}; commit`)
  } catch (error) {
    if (database.isTransaction) database.exec('rollback')
    throw error
  }
}

/** `001-first.sql`, `002-….sql` …: in order, without a gap. */
function migrationFiles(): readonly string[] {
  const files = readdirSync(FOLDER)
    .filter((name) => name.endsWith('.sql'))
    .toSorted()
  for (const [index, file] of files.entries()) {
    if (Number(file.slice(0, 3)) !== index + 1) throw new Error(`migration ${file} is out of order`)
  }
  return files
}

function versionOf(database: DatabaseSync): number {
  return version(database.prepare('pragma user_version').get() ?? {}).user_version
}
