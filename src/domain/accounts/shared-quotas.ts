/**
 * The send limits of an account in a region, shared with other nodes through the database. The rules are those of
 * quotas.ts; here is how they hold across nodes without a question to the database for each message.
 *
 * - Rate: the bucket lies in the database. A node takes what its callers need and about 100 ms of the rate besides;
 *   what it has not used after a second goes back. Below 10/s nothing is taken besides, and the bucket is exact.
 * - Daily quota: what the last 24 hours count is written with each acceptance, and a node holds an allowance of what
 *   is left: twice the last one as long as it lasts less than a second, at most a sixteenth of what nobody has. Of the
 *   last fifteen recipients each message asks for its own, so that the limit is met as on one node.
 *
 * An allowance is used for five seconds, and ends after ten by the database's clock: what is being accepted when it
 * is used for the last time has the rest to be counted. docs/scaling.md says what may be exceeded, and what be lost.
 */
import type { Cancel, Clock, Log } from '../../platform/platform.ts'
import type { LimitStore } from '../../store/limits.ts'
import type { Store } from '../../store/store.ts'
import type { AccountSettings, Scope } from '../../store/types.ts'
import type { Quotas } from '../context.ts'
import { sentSince } from './quotas.ts'
import { Supply } from './supply.ts'

export type SharedQuotaOptions = {
  /** SES's time. */
  readonly clock: Clock
  readonly wallClock: Clock
  readonly log: Log
  readonly store: Pick<Store, 'onChange'> & { readonly messages: Pick<Store['messages'], 'sentPerMinute'> }
  readonly limits: LimitStore
  /** Names this process among those that share the database. */
  readonly node: string
}

const LEASE_MS = 10_000
const USED_FOR_MS = 5_000
/** Unused for so long, tokens and allowances go back. */
const IDLE_MS = 1_000
const BLOCKS_PER_SECOND = 10
const SMALLEST_ALLOWANCE = 16
const LARGEST_ALLOWANCE = 10_000
/**
 * An empty bucket is asked again when the next token is due, but not more often than the first; and at least as often
 * as the second, since another node may give some back.
 */
const ASK_BUCKET_AFTER_MS = 20
const ASK_BUCKET_EVERY_MS = 1_000
const ASK_QUOTA_MS = 100
const RECIPIENT = 1000
/** The one unused for longest is forgotten. */
const MOST_SCOPES = 10_000

/** A refusal that holds for a while, so that a flood of refused calls is not one of questions to the database. */
type Refusal = { readonly limit: number; readonly since: number; readonly until: number }

type Entry = {
  readonly scope: Scope
  readonly rate: Supply<AccountSettings>
  readonly quota: Supply<AccountSettings>
  /** The settings under which it was taken. */
  ratePerSecond: number
  limit: number
  isEmpty: Refusal | undefined
  isUsedUp: Refusal | undefined
  /** Tokens that were taken and not needed: the bucket may be owed them, so they go back before they are used. */
  returned: number
  /** Recipients of messages that are being accepted. */
  inFlight: number
  /** What stands in the database for this node: it counts against the others, even what was accepted since. */
  claim: number
  /** The size of the last allowance, when it was fetched, and until when it may be used by the wall clock. */
  block: number
  fetchedAt: number
  usableUntil: number
  /** Nothing is to spare: what was counted is no longer to stand for a claim as well. */
  isTight: boolean
  lastUsed: number
}

