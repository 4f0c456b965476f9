/**
 * What is to become of a message, as far as it is known when it is accepted. Where a destination needs nobody's answer
 * (captured mail, the mailbox simulator) its outcome is written with the acceptance, in the same transaction: whoever
 * reads the message after the 200 finds its events, and nothing is queued. Every other destination gets a job.
 */
import { type EventRecord, rejectEvent } from '../../events/records.ts'
import type { Outcome } from '../../message/outcome.ts'
import type { Acceptance, OutcomeCounts, Recipient } from '../../store/types.ts'
import { urgentlyDue } from '../../store/urgent.ts'
import type { Services } from '../context.ts'
import { NO_COUNTS, recordsOf } from '../outcomes.ts'
import type { Listed } from '../suppression/list.ts'
import { others, type Withheld, withhold } from '../suppression/withhold.ts'

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

type New = { readonly acceptedAt: number; readonly recipients: readonly Addressee[] }

/** Recipients of one domain; `outcome` undefined: it takes a job. */
type Group = {
  readonly destination: string
  readonly group: readonly Addressee[]
  readonly outcome: Outcome | undefined
}

/** The jobs of a message, one a recipient domain, and the outcomes that need none. */
export function fateOf(services: Services, listed: Listed, accepted: New): Fate | Promise<Fate> {
  const groups = byDomain(accepted.recipients).map(([destination, group]) => ({
    destination,
    group,
    outcome: services.deliverAtOnce(destination, group),
  }))
  const atOnce = groups.flatMap(({ group, outcome }) => (outcome === undefined ? [] : group))
  // Whoever runs a job asks for himself. With an empty list nobody need be asked.
  const isNobody = atOnce.length === 0 || services.store.cached.suppressions.any(listed.scope) === false
  if (isNobody) return fated(services, listed, accepted, { groups, withheld: undefined })
  return withhold(services, listed, atOnce).then((withheld) => fated(services, listed, accepted, { groups, withheld }))
}

function fated(
  services: Services,
  listed: Listed,
  { acceptedAt, recipients }: New,
  { groups, withheld }: { readonly groups: readonly Group[]; readonly withheld: Withheld | undefined },
): Fate {
  // Our own mail goes before that of others.
  const dueAt = listed.message.surface === 'system' ? urgentlyDue(acceptedAt) : acceptedAt
  const queued = groups.flatMap(({ destination, group, outcome }) =>
    outcome === undefined ? [{ destination, recipients: group.map(({ position }) => position), dueAt }] : [],
  )
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
    recipients: recipients.map(({ position, address, mailbox, field }) => {
      const update = byPosition.get(position)
      return { position, address, mailbox, field, status: update?.status ?? 'queued', reply: update?.reply ?? null }
    }),
    jobs: queued,
    attempts: settled.map(({ attempt }) => attempt),
    events: [...(withheld?.events ?? []), ...settled.flatMap(({ events }) => events)],
    counts: settled.map(({ counts }) => counts).reduce(sum, NO_COUNTS),
  }
}

function sum(a: OutcomeCounts, b: OutcomeCounts): OutcomeCounts {
  return { bounces: a.bounces + b.bounces, complaints: a.complaints + b.complaints, rejects: a.rejects + b.rejects }
}

/** In the order in which each domain comes first. */
function byDomain(recipients: readonly Addressee[]): readonly (readonly [string, readonly Addressee[]])[] {
  const [first] = recipients
  if (first !== undefined && recipients.length === 1) return [[domainOf(first.mailbox), recipients]]
  return [...Map.groupBy(recipients, ({ mailbox }) => domainOf(mailbox))]
}

function domainOf(mailbox: string): string {
  return mailbox.slice(mailbox.lastIndexOf('@') + 1).toLowerCase()
}
