/** Accepting mail while a million messages wait. */
import { join } from 'node:path'
import { makeAllDue, multiply, openPostgresUrl, openSqliteFile, type Database } from '../backlog.ts'
import { firstRun, interleaved, type Context, type Scenario } from '../context.ts'
import { errorNotes, number, percent, ranged, ratios } from '../format.ts'
import { measure, type Measured } from '../load.ts'
import { residentMb } from '../proc.ts'
import { startPostgres } from '../servers/postgres.ts'
import { sendOne, startSesame, type Sesame, type SesameOptions } from '../servers/sesame.ts'

const QUEUED = 1_000_000
const QUEUED_QUICK = 50_000
/** For writing the backlog, on each engine; what is there then is what is measured with. */
const FILL_LIMIT_MS = 240_000
const CONNECTIONS = 64
/** Everything but delivery: what is due stays where it is. */
const WITHOUT_DELIVERY = 'api,smtp,inbound'

type Engine = {
  readonly name: string
  readonly full: SesameOptions
  readonly empty: SesameOptions
  readonly database: Database
}
type Pair = { readonly queued: Sesame; readonly empty: Sesame }

export const backlogSqlite = scenario('backlog', 'SQLite', openSqlite)
export const backlogPostgres = scenario('backlog-pg', 'PostgreSQL', openPostgres)

/** One for each engine: a million messages take minutes to write, and what is done by then is kept. */
function scenario(name: string, engineName: string, open: (context: Context) => Promise<Engine>): Scenario {
  return {
    name,
    about: `acceptance with 1,000,000 queued messages, by an empty queue, on ${engineName}`,
    isQuick: false,
    weight: 2.5,
    async run(context) {
      const notes: string[] = []
      const engine = await open(context)
      const count = await fill(context, engine)
      const postponed = await compare(context, engine, `${number(count)} postponed`, {}, notes)
      context.say('making them due')
      await makeAllDue(engine.database, Date.now())
      const due = await compare(
        context,
        engine,
        `${number(count)} due, no delivery`,
        { roles: WITHOUT_DELIVERY },
        notes,
      )
      await engine.database.close()
      return [
        {
          title: `Acceptance with a full queue on ${engineName}: SendEmail v2, 64 connections`,
          columns: [
            'queued',
            'messages/s',
            'with an empty queue',
            'ratio',
            'p99 ms',
            'with an empty queue',
            'CPU s per 1,000',
            'with an empty queue',
            'start, ms',
            'RSS MB',
            'others’ CPU',
          ],
          rows: [postponed, due],
          notes: [
            'Both servers run side by side and are asked in turn; the ratio is within each round. The queue is written into the database before the start: copies of a message that the server took.',
            ...notes,
          ],
        },
      ]
    },
  }
}

async function openSqlite(context: Context): Promise<Engine> {
  const { lab } = context
  const full = { dataDir: lab.folder('data') }
  await takeOne(context, full)
  const database = openSqliteFile(join(full.dataDir, 'sesame.db'))
  return { name: 'SQLite', full, empty: { dataDir: lab.folder('data') }, database }
}

async function openPostgres(context: Context): Promise<Engine> {
  const { lab } = context
  const { schema } = await startPostgres()
  const full = { dataDir: lab.folder('data'), database: await schema() }
  await takeOne(context, full)
  const empty = { dataDir: lab.folder('data'), database: await schema() }
  return { name: 'PostgreSQL', full, empty, database: openPostgresUrl(full.database) }
}

/** The message that will be copied: its job waits, since nothing here delivers. */
async function takeOne({ lab }: Context, options: SesameOptions): Promise<void> {
  const server = await startSesame(lab, { ...options, roles: WITHOUT_DELIVERY })
  await sendOne(server)
  await server.stop()
}

async function fill({ lab, options, say }: Context, { name, database }: Engine): Promise<number> {
  const wanted = options.isQuick ? QUEUED_QUICK : QUEUED
  const startedAt = performance.now()
  const isEnough = (): boolean => {
    lab.signal.throwIfAborted()
    return performance.now() - startedAt > FILL_LIMIT_MS
  }
  return multiply(database, wanted, (done) => say(`${name}: ${number(done)} queued`), isEnough)
}

async function compare(
  context: Context,
  engine: Engine,
  what: string,
  more: SesameOptions,
  notes: string[],
): Promise<string[]> {
  const { lab, say } = context
  const pids = engine.full.database === undefined ? [] : [(await startPostgres()).pid]
  const pair: Pair = {
    queued: await startSesame(lab, { ...engine.full, ...more }),
    empty: await startSesame(lab, { ...engine.empty, ...more }),
  }
  const kinds = ['empty', 'queued'] as const
  for (const kind of kinds) {
    say(`warm up: ${engine.name}, ${kind}`)
    await drive(firstRun(context), pair[kind], pids)
  }
  const results = await interleaved(
    context,
    kinds,
    (kind) => `${engine.name}, ${what}: ${kind}`,
    (kind) => drive(context, pair[kind], pids),
  )
  const [rss, startMs] = [residentMb(pair.queued.pid), pair.queued.startMs]
  for (const kind of kinds) await pair[kind].stop()
  const of = (kind: keyof Pair, read: (measured: Measured) => number): readonly number[] =>
    (results.get(kind) ?? []).map(read)
  notes.push(...errorNotes(kinds.map((kind) => [`${engine.name}, ${kind}`, results.get(kind) ?? []])))
  return [
    what,
    ranged(of('queued', ({ rate }) => rate)),
    ranged(of('empty', ({ rate }) => rate)),
    ranged(
      ratios(
        of('queued', ({ rate }) => rate),
        of('empty', ({ rate }) => rate),
      ),
      2,
    ),
    ranged(
      of('queued', ({ p99Ms }) => p99Ms),
      1,
    ),
    ranged(
      of('empty', ({ p99Ms }) => p99Ms),
      1,
    ),
    ranged(
      of('queued', ({ cpuPer1000 }) => cpuPer1000),
      3,
    ),
    ranged(
      of('empty', ({ cpuPer1000 }) => cpuPer1000),
      3,
    ),
    number(startMs),
    number(rss, 1),
    percent(of('queued', ({ foreign, stolen }) => foreign + stolen)),
  ]
}

function drive({ lab, options }: Context, server: Sesame, pids: readonly number[]): Promise<Measured> {
  const { warmMs, measureMs } = options
  const load = { targets: [server.http], connections: CONNECTIONS, warmMs, measureMs }
  return measure(lab, { kind: 'http', surface: 'v2', ...load, pids: [...server.pids, ...pids] })
}
