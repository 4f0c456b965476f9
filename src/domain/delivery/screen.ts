/**
 * Content is looked at before anything is delivered (SES guide: “Reject”): a message with bad content goes to nobody, and
 * one Reject event tells of it. Each job asks for itself, but of one message the scanners are asked once.
 */
import { rejectEvent } from '../../events/records.ts'
import { type NetworkOutcome, NOBODY_CALLED } from '../../message/outcome.ts'
import type { Scan, Scannable, ScanVerdict } from '../../message/scan.ts'
import { isSimulated } from '../../message/simulated.ts'
import type { Attempt, Job, Recipient, Settlement, StoredMessage } from '../../store/types.ts'
import { configurationSetOf } from '../configuration-sets.ts'
import type { Services } from '../context.ts'
import { NO_COUNTS } from '../outcomes.ts'
import type { Ended } from './attempt.ts'
import { forwardBounces, forwardedFirst } from './forwarding.ts'
import { judge } from './judge.ts'
import { addressedBy } from './recipients.ts'
import { recordsOfAttempt } from './records.ts'
import { expiryOf } from './schedule.ts'

/** What stands between a job and its delivery; undefined: nothing. */
export type Screen = (job: Job) => Promise<Ended | undefined>

/** Messages whose verdict is remembered: their jobs run at about the same time, and retries within hours. */
const MOST_VERDICTS = 10_000

export function createScreen(services: Services, scan: Scan): Screen {
  const { store, config, log, clock } = services
  const verdicts = new Map<string, Promise<ScanVerdict>>()

  async function load({ scope, message }: StoredMessage): Promise<Scannable | undefined> {
    const raw = await store.messages.raw(scope, message.id)
    if (raw === undefined) return undefined
    const recipients = await store.messages.recipients(scope, message.id)
    const mailboxes = recipients.map(({ mailbox }) => mailbox)
    return { messageId: message.id, account: scope.account, sender: message.returnPath, recipients: mailboxes, raw }
  }

  async function verdictOn(stored: StoredMessage): Promise<ScanVerdict> {
    const { id, size } = stored.message
    if (size > config.limits.scanBytes) {
      log.info('a message is too long to be scanned, and goes on', { messageId: id, size })
      return CLEAN
    }
    const asked = verdicts.get(id) ?? scan(() => load(stored))
    verdicts.set(id, asked)
    const [oldest = ''] = verdicts.size > MOST_VERDICTS ? verdicts.keys() : []
    verdicts.delete(oldest)
    return await keepUnlessAway(id, asked)
  }

  /** A scanner that was away is asked again next time. */
  async function keepUnlessAway(id: string, asked: Promise<ScanVerdict>): Promise<ScanVerdict> {
    try {
      const verdict = await asked
      if (verdict.kind === 'away' && verdicts.get(id) === asked) verdicts.delete(id)
      return verdict
    } catch (error) {
      verdicts.delete(id)
      throw error
    }
  }

  return async (job) => {
    const startedAt = clock.now()
    const stored = await store.messages.find(job.messageId)
    // What we write ourselves holds nothing that was not looked at.
    if (stored === undefined || stored.message.surface === 'system') return undefined
    const verdict = await verdictOn(stored)
    if (verdict.kind === 'clean') return undefined
    if (verdict.kind === 'away' && config.scanUnavailable === 'deliver') return undefined
    const recipients = await store.messages.recipients(job.scope, job.messageId)
    const screened = { services, stored, job, recipients, verdict, startedAt }
    return verdict.kind === 'bad' ? rejected(screened) : deferred(screened)
  }
}

const CLEAN: ScanVerdict = { kind: 'clean', said: '' }

type Screened = {
  readonly services: Services
  readonly stored: StoredMessage
  readonly job: Job
  /** All of the message. */
  readonly recipients: readonly Recipient[]
  readonly verdict: ScanVerdict
  readonly startedAt: number
}

const OPEN: ReadonlySet<Recipient['status']> = new Set(['queued', 'delayed', 'rejected'])

/**
 * The end of a job whose message is bad. Of several jobs one tells of it: that of the first recipient who has not got the
 * message, whichever of them is run first.
 */
function rejected({ services, job, recipients, verdict, startedAt }: Screened): Ended {
  const now = services.clock.now()
  const mine = addressedBy(job, recipients)
  const first = recipients.find(({ status }) => OPEN.has(status))
  return endOf(services, job, undefined, {
    at: now,
    updates: mine.map(({ position }) => ({ position, status: 'rejected', reply: null })),
    events: first !== undefined && job.recipients.includes(first.position) ? [rejectEvent(now, 'Bad content')] : [],
    attempt: attemptOf(job, verdict, startedAt, now),
    counts: { ...NO_COUNTS, rejects: mine.filter(({ mailbox }) => !isSimulated(mailbox)).length },
  })
}

/** No scanner, no delivery: as with a host that cannot be reached, until the message's life is over. */
async function deferred({ services, stored, job, recipients: all, verdict, startedAt }: Screened): Promise<Ended> {
  const { clock, config, store } = services
  const { scope, message } = stored
  const set = await configurationSetOf(services, stored)
  const now = clock.now()
  const expiry = expiryOf(message.acceptedAt, set?.delivery?.maxDeliverySeconds ?? null)
  const recipients = addressedBy(job, all)
  const outcome = awayFrom(config.hostname, job, verdict, startedAt)
  const { reached, bounced, delayed } = judge(outcome, expiry, now)
  const judgement = {
    reached,
    bounced,
    delayed: delayed.map((each) => ({ ...each, delayType: 'InternalFailure' })),
  }
  const about = { stored, destination: job.destination, recipients, outcome, attempts: job.attempts + 1 }
  const attempted = { ...about, expiry, startedAt, now, reasons: [] }
  const records = recordsOfAttempt(services, attempted, judgement)
  const attempt = attemptOf(job, verdict, startedAt, now)
  const ended = endOf(services, job, records.rest?.dueAt, { ...records, at: now, attempt })
  const original = bounced.length === 0 ? undefined : await store.messages.raw(scope, message.id)
  if (original === undefined) return ended
  return {
    ...ended,
    settle: forwardedFirst(() => forwardBounces(services, attempted, bounced, original), ended.settle),
  }
}

function endOf(
  { store }: Services,
  { scope, messageId, id: jobId, owner }: Job,
  retryAt: number | undefined,
  records: Omit<Settlement, 'scope' | 'messageId' | 'jobId' | 'owner'>,
): Ended {
  return { retryAt, settle: () => store.messages.settle({ ...records, scope, messageId, jobId, owner }) }
}

function attemptOf({ destination }: Job, { said }: ScanVerdict, startedAt: number, now: number): Attempt {
  return { destination, at: startedAt, durationMs: Math.max(0, now - startedAt), transport: 'scan', transcript: [said] }
}

/** The scanner's absence, in the words in which a host's is judged. */
function awayFrom(hostname: string, job: Job, { said }: ScanVerdict, startedAt: number): NetworkOutcome {
  const failure = {
    isPermanent: false,
    step: 'connect',
    reason: 'connect',
    whose: 'ours',
    reply: { code: 451, enhanced: '4.3.0', text: 'Content cannot be scanned now' },
    remote: null,
    mayHaveArrived: false,
  } as const
  return {
    transport: 'direct',
    recipients: job.recipients.map((position) => ({ position, kind: 'deferred', failure })),
    reportingMta: hostname,
    transcript: [said],
    startedAt,
    site: '',
    ...NOBODY_CALLED,
  }
}
