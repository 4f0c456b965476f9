/** A bounded memory whose entries are forgotten after their time. */
import type { Clock } from './platform.ts'

/** When it is full, what was put in first goes first. */
export class ExpiringMap<K, V> {
  readonly #entries = new Map<K, { readonly value: V; readonly until: number }>()
  readonly #clock: Clock
  readonly #most: number

  constructor(clock: Clock, most: number) {
    this.#clock = clock
    this.#most = most
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: K): V | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (entry.until > this.#clock.now()) return entry.value
    this.#entries.delete(key)
    return undefined
  }

  set(key: K, value: V, ms: number): void {
    this.#entries.delete(key)
    if (ms <= 0) return
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size < this.#most) break
      this.#entries.delete(oldest)
    }
    this.#entries.set(key, { value, until: this.#clock.now() + ms })
  }

  delete(key: K): void {
    this.#entries.delete(key)
  }
}
