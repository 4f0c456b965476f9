/** What the stand-ins tell of a message and SES does not: how it was sent, and to whom in which role. */
import type { Services } from '../../../domain/context.ts'
import type { findMessage } from '../../../domain/reading.ts'

export type Stored = Awaited<ReturnType<typeof findMessage>>

/** The headers that composed mail begins with, in this order; those in brackets may be missing. */
const COMPOSED = ['from', 'to', '[cc]', '[reply-to]', 'subject', 'mime-version', 'content-type']

/**
 * Whether the caller composed the message himself. v1's operations say it; v2 has one for both kinds, of which
 * the order of headers tells.
 */
export function isRaw({ message }: Stored): boolean {
  if (message.surface !== 'v2') return message.operation !== 'SendEmail'
  const names = message.headers.map(({ name }) => name.toLowerCase())
  for (const expected of COMPOSED) {
    const isOptional = expected.startsWith('[')
    const name = isOptional ? expected.slice(1, -1) : expected
    if (names[0] === name) names.shift()
    else if (!isOptional && name !== 'to') return true
  }
  return false
}

/** The recipients as the caller wrote them, by their role; those of a bare envelope count as `to`. */
export async function destinationOf({ store }: Services, { scope, message }: Stored) {
  const recipients = await store.messages.recipients(scope, message.id)
  const inRole = (...roles: string[]) =>
    recipients.filter(({ field }) => roles.includes(field)).map(({ address }) => address)
  return { to: inRole('to', 'envelope'), cc: inRole('cc'), bcc: inRole('bcc') }
}
