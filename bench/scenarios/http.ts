/** SendEmail over HTTP: signed, durable, against a server that only reads and answers the same octets. */
import { firstRun, interleaved, type Context, type Scenario, type Section } from '../context.ts'
import { errorNotes, number, percent, ranged, ratios } from '../format.ts'
import { measure, type Measured } from '../load.ts'
import { memoryFolder } from '../machine.ts'
import { startBare } from '../servers/bare.ts'
import { startSesLocal } from '../servers/npm-servers.ts'
import { startPostgres } from '../servers/postgres.ts'
import { startSesame } from '../servers/sesame.ts'
import { quiet, type Server, type Target } from '../servers/server.ts'
import { median } from '../stats.ts'
import { findWrk, runWrk } from '../wrk.ts'

type Subject = {
  readonly name: string
  readonly surface: 'v1' | 'v2'
  readonly target: Target
  readonly pids: readonly number[]
  /** What it is measured by; undefined: others are measured by it. */
  readonly bare?: string
}

type Case = { readonly subject: Subject; readonly connections: number }

/** Of the greatest load: where a server is run that is run well. */
const SHARE_OF_MAXIMUM = 0.7
/** The share that the goal speaks of. */
const PACED_CONNECTIONS = 64

export const http: Scenario = {
  name: 'http',
  about:
    'SendEmail v2 and v1, signed and durable, 1/16/64 connections, by a bare node:http; p99 at 70 % of the maximum',
  isQuick: true,
  weight: 4,
  async run(context) {
    const { options, say } = context
    const { subjects, servers, notes } = await startAll(context)
    for (const subject of subjects) {
      say(`warm up: ${subject.name}`)
      await drive(firstRun(context), { subject, connections: PACED_CONNECTIONS })
    }
    const counts = options.isQuick ? [PACED_CONNECTIONS] : [1, 16, 64]
    const cases = counts.flatMap((connections) => subjects.map((subject) => ({ subject, connections })))
    const results = await interleaved(context, cases, nameOf, (one) => drive(context, one))
    const sections = [maximum(cases, results, notes), await paced(context, cases, results)]
    if (!options.isQuick) sections.push(await judged(context, subjects))
    for (const server of servers) await server.stop()
    return sections
  },
}

const [BARE_V2, BARE_V1] = ['bare node:http, v2', 'bare node:http, v1']

type Started = { readonly subjects: readonly Subject[]; readonly servers: readonly Server[]; readonly notes: string[] }

async function startAll({ lab, options }: Context): Promise<Started> {
  const sqlite = await startSesame(lab)
  const bare = await startBare(lab, sqlite)
  const { pid, schema } = await startPostgres()
  const postgres = await startSesame(lab, { database: await schema() })
  const withDatabase = [...postgres.pids, pid]
  const servers: Server[] = [sqlite, bare, postgres]
  const notes: string[] = []
  const subjects: Subject[] = [
    { name: BARE_V2, surface: 'v2', target: bare.http, pids: bare.pids },
    { name: 'Sesame v2, SQLite', surface: 'v2', target: sqlite.http, pids: sqlite.pids, bare: BARE_V2 },
    { name: 'Sesame v2, PostgreSQL', surface: 'v2', target: postgres.http, pids: withDatabase, bare: BARE_V2 },
  ]
  const memory = memoryFolder()
  if (options.isQuick) return { subjects, servers, notes }
  if (memory === undefined) notes.push('There is no /dev/shm: no figures without the disk.')
  else {
    const inMemory = await startSesame(lab, { dataDir: lab.folder('data', memory) })
    const { http: target, pids } = inMemory
    servers.push(inMemory)
    subjects.push({ name: 'Sesame v2, SQLite in memory (tmpfs)', surface: 'v2', target, pids, bare: BARE_V2 })
  }
  subjects.push(
    { name: BARE_V1, surface: 'v1', target: bare.http, pids: bare.pids },
    { name: 'Sesame v1, SQLite', surface: 'v1', target: sqlite.http, pids: sqlite.pids, bare: BARE_V1 },
  )
  const other = await startSesLocal(lab)
  if ('missing' in other) notes.push(other.missing)
  else {
    servers.push(other)
    subjects.push({
      name: 'aws-ses-v2-local, v2',
      surface: 'v2',
      target: other.target,
      pids: other.pids,
      bare: BARE_V2,
    })
    notes.push(`aws-ses-v2-local ${other.version} checks no signature and keeps everything in memory.`)
  }
  return { subjects, servers, notes }
}

function nameOf({ subject, connections }: Case): string {
  return `${subject.name}, ${connections} connections`
}

function drive({ lab, options }: Context, { subject, connections }: Case, rate?: number): Promise<Measured> {
  const { surface, target, pids } = subject
  const { warmMs, measureMs } = options
  const spec = { kind: 'http', surface, targets: [target], connections, warmMs, measureMs, pids } as const
  return measure(lab, rate === undefined ? spec : { ...spec, rate })
}

type Results = ReadonlyMap<Case, readonly Measured[]>

