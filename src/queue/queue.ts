/**
 * When a job runs. One process owns the queue; its claims live in memory, the jobs themselves in the store.
 *
 * A job is in one of four states:
 *   fresh      in the store, to be run as soon as there is room      → ready
 *   ready      in memory, waits for its turn                         → running
 *   running    in memory, handed to `deliver`                        → ended (its settlement deletes it) or postponed
 *   postponed  in the store, waits for its time                      → ready, when it is due and there is room
 * Memory holds ready and running jobs, `maxInMemory` at most, whatever the backlog is. What a crash interrupts is
 * fresh or postponed in the store, and start() finds it there.
 */
import type { Cancel, Clock, Log } from '../platform/platform.ts'
import type { Store } from '../store/store.ts'
import type { Job } from '../store/types.ts'
import { Backlog } from './backlog.ts'
import { backoffMs } from './backoff.ts'

/** What became of an attempt: the job has ended (its settlement is written), or is to be tried again at a time. */
export type Delivered = 'done' | { readonly retryAt: number }

export type QueueDeps = {
  readonly store: Pick<Store, 'jobs'>
  readonly clock: Clock
  readonly log: Log
  /** Delivers a job and writes its settlement. What it throws is logged, and the job is tried again later. */
  readonly deliver: (job: Job) => Promise<Delivered>
  /** Jobs that run at once. */
  readonly concurrency: number
  /** Jobs held in memory; not less than `concurrency`. */
  readonly maxInMemory: number
}

export type Queue = {
  /** Takes jobs that were just accepted. Those that find no room in memory are fetched from the store later. */
  readonly offer: (jobs: readonly Job[]) => void
  /** Begins to run jobs, with those that an earlier process left. */
  readonly start: () => Promise<void>
  /** Resolves when nothing is left that is due. */
  readonly idle: () => Promise<void>
  /** Starts no further job; resolves when those that run have ended. */
  readonly close: () => Promise<void>
}

/** A time that has passed already, taken at its word, would have a job run without end. */
const SOONEST_RETRY_MS = 1_000

/** Makes a queue; it runs nothing before it is started. */
export function createQueue(deps: QueueDeps): Queue {
  const queue = new JobQueue(deps)
  return {
    offer: (jobs) => queue.offer(jobs),
    start: () => queue.start(),
    idle: () => queue.idle(),
    close: () => queue.close(),
  }
}

class JobQueue {
  readonly #deps: QueueDeps
  readonly #backlog: Backlog
  /** In the order in which they will run. */
  readonly #ready = new Map<number, Job>()
  readonly #running = new Set<number>()
  /** Postponements that could not be written and are tried again. The job counts as running. */
  readonly #retries = new Map<number, Cancel>()
  #started = false
  #closed = false
  #whenIdle: (() => void)[] = []

  constructor(deps: QueueDeps) {
    this.#deps = deps
    this.#backlog = new Backlog({ ...deps, take: (job) => this.#take(job), onDue: () => this.#pump() })
  }

  offer(jobs: readonly Job[]): void {
    for (const job of jobs) if (!this.#take(job)) this.#backlog.missed(job)
    this.#pump()
  }

  async start(): Promise<void> {
    this.#started = true
    this.#backlog.startOver()
    await this.#fetch()
  }

  async idle(): Promise<void> {
    if (!this.#isIdle()) await new Promise<void>((resolve) => void this.#whenIdle.push(resolve))
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#backlog.close()
    this.#ready.clear()
    for (const [id, cancel] of this.#retries) {
      cancel()
      this.#running.delete(id)
    }
    await this.idle()
  }

  /** False when there is no room. */
  #take(job: Job): boolean {
    const isKnown = this.#ready.has(job.id) || this.#running.has(job.id)
    if (isKnown || this.#closed) return true
    if (this.#room() <= 0) return false
    this.#ready.set(job.id, job)
    return true
  }

  #room(): number {
    return this.#deps.maxInMemory - this.#ready.size - this.#running.size
  }

  #isIdle(): boolean {
    return this.#ready.size + this.#running.size === 0 && !this.#backlog.isDue
  }

  /** Does what can be done now; called after everything that may have made something possible. */
  #pump(): void {
    if (this.#started && !this.#closed) {
      for (const [id, job] of this.#ready) {
        if (this.#running.size >= this.#deps.concurrency) break
        this.#ready.delete(id)
        this.#running.add(id)
        void this.#run(job)
      }
      // Half of the memory at a time: not one row for each job that ends.
      const isRoomy = this.#room() > 0 && (this.#ready.size === 0 || this.#room() >= this.#deps.maxInMemory / 2)
      if (isRoomy && this.#backlog.isDue && !this.#backlog.isFetching) void this.#fetch()
    }
    if (this.#isIdle()) for (const resolve of this.#whenIdle.splice(0)) resolve()
  }

  async #fetch(): Promise<void> {
    const fetched = await this.#backlog.fetch()
    // Otherwise it would fail again at once: the backlog's timer calls.
    if (fetched) this.#pump()
  }

  async #run(job: Job): Promise<void> {
    const isEarly = job.dueAt > this.#deps.clock.now()
    const postponed = isEarly ? job : await this.#attempt(job)
    if (postponed === undefined) this.#leave(job)
    else await this.#postpone(postponed, 0)
  }

  /** The job as it is to be tried again; undefined: it has ended. */
  async #attempt(job: Job): Promise<Job | undefined> {
    const { clock, deliver, log } = this.#deps
    const attempts = job.attempts + 1
    try {
      const delivered = await deliver(job)
      if (delivered === 'done') return undefined
      return { ...job, attempts, dueAt: Math.max(delivered.retryAt, clock.now() + SOONEST_RETRY_MS) }
    } catch (error) {
      const { id: jobId, messageId, destination } = job
      log.error('a job failed', { jobId, messageId, destination, error })
      return { ...job, attempts, dueAt: clock.now() + backoffMs(job.attempts) }
    }
  }

  async #postpone(job: Job, failures: number): Promise<void> {
    if (await this.#writePostponement(job)) {
      this.#backlog.postponedUntil(job.dueAt)
      this.#leave(job)
    } else if (this.#closed) {
      this.#leave(job)
    } else {
      // Forgotten, it would be fetched and run again at once: it stays until that is written.
      const again = (): void => {
        this.#retries.delete(job.id)
        void this.#postpone(job, failures + 1)
      }
      this.#retries.set(job.id, this.#deps.clock.after(backoffMs(failures), again))
    }
  }

  async #writePostponement(job: Job): Promise<boolean> {
    try {
      await this.#deps.store.jobs.postpone(job)
      return true
    } catch (error) {
      this.#deps.log.error('a job could not be postponed', { jobId: job.id, error })
      return false
    }
  }

  #leave(job: Job): void {
    this.#running.delete(job.id)
    this.#backlog.left(job)
    this.#pump()
  }
}
