/** The little statistics that a benchmark needs. */

/** Several rounds of one figure. */
export type Spread = { readonly median: number; readonly min: number; readonly max: number; readonly n: number }

export function spread(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values), n: values.length }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const half = Math.floor(sorted.length / 2)
  const [low, high] = [sorted[sorted.length % 2 === 0 ? half - 1 : half], sorted[half]]
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2
}

/**
 * Latencies in buckets that are 2 % wide: any number of samples in 8 kB. A percentile is the upper end of its bucket, so
 * it is never better than the truth.
 */
export class Histogram {
  readonly #buckets = new Uint32Array(2048)
  #count = 0
  #maxMs = 0

  /** Takes milliseconds. */
  add(ms: number): void {
    this.#count += 1
    if (ms > this.#maxMs) this.#maxMs = ms
    const index = Math.ceil(Math.log2(Math.max(ms, 0.001) * 1000) * PER_OCTAVE)
    const bucket = Math.min(index, this.#buckets.length - 1)
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1
  }

  get count(): number {
    return this.#count
  }

  /** `part` of all were this quick or quicker: `0.99` gives the 99th percentile, in milliseconds. */
  percentile(part: number): number {
    let rest = Math.ceil(part * this.#count)
    for (const [index, count] of this.#buckets.entries()) {
      rest -= count
      if (rest <= 0 && this.#count > 0) return Math.min(2 ** (index / PER_OCTAVE) / 1000, this.#maxMs)
    }
    return Number.NaN
  }

  get maxMs(): number {
    return this.#maxMs
  }
}

const PER_OCTAVE = 36
