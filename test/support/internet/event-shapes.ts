/**
 * The form of SES's events, each member by name and type, as facts of SES have it (SES guide: "Contents of event data
 * that Amazon SES publishes"). Members that are not named here are faults.
 */
import assert from 'node:assert/strict'

/** Fails where `value`, which stands at `path`, is of another form. */
type Shape = (value: unknown, path: string) => void
type Shapes = Readonly<Record<string, Shape>>
export type Members = Readonly<Record<string, unknown>>

export const EVENT_TYPES = ['Send', 'Delivery', 'Bounce', 'Complaint', 'DeliveryDelay', 'Reject'] as const
export type EventType = (typeof EVENT_TYPES)[number]

/** The member that says what the event has to say. */
export const BODY: Readonly<Record<EventType, string>> = {
  Send: 'send',
  Delivery: 'delivery',
  Bounce: 'bounce',
  Complaint: 'complaint',
  DeliveryDelay: 'deliveryDelay',
  Reject: 'reject',
}

const text = matching(/^[^\r]+$/)
const iso = matching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
const address = matching(/^[^\s<>@]+@[^\s<>@]+$/)
const ip = matching(/^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:]*:[0-9a-f:.]+)$/)
const hostName = matching(/^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/)
/** SES's ids: region and milliseconds in hex, a UUID, six digits. */
const id = matching(/^01[0-9a-f]{14}-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-\d{6}$/)
const status = matching(/^[45]\.\d{1,3}\.\d{1,3}$/)
/** RFC 3464 §2.3.6: kind and text, as SES writes them. */
const diagnostic = matching(/^smtp; [45]\d\d(?:[ -]|$)/)
const onList = matching(/^Amazon SES did not send the message to this address because it is on the suppression list/)
const flag: Shape = (value, path) => assert.equal(typeof value, 'boolean', path)
const count: Shape = (value, path) => assert.ok(Number.isInteger(value) && Number(value) >= 0, path)

const MAIL_TAGS: Shapes = {
  'ses:operation': oneOf('SendEmail', 'SendRawEmail'),
  'ses:source-ip': ip,
  'ses:from-domain': hostName,
  'ses:caller-identity': text,
}
const LATER_TAGS: Shapes = {
  'ses:outgoing-ip': ip,
  'ses:outgoing-tls-version': oneOf('TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'),
}

const mail: Shape = members(
  {
    timestamp: iso,
    source: address,
    sourceArn: matching(/^arn:aws:ses:us-east-1:\d{12}:identity\/example\.com$/),
    sendingAccountId: matching(/^\d{12}$/),
    messageId: id,
    destination: listOf(address),
    headersTruncated: flag,
    headers: listOf(members({ name: text, value: text })),
    commonHeaders: members({ from: listOf(address), to: listOf(address), messageId: id, subject: text }),
  },
  { tags: () => {} },
)

const BOUNCED_BY_LIST = members({ emailAddress: address, action: oneOf('failed'), status, diagnosticCode: onList })
const BOUNCED = members({ emailAddress: address, action: oneOf('failed'), status, diagnosticCode: diagnostic })

