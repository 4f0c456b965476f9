/**
 * When a job runs. The jobs are in the store; memory holds those that this process is about to run or runs.
 *
 * A job is in one of four states:
 *   fresh      in the store, to be run as soon as there is room      → ready
 *   ready      in memory, waits for its turn                         → running
 *   running    in memory, handed to `deliver`                        → ended (its settlement deletes it) or postponed
 *   postponed  in the store, waits for its time                      → ready, when it is due and there is room
 * Memory holds ready and running jobs, `maxInMemory` at most, whatever the backlog is. Ready ones stand in lanes by
 * site (ready.ts). Where the lanes that are closed fill memory, while there are places for others, what is too much of
 * them is parked: written back to the store as postponed (parking.ts), so that what lies behind it there comes up.
 *
 * How jobs come into memory is up to the source (source.ts):
 * - A process that has the store to itself (SQLite, backlog.ts) writes no claims. What a crash interrupts is fresh or
 *   postponed in the store, and start() finds it there.
 * - A node of many (PostgreSQL, claims.ts) has a job in memory only while the store names it as the owner. Fresh and
 *   postponed jobs are nobody's. An owner that no longer renews its lease is given up (node.ts): its jobs are fresh
 *   again, none is deleted, and should it still be there, it can neither end nor postpone them any more.
 */
import type { Cancel, Clock, Log } from '../platform/platform.ts'
import type { SiteView, Went, Where } from '../store/sites.ts'
import type { Store } from '../store/store.ts'
import type { Acceptance, Job } from '../store/types.ts'
import { Backlog } from './backlog.ts'
import { backoffMs } from './backoff.ts'
import { Claims, type ClaimMetrics } from './claims.ts'
import type { Node } from './node.ts'
import { Parking } from './parking.ts'
import type { Shape } from './pace.ts'
import { Ready, type ReadyMetrics, type Seen, type Started, UNSHAPED } from './ready.ts'
import { partOf, WHOLE } from './share.ts'
import type { Memory, Source } from './source.ts'

/**
 * What became of an attempt. `settle` writes it, and is called until it succeeds: what was delivered must not be
 * delivered again because a database was away. With `retryAt` what it writes is that the job goes on then; `retryAt`
 * alone has the queue write that. 'done': it is over, and written.
 */
export type Delivered =
  | 'done'
  | {
      readonly settle: () => Promise<void>
      readonly retryAt?: number | undefined
      /** Where it went: the key of the limits that hold there. */
      readonly site?: string | undefined
      /** What that says of how much the site wants; left out: nothing. */
      readonly went?: Went | undefined
    }
  | { readonly retryAt: number }

export type QueueDeps = {
  readonly store: Pick<Store, 'jobs' | 'messages' | 'nodes'>
  /** This process, on a store that others share. */
  readonly node?: Node | undefined
  readonly clock: Clock
  readonly log: Log
  /** Delivers a job, without going there where the site is down. What it throws is logged, and the job is tried again later. */
  readonly deliver: (job: Job, where: Where) => Promise<Delivered>
  /** Jobs that run at once. */
  readonly concurrency: number
  /** Jobs held in memory; not less than `concurrency`. */
  readonly maxInMemory: number
  /** What holds on all nodes together for a site, or for a destination whose site is not known; left out: nothing. */
  readonly shape?: ((key: string) => Shape) | undefined
  /** Whether a destination has limits of its own, whosever its hosts are; left out: none has. */
  readonly isApart?: ((destination: string) => boolean) | undefined
  /** Whether a job is not to be run for now; left out: none is. When that changes, `review` is to be called. */
  readonly isSuspended?: ((job: Job) => boolean) | undefined
}

/** Jobs that are suspended are looked at again after this time: resuming them brings it forward. */
const SUSPENDED_MS = 600_000
const SUSPENDED_STEP_MS = 5_000

/** Of the places to run, and of the room in memory, one in so many is for urgent jobs only. */
const URGENT_SHARE = 20

