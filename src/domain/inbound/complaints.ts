/** Complaints: a recipient called the message spam, and his provider reports it (a feedback loop, RFC 5965). */
import { isoTime } from '../../events/mail.ts'
import { complaintEvent } from '../../events/records.ts'
import type { Report } from '../../message/reports/read-report.ts'
import type { ReturnTarget } from '../../message/return-path.ts'
import type { Services } from '../context.ts'
import { forwardComplaint, originalOf } from '../delivery/forwarding.ts'
import { feedbackId, NO_COUNTS } from '../outcomes.ts'
import { additions, applicableReasons } from '../suppression/list.ts'
import { targetOf } from './addresses.ts'
import { findReported } from './history.ts'
import type { Result } from './inbound.ts'
import { believedAbout } from './who.ts'

export type FeedbackReport = Extract<Report, { kind: 'feedback' }>

/** Reports of these types are told, but nobody is displeased: nothing is counted. */
const NO_COMPLAINTS: ReadonlySet<string> = new Set(['not-spam', 'auth-failure'])

/**
 * What a complaint is about by a return path within it: providers return the envelope sender in a field of the report, or
 * with the message. null: nothing in it proves anything.
 */
export async function targetIn(
  services: Services,
  { originalMailFrom, returned }: FeedbackReport,
): Promise<ReturnTarget | null> {
  const header = returned?.headers.find(({ lower }) => lower === 'return-path')?.value ?? ''
  for (const address of [originalMailFrom ?? '', header.replace(/^.*<|>.*$/g, '').trim()]) {
    const target = await targetOf(services, address)
    if (target !== null) return target
  }
  return null
}

/** Tells of a complaint that is about `target`, once. Throws ServiceUnavailable. */
export async function takeComplaint(services: Services, target: ReturnTarget, report: FeedbackReport): Promise<Result> {
  const reported = await findReported(services, target)
  if (reported === undefined) return 'unknown'
  const { stored, recipients, history } = reported
  const { feedbackType, userAgent, arrivedAt } = report
  // SES guide: everybody at the domain that reports, for it does not say who it was. Where we know it we say it.
  const complained = believedAbout(target, recipients).filter(
    ({ mailbox }) => !history.complained.has(`${feedbackType} ${mailbox}`),
  )
  const addresses = complained.map(({ mailbox }) => mailbox)
  if (complained.length === 0) return 'repeated'
  const now = services.clock.now()
  const mailTags = addresses.map((address) => history.delivered.get(address)?.mailTags).find((tags) => tags) ?? {}
  const sourceIp = mailTags['ses:outgoing-ip']?.[0] ?? report.sourceIp
  await forwardComplaint(services, stored, {
    at: now,
    feedback: { ...report, sourceIp },
    recipients: addresses,
    original: () => originalOf(services, stored),
  })
  const isCounted = !NO_COMPLAINTS.has(feedbackType)
  const id = feedbackId(services, stored, now)
  // A provider that hides who complained may mean any of several: nobody is to lose his mail for another's word.
  const mailboxes = isCounted && addresses.length === 1 ? addresses : []
  const evidence = { reason: 'COMPLAINT', mailboxes, feedbackId: id, at: now } as const
  await services.store.messages.settle({
    scope: stored.scope,
    messageId: stored.message.id,
    jobId: null,
    at: now,
    updates: isCounted
      ? complained.map(({ position, reply }) => ({ position, status: 'complained' as const, reply }))
      : [],
    events: [
      complaintEvent(now, mailTags, {
        feedbackId: id,
        complaintSubType: null,
        complainedRecipients: addresses,
        ...(userAgent === null ? {} : { userAgent }),
        complaintFeedbackType: feedbackType,
        ...(arrivedAt === null ? {} : { arrivalDate: isoTime(arrivedAt) }),
      }),
    ],
    suppress: additions(stored, await applicableReasons(services, stored), evidence),
    attempt: null,
    // One person, whichever of them it was.
    counts: { ...NO_COUNTS, complaints: isCounted && stored.message.surface !== 'system' ? 1 : 0 },
  })
  return 'told'
}