const BODIES: Readonly<Record<EventType, Shape>> = {
  Send: members({}),
  Reject: members({ reason: oneOf('Bad content') }),
  Delivery: members({
    timestamp: iso,
    processingTimeMillis: count,
    recipients: listOf(address),
    smtpResponse: matching(/^2\d\d[ -]/),
    remoteMtaIp: ip,
    reportingMTA: hostName,
  }),
  Bounce: members(
    {
      feedbackId: id,
      bounceType: oneOf('Permanent', 'Transient', 'Undetermined'),
      bounceSubType: oneOf(
        'General',
        'MailboxFull',
        'MessageTooLarge',
        'ContentRejected',
        'AttachmentRejected',
        'CustomTimeoutExceeded',
        'OnAccountSuppressionList',
        'Undetermined',
      ),
      bouncedRecipients: listOf((value, path) =>
        isOfList(value) ? BOUNCED_BY_LIST(value, path) : BOUNCED(value, path),
      ),
      timestamp: iso,
      reportingMTA: matching(/^dns; [a-z0-9-]+(?:\.[a-z0-9-]+)+$/),
    },
    { remoteMtaIp: ip },
  ),
  Complaint: members(
    {
      feedbackId: id,
      complaintSubType: (value, path) => assert.ok(value === null || value === 'OnAccountSuppressionList', path),
      complainedRecipients: listOf(members({ emailAddress: address })),
      timestamp: iso,
    },
    {
      userAgent: text,
      complaintFeedbackType: oneOf('abuse', 'auth-failure', 'fraud', 'not-spam', 'other', 'virus'),
      arrivalDate: iso,
    },
  ),
  DeliveryDelay: members(
    {
      timestamp: iso,
      delayType: oneOf(
        'InternalFailure',
        'General',
        'MailboxFull',
        'SpamDetected',
        'RecipientServerError',
        'IPFailure',
        'TransientCommunicationFailure',
        'Undetermined',
      ),
      expirationTime: iso,
      delayedRecipients: listOf(members({ emailAddress: address, status, diagnosticCode: diagnostic })),
    },
    { reportingMTA: ip },
  ),
}

/** Fails unless `event` is, member for member, of the form that SES's events of its type have. */
export function checkForm(event: unknown): asserts event is Members & { readonly eventType: EventType } {
  assert.ok(isMembers(event), 'an event is an object')
  const type = EVENT_TYPES.find((each) => each === event['eventType'])
  assert.ok(type !== undefined, `${String(event['eventType'])} is no type of event`)
  members({ eventType: text, mail, [BODY[type]]: BODIES[type] })(event, type)
  checkTags(type, event['mail'])
}

/** Each tag is a list of one; those of the way out are never on what happened before. */
function checkTags(type: EventType, of: unknown): void {
  const isAfterwards = type === 'Delivery' || type === 'Bounce' || type === 'Complaint'
  const tags = isMembers(of) ? of['tags'] : undefined
  members(single(MAIL_TAGS), single({ 'ses:configuration-set': text, ...(isAfterwards ? LATER_TAGS : {}) }))(
    tags,
    `${type}.mail.tags`,
  )
  if (type === 'Delivery') assert.ok(isMembers(tags) && 'ses:outgoing-ip' in tags, 'Delivery.mail.tags')
}

function single(shapes: Shapes): Shapes {
  return Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, listOf(shape, 1)]))
}

function isOfList(value: unknown): boolean {
  return isMembers(value) && !String(value['diagnosticCode']).startsWith('smtp; ')
}

/** Exactly the members of `needed`, and perhaps those of `more`. */
function members(needed: Shapes, more: Shapes = {}): Shape {
  return (value, path) => {
    assert.ok(isMembers(value), `${path} is an object: ${JSON.stringify(value)}`)
    for (const name of Object.keys(needed)) assert.ok(Object.hasOwn(value, name), `${path} has no ${name}`)
    for (const [name, member] of Object.entries(value)) {
      const shape = needed[name] ?? more[name]
      assert.ok(shape !== undefined, `${path} has ${name}, which SES’s has not`)
      shape(member, `${path}.${name}`)
    }
  }
}

/** A list with something in it. */
function listOf(shape: Shape, length?: number): Shape {
  return (value, path) => {
    assert.ok(Array.isArray(value) && value.length > 0, `${path} is a list: ${JSON.stringify(value)}`)
    if (length !== undefined) assert.equal(value.length, length, path)
    for (const [index, each] of value.entries()) shape(each, `${path}[${index}]`)
  }
}

function oneOf(...words: readonly string[]): Shape {
  return (value, path) =>
    assert.ok(
      words.some((word) => word === value),
      `${path}: ${JSON.stringify(value)}`,
    )
}

function matching(pattern: RegExp): Shape {
  return (value, path) => {
    assert.ok(typeof value === 'string', `${path} is a text: ${JSON.stringify(value)}`)
    assert.match(value, pattern, path)
  }
}

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
