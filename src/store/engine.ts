/** What an engine brings: reads and writes, and an end. */
import type { Db } from './db.ts'
import type { StoreMetrics } from './store.ts'

export type Engine = { readonly db: Db; readonly metrics: () => StoreMetrics; readonly close: () => Promise<void> }
