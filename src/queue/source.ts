/** Where the queue's jobs come from: the seam between one process that has the store to itself and one node of many. */
import type { Acceptance, Job } from '../store/types.ts'

/** What the queue keeps in memory, as a source sees it. */
export type Memory = {
  /** Jobs that still find room; for urgent ones some is kept free. */
  readonly room: (isForUrgent?: boolean) => number
  readonly holds: (job: Job) => boolean
  /** Keeps a job to be run, unless it is there already. It is for the source to ask for room. */
  readonly keep: (job: Job) => void
  /** Lets go of all jobs that do not run yet. */
  readonly forget: () => void
  /** To be called when there is something new to fetch or to run. */
  readonly pump: () => void
}

export type Source = {
  /** There may be something to fetch, or it is being fetched. */
  readonly isDue: boolean
  readonly isFetching: boolean
  /** Jobs may be begun now. */
  readonly mayRun: boolean
  /** Writes an acceptance to the store, with jobs that this process may run first; gives the jobs. */
  readonly accept: (acceptance: Acceptance) => Promise<readonly Job[]>
  /** Takes jobs that were just accepted into memory, or notes that they are to be fetched. */
  readonly offer: (jobs: readonly Job[]) => void
  /** The store may hold anything: as at the start. */
  readonly startOver: () => void
  /** Has the store looked at now, where others may have put something into it. */
  readonly look: () => void
  /** A job is no longer in memory. */
  readonly left: (job: Job) => void
  /** A job is postponed in the store until then, which may be now. */
  readonly postponedUntil: (at: number) => void
  /** Brings jobs into memory. False when nothing more is to be had for now: a timer tells when to try again. */
  readonly fetch: () => Promise<boolean>
  /** Sets no more timers, and fetches no more. */
  readonly close: () => void
}
