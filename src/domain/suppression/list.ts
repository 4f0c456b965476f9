/** Which suppression list applies to a message, who of its recipients is on it, and who is put there. */
import { isSimulated } from '../../message/simulated.ts'
import type { Message, Recipient, Scope, Suppression, SuppressionReason } from '../../store/types.ts'
import { settingsForSending } from '../accounts/settings.ts'
import { configurationSetOf } from '../configuration-sets.ts'
import type { Services } from '../context.ts'

/** What decides on the list: whose mail it is, and under which configuration set. */
export type Listed = {
  readonly scope: Scope
  readonly message: Pick<Message, 'id' | 'surface' | 'configurationSet'>
}

/** An address as it stands on the list: its domain in any case, its local part as typed (observed; docs/fidelity.md). */
export function suppressionKey(mailbox: string): string {
  const address = mailbox.trim()
  const at = address.lastIndexOf('@')
  return address.slice(0, at + 1) + address.slice(at + 1).toLowerCase()
}

/**
 * For which reasons addresses are held back, and put on the list: the configuration set's, or else the account's (SES
 * guide: “Using configuration set-level suppression to override your account-level suppression list”). A set that was
 * deleted since has no say. Mail of our own knows no list.
 */
export async function applicableReasons(
  services: Services,
  { scope, message }: Listed,
): Promise<readonly SuppressionReason[]> {
  if (message.surface === 'system') return []
  const set = await configurationSetOf(services, { scope, message })
  return set?.suppressedReasons ?? (await settingsForSending(services, scope)).suppressedReasons
}

/** The recipients that are on the list for one of `reasons`, by position; never those at the mailbox simulator. */
export async function suppressedAmong(
  services: Services,
  scope: Scope,
  reasons: readonly SuppressionReason[],
  recipients: readonly Pick<Recipient, 'position' | 'mailbox'>[],
): Promise<ReadonlyMap<number, SuppressionReason>> {
  if (reasons.length === 0) return NOBODY
  const others = recipients.filter(({ mailbox }) => !isSimulated(mailbox))
  if (others.length === 0) return NOBODY
  const keys = others.map(({ mailbox }) => suppressionKey(mailbox))
  const found = await services.store.cached.suppressions.findMany(scope, keys)
  if (found.length === 0) return NOBODY
  const byAddress = new Map(found.map(({ address, reason }) => [address, reason]))
  const suppressed = new Map<number, SuppressionReason>()
  for (const [index, { position }] of others.entries()) {
    const reason = byAddress.get(keys[index] ?? '')
    if (reason !== undefined && reasons.includes(reason)) suppressed.set(position, reason)
  }
  return suppressed
}

const NOBODY: ReadonlyMap<number, SuppressionReason> = new Map()

/** Evidence against addresses: the bounce or the complaint, as it is told in its event. */
export type Evidence = {
  readonly reason: SuppressionReason
  readonly mailboxes: readonly string[]
  readonly feedbackId: string
  readonly at: number
}

/**
 * What goes on the list, to be written with the event that tells why: where `reasons` (those that apply) has the
 * evidence's. What the mailbox simulator says is no evidence.
 */
export function additions(
  { message }: Listed,
  reasons: readonly SuppressionReason[],
  { reason, mailboxes, feedbackId, at }: Evidence,
): readonly Suppression[] {
  if (!reasons.includes(reason)) return []
  return mailboxes
    .filter((mailbox) => !isSimulated(mailbox))
    .map((mailbox) => ({
      address: suppressionKey(mailbox),
      reason,
      updatedAt: at,
      messageId: message.id,
      feedbackId,
    }))
}
