/**
 * Rows as parameters of one statement: an array a column, put together again by `unnest`. A statement for a batch names
 * its rowsets and their columns; the placeholders number themselves.
 */
import type { Value } from '../db.ts'
import { bytesArray, integerArray, textArray } from './arrays.ts'

export type ColumnType = 'bigint' | 'text' | 'bytea'
type Cell = string | number | null | Uint8Array
/** The columns of a rowset in their order, by the names of the members of its rows. */
type Columns = Readonly<Record<string, ColumnType>>

type CellOf<T extends ColumnType> = T extends 'bigint' ? number | null : T extends 'text' ? string | null : Uint8Array
export type RowOf<C extends Columns> = { readonly [K in keyof C]: CellOf<C[K]> }

export type Rowsets<S extends Readonly<Record<string, Columns>>> = {
  /**
   * The rows of a rowset as an item of a FROM clause called like the rowset, its columns in snake case; the column `o`
   * counts the rows from 1 in the order in which they were given.
   */
  readonly from: (name: keyof S & string) => string
  /** The number of the first placeholder behind those of the rowsets. */
  readonly next: number
  /** What is bound to the placeholders. Members that are no columns are passed over. */
  readonly values: (rows: { readonly [K in keyof S]: readonly RowOf<S[K]>[] }) => readonly Value[]
}

export function rowsets<const S extends Readonly<Record<string, Columns>>>(sets: S): Rowsets<S>
export function rowsets(sets: Readonly<Record<string, Columns>>): Rowsets<Readonly<Record<string, Columns>>> {
  const texts = new Map<string, string>()
  let placeholder = 0
  for (const [name, columns] of Object.entries(sets)) {
    const arrays = Object.values(columns).map((type) => `$${(placeholder += 1)}::${type}[]`)
    const names = Object.keys(columns).map(snakeCase)
    texts.set(name, `unnest(${arrays.join(', ')}) with ordinality as ${name} (${names.join(', ')}, o)`)
  }
  return {
    next: placeholder + 1,
    from: (name) => texts.get(name) ?? unknownRowset(name),
    values: (rows) =>
      Object.entries(sets).flatMap(([name, columns]) =>
        Object.entries(columns).map(([column, type]) =>
          encode(
            type,
            (rows[name] ?? []).map((each) => each[column] ?? null),
          ),
        ),
      ),
  }
}

function encode(type: ColumnType, cells: readonly Cell[]): Buffer {
  switch (type) {
    case 'bigint':
      return integerArray(cells.map((cell) => (cell === null || typeof cell === 'number' ? cell : misfit(type))))
    case 'text':
      return textArray(cells.map((cell) => (cell === null || typeof cell === 'string' ? cell : misfit(type))))
    case 'bytea':
      return bytesArray(cells.map((cell) => (cell instanceof Uint8Array ? cell : misfit(type))))
  }
}

function snakeCase(member: string): string {
  return member.replaceAll(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`)
}

function misfit(type: ColumnType): never {
  throw new TypeError(`a value does not fit a column of ${type}`)
}

function unknownRowset(name: string): never {
  throw new TypeError(`there is no rowset ${name}`)
}
