/** What a message costs the database, and what that means for many of them. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Context, Scenario, Section } from '../context.ts'
import { errorNotes, number } from '../format.ts'
import { measure, type Measured } from '../load.ts'
import { cpuSeconds, writtenBytes } from '../proc.ts'
import { startPostgres, type Postgres } from '../servers/postgres.ts'
import { metric, startSesame, type Sesame } from '../servers/sesame.ts'

const CONNECTIONS = 64
/** The pace at which hardly any message shares its commit with another: what 10 million a day are on average. */
const SLOW_RATE = 116
/** Statistics of PostgreSQL's processes are public a second after they were made (“The Cumulative Statistics System”). */
const STATISTICS_DELAY_MS = 1_500
const TOP_STATEMENTS = 8
const SECONDS_A_DAY = 86_400
/** Days are not even: the busiest hour of a sender has about so many times the average. */
const PEAK = 3

/** All for one message, delivery (to the inbox) included. */
type Cost = {
  readonly measured: Measured
  readonly serverCpuMs: number
  readonly databaseCpuMs: number
  readonly commits: number
  readonly roundTrips: number
  readonly writtenBytes: number
  readonly fullPages: number
  readonly storedBytes: number
}

type Row = { readonly name: string; readonly cost: Cost }

export const cost: Scenario = {
  name: 'cost',
  about: 'WAL, statements, CPU and storage of the database for each message; what 10 million and 1 billion a day mean',
  isQuick: false,
  weight: 1,
  async run(context) {
    const { lab } = context
    const onSqlite = await startSesame(lab)
    const sqlite = await bothPaces(context, onSqlite, (run) => sqliteCost(onSqlite, run))
    await onSqlite.stop()
    const postgres = await startPostgres()
    const onPostgres = await startSesame(lab, { database: await postgres.schema() })
    let statements: Section | undefined
    const dear = await bothPaces(context, onPostgres, async (run) => {
      const found = await postgresCost(context, postgres, onPostgres, run)
      statements = await statementsOf(postgres, found.measured.acceptedInAll)
      return found
    })
    await onPostgres.stop()
    const [slow, fast] = dear
    return [
      costs([...named('SQLite', sqlite), ...named('PostgreSQL', dear)]),
      ...(statements === undefined ? [] : [statements]),
      scale(slow, fast),
    ]
  },
}

function named(engine: string, [slow, fast]: readonly [Cost, Cost]): readonly Row[] {
  return [
    { name: `${engine}, ${SLOW_RATE} a second`, cost: slow },
    { name: `${engine}, as fast as it goes`, cost: fast },
  ]
}

type Load = () => Promise<Measured>

async function bothPaces(
  { lab, options, say }: Context,
  server: Sesame,
  costOf: (run: Load) => Promise<Cost>,
): Promise<readonly [Cost, Cost]> {
  const load = { targets: [server.http], connections: CONNECTIONS, measureMs: options.measureMs * 2, pids: server.pids }
  const spec = { kind: 'http', surface: 'v2', ...load } as const
  say('warm up')
  await measure(lab, { ...spec, warmMs: 1_000 })
  say(`${SLOW_RATE} a second`)
  const slow = await costOf(() => measure(lab, { ...spec, warmMs: 0, rate: SLOW_RATE }))
  say('as fast as it goes')
  return [slow, await costOf(() => measure(lab, { ...spec, warmMs: 0 }))]
}

/** Commits are counted by the server, octets by the kernel. There are no round trips: the database is in the process. */
async function sqliteCost(server: Sesame, run: Load): Promise<Cost> {
  const files = ['sesame.db', 'sesame.db-wal'].map((name) => join(server.dataDir, name))
  const size = (): number => files.reduce((sum, file) => sum + statSync(file).size, 0)
  const look = async () => ({
    commits: await metric(server, 'sesame_store_commits_total'),
    written: writtenBytes(server.pid),
    stored: size(),
    cpu: cpuSeconds(server.pids),
  })
  const before = await look()
  const measured = await run()
  const after = await look()
  const each = (span: number): number => span / measured.acceptedInAll
  return {
    measured,
    serverCpuMs: each((after.cpu - before.cpu) * 1000),
    databaseCpuMs: Number.NaN,
    commits: each(after.commits - before.commits),
    roundTrips: 0,
    writtenBytes: each(after.written - before.written),
    fullPages: Number.NaN,
    storedBytes: each(after.stored - before.stored),
  }
}

const STATEMENTS = `from pg_stat_statements join pg_database on dbid = pg_database.oid
  where datname = current_database() and query not like '%pg_stat%' and query not like '%pg_class%'`

