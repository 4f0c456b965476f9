/**
 * Whom a report can speak of. A return path proves that whoever has it got the message in the transaction that it was made
 * for: he is believed about the recipients of that one, and about nobody else.
 */
import type { ReportedRecipient } from '../../message/reports/delivery-status.ts'
import type { Feedback } from '../../message/reports/feedback.ts'
import type { ReturnTarget } from '../../message/return-path.ts'
import type { Recipient } from '../../store/types.ts'
import { domainIn } from './addresses.ts'

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
    // The return path names him: whatever address the message ended at, it was sent to his.
    const found = said ?? (target.recipient === null ? undefined : failures[0])
    return found === undefined ? [] : [{ recipient, said: found }]
  })
}

/** Who may have complained: the one that the return path names, or everybody at the domain that reports (SES guide). */
export function whoComplained(
  target: ReturnTarget,
  recipients: readonly Recipient[],
  { originalRecipients }: Feedback,
  reporter: string,
): readonly Recipient[] {
  const believed = believedAbout(target, recipients)
  const domains = [...new Set(believed.map(({ mailbox }) => domainIn(mailbox)))]
  // A provider's reports may come from a host below the domain.
  const named = [...originalRecipients, reporter].map((address) => `.${domainIn(address)}`)
  const domain = domains.length === 1 ? domains[0] : domains.find((each) => named.some((n) => n.endsWith(`.${each}`)))
  return believed.filter(({ mailbox }) => domainIn(mailbox) === domain)
}

/** The one that the return path names; else those who shared a transaction, for which it takes two at one domain. */
function believedAbout({ recipient }: ReturnTarget, recipients: readonly Recipient[]): readonly Recipient[] {
  if (recipient !== null) return recipients.filter(({ position }) => position === recipient)
  const byDomain = Map.groupBy(recipients, ({ mailbox }) => domainIn(mailbox))
  return [...byDomain.values()].filter((group) => group.length > 1).flat()
}

/** In any case: reports come from hosts that do not keep it. */
function isAbout({ originalRecipient, finalRecipient }: ReportedRecipient, { mailbox }: Recipient): boolean {
  const wanted = mailbox.toLowerCase()
  return originalRecipient?.toLowerCase() === wanted || finalRecipient?.toLowerCase() === wanted
}
