/**
 * Whose addresses a message uses, and whether the caller may use them (SES guide: "Verified identities", "Using
 * identity policies"). First what the caller is not authorized for, then everything that is not verified, in one list.
 */
import { fail } from '../../errors/fail.ts'
import type { Mailbox } from '../../message/addresses.ts'
import { isSimulated } from '../../message/simulated.ts'
import { parseIdentityArn } from '../authorization/arns.ts'
import { authorizeSend, isUnrestricted, type SendAttributes } from '../authorization/sending.ts'
import { type Ctx, scopeOf } from '../context.ts'
import { isVerified, resolveIdentity } from '../identities/resolution.ts'
import type { Draft } from './draft.ts'
import type { Standing, Usable } from './standing.ts'
import type { AccountSettings, Identity, Scope } from '../../store/types.ts'

/** One address of the message that must be verified, with the ARN that the caller gave for it. */
type Claim = { readonly mailbox: Mailbox; readonly arn: string | undefined }

type Resolved = Claim & {
  readonly usable: Usable | undefined
  readonly resource: string
  readonly owner: string
  /** Where the caller gave no ARN: then the address is of his own account. */
  readonly standing: Standing | undefined
}

export type SenderIdentity = {
  /** Of the envelope's source: signs, has the MAIL FROM domain, is the event's `sourceArn`. */
  readonly source: Resolved | undefined
  readonly resolved: readonly Resolved[]
}

// The list of identities in the message ends with three periods where not all can be shown; where SES cuts is unknown.
const LONGEST_LIST = 1000

/** Finds the identities that the message's sender addresses stand for; refuses nothing yet. */
export async function resolveSenders(ctx: Ctx, draft: Draft): Promise<SenderIdentity> {
  const { sourceArn } = draft
  if (isFromOne(draft)) {
    const only = await resolveClaim(ctx, { mailbox: draft.source, arn: sourceArn })
    return { source: only, resolved: [only] }
  }
  // With only a source ARN, From and Return-Path are taken to be of the same identity (SES API: SendRawEmail, SourceArn).
  const fromArn = draft.fromArn ?? sourceArn
  const returnPathArn = draft.returnPathArn ?? sourceArn
  const claims: Claim[] = [
    ...draft.from.map((mailbox) => ({ mailbox, arn: fromArn })),
    ...(draft.sender === undefined ? [] : [{ mailbox: draft.sender, arn: fromArn }]),
    { mailbox: draft.source, arn: sourceArn },
    ...(draft.returnPath === undefined ? [] : [{ mailbox: draft.returnPath, arn: returnPathArn }]),
  ]
  const distinct = claims.filter(
    (claim, index) =>
      claims.findIndex((other) => other.mailbox.text === claim.mailbox.text && other.arn === claim.arn) === index,
  )
  const resolved = await Promise.all(distinct.map(async (claim) => resolveClaim(ctx, claim)))
  // Signing, MAIL FROM and events go by the From header where there is one: that is what recipients see.
  const visible = draft.from[0] ?? draft.source
  return { source: resolved.find(({ mailbox }) => mailbox.text === visible.text), resolved }
}

/** The way of nearly every message: one sender, who is all that it names. */
function isFromOne({ from, source, sender, returnPath, fromArn, sourceArn }: Draft): boolean {
  if (sender !== undefined || returnPath !== undefined || from.length > 1) return false
  return (from[0] ?? source).text === source.text && (fromArn === undefined || fromArn === sourceArn)
}

