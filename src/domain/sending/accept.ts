/** Taking a message in: its identifiers, its final form, and one transaction that makes it ours. */
import { fail } from '../../errors/fail.ts'
import { isSimulated } from '../../message/simulated.ts'
import { sendEvent } from '../../events/records.ts'
import { containsEicar } from '../../message/eicar.ts'
import { decodeWords, headerField, type RawMessage } from '../../message/headers.ts'
import { type Mailbox, parseMailboxList } from '../../message/addresses.ts'
import { formatDate, rewrite } from '../../message/rewrite.ts'
import type { Ctx, Services } from '../context.ts'
import type { CommonHeaders, HeaderLine, Message, Scope } from '../../store/types.ts'
import { feedbackIdHeader, makeMessageId, messageIdHeader } from './message-id.ts'
import type { DraftRecipient } from './draft.ts'
import { fateOf, rejected } from './fate.ts'
import type { ListManagement, Tag } from './submission.ts'

/** Everything that is known of a message when it is taken in. */
export type Letter = {
  readonly surface: Message['surface']
  readonly operation: string
  readonly isRaw: boolean
  readonly source: Mailbox
  readonly sourceArn: string | null
  /** Makes the envelope sender out of the MessageId. */
  readonly returnPath: (messageId: string) => string
  readonly feedbackAddress: string
  readonly configurationSet: string | null
  readonly tags: readonly Tag[]
  readonly automaticTags: Readonly<Record<string, readonly string[]>>
  readonly recipients: readonly DraftRecipient[]
  readonly message: RawMessage
  readonly tenantName: string | null
  readonly listManagement: ListManagement | null
}

// SES guide, "Contents of event data": headers over 10 KB are cut, and `headersTruncated` says so.
const EVENT_HEADER_BYTES = 10_240

/** Writes the message, its jobs and its Send event, and gives its MessageId once they are safe. */
export async function acceptLetter(services: Services, scope: Scope, letter: Letter): Promise<string> {
  const now = services.clock.now()
  const id = makeMessageId(scope.region, now, services.random.uuid())
  const fields = letter.message.headers
  const hasFrom = fields.some(({ lower }) => lower === 'from')
  const raw = rewrite(
    // A message without a From is accepted under a source, but no mail server would take it on: it gets one.
    hasFrom ? letter.message : { ...letter.message, headers: [...fields, headerField('From', letter.source.text)] },
    {
      date: formatDate(now),
      messageId: messageIdHeader(id, scope.region, services.config.mailDomain),
      feedbackId: feedbackIdHeader(scope, letter.tags),
    },
  )
  const recipients = letter.recipients.map(({ mailbox, field }, position) => ({
    position,
    address: mailbox.text,
    mailbox: mailbox.address,
    field,
  }))
  const message = describe(letter, { id, now, size: raw.length })
  const fate = containsEicar(letter.message)
    ? rejected(recipients, message.counted, now)
    : fateOf(services, { scope, message }, { acceptedAt: now, recipients })
  const known = fate instanceof Promise ? await fate : fate
  const jobs = await services.store.messages.accept({
    scope,
    message,
    raw,
    ...known,
    events: [sendEvent(now), ...known.events],
  })
  services.onAccepted({ scope, message, jobs })
  return id
}

/** Refuses with ServiceUnavailable what comes while too much is being taken in already. */
export async function bounded<T>(ctx: Ctx, task: () => Promise<T>): Promise<T> {
  const { gate, config } = ctx
  if (gate.underWay >= config.limits.acceptancesUnderWay) {
    fail('ServiceUnavailable', 'Service is temporarily unavailable.')
  }
  gate.underWay++
  try {
    return await task()
  } finally {
    gate.underWay--
  }
}

/** The tags that SES adds by itself, in the order of recorded events. */
export function automaticTags(
  ctx: Ctx,
  letter: { operation: string; configurationSet: string | null; from: Mailbox | undefined },
) {
  const { caller } = ctx
  return {
    ...(caller.tlsVersion === null ? {} : { 'ses:source-tls-version': [caller.tlsVersion] }),
    'ses:operation': [letter.operation],
    ...(letter.configurationSet === null ? {} : { 'ses:configuration-set': [letter.configurationSet] }),
    'ses:source-ip': [caller.sourceIp],
    ...(letter.from === undefined ? {} : { 'ses:from-domain': [letter.from.domain] }),
    'ses:caller-identity': [caller.principal.userName],
  }
}

function describe(letter: Letter, at: { id: string; now: number; size: number }): Message {
  const { lines, isTruncated } = eventHeaders(letter.message)
  const { 'ses:caller-identity': callerIdentity, ...automatic } = letter.automaticTags
  return {
    id: at.id,
    acceptedAt: at.now,
    surface: letter.surface,
    operation: letter.operation,
    isRaw: letter.isRaw,
    source: letter.source.text,
    sourceArn: letter.sourceArn,
    returnPath: letter.returnPath(at.id),
    feedbackAddress: letter.feedbackAddress,
    configurationSet: letter.configurationSet,
    tags: {
      ...automatic,
      ...(letter.tags.length === 0 ? {} : byName(letter.tags)),
      ...(callerIdentity === undefined ? {} : { 'ses:caller-identity': callerIdentity }),
    },
    destination: letter.recipients.map(({ mailbox }) => mailbox.text),
    headers: lines,
    headersTruncated: isTruncated,
    commonHeaders: commonHeaders(letter.message, at.id),
    tenantName: letter.tenantName,
    listManagement: letter.listManagement,
    size: at.size,
    counted: letter.surface === 'system' ? 0 : countedOf(letter.recipients),
  }
}

/**
 * Recipients that count against the daily quota: not those at the mailbox simulator, which is limited by the rate only
 * (SES guide: "Using the mailbox simulator").
 */
export function countedOf(recipients: readonly DraftRecipient[]): number {
  let counted = 0
  for (const { mailbox } of recipients) if (!isSimulated(mailbox.address)) counted += 1
  return counted
}

function byName(tags: readonly Tag[]): Readonly<Record<string, readonly string[]>> {
  const grouped = Map.groupBy(tags, ({ name }) => name)
  return Object.fromEntries(Array.from(grouped, ([name, some]) => [name, some.map(({ value }) => value)]))
}

function eventHeaders(message: RawMessage): { lines: readonly HeaderLine[]; isTruncated: boolean } {
  let octets = 0
  const lines: HeaderLine[] = []
  for (const { name, value } of message.headers) {
    octets += name.length + value.length + 4
    if (octets > EVENT_HEADER_BYTES) return { lines, isTruncated: true }
    lines.push({ name, value })
  }
  return { lines, isTruncated: false }
}

function commonHeaders(message: RawMessage, messageId: string): CommonHeaders {
  const find = (lower: string) => message.headers.find((field) => field.lower === lower)?.value
  const list = (lower: string) => {
    const text = find(lower)
    if (text === undefined || text === '') return undefined
    const parsed = parseMailboxList(text)
    return parsed.ok ? parsed.value.map((mailbox) => decodeWords(mailbox.text)) : [decodeWords(text)]
  }
  const one = (lower: string) => {
    const text = find(lower)
    return text === undefined ? undefined : decodeWords(text)
  }
  return {
    returnPath: find('return-path'),
    from: list('from'),
    sender: one('sender'),
    replyTo: list('reply-to'),
    date: find('date'),
    to: list('to'),
    cc: list('cc'),
    bcc: list('bcc'),
    messageId,
    subject: one('subject'),
  }
}
