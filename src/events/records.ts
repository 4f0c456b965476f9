/**
 * SES's events, one function an event type (SES guide: "Examples of event data"). Field order is that of recorded events.
 *
 * A record holds what the event says of itself. The `mail` object is the same in each event of a message and more than
 * half of its text, so that it is not written again with each: `renderEvent` puts the two together.
 */
import { isoTime, type MailTags } from './mail.ts'

/** An event ready for the store: its type, its time (ms), and its members but `eventType` and `mail` as JSON. */
export type EventRecord = { readonly type: string; readonly at: number; readonly json: string }

/** `mailTags`: what this event adds to the tags of `mail`, such as `ses:outgoing-ip`. */
export type EventMembers = { readonly mailTags?: MailTags } & Readonly<Record<string, unknown>>

export type BouncedRecipient = {
  readonly emailAddress: string
  readonly action?: string
  readonly status?: string
  readonly diagnosticCode?: string
}

export type Bounce = {
  readonly feedbackId: string
  readonly bounceType: 'Undetermined' | 'Permanent' | 'Transient'
  readonly bounceSubType: string
  readonly bouncedRecipients: readonly BouncedRecipient[]
  /** `dns; host`, only when a refusal or a delivery status notification was received. */
  readonly reportingMTA?: string
  readonly remoteMtaIp?: string
}

export type Complaint = {
  readonly feedbackId: string
  readonly complaintSubType: string | null
  readonly complainedRecipients: readonly string[]
  readonly userAgent?: string
  readonly complaintFeedbackType?: string
  readonly arrivalDate?: string
}

export type DeliveryRecord = {
  readonly processingTimeMillis: number
  readonly recipients: readonly string[]
  /** The whole final line of the remote server, code included. */
  readonly smtpResponse: string
  readonly remoteMtaIp?: string
  /** A bare host name, unlike a bounce's. */
  readonly reportingMTA: string
}

export type DeliveryDelay = {
  readonly delayType: string
  readonly expirationTime: number
  readonly delayedRecipients: readonly { emailAddress: string; status: string; diagnosticCode: string }[]
  /** The IP address of the server that said so. */
  readonly reportingMTA?: string
}

function record(type: string, at: number, members: EventMembers): EventRecord {
  return { type, at, json: JSON.stringify(members) }
}

/** The address that the mail left from, as events since then tell it. */
export function leftFrom(outgoingIp: string): MailTags {
  return { 'ses:outgoing-ip': [outgoingIp] }
}

export function sendEvent(at: number): EventRecord {
  return record('Send', at, { send: {} })
}

export function rejectEvent(at: number, reason: string): EventRecord {
  return record('Reject', at, { reject: { reason } })
}

export function deliveryEvent(at: number, mailTags: MailTags, delivery: DeliveryRecord): EventRecord {
  return record('Delivery', at, { mailTags, delivery: { timestamp: isoTime(at), ...delivery } })
}

export function bounceEvent(at: number, mailTags: MailTags, bounce: Bounce): EventRecord {
  const { reportingMTA, remoteMtaIp, ...known } = bounce
  return record('Bounce', at, {
    mailTags,
    bounce: {
      ...known,
      timestamp: isoTime(at),
      ...(remoteMtaIp === undefined ? {} : { remoteMtaIp }),
      ...(reportingMTA === undefined ? {} : { reportingMTA }),
    },
  })
}

export function complaintEvent(at: number, mailTags: MailTags, complaint: Complaint): EventRecord {
  const { complainedRecipients, feedbackId, complaintSubType, ...report } = complaint
  return record('Complaint', at, {
    mailTags,
    complaint: {
      feedbackId,
      complaintSubType,
      complainedRecipients: complainedRecipients.map((emailAddress) => ({ emailAddress })),
      timestamp: isoTime(at),
      ...report,
    },
  })
}

export function deliveryDelayEvent(at: number, mailTags: MailTags, delay: DeliveryDelay): EventRecord {
  const { delayType, expirationTime, ...known } = delay
  return record('DeliveryDelay', at, {
    mailTags,
    deliveryDelay: { timestamp: isoTime(at), delayType, expirationTime: isoTime(expirationTime), ...known },
  })
}

export function openEvent(
  at: number,
  mailTags: MailTags,
  open: { readonly ipAddress: string; readonly userAgent: string },
): EventRecord {
  return record('Open', at, { mailTags, open: { timestamp: isoTime(at), ...open } })
}

export type Click = {
  readonly ipAddress: string
  readonly userAgent: string
  readonly link: string
  readonly linkTags: Readonly<Record<string, readonly string[]>> | null
}

export function clickEvent(at: number, mailTags: MailTags, click: Click): EventRecord {
  return record('Click', at, { mailTags, click: { timestamp: isoTime(at), ...click } })
}
