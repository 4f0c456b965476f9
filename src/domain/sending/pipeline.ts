/**
 * The one pipeline that every surface runs: v1, v2 and SMTP hand in a {@link Submission}, and get a MessageId or SES's
 * error. The order of the checks is SES's as far as it is known (docs/fidelity.md, "Order of checks").
 */
import { fail } from '../../errors/fail.ts'
import { type Composed, composeParts } from '../../message/compose.ts'
import { checkHeaders, type RawMessage, readComposed } from '../../message/headers.ts'
import { checkMime } from '../../message/mime.ts'
import { tagError } from '../../message/tags.ts'
import { settingsForSending } from '../accounts/settings.ts'
import { type Ctx, scopeOf } from '../context.ts'
import { effectiveMailFrom } from '../identities/resolution.ts'
import { acceptLetter, automaticTags, bounded, countedOf } from './accept.ts'
import { checkAddressLengths, type Draft, readDraft } from './draft.ts'
import { checkIdentities, resolveSenders, type SenderIdentity } from './identities.ts'
import { defaultReturnPath } from './message-id.ts'
import type { Usable } from './standing.ts'
import { checkAccountState, checkConfigurationSet } from './state.ts'
import type { FormattedContent, Submission } from './submission.ts'
import type { AccountSettings, MailFrom } from '../../store/types.ts'

/** Accepts the message, or throws the SesError that SES answers. A refused submission leaves no trace: not counted, not stored. */
export function send(ctx: Ctx, submission: Submission): Promise<string> {
  return bounded(ctx, () => sendBounded(ctx, submission))
}

async function sendBounded(ctx: Ctx, submission: Submission): Promise<string> {
  const scope = scopeOf(ctx)
  const settings = await settingsForSending(ctx, scope)
  checkAccountState(settings)
  checkTenant(ctx, submission.tenantName)
  checkAddressCount(ctx, submission)
  const draft = readDraft(submission)
  if (draft.tenantName !== submission.tenantName) checkTenant(ctx, draft.tenantName)
  checkRecipientCount(ctx, draft)
  const senders = await resolveSenders(ctx, draft)
  const source = senders.source?.usable
  const set = draft.configurationSet ?? defaultSet(ctx, source)
  const configurationSet =
    set === null ? null : await checkConfigurationSet(ctx, set, draft.configurationSet === undefined)
  checkAddressLengths(draft)
  checkTags(draft)
  checkContactList(draft)
  const message = contents(ctx, draft)
  await checkIdentities(ctx, draft, senders, settings, configurationSet)
  const mailFrom = source === undefined ? undefined : mailFromDomain(await mailFromOf(ctx, source, senders.source))
  return await withinQuota(ctx, draft, settings, () =>
    acceptLetter(ctx, scope, {
      surface: submission.surface,
      operation: submission.operation,
      isRaw: submission.content.kind === 'raw',
      source: draft.source,
      sourceArn: source?.arn ?? null,
      returnPath: (id) =>
        mailFrom === undefined ? defaultReturnPath(id, scope.region, ctx.config.mailDomain) : `${id}@${mailFrom}`,
      feedbackAddress: draft.feedback.address,
      configurationSet,
      tags: draft.tags,
      automaticTags: automaticTags(ctx, { operation: submission.operation, configurationSet, from: draft.from[0] }),
      recipients: draft.recipients,
      message,
      tenantName: draft.tenantName ?? null,
      listManagement: draft.listManagement ?? null,
    }),
  )
}

/** Of the caller's own identity only: an owner's configuration sets are not his delegates' (SES guide: "Using sending authorization"). */
function defaultSet(ctx: Ctx, source: Usable | undefined): string | null {
  return source !== undefined && source.scope.account === scopeOf(ctx).account ? source.identity.configurationSet : null
}

/** No operation of this version makes tenants, so none is ever there. */
function checkTenant(ctx: Ctx, name: string | undefined): void {
  if (name !== undefined) fail('NotFound', `Tenant ${name} for AwsAccountId ${scopeOf(ctx).account} not found.`)
}

/** No operation of this version makes contact lists, so none is ever there. */
function checkContactList(draft: Draft): void {
  const list = draft.listManagement
  if (list !== undefined) fail('NotFound', `List with name: ${list.contactListName} doesn't exist.`)
}

/** SES counts recipients after it has read their addresses; reading a million of them would hold everybody up for a second. */
const ADDRESSES_READ_PER_RECIPIENT = 20

