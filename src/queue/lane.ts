/**
 * What goes to one site (the hosts of a provider, or of a domain): how much of it may run, and the queues that wait
 * for that.
 */
import type { Cancel } from '../platform/platform.ts'
import { Fifo } from './fifo.ts'
import { Pace, type Shape } from './pace.ts'
import type { Queue } from './turns.ts'

/** How fast a lane that nothing was seen of is taken to be. */
const FIRST_INTERVAL_MS = 100
const SMOOTHING = 0.1
/** What finds no room comes back between these. */
const SOONEST_RETURN_MS = 5_000
const LATEST_RETURN_MS = 900_000
/** Times of return are this far apart, so that many jobs share one write, and can be called back together. */
const RETURNS_EVERY_MS = 5_000

export class Lane {
  readonly key: string
  readonly pace: Pace
  /** By account and urgency. */
  readonly queues = new Map<string, Queue>()
  /** Jobs that wait in them. */
  size = 0
  running = 0
  /** The lane of the site, which has all that was this destination's since its site is known. */
  successor: Lane | undefined
  /** No more may be begun now. */
  isClosed = false
  /** Ends the timer that opens it, when it is closed for a time. */
  alarm: Cancel | undefined
  readonly #waiting = { urgent: new Fifo<Queue>(), ordinary: new Fifo<Queue>() }
  #intervalMs = FIRST_INTERVAL_MS
  #lastEndAt: number | undefined
  #returnAt = 0
  /** When jobs that found no room will come back: no more times than fit between now and the latest. */
  readonly #returns = new Set<number>()
  /** Times of lanes differ, so that each calls back its own. */
  readonly #offsetMs: number

  constructor(key: string, shape: Shape, now: number) {
    this.key = key
    this.#offsetMs = offsetOf(key)
    this.pace = new Pace(shape, now)
  }

  get isFull(): boolean {
    return this.running >= this.pace.limit
  }

  get isEmpty(): boolean {
    return this.size === 0 && this.running === 0
  }

  /** Whether no job may begin here now. Jobs for a site that is down may: they do not go there. */
  mustClose(now: number): boolean {
    return !this.pace.isDown(now) && (this.isFull || this.pace.opensAt(now) > now)
  }

  queueOf(account: string, isUrgent: boolean): Queue {
    const key = keyOf(account, isUrgent)
    const known = this.queues.get(key)
    if (known !== undefined) return known
    const queue: Queue = { account, isUrgent, lane: this, jobs: new Fifo(), place: undefined }
    this.queues.set(key, queue)
    return queue
  }

  forgetQueue(queue: Queue): void {
    const key = keyOf(queue.account, queue.isUrgent)
    if (this.queues.get(key) === queue) this.queues.delete(key)
  }

  wait(queue: Queue): void {
    queue.place = 'lane'
    this.#waiting[queue.isUrgent ? 'urgent' : 'ordinary'].push(queue)
  }

  /** The next queue that waits for the lane, which stands nowhere then. */
  wake(): Queue | undefined {
    const queue = this.#waiting.urgent.shift() ?? this.#waiting.ordinary.shift()
    if (queue !== undefined) queue.place = undefined
    return queue
  }

  /** Notes that a job ended, for the estimate of how fast the lane is. */
  ended(now: number): void {
    const since = this.#lastEndAt === undefined ? this.#intervalMs : Math.max(1, now - this.#lastEndAt)
    this.#intervalMs += (since - this.#intervalMs) * SMOOTHING
    this.#lastEndAt = now
  }

  /** When a job for which there is no room shall come back: after those before it, at the speed that was seen. */
  returnTime(now: number): number {
    const next = Math.max(this.#returnAt, now + SOONEST_RETURN_MS) + this.#intervalMs
    // Whoever would come later than the latest is spread over the time before it, or all would come at once.
    this.#returnAt = next <= now + LATEST_RETURN_MS ? next : now + LATEST_RETURN_MS / 2
    const steps = Math.ceil((this.#returnAt - this.#offsetMs) / RETURNS_EVERY_MS)
    const at = steps * RETURNS_EVERY_MS + this.#offsetMs
    this.#returns.add(at)
    return at
  }

  /** Whether some that found no room are still to come back. */
  awaits(now: number): boolean {
    for (const at of this.#returns) if (at <= now) this.#returns.delete(at)
    return this.#returns.size > 0
  }

  /** The earliest time at which some will come back: whoever takes it calls them back. */
  takeReturn(now: number): number | undefined {
    if (!this.awaits(now)) return undefined
    const at = Math.min(...this.#returns)
    this.#returns.delete(at)
    return at
  }

  /** Takes over what another lane waits for. */
  inherit(other: Lane, now: number): void {
    for (let at = other.takeReturn(now); at !== undefined; at = other.takeReturn(now)) this.#returns.add(at)
  }
}

/** Never a whole number of steps: what is postponed by others to such times is not called back along with these. */
function offsetOf(key: string): number {
  let sum = 0
  for (let index = 0; index < key.length; index++) sum = (sum * 31 + key.charCodeAt(index)) % (RETURNS_EVERY_MS - 1)
  return sum + 1
}

function keyOf(account: string, isUrgent: boolean): string {
  return `${isUrgent ? 'urgent' : 'ordinary'} ${account}`
}
