/** All scenarios, in the order in which they run and are reported. */
import type { Scenario } from '../context.ts'
import { http } from './http.ts'
import { smtp } from './smtp.ts'

export const SCENARIOS: readonly Scenario[] = [http, smtp]
