/** Mail that an operator takes out of the queue. */
import { type NetworkOutcome, NOBODY_CALLED, type Reply } from '../../message/outcome.ts'
import type { Job } from '../../store/types.ts'
import type { Services } from '../context.ts'
import { holdOurs, type QueueControl, type Selection, walk, type Walked } from '../queued.ts'
import { forwardBounces } from './forwarding.ts'
import type { Bounced } from './judge.ts'
import { addressedBy } from './recipients.ts'
import { recordsOfAttempt } from './records.ts'
import { expiryOf } from './schedule.ts'

/** As a message that expired is told of: nothing of it is the fault of an address, which nobody shall suppress for it. */
const DROPPED: Reply = { code: 550, enhanced: '4.4.7', text: 'Message dropped from the queue by the operator' }

/** `underWay`: jobs that were not dropped, since they are being delivered or another node has them. */
export type Dropped = Walked & { readonly dropped: number; readonly underWay: number }

/**
 * Ends the selected jobs. Unless it is to be silent, each has a Bounce event (Transient, General), and its sender mail
 * about it, as when a message expires. What is being delivered is left alone: it would be told of as dropped and arrive.
 */
export async function drop(
  services: Services,
  queue: QueueControl,
  selection: Selection,
  { after, isSilent }: { readonly after: number; readonly isSilent: boolean },
): Promise<Dropped> {
  let dropped = 0
  let underWay = 0
  const { next } = await walk(services, selection, after, async (jobs) => {
    for (const job of jobs) {
      if (!holdOurs(queue, job)) {
        underWay += 1
        continue
      }
      let isGone = false
      try {
        await end(services, job, isSilent)
        isGone = true
        dropped += 1
      } finally {
        queue.release(job, isGone)
      }
    }
  })
  return { dropped, underWay, next }
}

async function end(services: Services, job: Job, isSilent: boolean): Promise<void> {
  const { store, clock, config } = services
  const { scope, messageId, destination, attempts, owner } = job
  const stored = await store.messages.find(messageId)
  if (stored === undefined) return
  const now = clock.now()
  const recipients = addressedBy(job, await store.messages.recipients(scope, messageId))
  const bounced: readonly Bounced[] = recipients.map(({ position }) => ({
    position,
    reply: DROPPED,
    remote: null,
    bounceType: 'Transient',
    bounceSubType: 'General',
    suppresses: false,
  }))
  const outcome: NetworkOutcome = {
    transport: config.transport === 'smarthost' ? 'smarthost' : 'direct',
    recipients: [],
    reportingMta: config.hostname,
    transcript: ['dropped from the queue by the operator'],
    startedAt: now,
    site: destination,
    ...NOBODY_CALLED,
  }
  const expiry = expiryOf(stored.message.acceptedAt, null)
  // Nobody is suppressed for it.
  const reasons = [] as const
  const attempted = { stored, destination, recipients, outcome, attempts, expiry, startedAt: now, now, reasons }
  const records = recordsOfAttempt(services, attempted, { reached: [], bounced, delayed: [] })
  const raw = isSilent ? undefined : await store.messages.raw(scope, messageId)
  if (raw !== undefined) await forwardBounces(services, attempted, bounced, raw)
  const events = isSilent ? [] : records.events
  await store.messages.settle({ scope, messageId, jobId: job.id, owner, at: now, ...records, events })
}
