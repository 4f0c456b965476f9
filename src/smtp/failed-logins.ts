/** Back-off after failed logins, by address and by access key, in bounded memory. */
import type { Clock } from '../platform/platform.ts'

/** Failures that cost nothing, then 1, 2, 4 … seconds up to `maxMs` in which nothing is checked. */
type Allowance = { readonly free: number; readonly maxMs: number }

/** One client guessing one key; one client guessing keys; everybody guessing one key (short, for its owner must get in). */
const BY_CLIENT_AND_KEY: Allowance = { free: 5, maxMs: 300_000 }
const BY_CLIENT: Allowance = { free: 20, maxMs: 300_000 }
const BY_KEY: Allowance = { free: 50, maxMs: 10_000 }

/** After this long without a failure the count starts anew. */
const FORGET_MS = 900_000
const MAX_ENTRIES = 10_000
const MAX_NAME = 128

type Entry = { failures: number; last: number; blockedUntil: number }

export class FailedLogins {
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether `user` from `ip` must wait before credentials are looked at again. */
  isBlocked(ip: string, user: string): boolean {
    const now = this.#clock.now()
    return names(ip, user).some(([name]) => (this.#entries.get(name)?.blockedUntil ?? 0) > now)
  }

  failed(ip: string, user: string): void {
    const now = this.#clock.now()
    for (const [name, allowance] of names(ip, user)) {
      const known = this.#entries.get(name)
      const failures = known === undefined || now - known.last > FORGET_MS ? 1 : known.failures + 1
      const over = failures - allowance.free
      const blockedUntil = over <= 0 ? 0 : now + Math.min(1000 * 2 ** (over - 1), allowance.maxMs)
      // Last in the map: the entries that have been quiet longest give way first.
      this.#entries.delete(name)
      this.#entries.set(name, { failures, last: now, blockedUntil })
    }
    for (const name of this.#entries.keys()) {
      if (this.#entries.size <= MAX_ENTRIES) break
      this.#entries.delete(name)
    }
  }

  succeeded(ip: string, user: string): void {
    for (const [name] of names(ip, user)) this.#entries.delete(name)
  }
}

function names(ip: string, user: string): readonly (readonly [string, Allowance])[] {
  const key = user.slice(0, MAX_NAME)
  return [
    [`both ${ip} ${key}`, BY_CLIENT_AND_KEY],
    [`client ${ip}`, BY_CLIENT],
    [`key ${key}`, BY_KEY],
  ]
}
