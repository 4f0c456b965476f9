/**
 * How much mail a site is given, by what it says to it (as KumoMTA's automation does, in simple form):
 *
 *   who is put off for our pace (4.7.x, a connection lost)     half the places, one at least
 *   who turns us away (421, no connection, a bad greeting)     half the places, and a pause, longer each time
 *   who takes mail                                             a place more for each time that all places took one
 *
 * From the third pause on, with nothing taken in between, a site is down: one job at a time tries it when a pause ends,
 * and the others need not.
 */
import type { Went } from '../store/sites.ts'

/** What an operator has set for a site. */
export type Shape = {
  /** Jobs that run at once, each on a connection of its own. */
  readonly connections: number
  /** Jobs begun in a minute; undefined: any number. */
  readonly perMinute?: number | undefined
}

const PAUSES_MS = [5_000, 15_000, 60_000, 120_000, 300_000] as const
const LONGEST_PAUSE_MS = 300_000
const DOWN_FROM = 3
const MINUTE_MS = 60_000
/** Jobs that may begin at once after a quiet time, as a part of a minute's. */
const BURST_SHARE = 12

export class Pace {
  shape: Shape
  /** Grows with each slowing: attempts that were under way then say the same thing again. */
  round = 0
  #limit: number
  #refusals = 0
  #pausedUntil = 0
  #tokens: number
  #refilledAt: number

  constructor(shape: Shape, now: number) {
    this.shape = shape
    this.#limit = shape.connections
    this.#tokens = this.#burst
    this.#refilledAt = now
  }

  /** What is set is another from now on: who is slowed stays so. */
  reshape(shape: Shape): void {
    const wasSlowed = this.isSlowed
    this.shape = shape
    this.#limit = wasSlowed ? Math.min(this.#limit, shape.connections) : shape.connections
    this.#tokens = Math.min(this.#tokens, this.#burst)
  }

  /** Jobs that may run at once now. */
  get limit(): number {
    return Math.max(1, Math.floor(this.#limit))
  }

  get isSlowed(): boolean {
    return this.limit < this.shape.connections
  }

  pausedUntil(now: number): number | undefined {
    const isPaused = now < this.#pausedUntil && this.#pausedUntil <= now + LONGEST_PAUSE_MS
    return isPaused ? this.#pausedUntil : undefined
  }

  /** It is paused, and not for the first time. */
  isDown(now: number): boolean {
    return this.#refusals >= DOWN_FROM && this.pausedUntil(now) !== undefined
  }

  /** Nothing is to be remembered of it. */
  isOrdinary(now: number): boolean {
    this.#refill(now)
    return !this.isSlowed && this.#refusals === 0 && this.#tokens >= this.#burst
  }

  /** When the next job may begin, as far as pauses and the rate are concerned; not after `now`: at once. */
  opensAt(now: number): number {
    const { perMinute } = this.shape
    const pausedUntil = this.pausedUntil(now) ?? now
    if (perMinute === undefined) return pausedUntil
    this.#refill(now)
    const missing = Math.max(0, 1 - this.#tokens)
    return Math.max(pausedUntil, now + Math.ceil((missing * MINUTE_MS) / perMinute))
  }

  /** A job begins. */
  take(now: number): void {
    if (this.shape.perMinute === undefined) return
    this.#refill(now)
    this.#tokens -= 1
  }

  /** An attempt that began in `round` has ended. */
  note(went: Went, round: number, now: number): void {
    if (went === 'well') {
      this.#refusals = 0
      this.#pausedUntil = 0
      if (Number.isFinite(this.#limit)) this.#limit = Math.min(this.shape.connections, this.#limit + 1 / this.#limit)
      return
    }
    if (round !== this.round) return
    this.round += 1
    if (Number.isFinite(this.#limit)) this.#limit = Math.max(1, this.#limit / 2)
    if (went === 'slower') return
    this.#pausedUntil = now + (PAUSES_MS[this.#refusals] ?? LONGEST_PAUSE_MS)
    this.#refusals += 1
  }

  /** Somebody asks for another try now. */
  endPause(): void {
    this.#pausedUntil = 0
  }

  get #burst(): number {
    return Math.max(1, (this.shape.perMinute ?? 0) / BURST_SHARE)
  }

  #refill(now: number): void {
    // A clock that was set back: time passes from now on.
    const passed = Math.max(0, now - this.#refilledAt)
    this.#refilledAt = now
    this.#tokens = Math.min(this.#burst, this.#tokens + (passed * (this.shape.perMinute ?? 0)) / MINUTE_MS)
  }
}
