/** One attempt of a job over the network, from what the store holds of the message to what is to be written of it. */
import type { NetworkOutcome } from '../../message/outcome.ts'
import type { Went, Where } from '../../store/sites.ts'
import type { Job, Recipient } from '../../store/types.ts'
import { configurationSetOf } from '../configuration-sets.ts'
import type { Services } from '../context.ts'
import { NO_COUNTS } from '../outcomes.ts'
import { besides, others, withhold } from '../suppression/withhold.ts'
import { forwardBounces, forwardedFirst } from './forwarding.ts'
import { judge } from './judge.ts'
import { type Refusals, wentOf } from './pace.ts'
import { addressedBy } from './recipients.ts'
import { recordsOfAttempt } from './records.ts'
import { envelopeSender } from './return-paths.ts'
import { expiryOf } from './schedule.ts'
import { signed } from './signing.ts'

/** A message as it goes out to one destination. */
export type Outgoing = {
  /** The recipients' domain. */
  readonly domain: string
  /** Of the envelope; empty for the null return path. */
  readonly sender: string
  readonly recipients: readonly Pick<Recipient, 'position' | 'mailbox'>[]
  readonly message: Buffer
  readonly tlsPolicy: 'OPTIONAL' | 'REQUIRE'
  /** The configuration set's `SendingPoolName`. */
  readonly pool: string | undefined
  readonly messageId: string
  /** Attempts that were made before. */
  readonly attempts: number
}

/** Hands mail to others; whatever goes wrong is in the outcome. */
export type Network = (mail: Outgoing) => Promise<NetworkOutcome>

/**
 * `settle` writes what became of the attempt, and may be called until it succeeds; `retryAt`: when the rest is due; `site`, `went`: where it
 * went, and how, if it went anywhere.
 */
export type Ended = {
  readonly settle: () => Promise<void>
  readonly retryAt: number | undefined
  readonly site?: string | undefined
  readonly went?: Went | undefined
}

/** Makes an attempt. undefined: the message was removed meanwhile, and its jobs with it. */
export async function attemptOver(
  services: Services,
  { network, refusals }: { readonly network: Network; readonly refusals: Refusals },
  job: Job,
  where: Where,
): Promise<Ended | undefined> {
  const { clock, store } = services
  const { scope, messageId, destination } = job
  const startedAt = clock.now()
  const stored = await store.messages.find(messageId)
  const raw = await store.messages.raw(scope, messageId)
  if (stored === undefined || raw === undefined) return undefined
  const all = await store.messages.recipients(scope, messageId)
  const addressed = addressedBy(job, all)
  const withheld = await withhold(services, stored, addressed)
  const recipients = others(addressed, withheld)
  const settlement = { scope, messageId, jobId: job.id, owner: job.owner }
  if (recipients.length === 0) {
    const ended = besides(withheld, { updates: [], events: [], attempt: null, counts: NO_COUNTS })
    return {
      retryAt: undefined,
      settle: () => store.messages.settle({ ...settlement, at: clock.now(), ...ended }),
    }
  }
  const set = await configurationSetOf(services, stored)
  const known = where.isDown ? refusals.instead(where.site, untried(services, recipients, startedAt)) : undefined
  // What goes nowhere needs no signature.
  const message = known === undefined ? await signed(services, stored, raw) : Buffer.from(raw)
  // Before the network: whatever fails between its answer and the settlement has the message delivered again.
  const sender = await envelopeSender(services, stored, recipients)
  const outcome =
    known ??
    (await network({
      domain: destination,
      sender,
      recipients,
      message,
      tlsPolicy: set?.delivery?.tlsPolicy ?? 'OPTIONAL',
      pool: set?.delivery?.sendingPoolName ?? undefined,
      messageId,
      attempts: job.attempts,
    }))
  const went = known === undefined ? wentOf(outcome) : undefined
  if (known === undefined) refusals.note(where.site, outcome, went)
  const now = clock.now()
  const expiry = expiryOf(stored.message.acceptedAt, set?.delivery?.maxDeliverySeconds ?? null)
  const judgement = judge(outcome, expiry, now)
  const attempts = job.attempts + 1
  const { reasons } = withheld
  const attempted = { stored, destination, recipients, outcome, attempts, expiry, startedAt, now, reasons }
  const records = besides(withheld, recordsOfAttempt(services, attempted, judgement))
  return {
    retryAt: records.rest?.dueAt,
    site: outcome.site,
    went,
    settle: forwardedFirst(
      () => forwardBounces(services, attempted, judgement.bounced, message),
      () => store.messages.settle({ ...settlement, at: now, ...records }),
    ),
  }
}

function untried({ config }: Services, recipients: readonly Recipient[], startedAt: number) {
  const transport = config.transport === 'smarthost' ? ('smarthost' as const) : ('direct' as const)
  return { transport, reportingMta: config.hostname, recipients, startedAt }
}