function checkAddressCount(ctx: Ctx, { destination, envelope, replyTo }: Submission): void {
  const { to = [], cc = [], bcc = [] } = destination ?? {}
  const given = to.length + cc.length + bcc.length + envelope.length + replyTo.length
  const most = ctx.config.limits.recipients
  if (given > most * ADDRESSES_READ_PER_RECIPIENT) {
    fail('InvalidParameterValue', `Recipient count exceeds ${most}.`)
  }
}

function checkRecipientCount(ctx: Ctx, { recipients }: Draft): void {
  if (recipients.length === 0) fail('InvalidParameterValue', "Missing required header 'To'.")
  const most = ctx.config.limits.recipients
  if (recipients.length > most) fail('InvalidParameterValue', `Recipient count exceeds ${most}.`)
}

function checkTags({ tags }: Draft): void {
  const error = tagError(tags)
  if (error !== null) fail('InvalidParameterValue', error)
}

/** The message itself, the caller's or composed, checked for size, headers and MIME structure. */
function contents(ctx: Ctx, draft: Draft): RawMessage {
  const { content, maxBytes } = draft.submission
  const composed = content.kind === 'raw' ? undefined : composeFrom(ctx, draft, content)
  const size = content.kind === 'raw' ? content.data.length : sizeOf(composed)
  if (size > maxBytes) fail('MessageTooLong', `Message length is more than ${maxBytes} bytes long: '${size}'.`)
  const message = draft.raw ?? readBack(composed)
  const headerError = checkHeaders(message.headers)
  if (headerError !== null) fail('InvalidParameterValue', headerError)
  const mimeError = checkMime(message)
  if (mimeError === null) return message
  if ('error' in mimeError) fail('InvalidParameterValue', mimeError.error)
  return fail(
    'MessageRejected',
    `Message contains an attachment of a type that is not allowed: ${mimeError.blockedExtension}`,
  )
}

const NOTHING: Composed = { header: '', body: Buffer.alloc(0) }

/** With the blank line between them. */
function sizeOf({ header, body }: Composed = NOTHING): number {
  return header.length + 2 + body.length
}

function composeFrom(ctx: Ctx, draft: Draft, content: FormattedContent): Composed {
  const of = (field: string) =>
    draft.recipients.filter((each) => each.field === field).map(({ mailbox }) => mailbox.text)
  const { subject, text, html, headers, attachments } = content
  const composed = composeParts(
    {
      from: draft.source.text,
      to: of('to'),
      cc: of('cc'),
      replyTo: draft.replyTo.map((mailbox) => mailbox.text),
      subject,
      text,
      html,
      headers,
      attachments,
    },
    () => `----=_Part_${ctx.random.bytes(3).readUIntBE(0, 3)}_${ctx.random.bytes(4).readUInt32BE()}.${ctx.clock.now()}`,
  )
  return composed.ok ? composed.value : fail('InvalidParameterValue', composed.error)
}

function readBack(composed: Composed = NOTHING): RawMessage {
  const split = readComposed(composed)
  return split.ok ? split.value : fail('InvalidParameterValue', split.error)
}

function mailFromOf(
  ctx: Ctx,
  { scope, identity }: Usable,
  resolved: SenderIdentity['source'],
): MailFrom | null | Promise<MailFrom | null> {
  return resolved?.standing === undefined
    ? effectiveMailFrom(ctx.store.cached, scope, identity)
    : resolved.standing.mailFrom
}

/** The identity's own MAIL FROM domain where its DNS is good; undefined: SES's. */
function mailFromDomain(mailFrom: MailFrom | null): string | undefined {
  if (mailFrom === null) return undefined
  if (mailFrom.state === 'SUCCESS') return mailFrom.domain
  if (mailFrom.behaviorOnMxFailure === 'REJECT_MESSAGE') {
    fail('MailFromDomainNotVerified', 'DNS setup for MAIL FROM domain is invalid.')
  }
  return undefined
}

/** Takes the recipients' share of rate and daily quota, and gives it back when the message was not accepted after all. */
async function withinQuota(
  ctx: Ctx,
  draft: Draft,
  settings: AccountSettings,
  accept: () => Promise<string>,
): Promise<string> {
  const scope = scopeOf(ctx)
  const all = draft.recipients.length
  const counted = countedOf(draft.recipients)
  const verdict = await ctx.quotas.reserve(scope, settings, all, counted)
  if (verdict === 'rate') fail('SendingThrottled', 'Maximum sending rate exceeded.')
  if (verdict === 'quota') fail('SendingThrottled', 'Daily message quota exceeded.')
  const messageId = await accept().catch((error: unknown) => {
    ctx.quotas.release(scope, all, counted)
    throw error
  })
  await ctx.quotas.confirm(scope, counted)
  return messageId
}