function maximum(cases: readonly Case[], results: Results, notes: readonly string[]): Section {
  const rates = (one: Case | undefined) => (one === undefined ? [] : (results.get(one) ?? []).map(({ rate }) => rate))
  return {
    title: 'SendEmail over HTTP: as fast as it goes',
    columns: [
      '',
      'connections',
      'messages/s',
      'of bare',
      'p50 ms',
      'p99 ms',
      'CPU s per 1,000',
      '… until delivered',
      'others’ CPU',
      'errors',
    ],
    rows: cases.map((one) => {
      const measured = results.get(one) ?? []
      const bare = cases.find(
        ({ subject, connections }) => subject.name === one.subject.bare && connections === one.connections,
      )
      return [
        one.subject.name,
        String(one.connections),
        ranged(rates(one)),
        ranged(ratios(rates(one), rates(bare)), 2),
        ranged(
          measured.map(({ p50Ms }) => p50Ms),
          2,
        ),
        ranged(
          measured.map(({ p99Ms }) => p99Ms),
          1,
        ),
        ranged(
          measured.map(({ cpuPer1000 }) => cpuPer1000),
          3,
        ),
        one.subject.bare === undefined
          ? '–'
          : ranged(
              measured.map(({ cpuPer1000ToTheEnd }) => cpuPer1000ToTheEnd),
              3,
            ),
        percent(measured.map(({ foreign, stolen }) => foreign + stolen)),
        number(measured.reduce((sum, { errors }) => sum + errors, 0)),
      ]
    }),
    notes: [
      'Medians of the rounds with the least and the greatest. “of bare”: the ratio within each round.',
      'CPU: all threads of the server process; with PostgreSQL also those of its processes. “others’ CPU”: of all cores, what neither the server nor the generator used (other programs, the hypervisor).',
      ...notes,
      ...errorNotes(cases.map((one) => [one.subject.name, results.get(one) ?? []])),
    ],
  }
}

async function paced(context: Context, cases: readonly Case[], results: Results): Promise<Section> {
  const { isQuick } = context.options
  const chosen = cases.filter(
    // The bare server is the noise of the machine, which --quick has no time for.
    ({ subject, connections }) => connections === PACED_CONNECTIONS && !(isQuick && subject.bare === undefined),
  )
  const rateOf = (one: Case): number => {
    const measured = results.get(one) ?? []
    return Math.max(1, Math.round(SHARE_OF_MAXIMUM * median(measured.map(({ rate }) => rate))))
  }
  const paces = await interleaved(
    context,
    chosen,
    (one) => `${nameOf(one)}, paced`,
    (one) => drive(context, one, rateOf(one)),
  )
  return {
    title: 'SendEmail over HTTP: at 70 % of that load',
    columns: [
      '',
      'asked for/s',
      'messages/s',
      'p50 ms',
      'p99 ms',
      'longest ms',
      'CPU s per 1,000',
      'others’ CPU',
      'errors',
    ],
    rows: chosen.map((one) => {
      const measured = paces.get(one) ?? []
      return [
        one.subject.name,
        number(rateOf(one)),
        ranged(measured.map(({ rate }) => rate)),
        ranged(
          measured.map(({ p50Ms }) => p50Ms),
          2,
        ),
        ranged(
          measured.map(({ p99Ms }) => p99Ms),
          1,
        ),
        ranged(measured.map(({ maxMs }) => maxMs)),
        ranged(
          measured.map(({ cpuPer1000 }) => cpuPer1000),
          3,
        ),
        percent(measured.map(({ foreign, stolen }) => foreign + stolen)),
        number(measured.reduce((sum, { errors }) => sum + errors, 0)),
      ]
    }),
    notes: [
      `An open loop at an even rate over ${PACED_CONNECTIONS} connections: each request counts from the moment when it was due, so a server that stalls cannot hide it. Up to 1 ms of it is the generator’s timer.`,
      ...errorNotes(chosen.map((one) => [one.subject.name, paces.get(one) ?? []])),
    ],
  }
}

/** The same by a load generator of somebody else's. */
async function judged(context: Context, subjects: readonly Subject[]): Promise<Section> {
  const { lab, options } = context
  const wrk = await findWrk(lab)
  const title = 'SendEmail over HTTP: what wrk sees'
  if (wrk === undefined) return { title, columns: [''], rows: [], notes: ['wrk is not installed.'] }
  const seconds = Math.max(1, Math.round(options.measureMs / 1000))
  const load = { connections: PACED_CONNECTIONS, seconds }
  const results = await interleaved(
    context,
    subjects,
    ({ name }) => `${name}, wrk`,
    async ({ target, surface, pids }) => {
      const result = await runWrk(lab, wrk, target, surface, load)
      await quiet(lab, pids)
      return result
    },
  )
  const rates = (one: Subject | undefined) =>
    one === undefined ? [] : (results.get(one) ?? []).map(({ rate }) => rate)
  return {
    title,
    columns: ['', 'requests/s', 'of bare', 'p50 ms', 'p99 ms', 'not 2xx'],
    rows: subjects.map((one) => [
      one.name,
      ranged(rates(one)),
      ranged(ratios(rates(one), rates(subjects.find(({ name }) => name === one.bare))), 2),
      ranged(
        (results.get(one) ?? []).map(({ p50Ms }) => p50Ms),
        2,
      ),
      ranged(
        (results.get(one) ?? []).map(({ p99Ms }) => p99Ms),
        1,
      ),
      number((results.get(one) ?? []).reduce((sum, { refused }) => sum + refused, 0)),
    ]),
    notes: [`${PACED_CONNECTIONS} connections, one thread, the same requests.`],
  }
}
