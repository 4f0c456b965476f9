/** What is resident after mail was captured: it must not grow with what is stored. */
import type { Context, Scenario } from '../context.ts'
import { number } from '../format.ts'
import { measure } from '../load.ts'
import { residentMb } from '../proc.ts'
import { startPostgres } from '../servers/postgres.ts'
import { startSesame, type Sesame } from '../servers/sesame.ts'

/** Messages after which it is looked at. */
const STEPS = [0, 1_000, 10_000, 100_000]
const STEPS_QUICK = [0, 1_000, 10_000]
/** Of one engine. */
const LIMIT_MS = 300_000
const LIMIT_QUICK_MS = 12_000
/** To come to rest after the last message. */
const SLACK_MS = 10_000
/** A collector that has nothing to do gives pages back. */
const REST_MS = 5_000

export const memory: Scenario = {
  name: 'memory',
  about: 'RSS after 1,000, 10,000 and 100,000 captured messages',
  isQuick: true,
  weight: 3,
  async run(context) {
    const { lab, options } = context
    const rows = [['SQLite', ...(await grow(context, await startSesame(lab), options.isQuick ? 1 : 2))]]
    if (!options.isQuick) {
      const { schema } = await startPostgres()
      const server = await startSesame(lab, { database: await schema() })
      rows.push(['PostgreSQL', ...(await grow(context, server, 1))])
    }
    const steps = options.isQuick ? STEPS_QUICK : STEPS
    return [
      {
        title: 'RSS (MB) after so many captured messages',
        columns: ['', ...steps.map((step) => number(step)), 'last – after 1,000', 'taken in all'],
        rows,
        notes: [
          'SendEmail v2 over 64 connections; each time after all of them were delivered. MB: 10⁶ octets of the server process. “–”: the time was up before so many were taken.',
        ],
      },
    ]
  },
}

/** `sharers`: engines that the time of this scenario is for, this one included. */
async function grow(
  { lab, options, say, roundsUntil }: Context,
  server: Sesame,
  sharers: number,
): Promise<readonly string[]> {
  const steps = options.isQuick ? STEPS_QUICK : STEPS
  const now = performance.now()
  const end = now + Math.min(options.isQuick ? LIMIT_QUICK_MS : LIMIT_MS, (roundsUntil - now) / sharers - SLACK_MS)
  const found: number[] = []
  let taken = 0
  for (const step of steps) {
    const leftMs = end - performance.now()
    if (step > taken && leftMs > 0) {
      say(`${number(step)} messages`)
      const load = { targets: [server.http], connections: 64, warmMs: 0, measureMs: leftMs, messages: step - taken }
      taken += (await measure(lab, { kind: 'http', surface: 'v2', ...load, pids: server.pids })).acceptedInAll
    }
    await lab.sleep(options.isQuick ? REST_MS / 5 : REST_MS)
    found.push(taken >= step ? residentMb(server.pid) : Number.NaN)
  }
  await server.stop()
  const base = found[steps.indexOf(1_000)] ?? Number.NaN
  const last = found.findLast((value) => Number.isFinite(value)) ?? Number.NaN
  return [...found.map((value) => number(value, 1)), number(last - base, 1), number(taken)]
}
