/** What is written down of an attempt over the network: states of recipients, SES's events, and what the statistics count. */
import type { MailTags } from '../../events/mail.ts'
import { bounceEvent, deliveryDelayEvent, deliveryEvent, type EventRecord } from '../../events/records.ts'
import { type NetworkOutcome, type Remote, type Reply, replyLine } from '../../message/outcome.ts'
import type {
  Attempt,
  JobRest,
  Recipient,
  Settlement,
  StoredMessage,
  Suppression,
  SuppressionReason,
} from '../../store/types.ts'
import type { Services } from '../context.ts'
import { feedbackId, NO_COUNTS } from '../outcomes.ts'
import { additions } from '../suppression/list.ts'
import type { Bounced, Delayed, Judgement } from './judge.ts'
import { type Expiry, retryAfter } from './schedule.ts'

export type Attempted = {
  readonly stored: StoredMessage
  readonly destination: string
  readonly recipients: readonly Pick<Recipient, 'position' | 'mailbox'>[]
  readonly outcome: NetworkOutcome
  /** Attempts of the job, this one included. */
  readonly attempts: number
  readonly expiry: Expiry
  /** In SES's time. */
  readonly startedAt: number
  readonly now: number
  /** Of which reasons an address goes on the suppression list. */
  readonly reasons: readonly SuppressionReason[]
}

export type AttemptRecords = Pick<Settlement, 'updates' | 'events' | 'counts' | 'suppress'> & {
  readonly attempt: Attempt
  readonly rest: JobRest | undefined
}

export function recordsOfAttempt(services: Services, attempted: Attempted, judgement: Judgement): AttemptRecords {
  const { reached, bounced, delayed } = judgement
  const { stored, destination, outcome, attempts, expiry, startedAt, now } = attempted
  // Nobody sent it: it says nothing of the sender that it did not arrive.
  const isOurs = stored.message.surface === 'system'
  const bounces = bouncesOf(services, attempted, bounced)
  const retry = retryAfter(attempts, now, expiry, services.random.fraction())
  return {
    updates: [
      ...reached.map(({ position, reply }) => ({ position, status: 'delivered' as const, reply: replyLine(reply) })),
      ...bounced.map(({ position, reply }) => ({ position, status: 'bounced' as const, reply: replyLine(reply) })),
      ...delayed.map(({ position, reply }) => ({ position, status: 'delayed' as const, reply: replyLine(reply) })),
    ],
    events: [
      ...deliveries(attempted, judgement.reached),
      ...bounces.map(({ event }) => event),
      ...(retry.isTold ? delays(attempted, delayed) : []),
    ],
    attempt: {
      destination,
      at: startedAt,
      durationMs: Math.max(0, now - startedAt),
      transport: outcome.transport,
      transcript: outcome.transcript,
    },
    counts: {
      ...NO_COUNTS,
      bounces: isOurs ? 0 : bounced.filter(({ bounceType }) => bounceType === 'Permanent').length,
    },
    suppress: bounces.flatMap(({ suppress }) => suppress),
    rest:
      delayed.length === 0
        ? undefined
        : { recipients: delayed.map(({ position }) => position), attempts, dueAt: retry.at },
  }
}

/** One Delivery event for those whom one transaction reached with one reply. */
function deliveries(attempted: Attempted, reached: Judgement['reached']): readonly EventRecord[] {
  const { now, stored, outcome } = attempted
  const groups = Map.groupBy(reached, ({ reply, remote }) => `${remote.ip} ${remote.egressIp} ${replyLine(reply)}`)
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    return deliveryEvent(now, sentThrough(first.remote), {
      processingTimeMillis: Math.max(0, now - stored.message.acceptedAt),
      recipients: addressesOf(attempted, group),
      smtpResponse: replyLine(first.reply),
      remoteMtaIp: first.remote.ip,
      reportingMTA: outcome.reportingMta,
    })
  })
}

type ToldBounce = { readonly event: EventRecord; readonly suppress: readonly Suppression[] }

/** Bounces of one kind, from one host, make one event; those that tell of a bad address put it on the suppression list. */
function bouncesOf(services: Services, attempted: Attempted, bounced: readonly Bounced[]): readonly ToldBounce[] {
  const { now, stored, outcome } = attempted
  const groups = Map.groupBy(
    bounced,
    ({ bounceType, bounceSubType, remote }) => `${bounceType} ${bounceSubType} ${remote?.ip} ${remote?.egressIp}`,
  )
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    const { remote, bounceType, bounceSubType } = first
    const id = feedbackId(services, stored, now)
    const event = bounceEvent(now, sentThrough(remote), {
      feedbackId: id,
      bounceType,
      bounceSubType,
      bouncedRecipients: group.map(({ position, reply }) => ({
        emailAddress: addressOf(attempted, position),
        action: 'failed',
        status: statusOf(reply),
        diagnosticCode: diagnosticOf(reply),
      })),
      reportingMTA: `dns; ${outcome.reportingMta}`,
      ...(remote === null ? {} : { remoteMtaIp: remote.ip }),
    })
    const mailboxes = addressesOf(
      attempted,
      group.filter(({ suppresses }) => suppresses),
    )
    const evidence = { reason: 'BOUNCE' as const, mailboxes, feedbackId: id, at: now }
    return { event, suppress: additions(stored, attempted.reasons, evidence) }
  })
}

/** Delays of one kind, told by one host or found by us, make one event. */
function delays(attempted: Attempted, delayed: readonly Delayed[]): readonly EventRecord[] {
  const { now, expiry } = attempted
  const groups = Map.groupBy(delayed, (each) => `${each.delayType} ${reporterOf(each)}`)
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    const reportingMTA = reporterOf(first)
    const delay = {
      delayType: first.delayType,
      expirationTime: expiry.at,
      delayedRecipients: group.map(({ position, reply }) => ({
        emailAddress: addressOf(attempted, position),
        status: statusOf(reply),
        diagnosticCode: diagnosticOf(reply),
      })),
      ...(reportingMTA === undefined ? {} : { reportingMTA }),
    }
    return deliveryDelayEvent(now, {}, delay)
  })
}

/** Who said so; undefined: nobody else did. SES guide, deliveryDelay: “The IP address of the MTA that reported the delay”. */
function reporterOf({ reply, remote }: Delayed): string | undefined {
  return reply.lines === undefined ? undefined : remote?.ip
}

/** RFC 3464 §2.3.4: three numbers, also where the other side gave none. */
export function statusOf({ code, enhanced }: Reply): string {
  return enhanced ?? `${Math.floor(code / 100)}.0.0`
}

/** RFC 3464 §2.3.6. */
export function diagnosticOf(reply: Reply): string {
  return `smtp; ${replyLine(reply)}`
}

function sentThrough(remote: Remote | null): MailTags {
  if (remote === null) return {}
  const { egressIp, tls } = remote
  // There was no connection that anything could have left on.
  if (egressIp === '') return {}
  return { 'ses:outgoing-ip': [egressIp], ...(tls === null ? {} : { 'ses:outgoing-tls-version': [tls.version] }) }
}

function addressesOf(attempted: Attempted, group: readonly { readonly position: number }[]): readonly string[] {
  return group.map(({ position }) => addressOf(attempted, position))
}

function addressOf({ recipients }: Attempted, position: number): string {
  return recipients.find((each) => each.position === position)?.mailbox ?? ''
}
