/** What an outcome means: the states of recipients, SES's events, and what the statistics count. */
import { isoTime, type MailTags } from '../events/mail.ts'
import { bounceEvent, complaintEvent, deliveryEvent, type EventRecord, leftFrom } from '../events/records.ts'
import { type Outcome, type RecipientOutcome, replyLine } from '../message/outcome.ts'
import type { Attempt, Recipient, RecipientStatus, Scope, Settlement } from '../store/types.ts'
import type { Services } from './context.ts'
import { makeMessageId } from './sending/message-id.ts'

export type OutcomeRecords = Pick<Settlement, 'updates' | 'events' | 'counts'> & { readonly attempt: Attempt }

/** Whose outcome it is: one attempt to bring a message to one destination, which ended at `now`. */
export type Attempted = {
  readonly scope: Scope
  readonly acceptedAt: number
  readonly destination: string
  /** Of the message; those that the outcome speaks of must be among them. */
  readonly recipients: readonly Pick<Recipient, 'position' | 'mailbox'>[]
  readonly startedAt: number
  readonly now: number
}

/** All that is written down of an outcome. */
export function recordsOf(services: Services, attempted: Attempted, outcome: Outcome): OutcomeRecords {
  const context = { services, attempted, outcome, mailTags: leftFrom(services.config.host) }
  const { destination, startedAt, now } = attempted
  return {
    updates: outcome.recipients.map((each) => ({
      position: each.position,
      status: STATUS[each.kind],
      reply: replyLine(each.reply),
    })),
    events: [...deliveries(context), ...bounces(context), ...complaints(context)],
    attempt: {
      destination,
      at: startedAt,
      durationMs: Math.max(0, now - startedAt),
      transport: outcome.transport,
      transcript: outcome.transcript,
    },
    counts: outcome.transport === 'simulator' ? NO_COUNTS : counts(outcome.recipients),
  }
}

const STATUS = { delivered: 'delivered', complained: 'complained', bounced: 'bounced' } as const satisfies Record<
  RecipientOutcome['kind'],
  RecipientStatus
>

export const NO_COUNTS = { bounces: 0, complaints: 0, rejects: 0 } as const

type Context = {
  readonly services: Services
  readonly attempted: Attempted
  readonly outcome: Outcome
  readonly mailTags: MailTags
}

// GetSendStatistics counts hard bounces only (SES API: SendDataPoint).
function counts(outcomes: readonly RecipientOutcome[]): Settlement['counts'] {
  return {
    bounces: outcomes.filter((each) => each.kind === 'bounced' && each.bounceType === 'Permanent').length,
    complaints: outcomes.filter((each) => each.kind === 'complained').length,
    rejects: 0,
  }
}

/** One Delivery event for the recipients whom one transaction reached with one reply. */
function deliveries({ attempted, outcome, mailTags }: Context): readonly EventRecord[] {
  const { now, acceptedAt, recipients } = attempted
  const reached = outcome.recipients.filter((each) => each.kind !== 'bounced')
  const delivery = (smtpResponse: string, group: readonly RecipientOutcome[]) =>
    deliveryEvent(now, mailTags, {
      processingTimeMillis: Math.max(0, now - acceptedAt),
      recipients: group.map(({ position }) => addressAt(recipients, position)),
      smtpResponse,
      reportingMTA: outcome.reportingMta,
    })
  const [first] = reached
  if (first === undefined) return []
  if (reached.length === 1) return [delivery(replyLine(first.reply), reached)]
  const byReply = Map.groupBy(reached, (each) => replyLine(each.reply))
  return Array.from(byReply, ([smtpResponse, group]) => delivery(smtpResponse, group))
}

/** Bounces of one kind make one event (the simulator merges them as SES's does). */
function bounces({ services, attempted, outcome, mailTags }: Context): readonly EventRecord[] {
  const { now, recipients } = attempted
  const bounced = outcome.recipients.filter((each) => each.kind === 'bounced')
  if (bounced.length === 0) return []
  const byKind = Map.groupBy(bounced, (each) => `${each.bounceType}/${each.bounceSubType}`)
  return [...byKind.values()].flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    return bounceEvent(now, mailTags, {
      feedbackId: feedbackId(services, attempted, now),
      bounceType: first.bounceType,
      bounceSubType: first.bounceSubType,
      bouncedRecipients: group.map(({ position, reply }) => ({
        emailAddress: addressAt(recipients, position),
        action: 'failed',
        status: reply.enhanced ?? '5.0.0',
        diagnosticCode: `smtp; ${replyLine(reply)}`,
      })),
      reportingMTA: `dns; ${outcome.reportingMta}`,
    })
  })
}

function complaints({ services, attempted, outcome, mailTags }: Context): readonly EventRecord[] {
  const { now, recipients } = attempted
  const complained = outcome.recipients.filter((each) => each.kind === 'complained')
  if (complained.length === 0) return []
  return [
    complaintEvent(now, mailTags, {
      feedbackId: feedbackId(services, attempted, now),
      complaintSubType: null,
      complainedRecipients: complained.map(({ position }) => addressAt(recipients, position)),
      userAgent: 'Amazon SES Mailbox Simulator',
      complaintFeedbackType: 'abuse',
      arrivalDate: isoTime(now),
    }),
  ]
}

function addressAt(recipients: Attempted['recipients'], position: number): string {
  return recipients.find((each) => each.position === position)?.mailbox ?? ''
}

/** SES's `feedbackId` of a bounce or complaint: of the form of a MessageId. */
export function feedbackId(services: Services, { scope }: { readonly scope: Scope }, now: number): string {
  return makeMessageId(scope.region, now, services.random.uuid())
}
