/**
 * Whether the database answers: a circuit breaker for all connections of this process.
 *
 *   up     calls go to the database. A lost connection or a statement that takes long raises a suspicion, and one probe
 *          finds out: when it fails                                                                        → down
 *   down   calls are refused at once, nothing waits. One probe after another asks; when one succeeds        → up
 *
 * Without it every call to a database that hangs would take its whole timeout to find that out again.
 */
import type { Cancel, Clock, Log } from '../../platform/platform.ts'
import { messageOf } from './connection.ts'

/** Between probes while it is down: doubled from the first to the second. */
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 1_000

export type AvailabilityDeps = {
  readonly clock: Clock
  readonly log: Log
  /** Asks the database, in bounded time; rejects when nothing can be done with it. */
  readonly probe: () => Promise<void>
  /** Called at each fall: whatever is under way gets no answer. */
  readonly onDown: (reason: string) => void
}

export class Availability {
  readonly #deps: AvailabilityDeps
  #downBecause: string | undefined
  #probing = false
  #closed = false
  #pauseMs = FIRST_PAUSE_MS
  #cancelNext: Cancel | undefined

  constructor(deps: AvailabilityDeps) {
    this.#deps = deps
  }

  /** Why calls are refused; undefined: they are not. */
  get downBecause(): string | undefined {
    return this.#downBecause
  }

  /** Something went wrong that may be the end of one connection, or of all. */
  suspect(): void {
    if (!this.#probing && !this.#closed && this.#downBecause === undefined) void this.#probe()
  }

  close(): void {
    this.#closed = true
    this.#cancelNext?.()
  }

  async #probe(): Promise<void> {
    this.#probing = true
    try {
      await this.#deps.probe()
      if (!this.#closed) this.#up()
    } catch (error) {
      if (!this.#closed) this.#down(messageOf(error))
    } finally {
      this.#probing = false
    }
  }

  #up(): void {
    this.#pauseMs = FIRST_PAUSE_MS
    if (this.#downBecause === undefined) return
    this.#downBecause = undefined
    this.#deps.log.info('the database answers again')
  }

  #down(reason: string): void {
    const isNew = this.#downBecause === undefined
    this.#downBecause = reason
    this.#cancelNext = this.#deps.clock.after(this.#pauseMs, () => void this.#probe())
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS)
    if (!isNew) return
    this.#deps.log.error('the database does not answer: calls are refused until it does', { reason })
    this.#deps.onDown(reason)
  }
}
