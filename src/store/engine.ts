/** What an engine brings: reads and writes, and an end. */
import type { Db } from './db.ts'
import type { DayStore, StoreMetrics } from './store.ts'

export type Engine = {
  readonly db: Db
  /** Where its tables are partitioned by day. */
  readonly days?: DayStore
  readonly metrics: () => StoreMetrics
  readonly close: () => Promise<void>
}