async function postgresCost(context: Context, postgres: Postgres, server: Sesame, run: Load): Promise<Cost> {
  const { lab } = context
  const look = async () => {
    await lab.sleep(STATISTICS_DELAY_MS)
    const [found] = await postgres.sql(
      `select (select wal_bytes from pg_stat_wal)::float8 as wal, (select wal_fpi from pg_stat_wal)::float8 as pages,
         (select xact_commit from pg_stat_database where datname = current_database())::float8 as commits,
         (select sum(pg_total_relation_size(oid)) from pg_class where relkind in ('r', 'p')
            and relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace))::float8 as stored,
         (select coalesce(sum(calls), 0) ${STATEMENTS})::float8 as calls`,
    )
    const of = (name: string): number => Number(found?.[name])
    const cpu = { server: cpuSeconds(server.pids), database: cpuSeconds([postgres.pid]) }
    return {
      wal: of('wal'),
      pages: of('pages'),
      commits: of('commits'),
      stored: of('stored'),
      calls: of('calls'),
      ...cpu,
    }
  }
  // A page that changes for the first time after a checkpoint goes into the WAL whole: both paces begin alike.
  await postgres.sql('checkpoint')
  await postgres.sql('select pg_stat_statements_reset()')
  const before = await look()
  const measured = await run()
  const after = await look()
  const each = (span: number): number => span / measured.acceptedInAll
  return {
    measured,
    serverCpuMs: each((after.server - before.server) * 1000),
    databaseCpuMs: each((after.database - before.database) * 1000),
    commits: each(after.commits - before.commits),
    roundTrips: each(after.calls - before.calls),
    writtenBytes: each(after.wal - before.wal),
    fullPages: each(after.pages - before.pages),
    storedBytes: each(after.stored - before.stored),
  }
}

/** Which statements it is, of the last pace. */
async function statementsOf(postgres: Postgres, messages: number): Promise<Section> {
  const found = await postgres.sql(
    `select left(regexp_replace(query, '\\s+', ' ', 'g'), 60) as query, calls::float8 as calls, rows::float8 as rows,
       total_exec_time as ms, wal_bytes::float8 as wal ${STATEMENTS} order by total_exec_time desc limit ${TOP_STATEMENTS}`,
  )
  return {
    title: 'PostgreSQL, as fast as it goes: its statements, for 1,000 messages',
    columns: ['', 'calls', 'rows', 'time, ms', 'WAL, kB'],
    rows: found.map((row) => {
      const each = (name: string): number => (Number(row[name]) / messages) * 1000
      return [
        `\`${String(row.query).replaceAll('|', '/')}\``,
        number(each('calls')),
        number(each('rows')),
        number(each('ms'), 1),
        number(each('wal') / 1000),
      ]
    }),
    notes: ['Time is by the clock, waits for the disk and for the other statements included.'],
  }
}

function costs(rows: readonly Row[]): Section {
  return {
    title: 'What one message costs, delivery to the inbox included',
    columns: [
      '',
      'messages/s',
      'server CPU, ms',
      'database CPU, ms',
      'commits',
      'statements sent',
      'written (WAL), kB',
      'whole pages in it',
      'stored, kB',
      'errors',
    ],
    rows: rows.map(({ name, cost: { measured, ...found } }) => [
      name,
      number(measured.rate),
      number(found.serverCpuMs, 3),
      number(found.databaseCpuMs, 3),
      number(found.commits, 3),
      number(found.roundTrips, 2),
      number(found.writtenBytes / 1000, 1),
      number(found.fullPages, 2),
      number(found.storedBytes / 1000, 1),
      number(measured.errors),
    ]),
    notes: [
      'A body of 1 kB to one recipient. SQLite runs in the server: its CPU is in the server’s, what is written is all that the process writes (WAL and database file), and there is nothing to send. PostgreSQL: each statement sent is a round trip; CPU of all its processes.',
      ...errorNotes(rows.map(({ name, cost: { measured } }) => [name, [measured]])),
    ],
  }
}

/** Few messages share little: they are reckoned by what the slow pace costs, many by the fast one. */
function scale(slow: Cost, fast: Cost): Section {
  const days = [
    { name: '10 million', messages: 1e7, by: slow },
    { name: '100 million', messages: 1e8, by: fast },
    { name: '1 billion', messages: 1e9, by: fast },
  ]
  return {
    title: 'What so many messages a day mean on PostgreSQL',
    columns: [
      'messages a day',
      'a second',
      `at peak (× ${PEAK})`,
      'server cores at peak',
      'database cores at peak',
      'statements/s at peak',
      'commits/s at peak',
      'WAL at peak, MB/s',
      'WAL a day, GB',
      'stored a day, GB',
    ],
    rows: days.map(({ name, messages, by }) => {
      const average = messages / SECONDS_A_DAY
      const peak = average * PEAK
      return [
        name,
        number(average),
        number(peak),
        number((peak * by.serverCpuMs) / 1000, 1),
        number((peak * by.databaseCpuMs) / 1000, 1),
        number(peak * by.roundTrips),
        number(peak * by.commits),
        number((peak * by.writtenBytes) / 1e6, 1),
        number((messages * by.writtenBytes) / 1e9),
        number((messages * by.storedBytes) / 1e9),
      ]
    }),
    notes: [
      `Reckoned from the table above, not measured: 10 million by what a message costs at ${SLOW_RATE} a second, the others by the cost when many share a commit. Cores are those of this machine, as busy as it was; indexes that outgrow the memory cost more.`,
    ],
  }
}
