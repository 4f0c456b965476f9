/**
 * What is to become of a message, as far as it is known when it is accepted. Where a destination needs nobody's answer
 * (captured mail, the mailbox simulator) its outcome is written with the acceptance, in the same transaction: whoever
 * reads the message after the 200 finds its events, and nothing is queued. Every other destination gets a job.
 */
import { type EventRecord, rejectEvent } from '../../events/records.ts'
import type { Acceptance, OutcomeCounts, Recipient } from '../../store/types.ts'
import { urgentlyDue } from '../../store/urgent.ts'
import type { Services } from '../context.ts'
import { NO_COUNTS, recordsOf } from '../outcomes.ts'
import type { Listed } from '../suppression/list.ts'
import { others, withhold } from '../suppression/withhold.ts'

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
export async function fateOf(
  services: Services,
  listed: Listed,
  accepted: { readonly acceptedAt: number; readonly recipients: readonly Addressee[] },
): Promise<Fate> {
  const { acceptedAt, recipients } = accepted
  // Our own mail goes before that of others.
  const dueAt = listed.message.surface === 'system' ? urgentlyDue(acceptedAt) : acceptedAt
  const groups = Array.from(
    Map.groupBy(recipients, ({ mailbox }) => domainOf(mailbox)),
    ([destination, group]) => ({ destination, group, outcome: services.deliverAtOnce(destination, group) }),
  )
  const queued = groups.flatMap(({ destination, group, outcome }) =>
    outcome === undefined ? [{ destination, recipients: group.map(({ position }) => position), dueAt }] : [],
  )
  const atOnce = groups.flatMap(({ group, outcome }) => (outcome === undefined ? [] : group))
  // Whoever runs a job asks for himself.
  const withheld = atOnce.length === 0 ? undefined : await withhold(services, listed, atOnce)
  const settled = groups.flatMap(({ destination, group, outcome }) => {
    if (outcome === undefined) return []
    const reached = withheld === undefined ? outcome.recipients : others(outcome.recipients, withheld)
    if (reached.length === 0) return []
    const at = { scope: listed.scope, acceptedAt, startedAt: acceptedAt, now: acceptedAt }
    return recordsOf(services, { ...at, destination, recipients: group }, { ...outcome, recipients: reached })
  })
  const updates = [...(withheld?.updates ?? []), ...settled.flatMap((each) => each.updates)]
  const byPosition = new Map(updates.map((update) => [update.position, update]))
  return {
    recipients: recipients.map((recipient) => ({
      ...recipient,
      status: 'queued',
      reply: null,
      ...byPosition.get(recipient.position),
    })),
    jobs: queued,
    attempts: settled.map(({ attempt }) => attempt),
    events: [...(withheld?.events ?? []), ...settled.flatMap(({ events }) => events)],
    counts: settled.map(({ counts }) => counts).reduce(sum, NO_COUNTS),
  }
}

function sum(a: OutcomeCounts, b: OutcomeCounts): OutcomeCounts {
  return { bounces: a.bounces + b.bounces, complaints: a.complaints + b.complaints, rejects: a.rejects + b.rejects }
}

function domainOf(mailbox: string): string {
  return mailbox.slice(mailbox.lastIndexOf('@') + 1).toLowerCase()
}
