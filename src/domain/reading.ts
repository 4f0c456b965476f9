/** Messages as people and tests read them: what was accepted, what is in it, and what became of it. */
import { fail } from '../errors/fail.ts'
import { renderEvent } from '../events/render.ts'
import { extractCodes, extractLinks, readMessage } from '../message/read.ts'
import type { Attempt, HeaderLine, Message, Recipient, StoredMessage } from '../store/types.ts'
import type { Services } from './context.ts'

/** A message in a listing. Times are ISO 8601. */
export type MessageSummary = {
  readonly messageId: string
  readonly account: string
  readonly region: string
  readonly acceptedAt: string
  readonly surface: Message['surface']
  readonly operation: string
  readonly source: string
  /** All envelope recipients, as the caller wrote them. */
  readonly destination: readonly string[]
  readonly subject: string | null
  readonly size: number
  readonly configurationSet: string | null
  readonly tags: Message['tags']
}

export type MessageDetails = MessageSummary & {
  readonly sourceArn: string | null
  readonly returnPath: string
  readonly feedbackAddress: string
  /** As they are delivered, in order, unfolded. */
  readonly headers: readonly HeaderLine[]
  readonly text: string | null
  readonly html: string | null
  /** Attachment `n` is at `…/attachments/n`. */
  readonly attachments: readonly AttachmentSummary[]
  readonly recipients: readonly (Pick<Recipient, 'address' | 'field' | 'status' | 'reply'> & {
    readonly updatedAt: string
  })[]
  /** SES's events, oldest first. */
  readonly events: readonly unknown[]
  readonly attempts: readonly (Omit<Attempt, 'at'> & { readonly at: string })[]
  /** Links in text and HTML, and what looks like a one-time code. */
  readonly links: readonly string[]
  readonly codes: readonly string[]
}

export type AttachmentSummary = {
  readonly filename: string | null
  readonly contentType: string
  readonly disposition: string | null
  readonly contentId: string | null
  readonly size: number
}

/** Throws NotFound. */
export async function findMessage(services: Services, messageId: string): Promise<StoredMessage> {
  return (
    (await services.store.messages.find(messageId)) ??
    fail('NotFound', `There is no message ${messageId.slice(0, 200)}.`)
  )
}

/** The message as it is delivered (RFC 5322). */
export async function rawOf(services: Services, { scope, message }: StoredMessage): Promise<Uint8Array> {
  return (
    (await services.store.messages.raw(scope, message.id)) ?? fail('NotFound', `There is no message ${message.id}.`)
  )
}

/** SES's events of the message, oldest first, each as the JSON text that is published. */
export async function eventsOf(services: Services, stored: StoredMessage): Promise<readonly string[]> {
  const events = await services.store.messages.events(stored.scope, stored.message.id)
  return events.map((event) => renderEvent(stored, event))
}

export function summarize({ scope, message }: StoredMessage): MessageSummary {
  return {
    messageId: message.id,
    account: scope.account,
    region: scope.region,
    acceptedAt: isoTime(message.acceptedAt),
    surface: message.surface,
    operation: message.operation,
    source: message.source,
    destination: message.destination,
    subject: message.commonHeaders.subject ?? null,
    size: message.size,
    configurationSet: message.configurationSet,
    tags: message.tags,
  }
}

/** Everything that is known of a message. */
export async function detail(services: Services, stored: StoredMessage): Promise<MessageDetails> {
  const { scope, message } = stored
  const { messages } = services.store
  const [raw, recipients, events, attempts] = await Promise.all([
    rawOf(services, stored),
    messages.recipients(scope, message.id),
    eventsOf(services, stored),
    messages.attempts(scope, message.id),
  ])
  const read = await readMessage(raw)
  return {
    ...summarize(stored),
    sourceArn: message.sourceArn,
    returnPath: message.returnPath,
    feedbackAddress: message.feedbackAddress,
    headers: read.headers.map(({ name, value }) => ({ name, value })),
    text: read.text,
    html: read.html,
    attachments: read.attachments.map(({ filename, contentType, disposition, contentId, size }) => ({
      filename,
      contentType,
      disposition,
      contentId,
      size,
    })),
    recipients: recipients.map(({ address, field, status, reply, updatedAt }) => ({
      address,
      field,
      status,
      reply,
      updatedAt: isoTime(updatedAt),
    })),
    events: events.map((event): unknown => JSON.parse(event)),
    attempts: attempts.map((attempt) => ({ ...attempt, at: isoTime(attempt.at) })),
    links: extractLinks(read.text, read.html),
    codes: extractCodes(read.text, read.html),
  }
}

/** A message's parts, decoded. */
export type Content = Awaited<ReturnType<typeof readMessage>>

export async function contentOf(services: Services, stored: StoredMessage): Promise<Content> {
  return await readMessage(await rawOf(services, stored))
}

// As many as a test suite ever sends between two resets, and as much as can be read in one go.
const MOST_AT_ONCE = 1000
const MOST_BYTES_AT_ONCE = 64 * 1024 * 1024

/**
 * What users sent (not what we wrote to them), accepted at `since` or later, oldest first. Of more than 1000 messages or
 * 64 MB only the newest.
 */
export async function sentMessages(services: Services, since?: number): Promise<readonly StoredMessage[]> {
  const newest = await services.store.messages.list({ since }, { limit: MOST_AT_ONCE })
  const sent = newest.filter(({ message }) => message.surface !== 'system')
  let left = MOST_BYTES_AT_ONCE
  const excess = sent.findIndex(({ message }) => (left -= message.size) < 0)
  return sent.slice(0, excess === -1 ? undefined : Math.max(excess, 1)).toReversed()
}

/** The octets of attachment `index`. Throws NotFound. */
export async function attachmentOf(services: Services, stored: StoredMessage, index: number): Promise<Uint8Array> {
  const { attachments } = await contentOf(services, stored)
  const attachment = attachments[index] ?? fail('NotFound', `Message ${stored.message.id} has no attachment ${index}.`)
  return attachment.content
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
