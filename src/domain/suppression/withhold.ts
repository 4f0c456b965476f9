/** Who is on the suppression list gets no mail: what is written down of him instead of an attempt. */
import { bounceEvent, complaintEvent, type EventRecord } from '../../events/records.ts'
import type { Recipient, Settlement, SuppressionReason } from '../../store/types.ts'
import type { Services } from '../context.ts'
import { feedbackId } from '../outcomes.ts'
import { applicableReasons, type Listed, suppressedAmong } from './list.ts'

type Addressee = Pick<Recipient, 'position' | 'address' | 'mailbox'>

/** States and events of those who are held back. They count neither as bounces nor as complaints. */
export type Withheld = {
  readonly positions: ReadonlySet<number>
  readonly updates: Settlement['updates']
  readonly events: readonly EventRecord[]
  /** For which addresses were held back: who bounces or complains now is put on the list for the same. */
  readonly reasons: readonly SuppressionReason[]
}

// Word for word as recorded (docs/fidelity.md): without `smtp; `, since no server said it.
const DIAGNOSTIC =
  'Amazon SES did not send the message to this address because it is on the suppression list for your account. ' +
  'For more information about removing addresses from the suppression list, see the Amazon SES Developer Guide at ' +
  'https://docs.aws.amazon.com/ses/latest/dg/sending-email-suppression-list.html'
const SUB_TYPE = 'OnAccountSuppressionList'

const NOBODY: Omit<Withheld, 'reasons'> = { positions: new Set(), updates: [], events: [] }

/** Finds those among `recipients` who are on the list that applies. With an empty list nothing is read for it. */
export async function withhold(
  services: Services,
  listed: Listed,
  recipients: readonly Addressee[],
): Promise<Withheld> {
  const reasons = await applicableReasons(services, listed)
  const suppressed = await suppressedAmong(services, listed.scope, reasons, recipients)
  if (suppressed.size === 0) return { ...NOBODY, reasons }
  const now = services.clock.now()
  const told = { services, listed, now }
  const because = (reason: SuppressionReason) =>
    recipients.filter(({ position }) => suppressed.get(position) === reason)
  return {
    positions: new Set(suppressed.keys()),
    updates: Array.from(suppressed, ([position, reason]) => ({ position, status: STATUS[reason], reply: DIAGNOSTIC })),
    // One event a cause (observed).
    events: [...bounces(told, because('BOUNCE')), ...complaints(told, because('COMPLAINT'))],
    reasons,
  }
}

/** Without those who are held back. */
export function others<T extends { readonly position: number }>(
  recipients: readonly T[],
  { positions }: Withheld,
): readonly T[] {
  return positions.size === 0 ? recipients : recipients.filter(({ position }) => !positions.has(position))
}

/** What was held back beside what was attempted, in one settlement. */
export function besides<R extends Pick<Settlement, 'updates' | 'events'>>(
  { updates, events }: Withheld,
  records: R,
): R {
  return { ...records, updates: [...updates, ...records.updates], events: [...events, ...records.events] }
}

const STATUS = { BOUNCE: 'bounced', COMPLAINT: 'complained' } as const

type Told = { readonly services: Services; readonly listed: Listed; readonly now: number }

/** Addresses stand there as the caller wrote them, names and all (observed). */
function bounces({ services, listed, now }: Told, recipients: readonly Addressee[]): readonly EventRecord[] {
  if (recipients.length === 0) return []
  const bounce = {
    feedbackId: feedbackId(services, listed, now),
    bounceType: 'Permanent' as const,
    bounceSubType: SUB_TYPE,
    bouncedRecipients: recipients.map(({ address }) => ({
      emailAddress: address,
      action: 'failed',
      status: '5.1.1',
      diagnosticCode: DIAGNOSTIC,
    })),
    reportingMTA: 'dns; amazonses.com',
  }
  return [bounceEvent(now, {}, bounce)]
}

function complaints({ services, listed, now }: Told, recipients: readonly Addressee[]): readonly EventRecord[] {
  if (recipients.length === 0) return []
  const complaint = {
    feedbackId: feedbackId(services, listed, now),
    complaintSubType: SUB_TYPE,
    complainedRecipients: recipients.map(({ address }) => address),
  }
  return [complaintEvent(now, {}, complaint)]
}
