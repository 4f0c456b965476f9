/**
 * Warming up addresses: what receivers have seen little mail from gets a limit for each day (UTC) and site, which grows
 * with the days. What is taken is counted in the store, for all nodes together, and held here in blocks, so that most
 * messages ask nobody.
 */
import type { WarmupPlan } from '../../config/shaping.ts'
import type { Services } from '../context.ts'

const DAY_MS = 86_400_000
/** Of a day's limit; what a node that dies holds is lost for the day. */
const BLOCK_SHARE = 16
const MOST_IN_BLOCK = 200
/** Sites of all addresses that are counted in memory. */
const MOST_COUNTED = 10_000

/** Recipients at a site on the `age`th day, counted from 0; undefined: it is warm. */
export function limitOn(age: number, { days, firstDay, lastDay }: WarmupPlan): number | undefined {
  if (age >= days) return undefined
  const part = days === 1 ? 0 : Math.max(0, age) / (days - 1)
  return Math.round(firstDay * (lastDay / firstDay) ** part)
}

/** `left` may be below nothing: the last message takes all its recipients with it, as with an account's quota. */
type Count = { readonly address: string; readonly site: string; left: number; isFull: boolean }

export type AddressWarmup = {
  readonly isWarming: (address: string) => boolean
  readonly take: (address: string, site: string, recipients: number) => Promise<boolean>
  readonly giveBack: (address: string, site: string, recipients: number) => void
  /** Gives back what is held and was not used. */
  readonly close: () => Promise<void>
}

export function createWarmup({ store, clock, config, log }: Services): AddressWarmup {
  const plan = config.limitsBySite.warmup
  const since = new Map(config.egress.flatMap((each) => (each.since === undefined ? [] : [[each.address, each.since]])))
  let today = dayOf(clock.now())
  let counts = new Map<string, Count>()
  /** One after another: transactions that take for several in different orders would wait for one another without end. */
  let asking: Promise<unknown> = Promise.resolve()

  function limitOf(address: string): number | undefined {
    const first = since.get(address)
    return first === undefined ? undefined : limitOn(dayOf(clock.now()) - first, plan)
  }

  function turnDay(): void {
    const day = dayOf(clock.now())
    if (day === today) return
    today = day
    counts = new Map()
    store.warmup
      .forget(day - 1)
      .catch((error: unknown) => log.warn('old warm-up counts could not be removed', { error }))
  }

  function countOf(address: string, site: string): Count {
    turnDay()
    const key = `${address} ${site}`
    const known = counts.get(key)
    if (known !== undefined) return known
    const made: Count = { address, site, left: 0, isFull: false }
    counts.set(key, made)
    if (counts.size > MOST_COUNTED) {
      const [oldest = key] = counts.keys()
      counts.delete(oldest)
    }
    return made
  }

  async function fill(count: Count, recipients: number, limit: number): Promise<void> {
    // Whoever came before may have taken enough.
    if (count.left >= recipients || count.isFull) return
    const { address, site } = count
    const want = recipients - count.left + Math.min(MOST_IN_BLOCK, Math.floor(limit / BLOCK_SHARE))
    const granted = await store.warmup.take({ day: today, address, site, limit, want })
    count.left += granted
    count.isFull = granted < want
  }

  return {
    isWarming: (address) => limitOf(address) !== undefined,
    async take(address, site, recipients) {
      const limit = limitOf(address)
      if (limit === undefined) return true
      const count = countOf(address, site)
      if (count.left < recipients && !count.isFull) {
        const asked = asking.then(async () => fill(count, recipients, limit))
        asking = asked.catch(() => {})
        await asked
      }
      if (count.left <= 0) return false
      count.left -= recipients
      return true
    },
    giveBack(address, site, recipients) {
      countOf(address, site).left += recipients
    },
    async close() {
      await asking
      try {
        for (const { address, site, left } of counts.values()) {
          if (left > 0) await store.warmup.give({ day: today, address, site, count: left })
        }
      } catch (error) {
        // A database that is away must not keep the process: it is as if it had died.
        log.warn('room for warm-up that was not used could not be given back', { error })
      }
      counts.clear()
    },
  }
}

/** An address as an operator sees it. SES's words for its state. */
export type WarmupView = {
  readonly address: string
  readonly name: string
  readonly pool: string
  readonly status: 'IN_PROGRESS' | 'DONE'
  readonly percentage: number
  /** The day of the warm-up, from 1. */
  readonly day: number
  readonly days: number
  /** Recipients at each site today; null: any number. */
  readonly limit: number | null
  /** What is taken of that, with what nodes hold; the sites with the most. */
  readonly sites: readonly { readonly site: string; readonly taken: number }[]
}

const SITES_SHOWN = 100

/** The addresses that were given a first day. */
export async function warmups({ store, clock, config }: Services): Promise<readonly WarmupView[]> {
  const today = dayOf(clock.now())
  const { warmup: plan } = config.limitsBySite
  const views: WarmupView[] = []
  for (const { address, name, pool, since } of config.egress) {
    if (since === undefined) continue
    const age = Math.max(0, today - since)
    const limit = limitOn(age, plan) ?? null
    const counts = limit === null ? [] : await store.warmup.counts(today, address, SITES_SHOWN)
    views.push({
      address,
      name,
      pool,
      status: limit === null ? 'DONE' : 'IN_PROGRESS',
      percentage: Math.min(100, Math.floor((100 * age) / plan.days)),
      day: age + 1,
      days: plan.days,
      limit,
      sites: counts.map(({ site, taken }) => ({ site, taken })),
    })
  }
  return views
}

/** When the limits of the next day hold: some minutes later, not all at once. `chance`: from 0 to 1. */
export function roomFrom(now: number, chance: number): number {
  return (dayOf(now) + 1) * DAY_MS + Math.floor(chance * SPREAD_MS)
}

const SPREAD_MS = 600_000

function dayOf(at: number): number {
  return Math.floor(at / DAY_MS)
}
