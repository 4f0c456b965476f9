/** One attempt of a job over the network, from what the store holds of the message to what is to be written of it. */
import type { NetworkOutcome, TlsWish } from '../../message/outcome.ts'
import type { SignOctets } from '../../platform/signing.ts'
import type { Went, Where } from '../../store/sites.ts'
import type { Job, Recipient } from '../../store/types.ts'
import { configurationSetOf } from '../configuration-sets.ts'
import type { Services } from '../context.ts'
import { NO_COUNTS } from '../outcomes.ts'
import { besides, others, withhold } from '../suppression/withhold.ts'
import { isTlsReport } from '../tls-reports/count.ts'
import { forwardBounces, forwardedFirst } from './forwarding.ts'
import { judge } from './judge.ts'
import { noRoom, type Refusals, wentOf } from './pace.ts'
import { addressedBy } from './recipients.ts'
import { recordsOfAttempt } from './records.ts'
import { envelopeSender } from './return-paths.ts'
import { expiryOf } from './schedule.ts'
import { signed } from './signing.ts'
import { roomFrom } from './warmup.ts'

/** A message as it goes out to one destination. */
export type Outgoing = {
  /** The recipients' domain. */
  readonly domain: string
  /** Of the envelope; empty for the null return path. */
  readonly sender: string
  readonly recipients: readonly Pick<Recipient, 'position' | 'mailbox'>[]
  readonly message: Buffer
  readonly tlsPolicy: TlsWish
  /** Where an operator moved it to, or the configuration set's `SendingPoolName`. */
  readonly pool: string | undefined
  readonly messageId: string
  /** Attempts that were made before. */
  readonly attempts: number
}

/**
 * Hands mail to others; whatever goes wrong is in the outcome. `free`: to be called when that is written, for its
 * connections to be used again. `full`: no address of the pool may offer the site more today.
 */
export type Network = (mail: Outgoing) => Promise<Sent | 'full'>
export type Sent = { readonly outcome: NetworkOutcome; readonly free: () => void }

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

/** What attempts of a process have in common. */
export type Ways = { readonly network: Network; readonly refusals: Refusals; readonly sign: SignOctets }

/** Makes an attempt. undefined: the message was removed meanwhile, and its jobs with it. */
export async function attemptOver(
  services: Services,
  { network, refusals, sign }: Ways,
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
    const ended = besides(withheld, NOTHING_SAID)
    return {
      retryAt: undefined,
      settle: () => store.messages.settle({ ...settlement, at: clock.now(), ...ended }),
    }
  }
  const set = await configurationSetOf(services, stored)
  const isReport = isTlsReport(stored.message)
  const known = where.isDown ? refusals.instead(where.site, untried(services, recipients, startedAt)) : undefined
  // What goes nowhere needs no signature.
  const message = known === undefined ? await signed(services, sign, stored, raw) : Buffer.from(raw)
  // Before the network: whatever fails between its answer and the settlement has the message delivered again.
  const sender = await envelopeSender(services, stored, recipients)
  const sent =
    known === undefined
      ? await network({
          domain: destination,
          sender,
          recipients,
          message,
          tlsPolicy: isReport ? 'ANY' : (set?.delivery?.tlsPolicy ?? 'OPTIONAL'),
          pool: job.pool ?? set?.delivery?.sendingPoolName ?? undefined,
          messageId,
          attempts: job.attempts,
        })
      : { outcome: known, free: () => {} }
  const now = clock.now()
  const expiry = expiryOf(stored.message.acceptedAt, set?.delivery?.maxDeliverySeconds ?? null)
  if (sent === 'full' && now < expiry.at) {
    const dueAt = Math.min(roomFrom(now, services.random.fraction()), expiry.at)
    const rest = { recipients: recipients.map(({ position }) => position), attempts: job.attempts, dueAt }
    const waits = besides(withheld, { ...NOTHING_SAID, rest })
    return { retryAt: dueAt, settle: () => store.messages.settle({ ...settlement, at: now, ...waits }) }
  }
  const isUntried = known !== undefined || sent === 'full'
  const { outcome, free } =
    sent === 'full' ? { outcome: noRoom(where.site, untried(services, recipients, startedAt)), free: () => {} } : sent
  const went = isUntried ? undefined : wentOf(outcome)
  if (!isUntried) refusals.note(where.site, outcome, went)
  // RFC 8460 §3: reports are not reported on.
  if (!isReport) services.tlsCounts.note(destination, outcome)
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
      async () => {
        await store.messages.settle({ ...settlement, at: now, ...records })
        free()
      },
    ),
  }
}

const NOTHING_SAID = { updates: [], events: [], attempt: null, counts: NO_COUNTS }

function untried({ config }: Services, recipients: readonly Recipient[], startedAt: number) {
  const transport = config.transport === 'smarthost' ? ('smarthost' as const) : ('direct' as const)
  return { transport, reportingMta: config.hostname, recipients, startedAt }
}
