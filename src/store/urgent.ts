/**
 * Jobs that go before others: of mail that the platform writes itself (bounces, verification, notices), which a flood of
 * its users' mail must not hold back.
 *
 * A job's urgency is told by its due time, which then lies before the epoch: whoever takes jobs by due time, on either
 * engine, takes the urgent ones first, without a column or an index for it. A retry has an ordinary time: whoever could
 * not be reached has had his turn.
 */

/** More than any time of a clock: some 300 years. */
const LEAD_MS = 10_000_000_000_000

/** The due time of an urgent job that is due at `at`. Their order stays. */
export function urgentlyDue(at: number): number {
  return at - LEAD_MS
}

export function isUrgent({ dueAt }: { readonly dueAt: number }): boolean {
  return dueAt < 0
}

/** When a job is due, in milliseconds of SES's time, urgent or not. */
export function dueTimeOf({ dueAt }: { readonly dueAt: number }): number {
  return dueAt < 0 ? dueAt + LEAD_MS : dueAt
}
