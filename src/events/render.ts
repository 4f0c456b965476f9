/** The JSON of an event, letter for letter as it is published: what the event says, and the mail that it is about. */
import type { MessageEvent, StoredMessage } from '../store/types.ts'
import { mailObject } from './mail.ts'
import type { EventMembers } from './records.ts'

/** Recorded: in these `mail` comes last; in all others right after `eventType`. */
const MAIL_LAST: ReadonlySet<string> = new Set(['Bounce', 'Complaint'])

/** Renders an event of the message, such as `{"eventType":"Send","mail":{…},"send":{}}`. */
export function renderEvent({ scope, message }: StoredMessage, event: Pick<MessageEvent, 'type' | 'json'>): string {
  const { mailTags, eventType, ...members }: EventMembers = JSON.parse(event.json)
  // Version 0.1.0 stored events whole.
  if (eventType !== undefined) return event.json
  const mail = mailObject(scope.account, message, mailTags)
  return JSON.stringify(
    MAIL_LAST.has(event.type)
      ? { eventType: event.type, ...members, mail }
      : { eventType: event.type, mail, ...members },
  )
}
