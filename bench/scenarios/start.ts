/** From the command to the ready line, and what the idle server holds of the memory. */
import { interleaved, type Context, type Scenario, type Section } from '../context.ts'
import { ranged } from '../format.ts'
import { proportionalMb, residentMb } from '../proc.ts'
import { startPostgres } from '../servers/postgres.ts'
import { LAUNCHER, startSesame, verifySender, type SesameOptions } from '../servers/sesame.ts'

const STARTS = 9
const STARTS_QUICK = 7
/** After the ready line: what a start leaves to be done is done. */
const IDLE_MS = 1_500

type Case = { readonly name: string; readonly options: SesameOptions }
type Started = {
  readonly startMs: number
  readonly rssMb: number
  readonly pssMb: number
  /** The first call, for which most of the program is loaded; and what is resident after it. */
  readonly callMs: number
  readonly rssAfterMb: number
}

export const start: Scenario = {
  name: 'start',
  about: 'start to ready, idle memory',
  isQuick: true,
  weight: 0.5,
  async run(context) {
    const { lab, options, say } = context
    const cases: Case[] = [{ name: '`bin/sesame serve`', options: { dataDir: lab.folder('data') } }]
    if (!options.isQuick) {
      cases.push({ name: '`npm start`', options: { dataDir: lab.folder('data'), command: ['npm', 'start', '--'] } })
      const { schema } = await startPostgres()
      const database = await schema()
      cases.push({ name: '`bin/sesame serve`, PostgreSQL', options: { dataDir: lab.folder('data'), database } })
    }
    // The first start makes the database, the certificate and the compile cache.
    for (const one of cases) {
      say(`first start: ${one.name}`)
      await startOnce(context, one)
    }
    const rounds = Math.max(options.rounds, options.isQuick ? STARTS_QUICK : STARTS)
    const results = await interleaved(
      { ...context, options: { ...options, rounds } },
      cases,
      ({ name }) => name,
      (one) => startOnce(context, one),
    )
    return [table(cases, results, rounds)]
  },
}

async function startOnce({ lab, options }: Context, one: Case): Promise<Started> {
  const server = await startSesame(lab, { ...one.options, isUntouched: true })
  await lab.sleep(options.isQuick ? IDLE_MS / 5 : IDLE_MS)
  // npm starts the server by `exec` from a shell of its own: the process that listens is another.
  const pid = server.pid
  const isOurs = one.options.command === undefined
  const [rssMb, pssMb] = isOurs ? [residentMb(pid), proportionalMb(pid)] : [Number.NaN, Number.NaN]
  const calledAt = performance.now()
  await verifySender(server)
  const callMs = performance.now() - calledAt
  const rssAfterMb = isOurs ? residentMb(pid) : Number.NaN
  const measured = { startMs: server.startMs, rssMb, pssMb, callMs, rssAfterMb }
  await server.stop()
  return measured
}

function table(cases: readonly Case[], results: ReadonlyMap<Case, readonly Started[]>, rounds: number): Section {
  return {
    title: 'Start to ready, idle memory',
    columns: ['', 'start to ready, ms', 'idle RSS, MB', 'idle PSS, MB', 'first call, ms', 'RSS after it, MB'],
    rows: cases.map((one) => {
      const started = results.get(one) ?? []
      return [
        one.name,
        ranged(started.map(({ startMs }) => startMs)),
        ranged(
          started.map(({ rssMb }) => rssMb),
          1,
        ),
        ranged(
          started.map(({ pssMb }) => pssMb),
          1,
        ),
        ranged(started.map(({ callMs }) => callMs)),
        ranged(
          started.map(({ rssAfterMb }) => rssAfterMb),
          1,
        ),
      ]
    }),
    notes: [
      `Medians of ${rounds} starts, from the second on; the process included (${LAUNCHER.split('/').slice(-2).join('/')} is a shell that ends in Node). MB: 10⁶ octets. Idle: nothing was asked of it yet. PSS counts pages that processes share in part.`,
    ],
  }
}
