/** Rows read from a database, turned into typed values column by column, so that no query needs a cast. */

/** A row as an engine gives it. */
export type Row = Readonly<Record<string, unknown>>

/** Checks and converts one column. Throws on a value that the schema rules out: that is a bug. */
export type Column<T> = (value: unknown, name: string) => T

export const text: Column<string> = (value, name) => (typeof value === 'string' ? value : wrong(value, name, 'text'))

export const integer: Column<number> = (value, name) =>
  typeof value === 'number' ? value : wrong(value, name, 'an integer')

/** Kept as 0 or 1 on both engines. */
export const flag: Column<boolean> = (value, name) =>
  value === 1 || value === 0 ? value === 1 : wrong(value, name, '0 or 1')

export const bytes: Column<Uint8Array> = (value, name) =>
  value instanceof Uint8Array ? value : wrong(value, name, 'bytes')

export function nullable<T>(column: Column<T>): Column<T | null> {
  return (value, name) => (value === null ? null : column(value, name))
}

/** Text that is one of `values`. */
export function oneOf<const T extends string>(values: readonly T[]): Column<T> {
  return (value, name) => values.find((known) => known === value) ?? wrong(value, name, values.join(' or '))
}

/**
 * A document that this store wrote itself, as JSON text. It is taken at its word: nobody else writes the database, and
 * a change of such a type comes with a migration of the documents that lie there. This is the only place where stored
 * text becomes a type unchecked.
 */
export function json<T>(): Column<T> {
  return (value, name) => {
    const document: T = JSON.parse(text(value, name))
    return document
  }
}

type Columns = Readonly<Record<string, Column<unknown>>>
export type Decoded<C extends Columns> = { readonly [K in keyof C]: ReturnType<C[K]> }

/** A decoder of whole rows: the members of `columns` are the columns' names in the query. */
export function row<C extends Columns>(columns: C): (raw: Row) => Decoded<C>
export function row(columns: Columns): (raw: Row) => Record<string, unknown> {
  const decoders = Object.entries(columns)
  return (raw) => {
    const decoded: Record<string, unknown> = {}
    for (const [name, column] of decoders) decoded[name] = column(raw[name], name)
    return decoded
  }
}

function wrong(value: unknown, name: string, expected: string): never {
  throw new TypeError(`column ${name} holds ${value === null ? 'null' : typeof value} where ${expected} is expected`)
}
