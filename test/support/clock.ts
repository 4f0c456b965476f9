/** A clock that stands still until it is moved. */
import { movableClock } from '../../src/platform/clock.ts'
import type { MovableClock } from '../../src/platform/platform.ts'

/** Starts at `start` (milliseconds since the epoch); timers run inside `advance`. */
export function fakeClock(start: number = Date.UTC(2026, 0, 15, 12)): MovableClock {
  return movableClock({ now: () => start, after: () => () => {} })
}
