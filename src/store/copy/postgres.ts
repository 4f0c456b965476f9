/** The PostgreSQL side of a copy: one transaction, whichever way it goes. */
import { Query } from 'pg'
import type { Client } from 'pg'
import type { Clock, Log } from '../../platform/platform.ts'
import { query } from '../db.ts'
import type { Value } from '../db.ts'
import { bytesArray, integerArray, textArray } from '../postgres/arrays.ts'
import { Connection, messageOf } from '../postgres/connection.ts'
import { migrate } from '../postgres/migrate.ts'
import { check, withoutPassword } from '../postgres/open.ts'
import { PATIENT_TIMEOUT_MS, sessionOn } from '../postgres/session.ts'
import type { Session } from '../postgres/session.ts'
import { flag, integer, row, text } from '../rows.ts'
import type { Row } from '../rows.ts'
import { CopyRefused, cell, namesOf } from './side.ts'
import type { Cells, Column, Numbers, Source, Tables, Target } from './side.ts'
import { NOT_COPIED } from './tables.ts'

export type PostgresPlace = { readonly url: string; readonly clock: Clock; readonly log: Log }

/** `warn` is told what else is connected. `isLive`: servers may run on it. */
export type SourceOptions = { readonly warn: (warning: string) => void; readonly isLive?: boolean }

/**
 * Opens a database as it is, without bringing its schema up to date. Throws {@link CopyRefused}, also when servers run
 * on it, as far as that can be seen.
 */
export async function postgresSource(place: PostgresPlace, { warn, isLive = false }: SourceOptions): Promise<Source> {
  const { connection, session } = await open(place)
  try {
    await session.execute('begin isolation level repeatable read read only')
    const name = withoutPassword(place.url)
    const tables = await tablesOf(session)
    if (!tables.has('sesame_schema')) throw new CopyRefused(`${name} holds no installation of Sesame.`)
    if (!isLive) await refuseLiveNodes(session, tables, name)
    const others = (await session.get(CONNECTED, []))?.count ?? 0
    if (others > 0) warn(`${others} connections of Sesame are open to ${name}: make sure that no server uses it.`)
    return {
      name,
      version: (await session.get(SCHEMA, []))?.version ?? 0,
      tables,
      numbers: await numbersOf(session),
      count: (table) => countOf(session, table),
      rows: (table, columns) => rowsOf(connection.client, table, columns),
      check: async () => [],
      close: () => connection.end(),
    }
  } catch (error) {
    connection.abandon(error)
    throw refused(error)
  }
}

/** An empty database, or an empty schema in one. Throws {@link CopyRefused} when there are rows in it. */
export async function postgresTarget(place: PostgresPlace): Promise<Target> {
  const { connection, session } = await open(place)
  try {
    const name = withoutPassword(place.url)
    await check(session)
    // An empty schema is brought up to date; one that has rows is not touched.
    for (const table of (await tablesOf(session)).keys()) {
      const isEmpty = table === 'sesame_schema' || (await countOf(session, table)) === 0
      if (!isEmpty) throw new CopyRefused(`${name} is not empty: it has rows in ${table}.`)
    }
    await migrate(session)
    await session.execute('begin')
    const tables = await tablesOf(session)
    return {
      name,
      tables,
      write: (table, columns, rows) => write(session, table, columns, rows),
      count: (table) => countOf(session, table),
      async goOnBehind(numbers) {
        for (const { sequence, name: numbered } of await session.all(SEQUENCES, [])) {
          const last = numbers.get(numbered) ?? 0
          if (last > 0) await session.get(SET, [sequence, last])
        }
      },
      async finish() {
        await session.commit()
        await connection.end()
      },
      async abandon() {
        connection.destroy()
      },
    }
  } catch (error) {
    connection.abandon(error)
    throw refused(error)
  }
}

async function open(place: PostgresPlace): Promise<{ connection: Connection; session: Session }> {
  const connection = new Connection(place)
  try {
    await connection.open()
  } catch (error) {
    throw new CopyRefused(`Cannot open the database ${withoutPassword(place.url)}: ${messageOf(error)}`)
  }
  return { connection, session: sessionOn(connection.client, PATIENT_TIMEOUT_MS) }
}

function refused(error: unknown): unknown {
  return error instanceof CopyRefused ? error : new CopyRefused(messageOf(error))
}

