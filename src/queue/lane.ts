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
/** Times of return are rounded up to this, so that many jobs share one write. */
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

  constructor(key: string, shape: Shape, now: number) {
    this.key = key
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
    return Math.ceil(this.#returnAt / RETURNS_EVERY_MS) * RETURNS_EVERY_MS
  }
}

function keyOf(account: string, isUrgent: boolean): string {
  return `${isUrgent ? 'urgent' : 'ordinary'} ${account}`
}
