/**
 * A submission read and checked as far as its own text goes: who sends, who receives, what the X-SES-… headers say.
 * Order of the checks (docs/fidelity.md, "Order of checks"): shape, then address syntax field by field, then length.
 */
import { fail } from '../../errors/fail.ts'
import {
  type Mailbox,
  overLengthError,
  parseMailbox,
  parseMailboxList,
  userNameError,
} from '../../message/addresses.ts'
import { type HeaderField, type RawMessage, splitMessage } from '../../message/headers.ts'
import type { Parsed } from '../../message/parsed.ts'
import { parseListManagementHeader, parseTagsHeader } from '../../message/tags.ts'
import type { FormattedContent, ListManagement, Submission, Tag } from './submission.ts'
import type { Recipient } from '../../store/types.ts'

export type DraftRecipient = { readonly mailbox: Mailbox; readonly field: Recipient['field'] }

export type Draft = {
  readonly submission: Submission
  /** The caller's message; undefined: SES composes it. */
  readonly raw: RawMessage | undefined
  /** The envelope's sender; in raw mail without one, the From header's first. */
  readonly source: Mailbox
  /** All mailboxes of the From header (formatted: the source). */
  readonly from: readonly Mailbox[]
  readonly sender: Mailbox | undefined
  readonly recipients: readonly DraftRecipient[]
  readonly returnPath: Mailbox | undefined
  /** Where bounces are forwarded to. */
  readonly feedback: Mailbox
  readonly replyTo: readonly Mailbox[]
  readonly tags: readonly Tag[]
  readonly configurationSet: string | undefined
  readonly tenantName: string | undefined
  readonly listManagement: ListManagement | undefined
  readonly sourceArn: string | undefined
  readonly fromArn: string | undefined
  readonly returnPathArn: string | undefined
}

/** Throws what SES answers to a malformed submission. */
export function readDraft(submission: Submission): Draft {
  return submission.content.kind === 'raw'
    ? readRawDraft(submission, submission.content.data)
    : readFormattedDraft(submission, submission.content)
}

function readFormattedDraft(submission: Submission, content: FormattedContent): Draft {
  const { destination, sender } = submission
  // v1 cannot get here without a Source; v2 answers a null message, observed.
  if (sender === undefined) fail('InvalidParameterValue', null)
  const source = mailbox(sender)
  const recipients = addressees(destination)
  const returnPath = submission.returnPath === undefined ? undefined : mailbox(submission.returnPath)
  const replyTo = submission.replyTo.map(mailbox)
  // A custom header may name a Sender, and a Sender must be verified as well.
  const customSender = content.headers.find(({ name }) => name.toLowerCase() === 'sender')
  return {
    submission,
    raw: undefined,
    source,
    from: [source],
    sender: customSender && mailbox(customSender.value),
    recipients,
    returnPath,
    feedback: returnPath ?? source,
    replyTo,
    tags: submission.tags ?? [],
    configurationSet: submission.configurationSet,
    tenantName: submission.tenantName,
    listManagement: submission.listManagement,
    sourceArn: submission.sourceArn,
    fromArn: submission.fromArn,
    returnPathArn: submission.returnPathArn,
  }
}

function readRawDraft(submission: Submission, data: Uint8Array): Draft {
  const raw = value(splitMessage(data))
  const header = (name: string) => raw.headers.find((field) => field.lower === name)?.value
  const given = submission.sender === undefined ? undefined : mailbox(submission.sender)
  const from = fromHeader(submission, raw, given)
  const source = given ?? from[0] ?? fail('InvalidParameterValue', "Missing required header 'From'.")
  const recipients = rawRecipients(submission, raw.headers)
  // `Return-Path: <>` (mail that is sent on, automatic replies) names nobody who could be held to be verified.
  const returnPathText = submission.returnPath ?? emptyToUndefined(stripAngles(header('return-path') ?? ''))
  const returnPath = returnPathText === undefined ? undefined : mailbox(returnPathText)
  const senderText = emptyToUndefined(header('sender'))
  const tagsHeader = header('x-ses-message-tags')
  const listHeader = header('x-ses-list-management-options')
  const sourceArn = submission.sourceArn ?? header('x-ses-source-arn')
  return {
    submission,
    raw,
    source,
    from,
    sender: senderText === undefined ? undefined : mailbox(senderText),
    recipients,
    returnPath,
    feedback: feedbackOfRaw(submission, given, returnPath, source),
    replyTo: submission.replyTo.map(mailbox),
    tags: submission.tags ?? (tagsHeader === undefined ? [] : parseTagsHeader(tagsHeader)),
    configurationSet: submission.configurationSet ?? emptyToUndefined(header('x-ses-configuration-set')),
    tenantName: submission.tenantName ?? emptyToUndefined(header('x-ses-tenant')),
    listManagement:
      submission.listManagement ??
      (listHeader === undefined ? undefined : (parseListManagementHeader(listHeader) ?? undefined)),
    sourceArn,
    fromArn: submission.fromArn ?? header('x-ses-from-arn'),
    returnPathArn: submission.returnPathArn ?? header('x-ses-return-path-arn'),
  }
}

/** Each mailbox of the From header is looked up; nobody writes so many. What SES says is unknown. */
const MOST_SENDERS = 100

/**
 * The From header must be there, but for one exception, recorded from AWS: a message without any content is accepted
 * when the call names its source. Observed of v2: a malformed header has a message of its own, a missing `@` has not.
 */