const SCHEMA = query(`select version from sesame_schema`, row({ version: integer }))
const CONNECTED = query(
  `select count(*) as "count" from pg_stat_activity
   where application_name = 'sesame' and datname = current_database() and pid <> pg_backend_pid()`,
  row({ count: integer }),
)
const LIVE_NODES = query(
  `select count(*) as "count" from nodes where until > extract(epoch from clock_timestamp()) * 1000`,
  row({ count: integer }),
)
const COLUMNS = query(
  `select c.relname::text as "table", a.attname::text as "column", format_type(a.atttypid, null) as "type"
   from pg_class c join pg_attribute a on a.attrelid = c.oid
   where c.relnamespace = current_schema()::text::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
     and a.attnum > 0 and not a.attisdropped
   order by c.relname, a.attnum`,
  row({ table: text, column: text, type: text }),
)
/** Sequences with the columns that they number: identities (of which the sequence depends), and defaults (which depend on it). */
const SEQUENCES = query(
  `select s.relname::text as "sequence", t.relname || '.' || a.attname as "name"
   from pg_class s
   join pg_depend d on d.objid = s.oid and d.classid = 'pg_class'::regclass and d.deptype in ('i', 'a')
   join pg_class t on t.oid = d.refobjid
   join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
   where s.relkind = 'S' and s.relnamespace = current_schema()::text::regnamespace
   union
   select s.relname::text, t.relname || '.' || a.attname
   from pg_class s
   join pg_depend d on d.refobjid = s.oid and d.classid = 'pg_attrdef'::regclass
   join pg_attrdef f on f.oid = d.objid
   join pg_class t on t.oid = f.adrelid
   join pg_attribute a on a.attrelid = t.oid and a.attnum = f.adnum
   where s.relkind = 'S' and s.relnamespace = current_schema()::text::regnamespace and not t.relispartition`,
  row({ sequence: text, name: text }),
)
const SET = query(`select setval(?1::text::regclass, ?2) as "last"`, row({ last: integer }))

async function refuseLiveNodes(session: Session, tables: Tables, name: string): Promise<void> {
  if (!tables.has('nodes')) return
  const live = (await session.get(LIVE_NODES, []))?.count ?? 0
  if (live > 0) throw new CopyRefused(`${live} servers run on ${name}. Stop them first.`)
}

const KINDS: ReadonlyMap<string, Column['kind']> = new Map([
  ['text', 'text'],
  ['smallint', 'integer'],
  ['integer', 'integer'],
  ['bigint', 'integer'],
  ['bytea', 'bytes'],
])

async function tablesOf(session: Session): Promise<Tables> {
  const tables = new Map<string, Column[]>()
  for (const { table, column: name, type } of await session.all(COLUMNS, [])) {
    const kind = KINDS.get(type)
    const columns = tables.get(table) ?? []
    tables.set(table, columns)
    // Tables that are not copied may have columns of any kind.
    if (kind !== undefined) columns.push({ name, kind })
  }
  return tables
}

async function numbersOf(session: Session): Promise<Numbers> {
  const numbers = new Map<string, number>()
  for (const { sequence, name } of await session.all(SEQUENCES, [])) {
    // Of tables that stay behind the numbers mean nothing either.
    if (NOT_COPIED.has(name.slice(0, name.indexOf('.')))) continue
    const last = query(
      `select last_value as "last", is_called::int as "isCalled" from "${sequence}"`,
      row({ last: integer, isCalled: flag }),
    )
    const found = await session.get(last, [])
    numbers.set(name, found?.isCalled === true ? found.last : 0)
  }
  return numbers
}

async function countOf(session: Session, table: string): Promise<number> {
  const counted = query(`select count(*) as "count" from "${table}"`, row({ count: integer }))
  return (await session.get(counted, []))?.count ?? 0
}

/** Streams a whole table: while nobody takes what has come, nothing is read from the socket. */
async function* rowsOf(client: Client, table: string, columns: readonly Column[]): AsyncGenerator<Cells> {
  const { stream } = client.connection
  const state: { ahead: Row[]; isDone: boolean; error: Error | undefined; wake: () => void } = {
    ahead: [],
    isDone: false,
    error: undefined,
    wake: () => {},
  }
  const asked = new Query<Row>(`select ${namesOf(columns)} from "${table}"`)
  asked.on('row', (found: Row) => {
    state.ahead.push(found)
    // What the socket has handed over already still comes: less than one of its chunks, or one row.
    stream.pause()
    state.wake()
  })
  asked.on('end', () => ((state.isDone = true), state.wake()))
  asked.on('error', (error: Error) => ((state.error = error), state.wake()))
  client.query(asked)
  try {
    for (;;) {
      const taken = state.ahead.splice(0)
      for (const found of taken) yield columns.map(({ name }) => cell(found, name))
      if (taken.length > 0) continue
      if (state.error !== undefined) throw state.error
      if (state.isDone) return
      const { promise, resolve } = Promise.withResolvers<void>()
      state.wake = resolve
      stream.resume()
      await promise
    }
  } finally {
    stream.resume()
  }
}

async function write(
  session: Session,
  table: string,
  columns: readonly Column[],
  rows: readonly Cells[],
): Promise<void> {
  const arrays = columns.map((column, index) =>
    arrayOf(
      column,
      rows.map((cells) => cells[index] ?? null),
    ),
  )
  const types = columns.map(({ kind }, index) => `?${index + 1}::${ARRAYS[kind]}`)
  await session.run(
    `insert into "${table}" (${namesOf(columns)}) overriding system value select * from unnest(${types.join()})`,
    arrays,
  )
}

const ARRAYS = { text: 'text[]', integer: 'bigint[]', bytes: 'bytea[]' } as const

function arrayOf({ name, kind }: Column, cells: readonly Value[]): Buffer {
  if (kind === 'text')
    return textArray(cells.map((value) => (typeof value === 'string' || value === null ? value : wrong(name))))
  if (kind === 'integer') {
    return integerArray(cells.map((value) => (typeof value === 'number' || value === null ? value : wrong(name))))
  }
  return bytesArray(cells.map((value) => (value instanceof Uint8Array ? value : wrong(name))))
}

function wrong(name: string): never {
  throw new TypeError(`column ${name} holds what is not of its type`)
}