/** Jobs in memory now, and the claims since the start (none where nobody else could claim). */
export type QueueMetrics = Partial<ClaimMetrics> & {
  readonly ready: number
  readonly running: number
  readonly sites: ReadyMetrics
  /** Since the start. */
  readonly parked: number
}

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
  /** Sites with jobs in memory, or of which something is remembered; those with the most jobs. */
  readonly sites: (most: number) => readonly SiteView[]
  /** Puts back what is suspended by now. */
  readonly review: () => void
  /** Looks for jobs whose time was brought forward, and tries sites again that turned us away: of a destination, or all. */
  readonly retry: (destination: string | undefined) => void
  /** Keeps a job from being begun until it is released; false: it runs already. */
  readonly hold: (id: number) => boolean
  /** `isGone`: it has ended meanwhile, and is not to be run any more. */
  readonly release: (job: Job, isGone: boolean) => void
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
  readonly seen?: Seen
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
    sites: (most) => queue.sites(most),
    review: () => queue.review(),
    retry: (destination) => queue.retry(destination),
    hold: (id) => queue.hold(id),
    release: (job, isGone) => queue.release(job, isGone),
    close: () => queue.close(),
  }
}

class JobQueue {
  readonly #deps: QueueDeps
  readonly #source: Source & { readonly metrics?: ClaimMetrics }
  readonly #ready: Ready
  readonly #running = new Map<number, Started>()
  readonly #parking: Parking
  #parked = 0
  /** Ends of jobs that could not be written and are tried again. The job counts as running. */
  readonly #retries = new Map<number, Cancel>()
  #started = false
  #closed = false
  #isRecalling = false
  #whenIdle: (() => void)[] = []

