/** What became of a job, written down: recipients' states, events, counters and the end of the job in one transaction. */
import type { Outcome } from '../message/outcome.ts'
import type { Job } from '../store/types.ts'
import type { Services } from './context.ts'
import { recordsOf } from './outcomes.ts'
import { besides, others, withhold } from './suppression/withhold.ts'

/** Records the outcome of a job's attempt; the job is over then. */
export async function settle(services: Services, job: Job, outcome: Outcome, startedAt: number): Promise<void> {
  const { messages } = services.store
  const stored = await messages.find(job.messageId)
  // The message was deleted while it was under way: there is nobody to tell.
  if (stored === undefined) return
  const { scope, messageId, destination } = job
  const recipients = await messages.recipients(scope, messageId)
  const withheld = await withhold(
    services,
    stored,
    recipients.filter(({ position }) => job.recipients.includes(position)),
  )
  const reached = { ...outcome, recipients: others(outcome.recipients, withheld) }
  const now = services.clock.now()
  const { acceptedAt } = stored.message
  const records = recordsOf(services, { scope, acceptedAt, destination, recipients, startedAt, now }, reached)
  const attempt = reached.recipients.length === 0 ? null : records.attempt
  const settlement = { scope, messageId, jobId: job.id, owner: job.owner, at: now }
  await messages.settle({ ...settlement, ...besides(withheld, { ...records, attempt }) })
}
