/** What the stand-ins tell of a message and SES does not: to whom it was sent in which role. */
import type { Services } from '../../../domain/context.ts'
import type { findMessage } from '../../../domain/reading.ts'

export type Stored = Awaited<ReturnType<typeof findMessage>>

/** The recipients as the caller wrote them, by their role; those of a bare envelope count as `to`. */
export async function destinationOf({ store }: Services, { scope, message }: Stored) {
  const recipients = await store.messages.recipients(scope, message.id)
  const inRole = (...roles: string[]) =>
    recipients.filter(({ field }) => roles.includes(field)).map(({ address }) => address)
  return { to: inRole('to', 'envelope'), cc: inRole('cc'), bcc: inRole('bcc') }
}
