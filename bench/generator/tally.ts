/** Counts what happens in the measured part of a run. */
import { cpuSeconds, machineTime } from '../proc.ts'
import { Histogram } from '../stats.ts'
import type { Result, Spec } from './spec.ts'

const SAMPLES = 5
const SAMPLE_LENGTH = 300

/** Phases: warm-up, then `measuring` (between `begin` and `end`), then over. */
export class Tally {
  readonly #spec: Spec
  readonly #latencies = new Histogram()
  readonly #samples = new Set<string>()
  #errors = 0
  #acceptedInAll = 0
  #begun: Snapshot | undefined
  #result: Result | undefined

  constructor(spec: Spec) {
    this.#spec = spec
  }

  get isOver(): boolean {
    return this.#result !== undefined
  }

  get acceptedInAll(): number {
    return this.#acceptedInAll
  }

  begin(): void {
    this.#begun ??= snapshot(this.#spec.pids)
  }

  accepted(latencyMs: number): void {
    if (this.isOver) return
    this.#acceptedInAll += 1
    if (this.#begun !== undefined) this.#latencies.add(latencyMs)
  }

  failed(what: string): void {
    if (this.isOver) return
    // In the warm-up as well: an error that ends with it is one nevertheless.
    this.#errors += 1
    if (this.#samples.size < SAMPLES) this.#samples.add(what.slice(0, SAMPLE_LENGTH))
  }

  end(): Result {
    this.begin()
    this.#result ??= this.#compute(snapshot(this.#spec.pids))
    return this.#result
  }

  #compute(end: Snapshot): Result {
    const begun = this.#begun ?? end
    const span = (read: (snapshot: Snapshot) => number): number => read(end) - read(begun)
    const total = span(({ machine }) => machine.total)
    const [serverCpu, ownCpu] = [span(({ server }) => server), span(({ own }) => own)]
    const foreign = span(({ machine }) => machine.busy) - serverCpu - ownCpu
    return {
      accepted: this.#latencies.count,
      seconds: span(({ at }) => at) / 1000,
      acceptedInAll: this.#acceptedInAll,
      errors: this.#errors,
      samples: [...this.#samples],
      p50Ms: this.#latencies.percentile(0.5),
      p99Ms: this.#latencies.percentile(0.99),
      maxMs: this.#latencies.maxMs,
      serverCpu,
      ownCpu,
      foreign: total > 0 ? Math.max(0, foreign / total) : 0,
      stolen: total > 0 ? span(({ machine }) => machine.stolen) / total : 0,
    }
  }
}

type Snapshot = {
  readonly at: number
  readonly server: number
  readonly own: number
  readonly machine: ReturnType<typeof machineTime>
}

function snapshot(pids: readonly number[]): Snapshot {
  const { user, system } = process.cpuUsage()
  return { at: performance.now(), server: cpuSeconds(pids), own: (user + system) / 1e6, machine: machineTime() }
}
