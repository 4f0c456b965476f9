/**
 * Email feedback forwarding (SES guide: "Receiving Amazon SES notifications through email"): bounces and complaints, as mail
 * to whoever sent the message.
 */
import { type Mailbox, parseMailbox } from '../../message/addresses.ts'
import { splitMessage } from '../../message/headers.ts'
import { type BouncedRecipient, buildBounce } from '../../message/reports/build-bounce.ts'
import { buildComplaint } from '../../message/reports/build-complaint.ts'
import type { Feedback } from '../../message/reports/feedback.ts'
import type { Scope, StoredMessage } from '../../store/types.ts'
import { parseIdentityArn } from '../authorization/arns.ts'
import type { Services } from '../context.ts'
import { acceptLetter } from '../sending/accept.ts'
import type { Bounced } from './judge.ts'
import { type Attempted, diagnosticOf, statusOf } from './records.ts'

/** A longer message comes back as its header section. */
const MAX_ORIGINAL_OCTETS = 256 * 1024

/** Queues one notice about all of `bounced`, where the identity wants it. What we write ourselves has nobody to be told. */
export async function forwardBounces(
  services: Services,
  { stored, recipients, outcome, now }: Attempted,
  bounced: readonly Bounced[],
  original: Uint8Array,
): Promise<void> {
  await forwardBounce(services, stored, {
    at: now,
    reportingMta: outcome.reportingMta,
    recipients: bounced.map(({ position, reply, remote }) => ({
      address: recipients.find((each) => each.position === position)?.mailbox ?? '',
      action: 'failed',
      status: statusOf(reply),
      diagnosticCode: diagnosticOf(reply),
      remoteMta: remote === null ? null : `dns; ${remote.host}`,
      lastAttemptAt: now,
    })),
    original: async () => original,
  })
}

type Forwarded<T> = {
  readonly at: number
  readonly recipients: readonly T[]
  /** The message as it was sent. Read only where somebody wants the notice; undefined: it was removed. */
  readonly original: () => Promise<Uint8Array | undefined>
}

/** As {@link forwardBounces}, for bounces that `reportingMta` (a host name) tells of. */
export async function forwardBounce(
  services: Services,
  stored: StoredMessage,
  bounce: Forwarded<BouncedRecipient> & { readonly reportingMta: string },
): Promise<void> {
  if (bounce.recipients.length === 0) return
  const from = `MAILER-DAEMON@${services.config.mailDomain}`
  await forward(services, stored, { operation: 'Bounce', from, original: bounce.original }, (common) =>
    buildBounce({ ...bounce, ...common, arrivedAt: stored.message.acceptedAt }),
  )
}

/** Queues a notice about a complaint of one of `recipients`, under the same conditions. */
export async function forwardComplaint(
  services: Services,
  stored: StoredMessage,
  complaint: Forwarded<string> & { readonly feedback: Feedback },
): Promise<void> {
  const { region } = stored.scope
  const from = `complaints@${region === 'us-east-1' ? '' : `${region}.`}email-abuse.${services.config.mailDomain}`
  const { returnPath } = stored.message
  await forward(services, stored, { operation: 'Complaint', from, original: complaint.original }, (common) =>
    buildComplaint({ ...complaint, ...complaint.feedback, ...common, returnPath }),
  )
}

/** The beginning of a stored message, with all of its header section: as much as a notice can hold. */
export async function originalOf(
  { store }: Services,
  { scope, message }: StoredMessage,
): Promise<Uint8Array | undefined> {
  const pieces = await store.messages.rawPieces(scope, message.id)
  if (pieces === undefined) return undefined
  const begun: Uint8Array[] = []
  let octets = 0
  for await (const piece of pieces) {
    begun.push(piece)
    octets += piece.length
    if (octets > MAX_ORIGINAL_OCTETS) break
  }
  return Buffer.concat(begun)
}

type Sending = Pick<Forwarded<unknown>, 'original'> & { readonly operation: string; readonly from: string }

type Common = {
  readonly from: string
  readonly to: string
  readonly messageId: string
  readonly original: Uint8Array
  readonly maxOriginalOctets: number
}

async function forward(
  services: Services,
  stored: StoredMessage,
  { operation, from: sender, original: read }: Sending,
  build: (common: Common) => Buffer,
): Promise<void> {
  const { message, scope } = stored
  if (message.surface === 'system' || !(await wantsForwarding(services, stored))) return
  const to = parseMailbox(message.feedbackAddress)
  const from = parseMailbox(sender)
  if (!to.ok || !from.ok) return
  const original = await read()
  if (original === undefined) return
  const notice = build({
    from: from.value.address,
    to: to.value.address,
    messageId: `<${services.random.uuid()}@${services.config.mailDomain}>`,
    original,
    maxOriginalOctets: MAX_ORIGINAL_OCTETS,
  })
  await send(services, scope, { operation, from: from.value, to: to.value, notice })
}

type Letter = {
  readonly operation: string
  readonly from: Mailbox
  readonly to: Mailbox
  readonly notice: Buffer
}

async function send(services: Services, scope: Scope, { operation, from, to, notice }: Letter): Promise<void> {
  const split = splitMessage(notice)
  if (!split.ok) return
  await acceptLetter(services, scope, {
    surface: 'system',
    operation,
    isRaw: true,
    source: from,
    sourceArn: null,
    // RFC 3464 §2: nobody answers it.
    returnPath: () => '',
    feedbackAddress: '',
    configurationSet: null,
    tags: [],
    automaticTags: { 'ses:operation': [operation] },
    recipients: [{ mailbox: to, field: 'to' }],
    message: split.value,
    tenantName: null,
    listManagement: null,
  })
}

async function wantsForwarding({ store }: Services, { message }: StoredMessage): Promise<boolean> {
  if (message.feedbackAddress === '') return false
  // Without an identity (`--any-identity`) nobody has said otherwise.
  if (message.sourceArn === null) return true
  const { account, region, name } = parseIdentityArn(message.sourceArn)
  const identity = await store.cached.identities.find({ account, region }, name)
  return identity?.feedback.forwardingEnabled ?? true
}

/**
 * Forwards once, and then settles, however often that is tried. In this order: a bounce that is told twice, after a crash
 * in between, is better than one that is not told.
 */
export function forwardedFirst(tell: () => Promise<void>, settle: () => Promise<void>): () => Promise<void> {
  let isForwarded = false
  return async () => {
    if (!isForwarded) await tell()
    isForwarded = true
    await settle()
  }
}
