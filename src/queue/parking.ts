/** Jobs that leave memory for the store without an attempt, until a later time: many with each write. */
import type { Cancel, Clock, Log } from '../platform/platform.ts'
import type { JobStore } from '../store/store.ts'
import type { Job } from '../store/types.ts'
import { backoffMs } from './backoff.ts'

export type ParkingDeps = {
  readonly jobs: Pick<JobStore, 'park'>
  readonly clock: Clock
  readonly log: Log
  /** These are in the store now, to be run at `dueAt`. */
  readonly onParked: (jobs: readonly Job[], dueAt: number) => void
}

type Batch = { readonly dueAt: number; readonly jobs: Job[] }

export class Parking {
  readonly #deps: ParkingDeps
  /** Until that is written: forgotten earlier, they would be found in the store as they were, and come back. */
  readonly #leaving = new Set<number>()
  #batches = new Map<string, Batch>()
  readonly #retries = new Set<Cancel>()
  #isClosed = false

  constructor(deps: ParkingDeps) {
    this.#deps = deps
  }

  get size(): number {
    return this.#leaving.size
  }

  has(id: number): boolean {
    return this.#leaving.has(id)
  }

  /** Has a job count as one that leaves, until it is released: nobody takes it up. */
  hold(id: number): void {
    this.#leaving.add(id)
  }

  release(id: number): void {
    this.#leaving.delete(id)
  }

  put(job: Job, dueAt: number): void {
    this.#leaving.add(job.id)
    if (this.#batches.size === 0) queueMicrotask(() => this.#flush())
    const key = JSON.stringify([job.scope.account, job.owner, dueAt])
    const batch = this.#batches.get(key) ?? { dueAt, jobs: [] }
    batch.jobs.push(job)
    this.#batches.set(key, batch)
  }

  /** What is not written yet stays in the store as it is. */
  close(): void {
    this.#isClosed = true
    for (const cancel of this.#retries) cancel()
    this.#leaving.clear()
  }

  #flush(): void {
    const batches = [...this.#batches.values()]
    this.#batches = new Map()
    if (!this.#isClosed) for (const batch of batches) void this.#write(batch, 0)
  }

  async #write(batch: Batch, failures: number): Promise<void> {
    const { jobs: store, clock, log, onParked } = this.#deps
    const { dueAt, jobs } = batch
    try {
      await store.park(jobs, dueAt)
    } catch (error) {
      log.error('jobs could not be postponed', { error })
      if (this.#isClosed) return
      const cancel = clock.after(backoffMs(failures), () => {
        this.#retries.delete(cancel)
        void this.#write(batch, failures + 1)
      })
      this.#retries.add(cancel)
      return
    }
    for (const { id } of jobs) this.#leaving.delete(id)
    onParked(jobs, dueAt)
  }
}
