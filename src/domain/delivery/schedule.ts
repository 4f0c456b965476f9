/** When mail that was not taken is tried again, and for how long (SES tries for 840 minutes: docs/fidelity.md). */

const MINUTE_MS = 60_000
/** SES's life of a message, and the most that MaxDeliverySeconds can be. */
const LIFE_MS = 840 * MINUTE_MS

/** Minutes between attempts; the last one stays. Soon for greylisting, which asks for some minutes, and rarer from then on. */
const PAUSES = [2, 5, 10, 15, 30, 60, 60, 120]
/** So that what failed together does not come back together: 10 % to either side. */
const JITTER = 0.2

/** A delay of which its sender is told again; in the first hour once is enough. */
const TOLD_MS = 60 * MINUTE_MS

/** When a message is given up. `isCustom`: by the configuration set's MaxDeliverySeconds. */
export type Expiry = { readonly at: number; readonly minutes: number; readonly isCustom: boolean }

/** `maxDeliverySeconds`: of the configuration set (300 to 50,400), or null. */
export function expiryOf(acceptedAt: number, maxDeliverySeconds: number | null): Expiry {
  const life = maxDeliverySeconds === null ? LIFE_MS : Math.min(maxDeliverySeconds * 1000, LIFE_MS)
  return { at: acceptedAt + life, minutes: Math.round(life / MINUTE_MS), isCustom: maxDeliverySeconds !== null }
}

export type Retry = { readonly at: number; readonly isTold: boolean }

/**
 * The next attempt after `attempts` (at least 1) in vain, with chance from 0 to 1. The last one is made when the time
 * runs out, so that a life shorter than the schedule is used to its end.
 */
export function retryAfter(attempts: number, now: number, expiry: Expiry, chance: number): Retry {
  const minutes = PAUSES[Math.min(attempts, PAUSES.length) - 1] ?? 1
  const pause = minutes * MINUTE_MS * (1 - JITTER / 2 + JITTER * chance)
  return { at: Math.min(Math.round(now + pause), expiry.at), isTold: attempts === 1 || minutes * MINUTE_MS >= TOLD_MS }
}
