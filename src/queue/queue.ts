/**
 * When a job runs. The jobs are in the store; memory holds those that this process is about to run or runs.
 *
 * A job is in one of four states:
 *   fresh      in the store, to be run as soon as there is room      → ready
 *   ready      in memory, waits for its turn                         → running
 *   running    in memory, handed to `deliver`                        → ended (its settlement deletes it) or postponed
 *   postponed  in the store, waits for its time                      → ready, when it is due and there is room
 * Memory holds ready and running jobs, `maxInMemory` at most, whatever the backlog is.
 *
 * How jobs come into memory is up to the source (source.ts):
 * - A process that has the store to itself (SQLite, backlog.ts) writes no claims. What a crash interrupts is fresh or
 *   postponed in the store, and start() finds it there.
 * - A node of many (PostgreSQL, claims.ts) has a job in memory only while the store names it as the owner. Fresh and
 *   postponed jobs are nobody's. An owner that no longer renews its lease is given up (node.ts): its jobs are fresh
 *   again, none is deleted, and should it still be there, it can neither end nor postpone them any more.
 */
import type { Cancel, Clock, Log } from '../platform/platform.ts'
import type { Store } from '../store/store.ts'
import type { Acceptance, Job } from '../store/types.ts'
import { Backlog } from './backlog.ts'
import { backoffMs } from './backoff.ts'
import { Claims, type ClaimMetrics } from './claims.ts'
import type { Node } from './node.ts'
import type { Memory, Source } from './source.ts'

/**
 * What became of an attempt. `settle` writes it, and is called until it succeeds: what was delivered must not be
 * delivered again because a database was away. With `retryAt` what it writes is that the job goes on then; `retryAt`
 * alone has the queue write that. 'done': it is over, and written.
 */
export type Delivered =
  | 'done'
  | { readonly settle: () => Promise<void>; readonly retryAt?: number | undefined }
  | { readonly retryAt: number }

export type QueueDeps = {
  readonly store: Pick<Store, 'jobs' | 'messages' | 'nodes'>
  /** This process, on a store that others share. */
  readonly node?: Node | undefined
  readonly clock: Clock
  readonly log: Log
  /** Delivers a job. What it throws is logged, and the job is tried again later. */
  readonly deliver: (job: Job) => Promise<Delivered>
  /** Jobs that run at once. */
  readonly concurrency: number
  /** Jobs held in memory; not less than `concurrency`. */
  readonly maxInMemory: number
}

/** Jobs in memory now, and the claims since the start (none where nobody else could claim). */
export type QueueMetrics = Partial<ClaimMetrics> & { readonly ready: number; readonly running: number }

export type Queue = {
  /** Writes an acceptance to the store as `store.messages.accept` does, and sees to its jobs. */
  readonly accept: (acceptance: Acceptance) => Promise<readonly Job[]>
  /** Takes jobs that were just accepted. Those that find no room in memory are fetched from the store later. */
  readonly offer: (jobs: readonly Job[]) => void
  /** Begins to run jobs, with those that an earlier process left. */
  readonly start: () => Promise<void>
  /** Resolves when nothing is left that is due. */
  readonly idle: () => Promise<void>
  readonly metrics: () => QueueMetrics
  /** Starts no further job; resolves when those that run have ended. */
  readonly close: () => Promise<void>
}

/** A time that has passed already, taken at its word, would have a job run without end. */
const SOONEST_RETRY_MS = 1_000

/** The end of an attempt, as it remains to be written. `failure`: what the log says when that fails. */
type Ending = {
  readonly write: () => Promise<unknown>
  readonly failure: string
  readonly postponedUntil?: number | undefined
}

/** Makes a queue; it runs nothing before it is started. */
export function createQueue(deps: QueueDeps): Queue {
  const queue = new JobQueue(deps)
  return {
    accept: (acceptance) => queue.accept(acceptance),
    offer: (jobs) => queue.offer(jobs),
    start: () => queue.start(),
    idle: () => queue.idle(),
    metrics: () => queue.metrics(),
    close: () => queue.close(),
  }
}

class JobQueue {
  readonly #deps: QueueDeps
  readonly #source: Source & { readonly metrics?: ClaimMetrics }
  /** In the order in which they will run. */
  readonly #ready = new Map<number, Job>()
  readonly #running = new Set<number>()
  /** Ends of jobs that could not be written and are tried again. The job counts as running. */
  readonly #retries = new Map<number, Cancel>()
  #started = false
  #closed = false
  #whenIdle: (() => void)[] = []

