/**
 * Fills a database with queued messages: copies of one that the server itself took, so that they are what it makes of a
 * message, and a million of them are there in a minute. Columns are read from the schema: what is not named here is
 * copied as it is.
 */
import { DatabaseSync } from 'node:sqlite'
import { Pool } from 'pg'

/** What both engines have in common here. */
export type Database = {
  columns(table: string): Promise<readonly string[]>
  /** Statements without values. */
  execute(sql: string): Promise<void>
  first(sql: string): Promise<Readonly<Record<string, unknown>>>
  /** Makes what was written part of the files, and tells the planner of it. */
  settle(): Promise<void>
  close(): Promise<void>
}

export function openSqliteFile(path: string): Database {
  const database = new DatabaseSync(path)
  // Nothing here has to outlive a power cut.
  database.exec('pragma synchronous = off; pragma cache_size = -200000')
  return {
    columns: async (table) =>
      database
        .prepare(`pragma table_info(${table})`)
        .all()
        .map(({ name }) => String(name)),
    execute: async (sql) => database.exec(sql),
    first: async (sql) => database.prepare(sql).get() ?? {},
    settle: async () => database.exec('pragma wal_checkpoint(truncate)'),
    close: async () => database.close(),
  }
}

export function openPostgresUrl(url: string): Database {
  const pool = new Pool({ connectionString: url, max: 1 })
  pool.on('error', () => {})
  const execute = async (sql: string): Promise<void> => {
    await pool.query(sql)
  }
  return {
    columns: async (table) => {
      const { rows } = await pool.query<{ name: string }>(
        `select column_name as name from information_schema.columns
         where table_schema = current_schema and table_name = $1 order by ordinal_position`,
        [table],
      )
      return rows.map(({ name }) => name)
    },
    execute,
    first: async (sql) => (await pool.query<Record<string, unknown>>(sql)).rows[0] ?? {},
    settle: async () => {
      // Otherwise the database does it while it is measured.
      for (const statement of ['vacuum analyze', 'checkpoint']) await execute(statement)
    },
    close: () => pool.end(),
  }
}

/** Tables in which a queued message has rows, and the column that says which message a row belongs to. */
const TABLES = { messages: 'id', bodies: 'seq', recipients: 'message_id', jobs: 'message_id', events: 'message_id' }
/** Numbers that the engine gives by itself. */
const LEFT_OUT: ReadonlySet<string> = new Set(['events.seq'])
const CHUNK = 20_000
const FAR_FUTURE = 4_000_000_000_000

/**
 * Multiplies the one message that is there, whose job waits, until there are `count`, or `isEnough` says so. Gives how
 * many there are. Their jobs are postponed far into the future.
 */
export async function multiply(
  database: Database,
  count: number,
  tell: (done: number) => void,
  isEnough: () => boolean,
): Promise<number> {
  const template = await database.first('select seq, id from messages')
  const job = await database.first('select max(id) as id from jobs')
  await postponeAll(database)
  let done = 1
  while (done < count && !isEnough()) {
    const upTo = Math.min(count, done - (done % CHUNK) + CHUNK)
    await database.execute('begin')
    for (const [table, key] of Object.entries(TABLES)) {
      const columns = (await database.columns(table)).filter((column) => !LEFT_OUT.has(`${table}.${column}`))
      const copied = columns.map((column) => expression(table, column, String(template.id)))
      const which = key === 'seq' ? `seq = ${String(template.seq)}` : `${key} = '${String(template.id)}'`
      await database.execute(
        `with recursive series(n) as (select ${done} union all select n + 1 from series where n < ${upTo - 1})
         insert into ${table} (${columns.join(', ')})
         select ${copied.join(', ')} from ${table}, series where ${which}`,
      )
    }
    await database.execute('commit')
    done = upTo
    tell(done)
  }
  await moveSequences(database, done, job.id)
  await database.settle()
  return done
}

/** A value of the copy with the number `n`, of which no two are alike. */
function expression(table: string, column: string, id: string): string {
  const copyOf = (text: string): string =>
    `(substr(${text}, 1, 4) || cast(100000000 + n as text) || substr(${text}, 14))`
  if (column === 'seq' || (table === 'jobs' && column === 'id')) return `${column} + n`
  if (column === 'message_id' || (table === 'messages' && column === 'id')) return copyOf(column)
  if (column === 'document' || column === 'json') return `replace(${column}, '${id}', ${copyOf(`'${id}'`)})`
  return column
}

/** PostgreSQL's go on by themselves only when they are asked. SQLite has none. */
async function moveSequences(database: Database, by: number, jobId: unknown): Promise<void> {
  for (const name of ['message_numbers', 'job_numbers']) {
    const found = await database.first(sequence(name)).catch(() => undefined)
    if (found?.found === undefined || found.found === null) continue
    await database.execute(`select setval('${name}', ${Number(jobId) + by + 1_000})`)
  }
}

function sequence(name: string): string {
  return `select to_regclass('${name}') as found`
}

/** Not to be tried before the far future. */
export async function postponeAll(database: Database): Promise<void> {
  await database.execute(`update jobs set waiting = 1, due_at = ${FAR_FUTURE}`)
}

/** To be tried at once, as after a crash. */
export async function makeAllDue(database: Database, now: number): Promise<void> {
  await database.execute(`update jobs set waiting = 0, due_at = ${now}`)
  await database.settle()
}