  constructor(deps: QueueDeps) {
    this.#deps = deps
    this.#ready = new Ready({
      clock: deps.clock,
      onOpen: () => this.#pump(),
      shape: (key) => partOf((deps.shape ?? UNSHAPED.shape)(key), deps.node?.share ?? WHOLE),
      isApart: deps.isApart ?? UNSHAPED.isApart,
    })
    this.#parking = new Parking({
      ...deps,
      jobs: deps.store.jobs,
      onParked: (jobs, dueAt) => this.#parkedUntil(jobs, dueAt),
    })
    deps.node?.onShare(() => {
      this.#ready.reshape()
      this.#pump()
    })
    this.#source = sourceOf(deps, {
      room: (isForUrgent) => this.#room(isForUrgent),
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
    const [ready, running, sites] = [this.#ready.size, this.#running.size, this.#ready.metrics()]
    return { ready, running, sites, parked: this.#parked, ...this.#source.metrics }
  }

  sites(most: number): readonly SiteView[] {
    return this.#ready.sites(most)
  }

  review(): void {
    const { isSuspended } = this.#deps
    if (isSuspended === undefined) return
    for (const job of this.#ready.takeWhere(isSuspended)) this.#suspend(job)
    this.#pump()
  }

  retry(destination: string | undefined): void {
    this.#ready.endPauses(destination)
    if (this.#started && !this.#closed) this.#source.postponedUntil(this.#deps.clock.now())
    this.#pump()
  }

  hold(id: number): boolean {
    if (this.#running.has(id) || this.#parking.has(id)) return false
    this.#ready.remove(id)
    this.#parking.hold(id)
    return true
  }

  release(job: Job, isGone: boolean): void {
    this.#parking.release(job.id)
    if (isGone) return this.#pump()
    const isDue = job.dueAt <= this.#deps.clock.now()
    if (isDue || job.owner !== null) this.offer([job])
    // Whoever looked into the store meanwhile passed it over.
    if (!this.#closed) this.#source.postponedUntil(job.dueAt)
    this.#pump()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#source.close()
    this.#parking.close()
    this.#ready.close()
    for (const [id, cancel] of this.#retries) {
      cancel()
      this.#running.delete(id)
    }
    await this.idle()
  }

  /** What comes when all is over need not be kept: it is in the store. */
  #holds(job: Job): boolean {
    return this.#closed || this.#ready.has(job.id) || this.#running.has(job.id) || this.#parking.has(job.id)
  }

  #keep(job: Job): void {
    if (this.#holds(job)) return
    if (this.#deps.isSuspended?.(job) === true) this.#suspend(job)
    else if (this.#hasPlace && this.#ready.isExcess(job, this.#room())) this.#park(job)
    else this.#ready.add(job)
  }

  #room(isForUrgent = false): number {
    const { maxInMemory } = this.#deps
    const room = maxInMemory - this.#ready.size - this.#running.size - this.#parking.size
    return isForUrgent ? room : room - Math.floor(maxInMemory / URGENT_SHARE)
  }

  /** An ordinary job could be begun. */
  get #hasPlace(): boolean {
    const { concurrency } = this.#deps
    return this.#running.size < concurrency - Math.floor(concurrency / URGENT_SHARE)
  }

  #isIdle(): boolean {
    const inMemory = this.#ready.awake + this.#running.size + this.#parking.size
    return inMemory === 0 && !this.#source.isDue && !this.#isRecalling
  }

  #suspend(job: Job): void {
    // In steps, so that many share a write.
    const steps = Math.ceil((this.#deps.clock.now() + SUSPENDED_MS) / SUSPENDED_STEP_MS)
    this.#parking.put(job, steps * SUSPENDED_STEP_MS)
  }

  #park(job: Job): void {
    this.#parking.put(job, this.#ready.returnTime(job, this.#deps.clock.now()))
  }

  #parkedUntil(jobs: readonly Job[], dueAt: number): void {
    this.#parked += jobs.length
    this.#source.postponedUntil(dueAt)
    for (const job of jobs) this.#source.left(job)
    this.#pump()
  }

  /** Does what can be done now; called after everything that may have made something possible. */
  #pump(): void {
    if (this.#started && !this.#closed) {
      this.#begin()
      if (this.#source.isDue && !this.#source.isFetching) this.#refill()
      this.#recall()
    }
    if (this.#isIdle()) for (const resolve of this.#whenIdle.splice(0)) resolve()
  }

  #begin(): void {
    while (this.#running.size < this.#deps.concurrency && this.#source.mayRun) {
      const started = this.#ready.next(!this.#hasPlace)
      if (started === undefined) return
      this.#running.set(started.job.id, started)
      void this.#run(started)
    }
  }

  /** Half of the memory at a time: not one row for each job that ends. */
  #refill(): void {
    const { maxInMemory } = this.#deps
    const room = this.#room()
    const isRoomy = room > 0 && (this.#ready.size === 0 || room >= maxInMemory / 2)
    // Places are free, and nobody here may take one: somebody in the store may.
    const isStuck = this.#ready.size > 0 && this.#ready.runnable === 0 && this.#hasPlace
    if (isRoomy || (isStuck && room >= maxInMemory / 4)) void this.#fetch()
    else if (isStuck && this.#parking.size === 0) for (const job of this.#ready.takeExcess()) this.#park(job)
  }

  /** Calls back what was parked and could run by now. What cannot be called back comes at its time. */
  #recall(): void {
    if (this.#isRecalling || this.#parking.size > 0 || this.#source.isDue || this.#room() <= 0) return
    const { clock, store, log } = this.#deps
    const now = clock.now()
    const parkedUntil = this.#ready.takeReturn(now)
    if (parkedUntil === undefined) return
    this.#isRecalling = true
    store.jobs
      .recall(parkedUntil, now)
      .then(() => this.#source.postponedUntil(now))
      .catch((error: unknown) => log.error('parked jobs could not be called back', { error }))
      .finally(() => {
        this.#isRecalling = false
        this.#pump()
      })
  }

  async #fetch(): Promise<void> {
    const fetched = await this.#source.fetch()
    // Otherwise it would fail again at once: the source calls when it is worth another try.
    if (fetched) this.#pump()
  }

  async #run({ job, lane, isDown }: Started): Promise<void> {
    const isEarly = job.dueAt > this.#deps.clock.now()
    const ending = isEarly ? this.#postponement(job) : await this.#attempt(job, { site: lane.key, isDown })
    if (ending === undefined) this.#leave(job, {})
    else await this.#end(job, ending, 0)
  }

  /** What remains to be written after an attempt; undefined: nothing. */
  async #attempt(job: Job, where: Where): Promise<Ending | undefined> {
    const { clock, deliver, log } = this.#deps
    const attempts = job.attempts + 1
    try {
      const delivered = await deliver(job, where)
      if (delivered === 'done') return undefined
      if ('settle' in delivered) {
        return {
          write: delivered.settle,
          failure: 'a job could not be settled',
          postponedUntil: delivered.retryAt,
          seen: delivered,
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
      this.#leave(job, ending.seen ?? {})
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

  #leave(job: Job, seen: Seen): void {
    const started = this.#running.get(job.id)
    this.#running.delete(job.id)
    if (started !== undefined) this.#ready.end(started, seen)
    this.#source.left(job)
    this.#pump()
  }
}

function sourceOf(deps: QueueDeps, memory: Memory): Source & { readonly metrics?: ClaimMetrics } {
  const { store, node } = deps
  if (store.nodes === undefined || node === undefined) return new Backlog(deps, memory)
  return new Claims({ ...deps, store: { messages: store.messages, nodes: store.nodes }, node }, memory)
}
