/** The outside world behind types. Nothing else in src/ touches clock, randomness, DNS, sockets or the log. */

export type Cancel = () => void

/** A clock. Times are milliseconds since the Unix epoch, UTC. */
export type Clock = {
  now(): number
  /** Calls `task` once, when this clock has moved on by `ms`; the returned function calls it off. */
  after(ms: number, task: () => void): Cancel
}

/** SES's time: the real clock plus an offset that the admin API moves (`POST /_sesame/clock`). Timers that became due by the jump fire at once, in order. */
export type MovableClock = Clock & { advance(ms: number): void; reset(): void; readonly offsetMs: number }

export type Random = {
  bytes(length: number): Buffer
  /** A random UUID, version 4. */
  uuid(): string
  /** A uniformly distributed number in [0, 1). */
  fraction(): number
}

/** What a DNS question came to. `temporary`: no answer could be had (SERVFAIL, timeout), ask again later. */
export type DnsAnswer<T> =
  | { readonly kind: 'found'; readonly records: readonly T[] }
  | { readonly kind: 'none'; readonly why: 'no-such-host' | 'no-such-type' }
  | { readonly kind: 'temporary'; readonly reason: string }

export type Mx = { readonly exchange: string; readonly preference: number }

/** DNS look-ups. Names without a final dot. TXT records come with their strings joined (RFC 7208 §3.3). */
export type Dns = {
  txt(name: string): Promise<DnsAnswer<string>>
  cname(name: string): Promise<DnsAnswer<string>>
  mx(name: string): Promise<DnsAnswer<Mx>>
}

export type Log = {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void
  info(message: string, fields?: Readonly<Record<string, unknown>>): void
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void
  error(message: string, fields?: Readonly<Record<string, unknown>>): void
}

/** `clock` is SES's time; `wallClock` is real time, by which the age of a signature is judged. */
export type Platform = {
  readonly clock: MovableClock
  readonly wallClock: Clock
  readonly random: Random
  readonly dns: Dns
  readonly log: Log
}
