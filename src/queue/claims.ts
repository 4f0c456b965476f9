/**
 * The source of one node of many: jobs in the store belong to nobody or to one node, and memory holds the node's own.
 *
 * - What the node accepts it inserts as its own while it has room and has caught up: without a claim. Otherwise, or
 *   when it is not due yet, as nobody's.
 * - What is nobody's and due it claims, in batches: at once after a full batch, soon after one that was not, and less
 *   and less often while there is nothing. There is no notice of new jobs: NOTIFY has the commits of all nodes wait for
 *   one another.
 * - What was claimed or inserted without our hearing of it (the connection broke) is ours and not in memory: a stray.
 *   After every such failure the store is asked for strays.
 * - What a node had that is given up is nobody's again. The node forgets it, and ends nothing: the store sees to that.
 */
import type { Cancel, Clock, Log } from '../platform/platform.ts'
import type { Store, NodeStore } from '../store/store.ts'
import type { Acceptance, Job } from '../store/types.ts'
import { isUrgent } from '../store/urgent.ts'
import { backoffMs } from './backoff.ts'
import type { Node } from './node.ts'
import type { Memory, Source } from './source.ts'

/** Jobs in one claim. A claim of 500 takes PostgreSQL about 10 ms. */
const BATCH = 500
/** After a claim that found something: what comes in a trickle waits this long at most. */
const SOON_MS = 50
/** While nothing is found the pause doubles, up to this: one small query a second, and a second's delay at most. */
const IDLE_MS = 1_000
/** How long claims go on behind the last one, before they look from the start again for what was put there since. */
const RUN_MS = 5_000

export type ClaimsDeps = {
  readonly store: Pick<Store, 'messages'> & { readonly nodes: NodeStore }
  readonly node: Node
  readonly clock: Clock
  readonly log: Log
}

/** Claims since the start, for /metrics. */
export type ClaimMetrics = { readonly claims: number; readonly claimed: number }

/** The last job of a full claim, and until when the next one goes on behind it. */
type Run = { readonly last: Job; readonly until: number }

export class Claims implements Source {
  readonly #deps: ClaimsDeps
  readonly #memory: Memory
  /** The node that memory's jobs belong to. */
  #node: number
  #isDue = false
  #isFetching = false
  #isClosed = false
  #hasStrays = false
  /** Ids of messages that are being accepted as ours, with the number of their jobs. */
  readonly #accepting = new Map<string, number>()
  /** Jobs that memory has to have room for: those being accepted, and those being claimed. */
  #expected = 0
  /** Jobs that were claimed again before their postponement was known to be written: they will leave, and be ours. */
  readonly #claimedAgain = new Set<number>()
  /** Jobs that left memory while strays were looked for, and may still be shown as ours. */
  readonly #leftMeanwhile = new Set<number>()
  #run: Run | undefined
  #pauseMs = SOON_MS
  #failures = 0
  #timer: { readonly at: number; readonly cancel: Cancel } | undefined
  #claims = 0
  #claimed = 0

