/**
 * The send limits of an account in a region, counted in memory by the one process that there is (SES guide: "Managing your Amazon SES sending limits").
 *
 * - Rate: a token bucket of recipients a second. It holds one second's worth (at least one recipient), which is the
 *   depth of a burst. A message passes while one token is there, and may take the bucket below nothing: at 1/s one with
 *   five recipients passes, and the next has to wait five seconds (AWS blog: "How to handle a Throttling error").
 * - Daily quota: recipients of the last 24 hours by minutes. A message passes while any quota is left, and may overrun it
 *   with its last recipients (AWS blog; the guide's prose has it refused).
 */
import type { Clock } from '../../platform/platform.ts'
import type { MessageStore } from '../../store/store.ts'
import type { AccountSettings, Scope } from '../../store/types.ts'
import type { Quotas } from '../context.ts'

/** What was accepted before this process counted. */
type Past = { readonly messages: Pick<MessageStore, 'sentPerMinute'> }

type Counter = {
  /** Thousandths of a recipient: milliseconds times the rate, so that whole rates are counted without rounding. */
  tokens: number
  refilledAt: number
  /** Recipients a minute, at the minute modulo their number. */
  readonly minutes: Uint32Array
  /** The latest minute that was counted. */
  head: number
  total: number
}

type Entry = { readonly loaded: Promise<Counter>; counter: Counter | undefined }

const RECIPIENT = 1000
const MINUTE_MS = 60_000
const MINUTES = 24 * 60
const DAY_MS = MINUTES * MINUTE_MS
// Each takes 6 kB. The one unused for longest is forgotten, and read from the store when it sends again.
const MOST_SCOPES = 10_000

/** The counters of this process; `store` has the last word, each scope is read from it once. */
export function createQuotas({ clock, store }: { readonly clock: Clock; readonly store: Past }): Quotas {
  const entries = new Map<string, Entry>()
  /** The one that is at the end already. */
  let lastKey = ''

  /** At once where it is loaded. */
  function counterOf(scope: Scope): Counter | Promise<Counter> {
    const key = `${scope.account}/${scope.region}`
    const now = clock.now()
    const known = entries.get(key)
    // A clock that was set back makes the counters a tale of the future.
    const isUsable = known !== undefined && (known.counter === undefined || minuteOf(now) >= known.counter.head - 1)
    const entry = isUsable ? known : { loaded: load(scope, now), counter: undefined }
    if (lastKey !== key || !isUsable) {
      entries.delete(key)
      entries.set(key, entry)
      lastKey = key
    }
    if (entries.size > MOST_SCOPES) entries.delete(entries.keys().next().value ?? key)
    if (entry.counter === undefined) return loadedCounter(key, entry)
    moveTo(entry.counter, minuteOf(now))
    return entry.counter
  }

  async function loadedCounter(key: string, entry: Entry): Promise<Counter> {
    try {
      entry.counter ??= await entry.loaded
    } catch (error) {
      if (entries.get(key) === entry) entries.delete(key)
      throw error
    }
    moveTo(entry.counter, minuteOf(clock.now()))
    return entry.counter
  }

  async function load(scope: Scope, now: number): Promise<Counter> {
    const counter: Counter = {
      tokens: Number.POSITIVE_INFINITY,
      refilledAt: now,
      minutes: new Uint32Array(MINUTES),
      head: minuteOf(now),
      total: 0,
    }
    for (const { at, recipients } of await sentMinutes(store, scope, now)) add(counter, minuteOf(at), recipients)
    return counter
  }

  return {
    reserve(scope, settings, recipients, counted) {
      const counter = counterOf(scope)
      const reserved = (from: Counter) => reserve(from, settings, clock.now(), { recipients, counted })
      return counter instanceof Promise ? counter.then(reserved) : reserved(counter)
    },

    confirm() {},

    release(scope, recipients, counted) {
      const counter = entries.get(`${scope.account}/${scope.region}`)?.counter
      if (counter === undefined) return
      counter.tokens += recipients * RECIPIENT
      takeBack(counter, counted)
    },

    async sentLast24Hours(scope) {
      return (await counterOf(scope)).total
    },

    reset() {
      entries.clear()
      lastKey = ''
    },

    async close() {},
  }
}

function reserve(
  counter: Counter,
  settings: AccountSettings,
  now: number,
  { recipients, counted }: { readonly recipients: number; readonly counted: number },
): 'ok' | 'rate' | 'quota' {
  refill(counter, settings, now)
  if (counter.tokens < RECIPIENT) return 'rate'
  // -1: unlimited.
  const isLimited = counted > 0 && settings.max24HourSend >= 0
  if (isLimited && counter.total >= settings.max24HourSend) return 'quota'
  counter.tokens -= recipients * RECIPIENT
  add(counter, minuteOf(now), counted)
  return 'ok'
}

/** What the store counts in the 24 hours until `now`, by whole minutes. */
export async function sentSince(store: Past, scope: Scope, now: number): Promise<number> {
  return (await sentMinutes(store, scope, now)).reduce((sum, { recipients }) => sum + recipients, 0)
}

/** Those that count: none that a clock which was set back makes a tale of the future. */
async function sentMinutes({ messages }: Past, scope: Scope, now: number) {
  const head = minuteOf(now)
  const minutes = await messages.sentPerMinute(scope, now - DAY_MS)
  return minutes.filter(({ at }) => minuteOf(at) > head - MINUTES && minuteOf(at) <= head)
}

function refill(counter: Counter, { maxSendRate }: AccountSettings, now: number): void {
  const elapsedMs = Math.max(0, now - counter.refilledAt)
  counter.tokens = Math.min(Math.max(1, maxSendRate) * RECIPIENT, counter.tokens + elapsedMs * maxSendRate)
  counter.refilledAt = now
}

/** Forgets the minutes that are more than 24 hours old by now. */
function moveTo(counter: Counter, minute: number): void {
  const steps = Math.min(minute - counter.head, MINUTES)
  for (let step = 0; step < steps; step++) {
    const slot = (minute - step) % MINUTES
    counter.total -= counter.minutes[slot] ?? 0
    counter.minutes[slot] = 0
  }
  counter.head = Math.max(counter.head, minute)
}

function add(counter: Counter, minute: number, recipients: number): void {
  const slot = minute % MINUTES
  counter.minutes[slot] = (counter.minutes[slot] ?? 0) + recipients
  counter.total += recipients
}

/** From the latest minutes: an acceptance that failed was reserved a moment ago. */
function takeBack(counter: Counter, recipients: number): void {
  let left = recipients
  for (let step = 0; step < MINUTES && left > 0; step++) {
    const slot = (counter.head - step + MINUTES) % MINUTES
    const taken = Math.min(left, counter.minutes[slot] ?? 0)
    counter.minutes[slot] = (counter.minutes[slot] ?? 0) - taken
    counter.total -= taken
    left -= taken
  }
}

function minuteOf(ms: number): number {
  return Math.floor(ms / MINUTE_MS)
}
