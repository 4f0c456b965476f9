/** Several processes on one PostgreSQL. */
import { interleaved, type Context, type Scenario, type Section } from '../context.ts'
import { errorNotes, number, percent, ranged, ratios } from '../format.ts'
import { measure, type Measured } from '../load.ts'
import { startPostgres } from '../servers/postgres.ts'
import { startSesame } from '../servers/sesame.ts'

const COUNTS = [1, 2, 4]
/** To each: whoever adds a node does it for more of them, and a node with half of them shares less (turns, commits). */
const CONNECTIONS = 64
/** Of each: they are started for each round, cold, and share the cores while they compile what they run. */
const WARM_MS = 20_000

type Found = Measured & {
  /** Messages for a CPU second of all servers and the database. */
  readonly perCpu: number
}

export const nodes: Scenario = {
  name: 'nodes',
  about: '1, 2 and 4 processes on one PostgreSQL, load spread over them',
  isQuick: false,
  weight: 1,
  async run(context) {
    const results = await interleaved(
      context,
      COUNTS,
      (count) => `${count} nodes`,
      (count) => drive(context, count),
    )
    return [table(results)]
  },
}

/** As many nodes as asked for, new ones on an empty database, so that none of them idles beside the others. */
async function drive({ lab, options }: Context, count: number): Promise<Found> {
  const { pid, schema, sql } = await startPostgres()
  const database = await schema()
  const servers = []
  for (let index = 0; index < count; index++) servers.push(await startSesame(lab, { database }))
  // What the rounds before have left to write is not to be written in this one.
  await sql('checkpoint')
  const pids = servers.flatMap((server) => server.pids)
  const load = { connections: CONNECTIONS * count, warmMs: WARM_MS * count, measureMs: options.measureMs }
  const spec = { kind: 'http', surface: 'v2', targets: servers.map(({ http }) => http) } as const
  const measured = await measure(lab, { ...spec, ...load, pids: [...pids, pid] })
  for (const server of servers) await server.stop()
  return { ...measured, perCpu: measured.accepted / measured.serverCpu }
}

function table(results: ReadonlyMap<number, readonly Found[]>): Section {
  const of = (count: number) => results.get(count) ?? []
  const alone = of(1)
  return {
    title: 'Nodes on one PostgreSQL: SendEmail v2, 64 connections to each',
    columns: [
      'nodes',
      'messages/s',
      'by one',
      'messages per CPU second',
      'by one',
      'with a machine for each, by one',
      'p50 ms',
      'p99 ms',
      'others’ CPU',
      'errors',
    ],
    rows: COUNTS.map((count) => {
      const measured = of(count)
      const each = ratios(
        measured.map(({ perCpu }) => perCpu),
        alone.map(({ perCpu }) => perCpu),
      )
      return [
        String(count),
        ranged(measured.map(({ rate }) => rate)),
        ranged(
          ratios(
            measured.map(({ rate }) => rate),
            alone.map(({ rate }) => rate),
          ),
          2,
        ),
        ranged(measured.map(({ perCpu }) => perCpu)),
        ranged(each, 2),
        ranged(
          each.map((ratio) => ratio * count),
          2,
        ),
        ranged(
          measured.map(({ p50Ms }) => p50Ms),
          2,
        ),
        ranged(
          measured.map(({ p99Ms }) => p99Ms),
          1,
        ),
        percent(measured.map(({ foreign, stolen }) => foreign + stolen)),
        number(measured.reduce((sum, { errors }) => sum + errors, 0)),
      ]
    }),
    notes: [
      'All processes, the database and the generator share the cores of this machine, so messages/s cannot grow as on machines of their own. Messages per CPU second (of all servers and of PostgreSQL together) say what a message costs; times the number of nodes it is what so many machines would do, each as fast as this one, with a database that grows along.',
      'Nodes and database are new in each round.',
      ...errorNotes(COUNTS.map((count) => [`${count} nodes`, of(count)])),
    ],
  }
}
