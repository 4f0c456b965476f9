/** What a copy reads from and writes to, the same for both engines. */
import type { Value } from '../db.ts'
import type { Row } from '../rows.ts'

export type Column = { readonly name: string; readonly kind: 'text' | 'integer' | 'bytes' }
export type Tables = ReadonlyMap<string, readonly Column[]>
export type Cells = readonly Value[]

/**
 * The last number that was given to a row of a table that numbers its rows, by `TABLE.COLUMN`; also those that have
 * been removed since: none may come twice.
 */
export type Numbers = ReadonlyMap<string, number>

/** A database as it is at one moment. */
export type Source = {
  readonly name: string
  /** The number of its schema. */
  readonly version: number
  readonly tables: Tables
  readonly numbers: Numbers
  count(table: string): Promise<number>
  /** Row by row, in no order that matters; never more than a few megabytes ahead of whoever reads. */
  rows(table: string, columns: readonly Column[]): AsyncIterable<Cells>
  /** What is wrong with it; empty: nothing that can be seen. */
  check(): Promise<readonly string[]>
  close(): Promise<void>
}

/** A new database. Nothing of what is written is there before {@link Target.finish}. */
export type Target = {
  readonly name: string
  readonly tables: Tables
  write(table: string, columns: readonly Column[], rows: readonly Cells[]): Promise<void>
  count(table: string): Promise<number>
  /** New rows get greater numbers than these. Numbers of tables that it does not number itself are passed over. */
  goOnBehind(numbers: Numbers): Promise<void>
  /** Makes the whole copy appear at once, durably. */
  finish(): Promise<void>
  /** Drops what was written. */
  abandon(): Promise<void>
}

/** A reason for which nothing is copied, in words for the operator. */
export class CopyRefused extends Error {
  override readonly name = 'CopyRefused'
}

/** What a row holds under a name, where it is what may be bound again. */
export function cell(found: Row, name: string): Value {
  const value = found[name]
  if (value === null || typeof value === 'string' || typeof value === 'number' || value instanceof Uint8Array)
    return value
  throw new TypeError(`column ${name} holds ${typeof value}, which cannot be copied`)
}

export function namesOf(columns: readonly Column[]): string {
  return columns.map(({ name }) => `"${name}"`).join()
}