  constructor(deps: ClaimsDeps, memory: Memory) {
    this.#deps = deps
    this.#memory = memory
    this.#node = deps.node.id
    deps.node.onChange(() => this.#nodeChanged())
  }

  get isDue(): boolean {
    return this.#isFetching || (this.#isDue && !this.#isClosed)
  }

  get isFetching(): boolean {
    return this.#isFetching
  }

  /** A node whose lease has lapsed may have lost its jobs: it begins none before it knows. */
  get mayRun(): boolean {
    return this.#deps.node.isCurrent()
  }

  get metrics(): ClaimMetrics {
    return { claims: this.#claims, claimed: this.#claimed }
  }

  readonly accept = async (acceptance: Acceptance): Promise<readonly Job[]> => {
    const { messages } = this.#deps.store
    if (!this.#mayOwn(acceptance)) return messages.accept(acceptance)
    const { id } = acceptance.message
    const count = acceptance.jobs.length
    this.#accepting.set(id, count)
    this.#expected += count
    try {
      return await messages.accept({ ...acceptance, owner: this.#node })
    } catch (error) {
      this.#missStrays()
      throw error
    } finally {
      this.#accepting.delete(id)
      this.#expected -= count
    }
  }

  offer(jobs: readonly Job[]): void {
    for (const job of jobs) {
      if (job.owner === this.#node) this.#memory.keep(job)
      else if (job.owner === null && job.dueAt <= this.#deps.clock.now()) this.#isDue = true
      // It lies before whatever is being claimed.
      if (job.owner === null && isUrgent(job)) this.#run = undefined
    }
  }

  startOver(): void {
    this.look()
  }

  look(): void {
    this.#run = undefined
    this.#isDue = true
  }

  left(job: Job): void {
    if (this.#isFetching) this.#leftMeanwhile.add(job.id)
    // It was our earlier self's, and may have become ours again while it ran.
    if (job.owner !== this.#node || this.#claimedAgain.delete(job.id)) this.#missStrays()
  }

  postponedUntil(at: number): void {
    this.#wakeAt(at)
  }

  async fetch(): Promise<boolean> {
    if (!this.mayRun || (this.#failures > 0 && this.#timer !== undefined)) return false
    this.#isFetching = true
    try {
      if (this.#hasStrays) await this.#takeStrays()
      const isDone = await this.#claimAll()
      this.#failures = 0
      if (isDone) this.#wakeAt(this.#deps.clock.now() + this.#pauseMs)
      return true
    } catch (error) {
      this.#deps.log.error('jobs could not be claimed', { error })
      this.#hasStrays = true
      this.#isDue = true
      this.#wakeAt(this.#deps.clock.now() + backoffMs(this.#failures))
      this.#failures += 1
      return false
    } finally {
      this.#isFetching = false
    }
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  /** Whoever is behind lets newer jobs wait behind older ones, and others take them. */
  #mayOwn({ jobs }: Acceptance): boolean {
    const now = this.#deps.clock.now()
    const areUrgent = jobs.every(isUrgent)
    const isBehind = this.#isDue || this.#run !== undefined
    return (
      this.mayRun &&
      !this.#isClosed &&
      (areUrgent || !isBehind) &&
      jobs.length <= this.#room(areUrgent) &&
      jobs.every(({ dueAt }) => dueAt <= now)
    )
  }

  #room(isForUrgent = false): number {
    return this.#memory.room(isForUrgent) - this.#expected
  }

  /** Claims until nothing is left, which is true, or memory is full. */
  async #claimAll(): Promise<boolean> {
    let found = 0
    while (this.#isDue && !this.#isClosed) {
      const limit = Math.min(this.#room(), BATCH)
      if (limit <= 0) return false
      // Cleared first: what comes meanwhile may be too new to be claimed.
      this.#isDue = false
      const run = this.#currentRun()
      const jobs = await this.#claim(run?.last, limit)
      found += jobs.length
      const last = jobs.at(-1)
      const isFull = jobs.length === limit && last !== undefined
      // The end of a run is not the end of the queue: there may be something before its start.
      if (isFull || run !== undefined) this.#isDue = true
      this.#run = isFull ? { last, until: run?.until ?? this.#deps.clock.now() + RUN_MS } : undefined
    }
    this.#pauseMs = found > 0 ? SOON_MS : Math.min(this.#pauseMs * 2, IDLE_MS)
    return !this.#isClosed
  }

  #currentRun(): Run | undefined {
    return this.#run !== undefined && this.#run.until > this.#deps.clock.now() ? this.#run : undefined
  }

  async #claim(after: Job | undefined, limit: number): Promise<readonly Job[]> {
    const { store, clock } = this.#deps
    this.#expected += limit
    try {
      const jobs = await store.nodes.claim({ node: this.#node, now: clock.now(), after, limit })
      for (const job of jobs) if (this.#memory.holds(job)) this.#claimedAgain.add(job.id)
      this.offer(jobs)
      this.#claims += 1
      this.#claimed += jobs.length
      return jobs
    } finally {
      this.#expected -= limit
    }
  }

  #missStrays(): void {
    this.#hasStrays = true
    // Not at once: a database that fails once may fail for each of thousands.
    this.#wakeAt(this.#deps.clock.now() + IDLE_MS)
  }

  /** Takes what is ours and not in memory. It may be more than there is room for, by what was accepted at the time. */
  async #takeStrays(): Promise<void> {
    this.#hasStrays = false
    let page: readonly Job[]
    let afterId = 0
    do {
      this.#leftMeanwhile.clear()
      page = await this.#deps.store.nodes.owned(this.#node, afterId, BATCH)
      for (const job of page) {
        if (!this.#accepting.has(job.messageId) && !this.#leftMeanwhile.has(job.id)) this.offer([job])
      }
      afterId = page.at(-1)?.id ?? afterId
    } while (page.length === BATCH && !this.#isClosed)
  }

  /** The lease is good again, or we are another node: then nothing of what we have is ours any more. */
  #nodeChanged(): void {
    const { node } = this.#deps
    if (node.id !== this.#node) {
      this.#node = node.id
      this.#memory.forget()
      this.look()
    }
    this.#memory.pump()
  }

  /** One timer, for the earliest time that anybody has asked for. */
  #wakeAt(at: number): void {
    if (this.#isClosed || (this.#timer !== undefined && this.#timer.at <= at)) return
    this.#timer?.cancel()
    const cancel = this.#deps.clock.after(Math.max(0, at - this.#deps.clock.now()), () => {
      this.#timer = undefined
      this.#isDue = true
      this.#memory.pump()
    })
    this.#timer = { at, cancel }
  }
}
