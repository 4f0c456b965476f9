/**
 * Whom a report can speak of. A return path proves that whoever has it got the message in the transaction that it was made
 * for: he is believed about the recipients of that one, and about nobody else.
 */
import type { ReportedRecipient } from '../../message/reports/delivery-status.ts'
import type { ReturnTarget } from '../../message/return-path.ts'
import type { Recipient } from '../../store/types.ts'
import { domainIn } from './addresses.ts'

/** Those among whom the one has to be who has the return path: its recipient, or everybody at his domain. */
export function believedAbout(
  { recipient, isShared }: ReturnTarget,
  recipients: readonly Recipient[],
): readonly Recipient[] {
  const named = recipients.filter(({ position }) => position === recipient)
  const [first] = named
  if (!isShared || first === undefined) return named
  const domain = domainIn(first.mailbox)
  return recipients.filter(({ mailbox }) => domainIn(mailbox) === domain)
}

export type Failed = { readonly recipient: Recipient; readonly said: ReportedRecipient }

/** Who failed for good by a report of deliveries. */
export function whoFailed(
  target: ReturnTarget,
  recipients: readonly Recipient[],
  reported: readonly ReportedRecipient[],
): readonly Failed[] {
  const failures = reported.filter(({ action }) => action === 'failed')
  return believedAbout(target, recipients).flatMap((recipient) => {
    const said = failures.find((each) => isAbout(each, recipient))
    // One who is named by the return path: whatever address the message ended at, it was sent to his.
    const found = said ?? (target.isShared ? undefined : failures[0])
    return found === undefined ? [] : [{ recipient, said: found }]
  })
}

/** In any case: reports come from hosts that do not keep it. */
function isAbout({ originalRecipient, finalRecipient }: ReportedRecipient, { mailbox }: Recipient): boolean {
  const wanted = mailbox.toLowerCase()
  return originalRecipient?.toLowerCase() === wanted || finalRecipient?.toLowerCase() === wanted
}
