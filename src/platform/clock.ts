/** The real clock, and SES's clock on top of it: a clock that the admin API can move. */
import type { Cancel, Clock, MovableClock } from './platform.ts'

/** Node's timers wrap around past 2^31 ms, and stand still while the machine sleeps: so we look at least once a minute. */
const LONGEST_SLEEP_MS = 60_000

/** Real time. Its timers do not keep the process alive. */
export function realClock(): Clock {
  return { now: () => Date.now(), after: (ms, task) => sleep(Date.now() + ms, task) }
}

function sleep(due: number, task: () => void): Cancel {
  let timer: NodeJS.Timeout
  const arm = () => {
    // At least 1 ms: setTimeout may wake a moment before Date.now() gets there.
    const left = Math.min(Math.max(due - Date.now(), 1), LONGEST_SLEEP_MS)
    timer = setTimeout(() => (Date.now() >= due ? task() : arm()), left).unref()
  }
  arm()
  return () => clearTimeout(timer)
}

/**
 * Resolves after `ms` of real time, and keeps the process alive until then, as timers of the clock do not: for a wait
 * in which nothing else is open yet.
 */
export function realPause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms))
}

type Entry = { due: number; readonly order: number; readonly task: () => void }

/**
 * SES's time: `base` plus an offset. Timers stand in one list ordered by due time; `base` only wakes us for the first.
 * - `advance(ms)` moves on (never back) and runs what became due before it returns, earliest first.
 * - `reset()` goes back to `base`'s time; timers keep the time that they had left.
 */
export function movableClock(base: Clock): MovableClock {
  const timers: Entry[] = []
  let offset = 0
  let count = 0
  let wake: Cancel | undefined

  const now = () => base.now() + offset

  const arm = () => {
    wake?.()
    const [first] = timers
    wake = first && base.after(Math.max(first.due - now(), 0), run)
  }

  const run = () => {
    try {
      for (let first = timers[0]; first && first.due <= now(); first = timers[0]) {
        timers.shift()
        first.task()
      }
    } finally {
      arm()
    }
  }

  return {
    now,
    after(ms, task) {
      const entry: Entry = { due: now() + Math.max(ms, 0), order: count++, task }
      const at = placeOf(timers, entry)
      timers.splice(at, 0, entry)
      if (at === 0) arm()
      return () => {
        const found = placeOf(timers, entry)
        if (timers[found] !== entry) return
        timers.splice(found, 1)
        if (found === 0) arm()
      }
    },
    advance(ms) {
      if (!(ms >= 0 && Number.isFinite(ms))) throw new RangeError(`a clock cannot be advanced by ${ms} ms`)
      offset += ms
      run()
    },
    reset() {
      for (const entry of timers) entry.due -= offset
      offset = 0
      arm()
    },
    get offsetMs() {
      return offset
    },
  }
}

/** Where `entry` stands in the list, or would stand: by due time, and among equals by the order of asking. */
function placeOf(timers: readonly Entry[], entry: Entry): number {
  let low = 0
  let high = timers.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const other = timers[middle]
    const before = other && (other.due < entry.due || (other.due === entry.due && other.order < entry.order))
    if (before) low = middle + 1
    else high = middle
  }
  return low
}