/** Throws AccessDenied for what policies forbid, MessageRejected with the list of what is not verified. */
export async function checkIdentities(
  ctx: Ctx,
  draft: Draft,
  senders: SenderIdentity,
  settings: AccountSettings,
  configurationSet: string | null,
): Promise<void> {
  const all = settings.productionAccess ? senders.resolved : [...senders.resolved, ...(await sandboxClaims(ctx, draft))]
  const attributes = sendAttributes(draft, configurationSet)
  for (const { resource, owner, standing } of all) {
    const isFree = standing?.policies !== undefined && isUnrestricted(ctx, standing.policies, owner)
    if (!isFree) await authorizeSend(ctx, resource, owner, attributes)
  }
  if (configurationSet !== null) {
    const { account, region } = scopeOf(ctx)
    await authorizeSend(
      ctx,
      `arn:aws:ses:${region}:${account}:configuration-set/${configurationSet}`,
      account,
      attributes,
    )
  }
  if (ctx.config.anyIdentity || all.every(({ usable }) => usable !== undefined)) return
  const failed = [...new Set(all.filter(({ usable }) => usable === undefined).map(({ mailbox }) => mailbox.text))]
  if (failed.length > 0) {
    fail(
      'MessageRejected',
      `Email address is not verified. The following identities failed the check in region ${scopeOf(ctx).region.toUpperCase()}: ${shortened(failed)}`,
    )
  }
}

/** In the sandbox recipients are held to be verified too, but for the mailbox simulator's. */
async function sandboxClaims(ctx: Ctx, draft: Draft): Promise<readonly Resolved[]> {
  const claims = draft.recipients.filter(({ mailbox }) => !isSimulated(mailbox.address))
  return await Promise.all(claims.map(async ({ mailbox }) => resolveClaim(ctx, { mailbox, arn: undefined })))
}

function resolveClaim(ctx: Ctx, claim: Claim): Resolved | Promise<Resolved> {
  if (claim.arn !== undefined) return resolveDelegated(ctx, claim, claim.arn)
  const caller = scopeOf(ctx)
  const standing = ctx.standings(caller, claim.mailbox)
  if (standing instanceof Promise) return standing.then((found) => ownClaim(caller, claim, found))
  return ownClaim(caller, claim, standing)
}

function ownClaim({ account }: Scope, { mailbox, arn }: Claim, standing: Standing): Resolved {
  return { mailbox, arn, usable: standing.usable, resource: standing.resource, owner: account, standing }
}

async function resolveDelegated(ctx: Ctx, claim: Claim, named: string): Promise<Resolved> {
  const caller = scopeOf(ctx)
  const arn = parseIdentityArn(named)
  const owner = { account: arn.account, region: arn.region }
  const { identity } = await resolveIdentity(ctx.store.cached, owner, claim.mailbox)
  // The ARN names one identity: that one must be what the address stands for, in the region of the call.
  const usable =
    identity !== undefined && arn.region === caller.region
      ? await namedIdentity(ctx, owner, arn.name, claim.mailbox)
      : undefined
  return {
    ...claim,
    usable: usable && { identity: usable, scope: owner, arn: named },
    resource: named,
    owner: arn.account,
    standing: undefined,
  }
}

async function namedIdentity(ctx: Ctx, scope: Scope, name: string, mailbox: Mailbox): Promise<Identity | undefined> {
  const identity = await ctx.store.cached.identities.find(scope, name)
  if (identity === undefined || !isVerified(identity)) return undefined
  const domain = mailbox.domain.toLowerCase()
  const covers =
    identity.kind === 'DOMAIN'
      ? domain === identity.name || domain.endsWith(`.${identity.name}`)
      : identity.name === `${mailbox.localPart.split('+', 1)[0]}@${domain}` ||
        identity.name === `${mailbox.localPart}@${domain}`
  return covers ? identity : undefined
}

function sendAttributes(draft: Draft, configurationSet: string | null): SendAttributes {
  const from = draft.from[0] ?? draft.source
  return {
    action: draft.submission.action,
    recipients: draft.recipients.map(({ mailbox }) => mailbox.address),
    fromAddress: from.address,
    fromDisplayName: from.name,
    feedbackAddress: draft.feedback.address,
    configurationSet,
    // SMTP counts as version 2 (SES guide: "Using identity policies", ses:ApiVersion).
    apiVersion: draft.submission.surface === 'v1' ? '1' : '2',
  }
}

function shortened(identities: readonly string[]): string {
  let list = ''
  for (const identity of identities) {
    const longer = list === '' ? identity : `${list}, ${identity}`
    if (longer.length > LONGEST_LIST) return `${list}...`
    list = longer
  }
  return list
}
