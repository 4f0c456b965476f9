/**
 * Upkeep of the store: retention by age, number and octets, bodies that nobody refers to, partitions of the coming
 * days. Small steps with the event loop turning in between, the oldest first; it takes its time from SES's clock.
 */
import { setImmediate } from 'node:timers/promises'
import type { Cancel, Platform } from '../platform/platform.ts'
import type { Config } from '../config/config.ts'
import type { Amount, Store } from '../store/store.ts'
import type { Tasks } from './context.ts'

const PERIOD_MS = 30_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Partitions made beforehand: a week in which nobody looks after the database does no harm. */
const DAYS_AHEAD = 7
/** After which a body that was never accepted will not be any more. */
const LOOSE_MS = HOUR_MS
const BODIES_AT_ONCE = 100
/** Bounds a run where most of what is old has jobs that have not ended: the next one goes on. */
const MOST_STEPS = 2_000

export type Upkeep = {
  /** Makes the places of today's mail and of the coming days; settles also when that cannot be done now. */
  prepare(): Promise<void>
  stop(): void
  /** What was held at the end of the last round. */
  held(): Amount
  /** Does what is due now, and again and again from then on; settles when the first round is done. */
  run(): Promise<void>
}

type Deps = Pick<Platform, 'clock' | 'log'> & {
  readonly config: Config
  readonly store: Pick<Store, 'upkeep'>
  readonly tasks: Pick<Tasks, 'holds'>
}

/** Its name among the tasks of which one node at a time does each. */
const TASK = 'upkeep'

/**
 * Keeps the store in order from its first `run` on, until stopped. One node does so at a time; two would do no harm.
 */
export function createUpkeep(deps: Deps): Upkeep {
  const { clock, log, store, tasks } = deps
  let timer: Cancel | undefined
  let running: Promise<void> | undefined
  let isStopped = false
  const round = createRounds(deps, () => isStopped)
  let held: Amount = { messages: 0, bytes: 0 }

  const isWanted = (startedAt: number) => !isStopped && clock.now() - startedAt >= PERIOD_MS

  const runAndArm = async () => {
    let startedAt: number
    do {
      startedAt = clock.now()
      try {
        held = (await tasks.holds(TASK)) ? await round() : await store.upkeep.held()
      } catch (error) {
        // A store that is closed under us is the end, not a failure.
        if (!isStopped) log.error('the upkeep of the store failed', { error })
      }
      // The clock may have been moved on meanwhile.
    } while (isWanted(startedAt))
    running = undefined
    if (!isStopped) timer = clock.after(PERIOD_MS, () => void run())
  }

  const run = async (): Promise<void> => {
    timer?.()
    if (!isStopped) await (running ??= runAndArm())
  }

  return {
    async prepare() {
      try {
        await prepareDays(deps)
      } catch (error) {
        log.error('the partitions of the coming days could not be made', { error })
      }
    },
    run,
    held: () => held,
    stop() {
      isStopped = true
      timer?.()
    },
  }
}

/** Makes rounds, each giving what is held after it; where one was cut short, the next goes on. */
function createRounds({ clock, config, store }: Deps, isStopped: () => boolean): () => Promise<Amount> {
  const { upkeep } = store
  let behind = 0

  async function removeRows(keepsDays: boolean, now: number): Promise<void> {
    let excess = excessOf(await upkeep.held(), config)
    const age = now - config.retentionDays * DAY_MS
    // Whole days are dropped where they can be: what is left of them is what could not.
    const oldest = keepsDays ? age - (age % DAY_MS) : age
    const acceptedBefore = config.retentionDays === 0 ? 0 : oldest
    for (let step = 0; step < MOST_STEPS && !isStopped(); step++) {
      const stepped = await upkeep.removeOldest({ behind, acceptedBefore, excess })
      excess = stepped.excess
      behind = stepped.isEnd ? 0 : stepped.behind
      if (stepped.isEnd) return
      await setImmediate()
    }
  }

  return async () => {
    const now = clock.now()
    await prepareDays({ clock, store })
    // Rows of a day that is about to be dropped are not worth deleting one by one.
    if (await dropDays(store, config, now)) await removeRows(upkeep.days !== undefined, now)
    while (!isStopped() && (await upkeep.sweepBodies(now - LOOSE_MS, BODIES_AT_ONCE)) === BODIES_AT_ONCE);
    if (!isStopped()) await upkeep.foldHeld()
    return upkeep.held()
  }
}

async function prepareDays({ clock, store }: Pick<Deps, 'clock' | 'store'>): Promise<void> {
  const today = dayAt(clock.now())
  await store.upkeep.days?.prepare(today, today + DAYS_AHEAD)
}

/**
 * Drops whole days: those that are too old, and the oldest while what is left is still as much as may stay. False when
 * one could not be dropped now.
 */
async function dropDays({ upkeep }: Pick<Store, 'upkeep'>, config: Config, now: number): Promise<boolean> {
  if (upkeep.days === undefined) return true
  const held = await upkeep.days.held()
  const total = held.reduce((sum, day) => added(sum, day), { messages: 0, bytes: 0 })
  let excess = excessOf(total, config)
  let last = config.retentionDays === 0 ? 0 : dayAt(now - config.retentionDays * DAY_MS) - 1
  for (const { day, messages, bytes } of held) {
    excess = { messages: excess.messages - messages, bytes: excess.bytes - bytes }
    if (excess.messages < 0 && excess.bytes < 0) break
    last = Math.max(last, day)
  }
  // An acceptance of the last minute of a day has an hour to be written.
  return upkeep.days.drop(Math.min(last, dayAt(now - HOUR_MS) - 1))
}

/** How much more is held than may stay; less than nothing: so much more may come. */
function excessOf({ messages, bytes }: Amount, { retentionMessages, retentionBytes }: Config): Amount {
  return {
    messages: retentionMessages === 0 ? Number.NEGATIVE_INFINITY : messages - retentionMessages,
    bytes: retentionBytes === 0 ? Number.NEGATIVE_INFINITY : bytes - retentionBytes,
  }
}

function added(a: Amount, b: Amount): Amount {
  return { messages: a.messages + b.messages, bytes: a.bytes + b.bytes }
}

function dayAt(ms: number): number {
  return Math.floor(ms / DAY_MS)
}