function fromHeader(submission: Submission, raw: RawMessage, given: Mailbox | undefined): readonly Mailbox[] {
  const fields = raw.headers.filter((field) => field.lower === 'from')
  if (fields.length === 0) {
    const isEmpty = raw.headers.length === 0 && raw.body.length === 0
    if (given !== undefined && (isEmpty || submission.surface !== 'smtp')) return []
    fail('InvalidParameterValue', "Missing required header 'From'.")
  }
  const mailboxes = fields.flatMap((field) => {
    if (field.value === '') fail('InvalidParameterValue', "Empty required header 'From'.")
    const parsed = parseMailboxList(field.value)
    if (!parsed.ok && given === undefined && submission.surface === 'v2') {
      const told = parsed.error === "Missing final '@domain'" ? parsed.error : 'Invalid From address provided.'
      fail('InvalidParameterValue', told)
    }
    return value(parsed)
  })
  if (mailboxes.length > MOST_SENDERS) fail('InvalidParameterValue', `Sender count exceeds ${MOST_SENDERS}.`)
  return mailboxes
}

/** Who gets raw mail: the envelope given, else the Destination, else the To, Cc and Bcc headers with their groups. */
function rawRecipients(submission: Submission, headers: readonly HeaderField[]): readonly DraftRecipient[] {
  if (submission.envelope.length > 0) {
    const recipients = submission.envelope.map((text) => ({
      mailbox: envelopeMailbox(submission, text),
      field: 'envelope' as const,
    }))
    checkToHeader(headers)
    return recipients
  }
  const named = addressees(submission.destination)
  if (named.length > 0) {
    checkToHeader(headers)
    return named
  }
  const lists = (['to', 'cc', 'bcc'] as const).flatMap((field) =>
    headers
      .filter((header) => header.lower === field && header.value !== '')
      .flatMap((header) => value(parseMailboxList(header.value)).map((found) => ({ mailbox: found, field }))),
  )
  if (lists.length === 0) {
    const isThere = headers.some((header) => header.lower === 'to')
    fail('InvalidParameterValue', isThere ? "Empty required header 'To'." : "Missing required header 'To'.")
  }
  return lists
}

/** SMTP refuses local parts that some relays would take for a route, at the end of DATA. */
function envelopeMailbox({ surface }: Submission, text: string): Mailbox {
  const recipient = mailbox(text)
  const error = surface === 'smtp' ? userNameError(recipient) : null
  return error === null ? recipient : fail('InvalidParameterValue', error)
}

/** With an envelope of its own a message may do without a To header, but one that is there must be good. */
function checkToHeader(headers: readonly HeaderField[]): void {
  for (const header of headers) {
    if (header.lower !== 'to') continue
    if (header.value === '') fail('InvalidParameterValue', "Empty required header 'To'.")
    value(parseMailboxList(header.value))
  }
}

function addressees(destination: Submission['destination']): readonly DraftRecipient[] {
  return (['to', 'cc', 'bcc'] as const).flatMap((field) =>
    (destination?.[field] ?? []).map((text) => ({ mailbox: mailbox(text), field })),
  )
}

/**
 * SES guide, "Receiving Amazon SES notifications through email": SMTP the MAIL FROM; SendRawEmail the Source, even
 * before a Return-Path header; v2 the feedback address, else the From.
 */
function feedbackOfRaw(
  submission: Submission,
  given: Mailbox | undefined,
  returnPath: Mailbox | undefined,
  source: Mailbox,
): Mailbox {
  return submission.surface === 'v2' ? (returnPath ?? source) : (given ?? returnPath ?? source)
}

/**
 * Every address of the draft that SES holds to 320 characters, in the order in which it looks at them: of raw mail also
 * those of its headers, whoever the envelope names (observed).
 */
export function checkAddressLengths(draft: Draft): void {
  checkLength(draft.source)
  draft.from.forEach(checkLength)
  for (const recipient of draft.recipients) checkLength(recipient.mailbox)
  if (draft.raw !== undefined) longHeaderMailboxes(draft.raw.headers).forEach(checkLength)
  if (draft.returnPath !== undefined) checkLength(draft.returnPath)
  draft.replyTo.forEach(checkLength)
}

function checkLength(each: Mailbox): void {
  const error = overLengthError(each)
  if (error !== null) fail('InvalidParameterValue', error)
}

const MEASURED = ['to', 'cc', 'bcc', 'reply-to'] as const
// No address in a shorter text is over 320, quotes and backslashes of its normalized form included.
const HARMLESS_LENGTH = 150

/** Mailboxes that may be too long. A list that cannot be read is left alone: syntax is asked of the To header only. */
function longHeaderMailboxes(headers: readonly HeaderField[]): readonly Mailbox[] {
  return MEASURED.flatMap((name) =>
    headers
      .filter((field) => field.lower === name && field.value.length > HARMLESS_LENGTH)
      .flatMap((field) => {
        const parsed = parseMailboxList(field.value)
        return parsed.ok ? parsed.value : []
      }),
  )
}

function mailbox(text: string): Mailbox {
  return value(parseMailbox(text))
}

function value<T>(parsed: Parsed<T>): T {
  return parsed.ok ? parsed.value : fail('InvalidParameterValue', parsed.error)
}

function emptyToUndefined(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}

function stripAngles(text: string): string {
  return text.startsWith('<') && text.endsWith('>') ? text.slice(1, -1) : text
}
