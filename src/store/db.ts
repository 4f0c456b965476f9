/**
 * What an aggregate file is written against: queries, and write commands. The same text serves both engines.
 *
 * There is no query builder on purpose: importing kysely costs 90 ms and 25 MB in each thread (measured), against a
 * start within 0.5 s and 90 MB for the whole server. SQL is written in the subset that SQLite and PostgreSQL share,
 * with numbered placeholders (`?1`; `$1` once prepared for PostgreSQL). Each text is prepared once per connection.
 */
import type { Change } from './changes.ts'
import type { Flat } from './flat.ts'
import type { Row } from './rows.ts'

/** What may be bound to a placeholder. Booleans are bound as 0 and 1. */
export type Value = string | number | null | Uint8Array

/** SQLite answers at once, PostgreSQL later; who awaits sees no difference. */
export type Awaitable<T> = T | Promise<T>

export type Query<T> = { readonly text: string; readonly decode: (row: Row) => T }

/** A query with the decoder of its rows. */
export function query<T>(sql: string, decode: (row: Row) => T): Query<T> {
  return { text: sql, decode }
}

export type Reader = {
  /** The first row, undefined when there is none. */
  readonly get: <T>(query: Query<T>, values: readonly Value[]) => Awaitable<T | undefined>
  readonly all: <T>(query: Query<T>, values: readonly Value[]) => Awaitable<readonly T[]>
}

/** An open transaction. It is given to commands and to nobody else. */
export type Tx = Reader & {
  /** As `get`, and nobody else changes the row until the end of the transaction. */
  readonly getLocked: <T>(query: Query<T>, values: readonly Value[]) => Awaitable<T | undefined>
  /**
   * Inserts one row into a table that numbers its rows; gives the number, which is in `column`. Not `returning`:
   * with it SQLite copies every page that the statement touches (18 µs for a message instead of 5).
   */
  readonly insertNumbered: (statement: string, values: readonly Value[], column: string) => Awaitable<number>
  /** Runs a statement; gives the number of rows that it changed. */
  readonly run: (statement: string, values: readonly Value[]) => Awaitable<number>
}

/**
 * A write with a name, by which it reaches the thread that writes. Payload and result are structured-cloned; octets go
 * beside the payload.
 * A command may be run a second time, on a clean transaction, when another one of its batch failed: it must have no
 * effect but through `tx`. It answers with a value; when it throws, that is a bug, and it fails alone.
 */
export type Command<P, R> = {
  readonly name: string
  readonly run: (tx: Tx, payload: P, data: Uint8Array) => Promise<R>
  /** Goes ahead of what waits, and is not refused because much does. */
  readonly isUrgent?: boolean
  /** How its payload crosses: for what is written with every message. Left out: structured-cloned as it is. */
  readonly flat?: Flat<P>
  /** What may read differently once it is committed; undefined: nothing that anybody keeps a copy of. */
  readonly changes?: (payload: P) => readonly Change[]
  /** Runs once at the end of a transaction, with the payloads of all its calls: what they need not write one by one. */
  readonly finish?: (tx: Tx, payloads: readonly P[]) => Promise<void>
}

/** Any command: `never` stands for the payload that only its callers know. */
export type AnyCommand = Command<never, unknown>

/** A command, named `aggregate.action`. commands.ts must list it. */
export function command<P, R>(
  name: string,
  run: Command<P, R>['run'],
  finish?: NonNullable<Command<P, R>['finish']>,
): Command<P, R> {
  return finish === undefined ? { name, run } : { name, run, finish }
}

/**
 * A command on which others depend, such as the end of what was begun: were it to fare as what is taken in anew, a
 * flood of that would keep the water from running off. Who calls it bounds how many there are at a time.
 */
export function urgentCommand<P, R>(name: string, run: (tx: Tx, payload: P) => Promise<R>): Command<P, R> {
  return { name, run, isUrgent: true }
}

/**
 * A command that changes what caches keep: it cannot be written without saying what. changes.test.ts holds every
 * command that writes such a table to be one.
 */
export function changing<P, R>(
  name: string,
  changes: (payload: P) => readonly Change[],
  run: (tx: Tx, payload: P) => Promise<R>,
): Command<P, R> {
  return { name, run, changes }
}

export type Db = Reader & {
  /**
   * Runs a command in a transaction that it shares with others; settles after the commit is on disk.
   * `data`: the octets that the command is given with the payload; they count against what may wait.
   * Throws SesError `ServiceUnavailable` when the database cannot write or too much waits (urgent commands are taken nevertheless).
   */
  readonly write: <P, R>(command: Command<P, R>, payload: P, data?: Uint8Array) => Promise<R>
}

/** Runs the `finish` of the commands that were called: at the end of a transaction, for the calls that did not fail. */
export async function finishCalls(
  tx: Tx,
  commands: ReadonlyMap<string, AnyCommand>,
  calls: readonly { readonly name: string; readonly payload: never }[],
): Promise<void> {
  const payloads = new Map<string, never[]>()
  for (const { name, payload } of calls) {
    if (commands.get(name)?.finish === undefined) continue
    const some = payloads.get(name)
    if (some === undefined) payloads.set(name, [payload])
    else some.push(payload)
  }
  for (const [name, some] of payloads) await commands.get(name)?.finish?.(tx, some)
}
