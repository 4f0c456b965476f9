/** All scenarios, in the order in which they run and are reported. */
import type { Scenario } from '../context.ts'
import { http } from './http.ts'

export const SCENARIOS: readonly Scenario[] = [http]
