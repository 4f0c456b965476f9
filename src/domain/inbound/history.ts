/** The message that a report is about, and what its events have told already. */
import type { MailTags } from '../../events/mail.ts'
import type { ReturnTarget } from '../../message/return-path.ts'
import type { MessageEvent, Recipient, StoredMessage } from '../../store/types.ts'
import type { Services } from '../context.ts'

export type Reported = {
  readonly stored: StoredMessage
  readonly recipients: readonly Recipient[]
  readonly history: History
}

/** By the mailboxes of recipients, as events have them. */
export type History = {
  readonly bounced: ReadonlySet<string>
  /** `TYPE MAILBOX`, the type as in `complaintFeedbackType`. */
  readonly complained: ReadonlySet<string>
  readonly delivered: ReadonlyMap<string, Handover>
}

/** Where a message was handed over, and what later events repeat of it. */
export type Handover = { readonly mailTags: MailTags; readonly remoteMtaIp: string | undefined }

/** undefined: the message is not here any more, or was never here. Throws ServiceUnavailable. */
export async function findReported({ store }: Services, { messageId }: ReturnTarget): Promise<Reported | undefined> {
  const stored = await store.messages.find(messageId)
  if (stored === undefined) return undefined
  const recipients = await store.messages.recipients(stored.scope, messageId)
  const history = historyOf(await store.messages.ends(stored.scope, messageId))
  return { stored, recipients, history }
}

function historyOf(events: readonly MessageEvent[]): History {
  const bounced = new Set<string>()
  const complained = new Set<string>()
  const delivered = new Map<string, Handover>()
  for (const { json } of events) {
    const { mailTags, bounce, complaint, delivery } = membersOf(JSON.parse(json))
    for (const address of addressesIn(membersOf(bounce)['bouncedRecipients'])) bounced.add(address)
    const { complainedRecipients, complaintFeedbackType } = membersOf(complaint)
    for (const address of addressesIn(complainedRecipients))
      complained.add(`${String(complaintFeedbackType)} ${address}`)
    const { recipients, remoteMtaIp } = membersOf(delivery)
    const ip = typeof remoteMtaIp === 'string' ? remoteMtaIp : undefined
    for (const address of textsIn(recipients)) delivered.set(address, { mailTags: tagsIn(mailTags), remoteMtaIp: ip })
  }
  return { bounced, complained, delivered }
}

type Members = Readonly<Record<string, unknown>>

function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function textsIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
}

function addressesIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? textsIn(value.map((each: unknown) => membersOf(each)['emailAddress'])) : []
}

function tagsIn(value: unknown): MailTags {
  return Object.fromEntries(Object.entries(membersOf(value)).map(([name, values]) => [name, textsIn(values)]))
}
