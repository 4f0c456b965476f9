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

/**
 * What a DNS question came to. `temporary`: no answer could be had (SERVFAIL, timeout), ask again later. `isAuthentic`:
 * a resolver that we trust has checked the answer by DNSSEC.
 */
export type DnsAnswer<T> =
  | { readonly kind: 'found'; readonly records: readonly T[]; readonly isAuthentic: boolean }
  | { readonly kind: 'none'; readonly why: 'no-such-host' | 'no-such-type'; readonly isAuthentic: boolean }
  | { readonly kind: 'temporary'; readonly reason: string }

export type Mx = { readonly exchange: string; readonly preference: number }

/** RFC 6698 §2.1. */
export type Tlsa = {
  readonly usage: number
  readonly selector: number
  readonly matchingType: number
  readonly data: Buffer
}

/** DNS look-ups. Names without a final dot, the root as empty. TXT records come with their strings joined (RFC 7208 §3.3). */
export type Dns = {
  a(name: string): Promise<DnsAnswer<string>>
  aaaa(name: string): Promise<DnsAnswer<string>>
  txt(name: string): Promise<DnsAnswer<string>>
  cname(name: string): Promise<DnsAnswer<string>>
  mx(name: string): Promise<DnsAnswer<Mx>>
  tlsa(name: string): Promise<DnsAnswer<Tlsa>>
  /** `name`: that of an address in the reverse tree (`reverseName`). */
  ptr(name: string): Promise<DnsAnswer<string>>
  /** The same, with nothing remembered. */
  fresh(): Dns
}

/** What TLS came to on a connection. `authorizationError`: why the certificate is not good for the name; null: it is. */
export type TlsState = {
  /** `TLSv1.3` */
  readonly version: string
  /** OpenSSL's name. */
  readonly cipher: string
  readonly authorizationError: string | null
  readonly isResumed: boolean
  /** What the other side presented, DER, its own first. */
  readonly chain: () => readonly Buffer[]
}

export type TlsOptions = {
  /** The name asked for (SNI) and expected in the certificate. */
  readonly serverName: string
  readonly minVersion: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'
  /** Short keys, SHA-1 and renegotiation of old will do: where all that is left is plain text. */
  readonly isLenient?: boolean
  /** A session of before, to be taken up again. */
  readonly session?: Buffer
  /** Called with sessions to take up later. */
  readonly onSession?: (session: Buffer) => void
  /** Authorities trusted instead of the usual ones, PEM. */
  readonly ca?: readonly string[]
}

/** Who hears of a connection. */
export type WireListener = {
  data(octets: Buffer): void
  /** What was sent has left. */
  drained(): void
  /** Once, and nothing after it. `code`: the error of the socket; null: the other side hung up. */
  closed(code: string | null): void
}

/** A TCP connection of ours, in the clear or in TLS. It has one listener at a time, and is read only while it has one. */
export type Wire = {
  readonly localAddress: string
  readonly remoteAddress: string
  listen(listener: WireListener): void
  /** Sends, a string as latin1; false: wait for `drained` before the next. */
  send(...octets: readonly (Buffer | string)[]): boolean
  /** Goes on in TLS; does not refuse any certificate: who asked for it judges. A text says why it failed. */
  startTls(options: TlsOptions): Promise<TlsState | string>
  /** Sends a last text and hangs up, waiting for nothing. */
  finish(lastWords: string): void
  destroy(): void
}

export type DialTarget = {
  /** An IP address. Of a service beside us also a name that the system knows, or the path of a Unix socket. */
  readonly address: string
  readonly port: number
  /** Ours to call from; any if undefined. */
  readonly localAddress: string | undefined
}

/** Connects, or says why not (`ECONNREFUSED`). `signal` calls it off. */
export type Dial = (target: DialTarget, signal: AbortSignal) => Promise<Wire | string>

export type HttpsQuestion = {
  /** The name in the certificate and in `Host`. */
  readonly host: string
  /** The IP address to ask: who asks has looked it up, and at what it is. */
  readonly address: string
  readonly port: number
  readonly path: string
  readonly maxBytes: number
  /** Authorities trusted instead of the usual ones, PEM. */
  readonly ca: readonly string[] | undefined
  /** What is posted; absent: it is a GET. */
  readonly post?: { readonly contentType: string; readonly body: Uint8Array }
  /** Whoever answers will do. */
  readonly isAnyCertificate?: boolean
}
export type HttpsReply = { readonly status: number; readonly contentType: string; readonly body: string }

/** GET over HTTPS, or POST, following nothing. A text says why there is no reply. `signal` calls it off. */
export type HttpsGet = (question: HttpsQuestion, signal: AbortSignal) => Promise<HttpsReply | string>

export type HttpQuestion = {
  /** http or https. */
  readonly url: string
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body: Uint8Array
  readonly maxBytes: number
}

/** POST to a service beside us, following nothing. A text says why there is no reply. `signal` calls it off. */
export type HttpPost = (question: HttpQuestion, signal: AbortSignal) => Promise<HttpsReply | string>

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
  readonly dial: Dial
  readonly httpsGet: HttpsGet
  readonly httpPost: HttpPost
  readonly log: Log
}
