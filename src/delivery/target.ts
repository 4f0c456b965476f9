/** A server to talk to, and what an attempt to do so needs and gives. */
import type { TlsResult } from '../message/outcome.ts'
import type { Clock, Dial, TlsOptions, TlsState } from '../platform/platform.ts'
import type { Credentials } from './auth.ts'
import type { Timeouts } from './limits.ts'
import type { TlsMemory } from './tls-memory.ts'
import type { Transcript } from './transcript.ts'

/**
 * What is asked of TLS. `never`; `may`: if it works; `must`: encrypted, whoever it is; `verified`: and the judge finds
 * nothing wrong. With `may` and `must` a judge only reports (MTA-STS in testing).
 */
export type TlsDemand = {
  readonly level: 'never' | 'may' | 'must' | 'verified'
  /** A text says what is wrong with the certificate. */
  readonly judge?: { readonly by: 'mta-sts' | 'dane' | 'pkix'; readonly judge: (state: TlsState) => string | null }
  /** On whose word, for reports. */
  readonly policy: TlsResult['policy']
}

/** A server to talk to. */
export type Target = {
  /** Its name, also expected in its certificate. */
  readonly host: string
  readonly address: string
  readonly port: number
  readonly tls: TlsDemand
  /** TLS from the start, without STARTTLS (RFC 8314 §3). */
  readonly isTlsFromStart: boolean
  readonly credentials: Credentials | undefined
}

/** Who we are on a connection. `addresses`: ours to call from, of one family or both; any if there are none. */
export type Egress = { readonly addresses: readonly string[]; readonly name: string }

export type MinTlsVersions = {
  readonly demanded: TlsOptions['minVersion']
  readonly opportunistic: TlsOptions['minVersion']
}

export type OpenDeps = {
  readonly dial: Dial
  readonly clock: Clock
  readonly timeouts: Timeouts
  readonly tlsMemory: TlsMemory
  /** `demanded`: where it has to be TLS; `opportunistic`: where else mail goes in the clear. */
  readonly minTlsVersions: MinTlsVersions
  /** Authorities trusted instead of the usual ones, PEM. */
  readonly ca: readonly string[] | undefined
}

export type Attempt = {
  readonly egress: Egress
  readonly transcript: Transcript
  readonly giveUpAt: number
  readonly report: (result: TlsResult) => void
  /** Adds to the time spent so. */
  readonly spent: (what: 'connectMs' | 'handshakeMs', ms: number) => void
}
