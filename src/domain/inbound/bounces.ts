/** Bounces that come later: another server took the message, and reports afterwards that it cannot deliver it. */
import { bounceEvent, type EventRecord } from '../../events/records.ts'
import { classifyReport, type Verdict } from '../../message/bounces/classify.ts'
import type { Report } from '../../message/reports/read-report.ts'
import type { ReturnTarget } from '../../message/return-path.ts'
import type { Services } from '../context.ts'
import { forwardBounce, originalOf } from '../delivery/forwarding.ts'
import { feedbackId, NO_COUNTS } from '../outcomes.ts'
import { additions, applicableReasons } from '../suppression/list.ts'
import { findReported, type Handover, type Reported } from './history.ts'
import type { Result } from './inbound.ts'
import { type Failed, whoFailed } from './who.ts'

export type DeliveryReport = Extract<Report, { kind: 'delivery' }>

type Bounced = Failed & { readonly verdict: Verdict; readonly handover: Handover | undefined }

/** Tells of the bounces in a report that came to the return path `target`, each once. Throws ServiceUnavailable. */
export async function takeBounces(services: Services, target: ReturnTarget, report: DeliveryReport): Promise<Result> {
  const reported = await findReported(services, target)
  if (reported === undefined) return 'unknown'
  const { stored, recipients, history } = reported
  const failed = whoFailed(target, recipients, report.recipients)
  if (failed.length === 0) return 'ignored'
  const bounced = failed
    .filter(({ recipient }) => !history.bounced.has(recipient.mailbox))
    .map(({ recipient, said }) => ({
      recipient,
      said,
      verdict: classifyReport(said),
      handover: history.delivered.get(recipient.mailbox),
    }))
  if (bounced.length === 0) return 'repeated'
  const now = services.clock.now()
  const reasons = await applicableReasons(services, stored)
  const told = toldOf(services, reported, bounced, report, now)
  // Before it is written: a bounce told twice, after a crash in between, is better than one that is not told.
  await tellByMail(services, reported, bounced, report, now)
  await services.store.messages.settle({
    scope: stored.scope,
    messageId: stored.message.id,
    jobId: null,
    at: now,
    updates: bounced.map(({ recipient: { position }, said: { diagnosticCode, status } }) => ({
      position,
      status: 'bounced',
      reply: diagnosticCode ?? status,
    })),
    events: told.map(({ event }) => event),
    suppress: told.flatMap(({ group, feedbackId: id }) => {
      const mailboxes = group.filter(({ verdict }) => verdict.suppresses).map(({ recipient }) => recipient.mailbox)
      return additions(stored, reasons, { reason: 'BOUNCE', mailboxes, feedbackId: id, at: now })
    }),
    attempt: null,
    counts: stored.message.surface === 'system' ? NO_COUNTS : { ...NO_COUNTS, bounces: hardOf(bounced) },
  })
  return 'told'
}

function hardOf(bounced: readonly Bounced[]): number {
  return bounced.filter(({ verdict }) => verdict.bounceType === 'Permanent').length
}

type Told = { readonly event: EventRecord; readonly group: readonly Bounced[]; readonly feedbackId: string }

/** Bounces of one kind, of mail that went to one host, make one event. */
function toldOf(
  services: Services,
  { stored }: Reported,
  bounced: readonly Bounced[],
  { reportingMta }: DeliveryReport,
  now: number,
): readonly Told[] {
  const groups = Map.groupBy(
    bounced,
    ({ verdict, handover }) => `${verdict.bounceType} ${verdict.bounceSubType} ${handover?.remoteMtaIp}`,
  )
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    const { verdict, handover } = first
    const id = feedbackId(services, stored, now)
    const event = bounceEvent(now, handover?.mailTags ?? {}, {
      feedbackId: id,
      bounceType: verdict.bounceType,
      bounceSubType: verdict.bounceSubType,
      bouncedRecipients: group.map(({ recipient: { mailbox }, said: { status, diagnosticCode } }) => ({
        emailAddress: mailbox,
        action: 'failed',
        ...(status === null ? {} : { status }),
        ...(diagnosticCode === null ? {} : { diagnosticCode }),
      })),
      ...(reportingMta === null ? {} : { reportingMTA: reportingMta }),
      ...(handover?.remoteMtaIp === undefined ? {} : { remoteMtaIp: handover.remoteMtaIp }),
    })
    return { event, group, feedbackId: id }
  })
}

async function tellByMail(
  services: Services,
  { stored }: Reported,
  bounced: readonly Bounced[],
  { reportingMta }: DeliveryReport,
  now: number,
): Promise<void> {
  await forwardBounce(services, stored, {
    at: now,
    reportingMta: reportingMta?.replace(/^[\w-]{1,32};\s*/, '') ?? services.config.hostname,
    recipients: bounced.map(({ recipient: { mailbox }, said: { status, diagnosticCode, remoteMta } }) => ({
      address: mailbox,
      action: 'failed',
      status: status ?? '5.0.0',
      diagnosticCode,
      remoteMta,
      lastAttemptAt: null,
    })),
    original: () => originalOf(services, stored),
  })
}