/** The limits that `limits` holds for all nodes. */
export function createSharedQuotas(options: SharedQuotaOptions): Quotas {
  const { clock, store } = options
  const entries = new Map<string, Entry>()
  let idle: Cancel | undefined
  const forget = () => {
    for (const entry of entries.values()) drop(entry)
  }
  // Emptied, perhaps by another node.
  const stop = store.onChange((changes) => {
    if (changes.some(({ kind }) => kind === 'all')) forget()
  })

  function entryOf(scope: Scope): Entry {
    const key = `${scope.account}/${scope.region}`
    const entry = entries.get(key) ?? createEntry(scope, options)
    entries.delete(key)
    entries.set(key, entry)
    if (entries.size > MOST_SCOPES) evict(entries)
    entry.lastUsed = clock.now()
    idle ??= clock.after(IDLE_MS, giveBackIdle)
    return entry
  }

  function giveBackIdle(): void {
    idle = undefined
    let isAnyHeld = false
    for (const entry of entries.values()) {
      if (!holdsAnything(entry)) continue
      const isIdle = clock.now() - entry.lastUsed >= IDLE_MS
      if (isIdle) void giveBack(entry, options)
      else isAnyHeld = true
    }
    if (isAnyHeld) idle = clock.after(IDLE_MS, giveBackIdle)
  }

  return {
    async reserve(scope, settings, recipients, counted) {
      const entry = entryOf(scope)
      const now = clock.now()
      // Known beforehand: then the rate is not asked for tokens that would only go back.
      if (counted > 0 && isOutOfQuota(entry, settings, now) && !isOutOfTokens(entry, settings, now)) return 'quota'
      if (!(await entry.rate.take(recipients, settings))) return 'rate'
      // -1: unlimited.
      if (counted === 0 || settings.max24HourSend < 0) {
        entry.inFlight += counted
        return 'ok'
      }
      if (await takeQuota(entry, counted, recipients, settings)) return 'ok'
      return 'quota'
    },

    async confirm(scope, counted) {
      const entry = entries.get(`${scope.account}/${scope.region}`)
      if (entry === undefined) return
      entry.inFlight = Math.max(0, entry.inFlight - counted)
      if (entry.isTight && entry.inFlight === 0 && entry.quota.held === 0) await giveBackAllowance(entry, options)
    },

    release(scope, recipients, counted) {
      const entry = entries.get(`${scope.account}/${scope.region}`)
      if (entry === undefined) return
      entry.returned += recipients
      entry.inFlight = Math.max(0, entry.inFlight - counted)
      // It may have taken more than was left, so the allowance is asked for anew.
      entry.isUsedUp = undefined
    },

    async sentLast24Hours(scope) {
      return await sentSince(store, scope, clock.now())
    },

    reset: forget,

    async close() {
      stop()
      idle?.()
      await Promise.all([...entries.values()].map((entry) => giveBack(entry, options)))
    },
  }
}

const NOTHING: Omit<Entry, 'scope' | 'rate' | 'quota'> = {
  ratePerSecond: Number.NaN,
  limit: Number.NaN,
  isEmpty: undefined,
  isUsedUp: undefined,
  returned: 0,
  inFlight: 0,
  claim: 0,
  block: 0,
  fetchedAt: 0,
  usableUntil: 0,
  isTight: false,
  lastUsed: 0,
}

function createEntry(scope: Scope, { clock, wallClock, limits, node }: SharedQuotaOptions): Entry {
  const rate = new Supply<AccountSettings>({
    onTake: () => {},
    isOut: (settings) => isOutOfTokens(entry, settings, clock.now()),
    check({ maxSendRate }) {
      // A block of another rate: at most 100 ms of it.
      if (maxSendRate !== entry.ratePerSecond) rate.held = 0
      entry.ratePerSecond = maxSendRate
    },
    async fetch(held, sums, { maxSendRate }) {
      const now = clock.now()
      const block = Math.floor(maxSendRate / BLOCKS_PER_SECOND)
      const returned = held + entry.returned
      entry.returned = 0
      const request = { rate: maxSendRate, now, returned, sums, block }
      const { granted, remaining } = await limits.takeTokens(scope, request)
      const dueMs = (RECIPIENT - remaining) / maxSendRate
      const waitMs = Math.min(Math.max(dueMs, ASK_BUCKET_AFTER_MS), ASK_BUCKET_EVERY_MS)
      entry.isEmpty = remaining < RECIPIENT ? { limit: maxSendRate, since: now, until: now + waitMs } : undefined
      return granted
    },
  })
  const quota = new Supply<AccountSettings>({
    onTake: (amount) => void (entry.inFlight += amount),
    isOut: (settings) => isOutOfQuota(entry, settings, clock.now()),
    check({ max24HourSend }) {
      const now = wallClock.now()
      const isUsable = now >= entry.fetchedAt && now <= entry.usableUntil
      if (max24HourSend !== entry.limit || !isUsable) quota.held = 0
      entry.limit = max24HourSend
    },
    async fetch(_dropped, sums, { max24HourSend }) {
      const [now, wallNow] = [clock.now(), wallClock.now()]
      const isSoon = Math.abs(wallNow - entry.fetchedAt) < IDLE_MS
      entry.block = isSoon ? Math.min(entry.block * 2, LARGEST_ALLOWANCE) : SMALLEST_ALLOWANCE
      entry.fetchedAt = wallNow
      const { inFlight, block } = entry
      const request = { node, quota: max24HourSend, now, inFlight, sums, block, leaseMs: LEASE_MS }
      const granted = await limits.takeAllowance(scope, request)
      entry.claim = inFlight + granted
      entry.usableUntil = wallNow + USED_FOR_MS
      const spare = granted - (sums.at(-1) ?? 0)
      entry.isTight = spare <= 0
      entry.isUsedUp = spare < 0 ? { limit: max24HourSend, since: now, until: now + ASK_QUOTA_MS } : undefined
      return granted
    },
  })
  const entry: Entry = { scope, rate, quota, ...NOTHING }
  return entry
}

