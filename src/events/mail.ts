/** The `mail` object that every event carries (SES guide: "Contents of event data", The mail object). */
import type { CommonHeaders, HeaderLine, Message } from '../store/types.ts'

/** As it stands in the JSON; members that a message lacks are absent. */
export type MailObject = {
  readonly timestamp: string
  readonly source: string
  readonly sourceArn?: string
  readonly sendingAccountId: string
  readonly messageId: string
  readonly destination: readonly string[]
  readonly headersTruncated: boolean
  readonly headers: readonly HeaderLine[]
  readonly commonHeaders: CommonHeaders
  readonly tags: Readonly<Record<string, readonly string[]>>
}

export type MailTags = MailObject['tags']

/** `moreTags`: those that only later events have, such as `ses:outgoing-ip`. */
export function mailObject(account: string, message: Message, moreTags: MailTags = {}): MailObject {
  return {
    timestamp: isoTime(message.acceptedAt),
    source: message.source,
    ...(message.sourceArn === null ? {} : { sourceArn: message.sourceArn }),
    sendingAccountId: account,
    messageId: message.id,
    destination: message.destination,
    headersTruncated: message.headersTruncated,
    headers: message.headers,
    commonHeaders: message.commonHeaders,
    tags: { ...message.tags, ...moreTags },
  }
}

/** Many messages are accepted in the same millisecond. */
let lastTime = { ms: NaN, text: '' }

/** ISO 8601 with milliseconds, UTC. */
export function isoTime(ms: number): string {
  if (ms !== lastTime.ms) lastTime = { ms, text: new Date(ms).toISOString() }
  return lastTime.text
}
