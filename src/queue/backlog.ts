/**
 * The source of a process that has the store to itself: what is not in memory is in the store, and nobody else takes
 * it. It knows which jobs the store alone has: fresh ones that found no room, and postponed ones.
 */
import type { Cancel, Clock, Log } from '../platform/platform.ts'
import type { Store } from '../store/store.ts'
import type { Acceptance, Job } from '../store/types.ts'
import { isUrgent } from '../store/urgent.ts'
import { backoffMs } from './backoff.ts'
import type { Memory, Source } from './source.ts'

/** Rows that one look into the store brings. */
const PAGE = 500

export type BacklogDeps = {
  readonly store: Pick<Store, 'jobs' | 'messages'>
  readonly clock: Clock
  readonly log: Log
}

export class Backlog implements Source {
  readonly mayRun = true
  readonly #deps: BacklogDeps
  readonly #memory: Memory
  /** Fresh jobs with a greater id may be in the store alone; undefined: there are none. */
  #freshBehind: number | undefined
  /** Postponed jobs may be due. */
  #postponedDue = false
  #fetching = false
  /** Jobs that left memory while a page was read, which may still show them as they were before. */
  readonly #leftMeanwhile = new Set<number>()
  #failures = 0
  #closed = false
  #timer: { readonly at: number; readonly cancel: Cancel } | undefined

  constructor(deps: BacklogDeps, memory: Memory) {
    this.#deps = deps
    this.#memory = memory
  }

  /** Whether there is something to fetch, or it is being fetched. */
  get isDue(): boolean {
    return this.#fetching || (!this.#closed && (this.#freshBehind !== undefined || this.#postponedDue))
  }

  get isFetching(): boolean {
    return this.#fetching
  }

  readonly accept = (acceptance: Acceptance): Promise<readonly Job[]> => this.#deps.store.messages.accept(acceptance)

  offer(jobs: readonly Job[]): void {
    for (const job of jobs) {
      if (isUrgent(job)) {
        if (!this.#keep(job)) this.#postponedDue = true
        continue
      }
      // Who finds room while older ones wait in the store must not be served before them.
      if (this.#freshBehind !== undefined || !this.#keep(job)) this.#missedBehind(job.id - 1)
    }
  }

  startOver(): void {
    this.#missedBehind(0)
    this.#postponedDue = true
  }

  /** Nobody else writes: what is there is known. */
  look(): void {}

  left(job: Job): void {
    if (this.#fetching) this.#leftMeanwhile.add(job.id)
  }

  postponedUntil(at: number): void {
    if (at <= this.#deps.clock.now()) this.#postponedDue = true
    else this.#wakeAt(at)
  }

  async fetch(): Promise<boolean> {
    if (this.#failures > 0 && this.#timer !== undefined) return false
    this.#fetching = true
    try {
      await this.#fetchPostponed()
      await this.#fetchFresh()
      this.#failures = 0
      return true
    } catch (error) {
      this.#deps.log.error('the queue could not be read', { error })
      this.#wakeAt(this.#deps.clock.now() + backoffMs(this.#failures))
      this.#failures += 1
      return false
    } finally {
      this.#fetching = false
    }
  }

  /** What is being fetched stops at the next page. */
  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  async #fetchPostponed(): Promise<void> {
    while (this.#postponedDue && !this.#closed) {
      // Cleared first: a job that is postponed meanwhile may be too new to be read.
      this.#postponedDue = false
      try {
        const isFull = !(await this.#takePostponed(this.#deps.clock.now()))
        if (!isFull) continue
        this.#postponedDue = true
        return
      } catch (error) {
        this.#postponedDue = true
        throw error
      }
    }
  }

  /** Takes the postponed jobs that are due at `now`, and sets the timer for the next; false when memory is full. */
  async #takePostponed(now: number): Promise<boolean> {
    const { jobs } = this.#deps.store
    let after: Job | undefined
    let page: readonly Job[]
    do {
      this.#leftMeanwhile.clear()
      page = await jobs.postponed(now, after, PAGE)
      if (!page.every((job) => this.#take(job))) return false
      after = page.at(-1)
    } while (page.length === PAGE && !this.#closed)
    const next = await jobs.nextPostponed(now)
    if (next !== undefined) this.postponedUntil(next)
    return true
  }

  async #fetchFresh(): Promise<void> {
    const { store } = this.#deps
    while (this.#freshBehind !== undefined && !this.#closed) {
      const behind = this.#freshBehind
      // Cleared first: a job that is missed while the page is read may be too new to be in it.
      this.#freshBehind = undefined
      this.#leftMeanwhile.clear()
      let page: readonly Job[]
      try {
        page = await store.jobs.fresh(behind, PAGE)
      } catch (error) {
        this.#missedBehind(behind)
        throw error
      }
      for (const job of page) {
        if (this.#take(job)) continue
        this.#missedBehind(job.id - 1)
        return
      }
      const last = page.at(-1)
      if (last !== undefined && page.length === PAGE) this.#missedBehind(last.id)
    }
  }

  #take(job: Job): boolean {
    return this.#leftMeanwhile.has(job.id) || this.#keep(job)
  }

  /** False when there is no room. */
  #keep(job: Job): boolean {
    if (this.#memory.holds(job)) return true
    if (this.#memory.room(isUrgent(job)) <= 0) return false
    this.#memory.keep(job)
    return true
  }

  #missedBehind(id: number): void {
    this.#freshBehind = Math.min(this.#freshBehind ?? id, id)
  }

  /** One timer, for the earliest time that anybody has asked for. */
  #wakeAt(at: number): void {
    if (this.#closed || (this.#timer !== undefined && this.#timer.at <= at)) return
    this.#timer?.cancel()
    const cancel = this.#deps.clock.after(Math.max(0, at - this.#deps.clock.now()), () => {
      this.#timer = undefined
      this.#postponedDue = true
      this.#memory.pump()
    })
    this.#timer = { at, cancel }
  }
}
