/** What an engine brings: reads and writes, and an end. */
import type { Db } from './db.ts'
import type { DayStore, WriteMetrics } from './store.ts'

export type Engine = {
  readonly db: Db
  /** Other processes may work on the same database. */
  readonly isShared: boolean
  /** Where its tables are partitioned by day. */
  readonly days?: DayStore
  readonly metrics: () => WriteMetrics
  readonly close: () => Promise<void>
}
