/**
 * One connection to PostgreSQL, as the queries and commands of the aggregates see it.
 *
 * Nothing has to outlive a transaction: no settings, no listening, no locks. So the connection may be that of a pooler
 * which gives every transaction another one (PgBouncer's transaction mode). Statements are prepared by name, which saves
 * the server parsing and planning them each time; where a pooler does not know them, it is done without from then on.
 */
import { hash } from 'node:crypto'
import type { ClientBase, QueryResult } from 'pg'
import type { Query, Tx, Value } from '../db.ts'
import { integer } from '../rows.ts'
import type { Row } from '../rows.ts'
import { Unavailable, Unprepared, explained } from './failures.ts'

/** What is asked for is small; what takes longer hangs on a server that does not answer. */
export const QUERY_TIMEOUT_MS = 10_000
/** Emptying tables and changing the schema take what they take. */
export const PATIENT_TIMEOUT_MS = 3_600_000

export type Session = Tx & {
  /** Runs statements without values that give no rows, such as `commit`. */
  readonly execute: (statements: string) => Promise<void>
  /** Throws {@link Unavailable} also when the server rolled back instead, which it says without an error. */
  readonly commit: () => Promise<void>
}

/** Whether statements are prepared by name, on all connections of an engine. */
export type Preparing = { isOn: boolean }

/** Makes a session of an open connection. Its methods throw {@link Unavailable}, or what the statement is to blame for. */
export function sessionOn(
  client: Pick<ClientBase, 'query'>,
  timeoutMs = QUERY_TIMEOUT_MS,
  preparing: Preparing = { isOn: false },
): Session {
  async function send(text: string, values: readonly Value[]): Promise<QueryResult<Row>> {
    const statement = statementOf(text)
    try {
      const config = { text: statement.text, values: values.map(bound), query_timeout: timeoutMs }
      return await client.query<Row>(preparing.isOn ? { ...config, name: statement.name } : config)
    } catch (error) {
      const reason = explained(error)
      if (reason instanceof Unprepared) preparing.isOn = false
      throw reason
    }
  }
  async function executed(statements: string): Promise<QueryResult<Row>> {
    try {
      // Without values: only so may a text hold several statements.
      const config = { text: statements, query_timeout: timeoutMs }
      return await client.query<Row>(config)
    } catch (error) {
      throw explained(error)
    }
  }
  async function all<T>({ text, decode }: Query<T>, values: readonly Value[]): Promise<readonly T[]> {
    return (await send(text, values)).rows.map(decode)
  }
  async function get<T>(query: Query<T>, values: readonly Value[]): Promise<T | undefined> {
    return (await all(query, values))[0]
  }
  return {
    get,
    all,
    getLocked: ({ text, decode }, values) => get({ text: `${text} for update`, decode }, values),
    async insertNumbered(statement, values, column) {
      const { rows } = await send(`${statement} returning ${column}`, values)
      return integer(rows[0]?.[column], column)
    },
    run: async (statement, values) => (await send(statement, values)).rowCount ?? 0,
    execute: async (statements) => void (await executed(statements)),
    async commit() {
      const { command } = await executed('commit')
      // A transaction in which a statement failed cannot be committed, whoever overlooked the failure.
      if (command !== 'COMMIT') throw new Unavailable(`instead of a commit: ${command}`, false, undefined)
    },
  }
}

type Statement = { readonly name: string; readonly text: string }

const statements = new Map<string, Statement>()

/**
 * The statement with its placeholders as PostgreSQL has them. Its name is made of its text: behind a pooler another
 * process may have prepared it, and must not have meant something else. The texts are those of the aggregates: a few
 * hundred.
 */
function statementOf(text: string): Statement {
  let made = statements.get(text)
  if (made === undefined) {
    const numbered = text.replaceAll(/\?(?=\d)/g, '$')
    made = { name: `sesame_${hash('sha256', numbered).slice(0, 32)}`, text: numbered }
    statements.set(text, made)
  }
  return made
}

/** PostgreSQL keeps no U+0000 in text: its stand-in has the same place in what is searched and shown. */
function bound(value: Value): Value | Buffer {
  if (typeof value === 'string') return value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value
}
