/** Runs a load generator in a process of its own. */
import { join } from 'node:path'
import type { Result, Spec } from './generator/spec.ts'
import type { Lab } from './lab.ts'
import { cpuSeconds } from './proc.ts'
import { quiet } from './servers/server.ts'

const GENERATOR = join(import.meta.dirname, 'generator/main.ts')
/** Start of the process, signing, connecting. */
const SLACK_MS = 20_000

export type Measured = Result & {
  /** Messages a second. */
  readonly rate: number
  /** CPU seconds of the server for 1,000 messages, in the measured time. */
  readonly cpuPer1000: number
  /** The same from the first message to the end of the work that it left behind (delivery), warm-up included. */
  readonly cpuPer1000ToTheEnd: number
  /** Whether that end was seen. */
  readonly cameToRest: boolean
}

/** Drives a server, and waits until it has nothing left to do. Throws when it took nothing at all. */
export async function measure(lab: Lab, spec: Spec): Promise<Measured> {
  const before = cpuSeconds(spec.pids)
  const result = await generate(lab, spec)
  const cameToRest = await quiet(lab, spec.pids)
  const cpu = cpuSeconds(spec.pids) - before
  return {
    ...result,
    rate: result.accepted / result.seconds,
    cpuPer1000: (result.serverCpu / result.accepted) * 1000,
    cpuPer1000ToTheEnd: (cpu / result.acceptedInAll) * 1000,
    cameToRest,
  }
}

/** Drives a server, and leaves it with what it has to do. Throws when it took nothing at all. */
export async function generate(lab: Lab, spec: Spec): Promise<Result> {
  const limitMs = spec.warmMs + spec.measureMs + SLACK_MS
  const { code, out, err } = await lab.run(process.execPath, [GENERATOR, JSON.stringify(spec)], limitMs)
  if (code !== 0) throw new Error(`the load generator failed: ${err}`)
  const result = JSON.parse(out) as Result
  if (result.accepted === 0 && result.errors > 0) throw new Error(`nothing was accepted: ${result.samples.join(' | ')}`)
  return result
}
