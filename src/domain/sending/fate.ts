/**
 * What is to become of a message, as far as it is known when it is accepted. Where a destination needs nobody's answer
 * (captured mail, the mailbox simulator) its outcome is written with the acceptance, in the same transaction: whoever
 * reads the message after the 200 finds its events, and nothing is queued. Every other destination gets a job.
 */
import { type EventRecord, rejectEvent } from '../../events/records.ts'
import type { Acceptance, Recipient, Scope } from '../../store/types.ts'
import { urgentlyDue } from '../../store/urgent.ts'
import type { Services } from '../context.ts'
import { NO_COUNTS, recordsOf } from '../outcomes.ts'

export type Fate = Pick<Acceptance, 'recipients' | 'jobs' | 'attempts' | 'counts'> & {
  readonly events: readonly EventRecord[]
}

type Addressee = Pick<Recipient, 'position' | 'address' | 'mailbox' | 'field'>

/** Accepted, but held back for its content (SES guide: "Reject"): there is nothing to deliver. */
export function rejected(recipients: readonly Addressee[], counted: number, now: number): Fate {
  return {
    recipients: recipients.map((recipient) => ({ ...recipient, status: 'rejected', reply: null })),
    jobs: [],
    attempts: [],
    events: [rejectEvent(now, 'Bad content')],
    counts: { ...NO_COUNTS, rejects: counted },
  }
}

/** The jobs of a message, one a recipient domain, and the outcomes that need none. */
export function fateOf(
  services: Services,
  accepted: {
    readonly scope: Scope
    readonly acceptedAt: number
    readonly recipients: readonly Addressee[]
    /** Its jobs go before those of others. */
    readonly isUrgent: boolean
  },
): Fate {
  const { scope, acceptedAt, recipients, isUrgent } = accepted
  const dueAt = isUrgent ? urgentlyDue(acceptedAt) : acceptedAt
  const queued: Fate['recipients'] = recipients.map((recipient) => ({ ...recipient, status: 'queued', reply: null }))
  let fate: Fate = { recipients: queued, jobs: [], attempts: [], events: [], counts: NO_COUNTS }
  for (const [destination, group] of Map.groupBy(recipients, ({ mailbox }) => domainOf(mailbox))) {
    const outcome = services.deliverAtOnce(destination, group)
    if (outcome === undefined) {
      const job = { destination, recipients: group.map(({ position }) => position), dueAt }
      fate = { ...fate, jobs: [...fate.jobs, job] }
      continue
    }
    const attempted = { scope, acceptedAt, destination, recipients: group, startedAt: acceptedAt, now: acceptedAt }
    const { updates, events, attempt, counts } = recordsOf(services, attempted, outcome)
    const settled = new Map(updates.map((update) => [update.position, update]))
    fate = {
      recipients: fate.recipients.map((recipient) => ({ ...recipient, ...settled.get(recipient.position) })),
      jobs: fate.jobs,
      attempts: [...fate.attempts, attempt],
      events: [...fate.events, ...events],
      counts: {
        bounces: fate.counts.bounces + counts.bounces,
        complaints: fate.counts.complaints + counts.complaints,
        rejects: fate.counts.rejects + counts.rejects,
      },
    }
  }
  return fate
}

function domainOf(mailbox: string): string {
  return mailbox.slice(mailbox.lastIndexOf('@') + 1).toLowerCase()
}
