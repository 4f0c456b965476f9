/** What became of a message, written down: recipients' states, events and counters in one transaction. */
import { type Outcome, type RecipientOutcome, replyLine } from '../message/outcome.ts'
import { isoTime, type MailObject, mailObject } from '../events/mail.ts'
import { bounceEvent, complaintEvent, deliveryEvent, type EventRecord } from '../events/records.ts'
import type { Job, Recipient, RecipientStatus, Settlement, StoredMessage } from '../store/types.ts'
import type { Services } from './context.ts'
import { makeMessageId } from './sending/message-id.ts'

/** Records the outcome of a job's attempt; the job is over then. */
export async function settle(services: Services, job: Job, outcome: Outcome, startedAt: number): Promise<void> {
  const stored = await services.store.messages.find(job.messageId)
  // The message was deleted while it was under way: there is nobody to tell.
  if (stored === undefined) return
  const now = services.clock.now()
  const recipients = await services.store.messages.recipients(job.scope, job.messageId)
  const context = { services, stored, recipients, now, outcome }
  const events = [...deliveries(context), ...bounces(context), ...complaints(context)]
  await services.store.messages.settle({
    scope: job.scope,
    messageId: job.messageId,
    jobId: job.id,
    owner: job.owner,
    at: now,
    updates: outcome.recipients.map((each) => ({
      position: each.position,
      status: STATUS[each.kind],
      reply: replyLine(each.reply),
    })),
    events,
    attempt: {
      destination: job.destination,
      at: startedAt,
      durationMs: Math.max(0, now - startedAt),
      transport: outcome.transport,
      transcript: outcome.transcript,
    },
    counts: outcome.transport === 'simulator' ? NO_COUNTS : counts(outcome.recipients),
  })
}

const STATUS = { delivered: 'delivered', complained: 'complained', bounced: 'bounced' } as const satisfies Record<
  RecipientOutcome['kind'],
  RecipientStatus
>

export const NO_COUNTS = { bounces: 0, complaints: 0, rejects: 0 } as const

type Context = {
  readonly services: Services
  readonly stored: StoredMessage
  readonly recipients: readonly Recipient[]
  readonly now: number
  readonly outcome: Outcome
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
function deliveries({ services, stored, recipients, now, outcome }: Context): readonly EventRecord[] {
  const reached = outcome.recipients.filter((each) => each.kind !== 'bounced')
  const byReply = Map.groupBy(reached, (each) => replyLine(each.reply))
  return [...byReply].map(([smtpResponse, group]) =>
    deliveryEvent(now, deliveredMail(services, stored), {
      processingTimeMillis: Math.max(0, now - stored.message.acceptedAt),
      recipients: group.map(({ position }) => addressAt(recipients, position)),
      smtpResponse,
      reportingMTA: outcome.reportingMta,
    }),
  )
}

/** Bounces of one kind make one event (the simulator merges them as SES's does). */
function bounces({ services, stored, recipients, now, outcome }: Context): readonly EventRecord[] {
  const bounced = outcome.recipients.filter((each) => each.kind === 'bounced')
  const byKind = Map.groupBy(bounced, (each) => `${each.bounceType}/${each.bounceSubType}`)
  return [...byKind.values()].flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    return bounceEvent(now, deliveredMail(services, stored), {
      feedbackId: feedbackId(services, stored, now),
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

function complaints({ services, stored, recipients, now, outcome }: Context): readonly EventRecord[] {
  const complained = outcome.recipients.filter((each) => each.kind === 'complained')
  if (complained.length === 0) return []
  return [
    complaintEvent(now, deliveredMail(services, stored), {
      feedbackId: feedbackId(services, stored, now),
      complaintSubType: null,
      complainedRecipients: complained.map(({ position }) => addressAt(recipients, position)),
      userAgent: 'Amazon SES Mailbox Simulator',
      complaintFeedbackType: 'abuse',
      arrivalDate: isoTime(now),
    }),
  ]
}

export function deliveredMail(services: Services, { scope, message }: StoredMessage): MailObject {
  return mailObject(scope.account, message, { 'ses:outgoing-ip': [services.config.host] })
}

function addressAt(recipients: readonly Recipient[], position: number): string {
  return recipients.find((each) => each.position === position)?.mailbox ?? ''
}

export function feedbackId(services: Services, { scope }: StoredMessage, now: number): string {
  return makeMessageId(scope.region, now, services.random.uuid())
}
