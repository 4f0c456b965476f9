/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util'
import type { Options } from './context.ts'

export type Asked = Options & {
  readonly list: boolean
  readonly help: boolean
  /** Write docs/performance.md. */
  readonly write: boolean
  /** Measure nothing: show or write what was kept. */
  readonly kept: boolean
  /** Where Sesame leaves CPU profiles. */
  readonly profile: string | undefined
  /** Names of scenarios; empty: all. */
  readonly only: readonly string[]
  /** When everything ends, finished or not. */
  readonly limitMs: number
}

/** Of the limit: to end what runs. */
const CLEANING_MS = 5_000

export const HELP = `npm run bench -- [options]

  --quick          a subset, in two minutes
  --only NAME      one scenario (may be given several times); --list shows them
  --rounds N       rounds of each table (5; with --quick 3)
  --seconds S      measured time of each cell (2; with --quick 1)
  --limit MINUTES  when everything ends, finished or not (90; with --quick 2)
  --profile DIR    has each Sesame leave a CPU profile (.cpuprofile) of its main thread there; slower
  --write          puts the results into docs/performance.md
  --kept           measures nothing: shows (or writes) what earlier runs left in bench/results/
  --list           lists the scenarios
`

/** Throws an Error with words for the user. */
export function parseOptions(args: readonly string[]): Asked {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      limit: { type: 'string' },
      profile: { type: 'string' },
      write: { type: 'boolean', default: false },
      kept: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const isQuick = values.quick
  const seconds = numberOf('seconds', values.seconds, isQuick ? 1 : 2, 0.2)
  return {
    isQuick,
    rounds: Math.round(numberOf('rounds', values.rounds, isQuick ? 3 : 5, 1)),
    measureMs: seconds * 1000,
    warmMs: Math.min(1000, seconds * 500),
    // Some 50,000 messages: V8 takes that long to compile the path of one.
    firstMs: isQuick ? 1_000 : 30_000,
    limitMs: numberOf('limit', values.limit, isQuick ? 2 : 90, 0.1) * 60_000 - CLEANING_MS,
    only: values.only,
    profile: values.profile,
    write: values.write,
    kept: values.kept,
    list: values.list,
    help: values.help,
  }
}

function numberOf(name: string, given: string | undefined, otherwise: number, least: number): number {
  const value = given === undefined ? otherwise : Number(given)
  if (!(value >= least)) throw new Error(`--${name} takes a number from ${least} on`)
  return value
}
