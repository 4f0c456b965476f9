/** Migrations: numbered SQL files, forward only, a folder for each engine. */
import { readFileSync, readdirSync } from 'node:fs'

/** The texts of `001-first.sql`, `002-….sql` … of a folder: in order, without a gap. */
export function readMigrations(folder: URL): readonly string[] {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .toSorted()
  for (const [index, file] of files.entries()) {
    if (Number(file.slice(0, 3)) !== index + 1) throw new Error(`migration ${file} is out of order`)
  }
  return files.map((file) => readFileSync(new URL(file, folder), 'utf8'))
}

/** The schema of this version, the same for both engines. */
export function schemaVersion(): number {
  return readMigrations(new URL('./sqlite/migrations/', import.meta.url)).length
}

/** Throws when a database of schema `found` was written by a later version than one that knows `known`. */
export function refuseLater(found: number, known: number): void {
  if (found <= known) return
  throw new Error(
    `it has schema ${found}, and this version of Sesame knows ${known}; start the version that wrote it, or a later one`,
  )
}