/** Gives the tokens of the rate back when the quota forbids it, or nobody knows. */
async function takeQuota(entry: Entry, counted: number, recipients: number, settings: AccountSettings) {
  let isTaken = false
  try {
    isTaken = await entry.quota.take(counted, settings)
  } finally {
    if (!isTaken) entry.returned += recipients
  }
  return isTaken
}

function isOutOfTokens({ rate, returned, isEmpty }: Entry, { maxSendRate }: AccountSettings, now: number): boolean {
  return rate.held < 1 && returned === 0 && isRefused(isEmpty, maxSendRate, now)
}

function isOutOfQuota({ quota, isUsedUp }: Entry, { max24HourSend }: AccountSettings, now: number): boolean {
  return quota.held < 1 && isRefused(isUsedUp, max24HourSend, now)
}

function isRefused(refusal: Refusal | undefined, limit: number, now: number): boolean {
  // Before it: the clock was set back.
  return refusal !== undefined && refusal.limit === limit && now >= refusal.since && now < refusal.until
}

function holdsAnything({ rate, returned, quota, claim, inFlight }: Entry): boolean {
  return rate.held + returned > 0 || quota.held > 0 || claim > inFlight
}

function drop(entry: Entry): void {
  entry.rate.held = 0
  entry.returned = 0
  entry.quota.held = 0
  entry.isEmpty = undefined
  entry.isUsedUp = undefined
}

/** The oldest of those that have nothing under way. */
function evict(entries: Map<string, Entry>): void {
  for (const [key, { inFlight, rate, quota }] of entries) {
    if (inFlight > 0 || rate.isBusy || quota.isBusy) continue
    entries.delete(key)
    return
  }
}

async function giveBack(entry: Entry, options: SharedQuotaOptions): Promise<void> {
  const { rate, scope, ratePerSecond, quota } = entry
  if (rate.held + entry.returned > 0) {
    await quietly(options.log, () =>
      rate.giveBack(async (held) => {
        const tokens = held + entry.returned
        entry.returned = 0
        await options.limits.giveTokens(scope, ratePerSecond, tokens)
      }),
    )
  }
  if (quota.held > 0 || entry.claim > entry.inFlight) await giveBackAllowance(entry, options)
}

async function giveBackAllowance(entry: Entry, { limits, node, log }: SharedQuotaOptions): Promise<void> {
  const { scope, quota } = entry
  await quietly(log, () =>
    quota.giveBack(async () => {
      const { inFlight } = entry
      await limits.giveAllowance(scope, node, inFlight)
      entry.claim = Math.min(entry.claim, inFlight)
    }),
  )
}

/** What cannot be given back is lost for a moment: a bucket fills again, an allowance ends by itself. */
async function quietly(log: Log, task: () => Promise<void>): Promise<void> {
  try {
    await task()
  } catch (error) {
    log.debug('send limits could not be given back', { error })
  }
}
