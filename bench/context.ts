/** What every scenario is given, and what it gives back. */
import type { Lab } from './lab.ts'
import { syncRate } from './machine.ts'

export type Options = {
  readonly isQuick: boolean
  readonly rounds: number
  /** Measured time of one cell of a table, and what runs before it. */
  readonly measureMs: number
  readonly warmMs: number
  /** How long each server is driven before anything is measured, so that the compiler of its engine has done its work. */
  readonly firstMs: number
}

export type Context = {
  readonly lab: Lab
  readonly options: Options
  /** Tells whoever waits what is going on. */
  readonly say: (text: string) => void
  /** When no further round is begun (performance.now()), so that the scenarios behind this one have their time. */
  readonly roundsUntil: number
  /** What a reader of the results should know. */
  readonly remarks: string[]
  /** Syncs a second that the disk did before each round: neighbours share it. */
  readonly syncs: number[]
}

/** A table of results. */
export type Section = {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
  readonly notes: readonly string[]
}

export type Scenario = {
  readonly name: string
  /** One line for `--list`. */
  readonly about: string
  /** Whether `--quick` has room for it. */
  readonly isQuick: boolean
  /** Its share of the time. */
  readonly weight: number
  readonly run: (context: Context) => Promise<readonly Section[]>
}

/** The options for the first run of a server, whose figures nobody sees. */
export function firstRun(context: Context): Context {
  const { options } = context
  return { ...context, options: { ...options, measureMs: options.firstMs } }
}

/** Runs every case once in each round, one after another, so that what disturbs a round disturbs all cases of it. */
export async function interleaved<C, R>(
  { lab, options, say, syncs, roundsUntil, remarks }: Context,
  cases: readonly C[],
  name: (one: C) => string,
  run: (one: C, round: number) => Promise<R>,
): Promise<ReadonlyMap<C, readonly R[]>> {
  const results = new Map<C, R[]>(cases.map((one) => [one, []]))
  const folder = lab.folder('syncs')
  for (let round = 1; round <= options.rounds; round++) {
    const startedAt = performance.now()
    syncs.push(syncRate(folder, SYNC_PROBE_MS).syncsPerSecond)
    for (const one of cases) {
      say(`round ${round} of ${options.rounds}: ${name(one)}`)
      results.get(one)?.push(await run(one, round))
    }
    const took = performance.now() - startedAt
    if (round < options.rounds && performance.now() + took > roundsUntil) {
      if (remarks.length === 0) remarks.push(`The time did not allow ${options.rounds} rounds everywhere.`)
      break
    }
  }
  return results
}

const SYNC_PROBE_MS = 200
