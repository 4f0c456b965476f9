/** Outcomes after the fact (admin API): a test says that a message bounced, complained, was opened, was delayed. */
import { fail } from '../errors/fail.ts'
import { isoTime, type MailTags } from '../events/mail.ts'
import {
  type BouncedRecipient,
  bounceEvent,
  clickEvent,
  complaintEvent,
  deliveryDelayEvent,
  deliveryEvent,
  type EventRecord,
  leftFrom,
  openEvent,
  rejectEvent,
} from '../events/records.ts'
import { renderEvent } from '../events/render.ts'
import { isSimulated } from '../message/simulated.ts'
import type { Recipient, RecipientStatus, Settlement, StoredMessage } from '../store/types.ts'
import type { Services } from './context.ts'
import { feedbackId, NO_COUNTS } from './outcomes.ts'
import { additions, applicableReasons, type Evidence } from './suppression/list.ts'

/** What a test says happened to one recipient of a message that was accepted before. */
export type ReportedOutcome =
  | { readonly kind: 'delivery'; readonly smtpResponse?: string }
  | {
      readonly kind: 'bounce'
      readonly bounceType?: 'Undetermined' | 'Permanent' | 'Transient'
      readonly bounceSubType?: string
      readonly status?: string
      readonly diagnosticCode?: string
    }
  | { readonly kind: 'complaint'; readonly complaintFeedbackType?: string; readonly userAgent?: string }
  | { readonly kind: 'delay'; readonly delayType?: string; readonly diagnosticCode?: string; readonly status?: string }
  | { readonly kind: 'reject'; readonly reason?: string }
  | { readonly kind: 'open'; readonly ipAddress?: string; readonly userAgent?: string }
  | { readonly kind: 'click'; readonly link: string; readonly ipAddress?: string; readonly userAgent?: string }

// SES tries for 14 hours (SES guide: 840 minutes).
const DELIVERY_LIFE_MS = 840 * 60_000

/** Records a reported outcome with its event, as if the other side had said so; gives the event's JSON. Fails with NotFound for an unknown message or recipient. */
export async function recordOutcome(
  services: Services,
  messageId: string,
  recipientAddress: string,
  outcome: ReportedOutcome,
): Promise<string> {
  const stored = await services.store.messages.find(messageId)
  if (stored === undefined) return fail('NotFound', `Message ${messageId} does not exist.`)
  const { scope } = stored
  const all = await services.store.messages.recipients(scope, messageId)
  const wanted = recipientAddress.toLowerCase()
  const recipient = all.find(
    ({ mailbox, address }) => mailbox.toLowerCase() === wanted || address.toLowerCase() === wanted,
  )
  if (recipient === undefined) return fail('NotFound', `Message ${messageId} has no recipient ${recipientAddress}.`)
  const now = services.clock.now()
  const subject = { services, stored, recipient, now, mailTags: leftFrom(services.config.host) }
  const { event, status, reply, counted, evidence } = reported(subject, outcome)
  const reasons = evidence === undefined ? [] : await applicableReasons(services, stored)
  await services.store.messages.settle({
    scope,
    messageId,
    jobId: null,
    at: now,
    updates: status === undefined ? [] : [{ position: recipient.position, status, reply }],
    events: [event],
    attempt: null,
    counts: counted === undefined || isSimulated(recipient.mailbox) ? NO_COUNTS : { ...NO_COUNTS, [counted]: 1 },
    suppress: evidence === undefined ? [] : additions(stored, reasons, evidence),
  })
  return renderEvent(stored, event)
}

type Reported = {
  readonly event: EventRecord
  /** undefined: the recipient's state stays as it is. */
  readonly status?: RecipientStatus
  readonly reply: string | null
  readonly counted?: keyof Settlement['counts']
  /** That the address is not to be sent to any more. */
  readonly evidence?: Evidence
}

/** What a report is made of: the message and its recipient, and the moment. */
type Subject = {
  readonly services: Services
  readonly stored: StoredMessage
  readonly recipient: Recipient
  readonly now: number
  readonly mailTags: MailTags
}