  constructor(deps: QueueDeps) {
    this.#deps = deps
    this.#source = sourceOf(deps, {
      room: () => this.#room(),
      holds: (job) => this.#holds(job),
      keep: (job) => this.#keep(job),
      forget: () => this.#ready.clear(),
      pump: () => this.#pump(),
    })
  }

  async accept(acceptance: Acceptance): Promise<readonly Job[]> {
    const jobs = await this.#source.accept(acceptance)
    this.offer(jobs)
    return jobs
  }

  offer(jobs: readonly Job[]): void {
    if (!this.#closed) this.#source.offer(jobs)
    this.#pump()
  }

  async start(): Promise<void> {
    this.#started = true
    this.#source.startOver()
    await this.#fetch()
  }

  async idle(): Promise<void> {
    if (this.#started && !this.#closed) {
      this.#source.look()
      this.#pump()
    }
    if (!this.#isIdle()) await new Promise<void>((resolve) => void this.#whenIdle.push(resolve))
  }

  metrics(): QueueMetrics {
    return { ready: this.#ready.size, running: this.#running.size, ...this.#source.metrics }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#source.close()
    this.#ready.clear()
    for (const [id, cancel] of this.#retries) {
      cancel()
      this.#running.delete(id)
    }
    await this.idle()
  }

  /** What comes when all is over need not be kept: it is in the store. */
  #holds(job: Job): boolean {
    return this.#closed || this.#ready.has(job.id) || this.#running.has(job.id)
  }

  #keep(job: Job): void {
    if (!this.#holds(job)) this.#ready.set(job.id, job)
  }

  #room(): number {
    return this.#deps.maxInMemory - this.#ready.size - this.#running.size
  }

  #isIdle(): boolean {
    return this.#ready.size + this.#running.size === 0 && !this.#source.isDue
  }

  /** Does what can be done now; called after everything that may have made something possible. */
  #pump(): void {
    if (this.#started && !this.#closed) {
      for (const [id, job] of this.#ready) {
        if (this.#running.size >= this.#deps.concurrency || !this.#source.mayRun) break
        this.#ready.delete(id)
        this.#running.add(id)
        void this.#run(job)
      }
      // Half of the memory at a time: not one row for each job that ends.
      const isRoomy = this.#room() > 0 && (this.#ready.size === 0 || this.#room() >= this.#deps.maxInMemory / 2)
      if (isRoomy && this.#source.isDue && !this.#source.isFetching) void this.#fetch()
    }
    if (this.#isIdle()) for (const resolve of this.#whenIdle.splice(0)) resolve()
  }

  async #fetch(): Promise<void> {
    const fetched = await this.#source.fetch()
    // Otherwise it would fail again at once: the source calls when it is worth another try.
    if (fetched) this.#pump()
  }

  async #run(job: Job): Promise<void> {
    const isEarly = job.dueAt > this.#deps.clock.now()
    const ending = isEarly ? this.#postponement(job) : await this.#attempt(job)
    if (ending === undefined) this.#leave(job)
    else await this.#end(job, ending, 0)
  }

  /** What remains to be written after an attempt; undefined: nothing. */
  async #attempt(job: Job): Promise<Ending | undefined> {
    const { clock, deliver, log } = this.#deps
    const attempts = job.attempts + 1
    try {
      const delivered = await deliver(job)
      if (delivered === 'done') return undefined
      if ('settle' in delivered) {
        return {
          write: delivered.settle,
          failure: 'a job could not be settled',
          postponedUntil: delivered.retryAt,
        }
      }
      return this.#postponement({
        ...job,
        attempts,
        dueAt: Math.max(delivered.retryAt, clock.now() + SOONEST_RETRY_MS),
      })
    } catch (error) {
      const { id: jobId, messageId, destination } = job
      log.error('a job failed', { jobId, messageId, destination, error })
      return this.#postponement({ ...job, attempts, dueAt: clock.now() + backoffMs(job.attempts) })
    }
  }

  #postponement(job: Job): Ending {
    return {
      write: () => this.#deps.store.jobs.postpone(job),
      failure: 'a job could not be postponed',
      postponedUntil: job.dueAt,
    }
  }

  async #end(job: Job, ending: Ending, failures: number): Promise<void> {
    if ((await this.#isWritten(job, ending)) || this.#closed) {
      // In one step: a look at the store in between would find it due, and pass it over as one that runs.
      if (ending.postponedUntil !== undefined) this.#source.postponedUntil(ending.postponedUntil)
      this.#leave(job)
    } else {
      // Forgotten, it would be fetched and run again at once, perhaps mailed twice: it stays until that is written.
      const again = (): void => {
        this.#retries.delete(job.id)
        void this.#end(job, ending, failures + 1)
      }
      this.#retries.set(job.id, this.#deps.clock.after(backoffMs(failures), again))
    }
  }

  async #isWritten(job: Job, { write, failure }: Ending): Promise<boolean> {
    try {
      await write()
      return true
    } catch (error) {
      this.#deps.log.error(failure, { jobId: job.id, error })
      return false
    }
  }

  #leave(job: Job): void {
    this.#running.delete(job.id)
    this.#source.left(job)
    this.#pump()
  }
}

function sourceOf(deps: QueueDeps, memory: Memory): Source & { readonly metrics?: ClaimMetrics } {
  const { store, node } = deps
  if (store.nodes === undefined || node === undefined) return new Backlog(deps, memory)
  return new Claims({ ...deps, store: { messages: store.messages, nodes: store.nodes }, node }, memory)
}
