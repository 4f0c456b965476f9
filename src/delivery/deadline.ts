/** A point in time at which something is given up, moved often and reached seldom. */
import type { Cancel, Clock } from '../platform/platform.ts'

/**
 * Keeps one timer, and looks only when it fires whether the deadline has moved on meanwhile: a deadline is set for each
 * command, and a timer for each would cost more than the command.
 */
export class Deadline {
  readonly #clock: Clock
  readonly #passed: () => void
  #at = Infinity
  #armedFor = Infinity
  #cancel: Cancel | undefined

  constructor(clock: Clock, passed: () => void) {
    this.#clock = clock
    this.#passed = passed
  }

  /** Milliseconds of the clock since the epoch; Infinity: none. */
  set(at: number): void {
    this.#at = at
    if (at < this.#armedFor) this.#arm(at)
  }

  /** Ends it for good. */
  stop(): void {
    this.#at = Infinity
    this.#armedFor = Infinity
    this.#cancel?.()
    this.#cancel = undefined
  }

  #arm(at: number): void {
    this.#cancel?.()
    this.#armedFor = at
    this.#cancel = this.#clock.after(Math.max(0, at - this.#clock.now()), () => this.#fired())
  }

  #fired(): void {
    this.#armedFor = Infinity
    this.#cancel = undefined
    if (this.#at === Infinity) return
    if (this.#at > this.#clock.now()) this.#arm(this.#at)
    else this.#passed()
  }
}
