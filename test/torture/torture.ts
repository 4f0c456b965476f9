/**
 * Rounds of load, a blow at a moment that nobody chose, and a new start on the same data. After every few rounds the
 * queue has to run empty, the store is looked through, and emptied.
 */
import { ANY_PORTS, serve, type Server } from '../support/cli.ts'
import { chance as chanceOf, type Chance } from './chance.ts'
import { startLoad } from './clients.ts'
import { openEngine, type Engine } from './engines.ts'
import type { Accepted } from './mail.ts'
import { verify } from './verify.ts'

export type Options = {
  readonly engine: Engine['name']
  readonly times: number
  readonly seed: number
  /** Rounds between two looks into the store. */
  readonly verifyEvery: number
  /** Octets of the largest message. */
  readonly largest: number
  readonly tell: (line: string) => void
}

export type Summary = {
  readonly rounds: number
  readonly accepted: number
  readonly refused: number
  readonly stored: number
  readonly unanswered: number
  /** How often each blow fell. */
  readonly blows: Readonly<Record<string, number>>
  readonly faults: readonly string[]
}

type Total = { -readonly [K in keyof Summary]: Summary[K] } & { counted: number }

/** Accepted before a blow that waits for some. */
const SOME = 40
const LONGEST_WAIT_MS = 60_000

export async function torture(options: Options): Promise<Summary> {
  const chance = chanceOf(options.seed)
  const engine = await openEngine(options.engine, chance)
  const total: Total = {
    rounds: 0,
    accepted: 0,
    refused: 0,
    stored: 0,
    unanswered: 0,
    blows: {},
    faults: [],
    counted: 0,
  }
  let accepted: Accepted[] = []
  try {
    while (total.rounds < options.times && total.faults.length === 0) {
      total.rounds += 1
      const { blow, load } = await oneRound(engine, chance, options, total.rounds)
      accepted.push(...load.accepted)
      total.accepted += load.accepted.length
      total.refused += load.refused
      total.blows = { ...total.blows, [blow]: (total.blows[blow] ?? 0) + 1 }
      options.tell(`round ${total.rounds}: ${blow}, ${load.accepted.length} accepted, ${load.refused} not`)
      if (total.rounds % options.verifyEvery === 0 || total.rounds === options.times) {
        await settleUp(engine, accepted, total)
        options.tell(`after round ${total.rounds}: ${total.stored} stored so far, ${total.faults.length} faults`)
        accepted = []
      }
    }
    return total
  } finally {
    await engine.close()
  }
}

async function start(engine: Engine): Promise<Server> {
  return await serve(argsOf(engine))
}

function argsOf({ dataDir, database }: Engine): readonly string[] {
  return [...ANY_PORTS, '--data-dir', dataDir, '--database', database, '--max-send-rate', '1000000', '--any-identity']
}

async function oneRound(engine: Engine, chance: Chance, { largest, seed }: Options, round: number) {
  // Now and then it dies before it is ready.
  while (chance.below(5) === 0) await killWhileItStarts(engine, chance)
  await using server = await start(engine)
  const load = startLoad({ server, chance: chanceOf(seed * 1_000 + round), round, largest })
  await load.reached(chance.below(3) === 0 ? 0 : SOME)
  await pause(chance.below(300))
  const blow = engine.blows.length > 0 && chance.below(3) > 0 ? chance.pick(engine.blows) : undefined
  if (blow === undefined) server.kill('SIGKILL')
  else {
    const isOfBoth = chance.below(3) === 0
    await blow.strike(async () => {
      if (isOfBoth) server.kill('SIGKILL')
      await pause(chance.below(500))
    })
    if (isOfBoth) {
      await load.stop()
      return { blow: `${blow.name}, server killed too`, load }
    }
    // Without a restart of the server it has to take mail again; then it dies as well.
    await bounded(load.reached(load.accepted.length + SOME), `no mail is taken after: ${blow.name}`)
    server.kill('SIGKILL')
  }
  await load.stop()
  return { blow: blow?.name ?? 'server killed', load }
}

async function killWhileItStarts(engine: Engine, chance: Chance): Promise<void> {
  const signal = AbortSignal.timeout(chance.below(700))
  await serve(argsOf(engine), signal).then(
    (server) => server[Symbol.asyncDispose](),
    () => {},
  )
}

async function settleUp(engine: Engine, accepted: readonly Accepted[], total: Total): Promise<void> {
  {
    await using server = await start(engine)
    await bounded(untilEmpty(server), 'the queue does not run empty')
    server.kill('SIGTERM')
    const { code, err } = await server.ended
    if (code !== 0) total.faults = [...total.faults, `a stop ended with ${code}: ${err.slice(-2_000)}`]
  }
  const { stored, unanswered, counted, faults } = await verify(engine.database, accepted, total.counted)
  const damage = await engine.damage()
  total.stored += stored
  total.unanswered += unanswered
  total.counted = counted
  total.faults = [...total.faults, ...faults, ...(damage === undefined ? [] : [`the database is damaged: ${damage}`])]
  if (total.faults.length > 0) return
  await using server = await start(engine)
  await fetch(`${server.url}/_sesame/messages`, { method: 'DELETE' })
  server.kill('SIGTERM')
  await server.ended
}

async function untilEmpty(server: Server): Promise<void> {
  for (;;) {
    const response = await fetch(`${server.url}/_sesame/queue?limit=1`)
    const { jobs } = (await response.json()) as { jobs: readonly unknown[] }
    if (jobs.length === 0) return
    await pause(50)
  }
}

async function bounded(task: Promise<void>, fault: string): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(fault)), LONGEST_WAIT_MS)
  try {
    await Promise.race([task, promise])
  } finally {
    clearTimeout(timer)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