function reported(subject: Subject, outcome: ReportedOutcome): Reported {
  const { now, mailTags, recipient } = subject
  switch (outcome.kind) {
    case 'delivery':
      return reportedDelivery(subject, outcome)
    case 'bounce':
      return reportedBounce(subject, outcome)
    case 'complaint':
      return reportedComplaint(subject, outcome)
    case 'delay':
      return reportedDelay(subject, outcome)
    case 'reject': {
      const event = rejectEvent(now, outcome.reason ?? 'Bad content')
      return { event, status: 'rejected', reply: recipient.reply, counted: 'rejects' }
    }
    case 'open': {
      const { ipAddress = '127.0.0.1', userAgent = 'Mozilla/5.0' } = outcome
      return { event: openEvent(now, mailTags, { ipAddress, userAgent }), reply: recipient.reply }
    }
    case 'click': {
      const { link, ipAddress = '127.0.0.1', userAgent = 'Mozilla/5.0' } = outcome
      return {
        event: clickEvent(now, mailTags, { ipAddress, userAgent, link, linkTags: null }),
        reply: recipient.reply,
      }
    }
  }
}

type Of<Kind extends ReportedOutcome['kind']> = Extract<ReportedOutcome, { kind: Kind }>

function reportedDelivery({ services, stored, recipient, now, mailTags }: Subject, outcome: Of<'delivery'>): Reported {
  const smtpResponse = outcome.smtpResponse ?? '250 2.0.0 OK'
  const event = deliveryEvent(now, mailTags, {
    processingTimeMillis: Math.max(0, now - stored.message.acceptedAt),
    recipients: [recipient.mailbox],
    smtpResponse,
    reportingMTA: services.config.hostname,
  })
  return { event, status: 'delivered', reply: smtpResponse }
}

/** Bounces of mail that was held back: they neither count nor are evidence. */
const LISTED_ALREADY: ReadonlySet<string> = new Set(['OnAccountSuppressionList', 'OnTenantSuppressionList'])

function reportedBounce({ services, stored, recipient, now, mailTags }: Subject, outcome: Of<'bounce'>): Reported {
  const bounceType = outcome.bounceType ?? 'Permanent'
  const status = outcome.status ?? (bounceType === 'Transient' ? '4.0.0' : '5.1.1')
  const diagnosticCode = outcome.diagnosticCode ?? 'smtp; 550 5.1.1 user unknown'
  const bounced: BouncedRecipient = { emailAddress: recipient.mailbox, action: 'failed', status, diagnosticCode }
  const bounceSubType = outcome.bounceSubType ?? (bounceType === 'Undetermined' ? 'Undetermined' : 'General')
  const id = feedbackId(services, stored, now)
  const event = bounceEvent(now, mailTags, {
    feedbackId: id,
    bounceType,
    bounceSubType,
    bouncedRecipients: [bounced],
    reportingMTA: `dns; ${services.config.hostname}`,
  })
  const told = { event, status: 'bounced', reply: diagnosticCode } as const
  if (bounceType !== 'Permanent' || LISTED_ALREADY.has(bounceSubType)) return told
  const evidence = { reason: 'BOUNCE', mailboxes: [recipient.mailbox], feedbackId: id, at: now } as const
  return { ...told, counted: 'bounces', evidence }
}

function reportedComplaint(
  { services, stored, recipient, now, mailTags }: Subject,
  outcome: Of<'complaint'>,
): Reported {
  const id = feedbackId(services, stored, now)
  const complaintFeedbackType = outcome.complaintFeedbackType ?? 'abuse'
  const event = complaintEvent(now, mailTags, {
    feedbackId: id,
    complaintSubType: null,
    complainedRecipients: [recipient.mailbox],
    userAgent: outcome.userAgent ?? 'Sesame',
    complaintFeedbackType,
    arrivalDate: isoTime(now),
  })
  const told = { event, status: 'complained', reply: recipient.reply, counted: 'complaints' } as const
  // RFC 6430: somebody says that it was no spam.
  if (complaintFeedbackType === 'not-spam') return told
  return { ...told, evidence: { reason: 'COMPLAINT', mailboxes: [recipient.mailbox], feedbackId: id, at: now } }
}

function reportedDelay({ stored, recipient, now, mailTags }: Subject, outcome: Of<'delay'>): Reported {
  const diagnosticCode = outcome.diagnosticCode ?? 'smtp; 421 4.4.1 Unable to connect to remote host'
  const event = deliveryDelayEvent(now, mailTags, {
    delayType: outcome.delayType ?? 'TransientCommunicationFailure',
    expirationTime: stored.message.acceptedAt + DELIVERY_LIFE_MS,
    delayedRecipients: [{ emailAddress: recipient.mailbox, status: outcome.status ?? '4.4.1', diagnosticCode }],
  })
  return { event, status: 'delayed', reply: diagnosticCode }
}
