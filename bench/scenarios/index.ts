/** All scenarios, in the order in which they run and are reported. */
import type { Scenario } from '../context.ts'
import { backlogPostgres, backlogSqlite } from './backlog.ts'
import { cost } from './cost.ts'
import { delivery } from './delivery.ts'
import { http } from './http.ts'
import { memory } from './memory.ts'
import { nodes } from './nodes.ts'
import { signing } from './signing.ts'
import { smtp } from './smtp.ts'
import { start } from './start.ts'

export const SCENARIOS: readonly Scenario[] = [
  start,
  http,
  smtp,
  nodes,
  backlogSqlite,
  backlogPostgres,
  memory,
  cost,
  delivery,
  signing,
]
