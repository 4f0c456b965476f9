/** Mail that waits for delivery, as an operator sees it. */
import type { Job } from '../store/types.ts'
import { dueTimeOf, isUrgent } from '../store/urgent.ts'

export type { Job }

/** When a job is due, and whether it goes before others. */
export function turnOf(job: Job): { readonly dueAt: number; readonly isUrgent: boolean } {
  return { dueAt: dueTimeOf(job), isUrgent: isUrgent(job) }
}
