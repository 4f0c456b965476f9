/** SES's event JSON, one function an event type (SES guide: "Examples of event data"). Field order is that of recorded events. */
import { isoTime, type MailObject } from './mail.ts'

/** An event ready for the store and for publishing: its type, its time (ms) and its JSON text. */
export type EventRecord = { readonly type: string; readonly at: number; readonly json: string }

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
}

function record(type: string, at: number, members: Readonly<Record<string, unknown>>): EventRecord {
  return { type, at, json: JSON.stringify({ eventType: type, ...members }) }
}

export function sendEvent(at: number, mail: MailObject): EventRecord {
  return record('Send', at, { mail, send: {} })
}

export function rejectEvent(at: number, mail: MailObject, reason: string): EventRecord {
  return record('Reject', at, { mail, reject: { reason } })
}

export function deliveryEvent(at: number, mail: MailObject, delivery: DeliveryRecord): EventRecord {
  return record('Delivery', at, { mail, delivery: { timestamp: isoTime(at), ...delivery } })
}

export function bounceEvent(at: number, mail: MailObject, bounce: Bounce): EventRecord {
  const { reportingMTA, remoteMtaIp, ...known } = bounce
  return record('Bounce', at, {
    bounce: {
      ...known,
      timestamp: isoTime(at),
      ...(remoteMtaIp === undefined ? {} : { remoteMtaIp }),
      ...(reportingMTA === undefined ? {} : { reportingMTA }),
    },
    mail,
  })
}

export function complaintEvent(at: number, mail: MailObject, complaint: Complaint): EventRecord {
  const { complainedRecipients, feedbackId, complaintSubType, ...report } = complaint
  return record('Complaint', at, {
    complaint: {
      feedbackId,
      complaintSubType,
      complainedRecipients: complainedRecipients.map((emailAddress) => ({ emailAddress })),
      timestamp: isoTime(at),
      ...report,
    },
    mail,
  })
}

export function deliveryDelayEvent(at: number, mail: MailObject, delay: DeliveryDelay): EventRecord {
  const { expirationTime, ...known } = delay
  return record('DeliveryDelay', at, {
    mail,
    deliveryDelay: { timestamp: isoTime(at), ...known, expirationTime: isoTime(expirationTime) },
  })
}

export function openEvent(at: number, mail: MailObject, open: { ipAddress: string; userAgent: string }): EventRecord {
  return record('Open', at, { mail, open: { timestamp: isoTime(at), ...open } })
}

export type Click = {
  readonly ipAddress: string
  readonly userAgent: string
  readonly link: string
  readonly linkTags: Readonly<Record<string, readonly string[]>> | null
}

export function clickEvent(at: number, mail: MailObject, click: Click): EventRecord {
  return record('Click', at, { mail, click: { timestamp: isoTime(at), ...click } })
}
