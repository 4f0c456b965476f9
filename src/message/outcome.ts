/** What became of a delivery: values, never exceptions. */

/** An SMTP reply of the other side. */
export type Reply = {
  readonly code: number
  readonly enhanced: string | null
  /** Without codes; the lines of a longer one joined by line feeds. */
  readonly text: string
  /** The lines as they were said, codes and dashes included; missing in replies of our own making. */
  readonly lines?: readonly string[]
}

/**
 * One recipient's outcome. `complained`: delivered, and reported as spam afterwards (the mailbox simulator's).
 * `bounce` says why in SES's words; deferral comes with the transports that can meet it.
 */
export type RecipientOutcome =
  | { readonly position: number; readonly kind: 'delivered'; readonly reply: Reply }
  | { readonly position: number; readonly kind: 'complained'; readonly reply: Reply }
  | {
      readonly position: number
      readonly kind: 'bounced'
      readonly reply: Reply
      readonly bounceType: 'Undetermined' | 'Permanent' | 'Transient'
      readonly bounceSubType: string
    }

/** One attempt to hand a message to one destination. */
export type Outcome = {
  readonly transport: 'capture' | 'simulator'
  readonly recipients: readonly RecipientOutcome[]
  /** Name of the host that spoke to the other side. */
  readonly reportingMta: string
  /** The dialogue, a line each, as an operator reads it. */
  readonly transcript: readonly string[]
}

/** How far a delivery had come when what it tells of happened. `dot`: the message was sent, its answer awaited. */
export type Step =
  | 'lookup'
  | 'connect'
  | 'greeting'
  | 'ehlo'
  | 'starttls'
  | 'auth'
  | 'mail'
  | 'rcpt'
  | 'data'
  | 'body'
  | 'dot'
  | 'idle'

/**
 * Why a recipient was not reached. `reply`: the other side said so; `dns`: no answer from DNS; `no-host`: DNS says
 * there is nobody to ask; `connect`: no connection; `timeout`; `dropped`: hung up on us; `protocol`: what it says is
 * not SMTP; `tls`: not private as it had to be; `unsuitable`: it cannot take this message; `forbidden`: an address that
 * we do not call; `loop`: the way leads back to us.
 */
export type Reason =
  | 'reply'
  | 'dns'
  | 'no-host'
  | 'connect'
  | 'timeout'
  | 'dropped'
  | 'protocol'
  | 'tls'
  | 'unsuitable'
  | 'forbidden'
  | 'loop'

/** Whose problem it looks like from the step alone: the recipient's, the message's, ours (address, name), their host's. */
export type Whose = 'recipient' | 'message' | 'ours' | 'destination'

/** The server that was spoken to. */
export type Remote = {
  readonly host: string
  readonly ip: string
  readonly port: number
  /** Our address on that connection. */
  readonly egressIp: string
  readonly tls: TlsUse | null
}

/** `TLSv1.3`, OpenSSL's name of the cipher, and by what the certificate was found good (`none`: nobody asked). */
export type TlsUse = {
  readonly version: string
  readonly cipher: string
  readonly verified: 'none' | 'mta-sts' | 'dane' | 'pkix'
}

/** Why recipients were not reached: of one of them, or of a host or a domain as a whole. */
export type Failure = {
  /** Whether to ask again makes no sense (5yz). */
  readonly isPermanent: boolean
  readonly step: Step
  readonly reason: Reason
  readonly whose: Whose
  /** The other side's (`reason: 'reply'`), or ours in SES's words. */
  readonly reply: Reply
  readonly remote: Remote | null
  /** The connection ended between the final dot and its answer: the message may be there already (RFC 5321 §4.5.3.2.6). */
  readonly mayHaveArrived: boolean
}

/** One recipient after an attempt over the network, in the other side's words. What SES calls it is decided later. */
export type AttemptedRecipient =
  | { readonly position: number; readonly kind: 'delivered'; readonly reply: Reply; readonly remote: Remote }
  | { readonly position: number; readonly kind: 'bounced' | 'deferred'; readonly failure: Failure }

/** Milliseconds spent, over all hosts that were tried. */
export type Timings = {
  readonly lookupMs: number
  readonly connectMs: number
  /** Greeting, EHLO, STARTTLS and the TLS handshake, AUTH. */
  readonly handshakeMs: number
  readonly transferMs: number
}

/**
 * How a sender wants his mail to go. `REQUIRE`: in TLS only. `ANY`: whatever TLS there is, or none, and whatever the other
 * side asks for: of reports about its TLS (RFC 8460 §3).
 */
export type TlsWish = 'OPTIONAL' | 'REQUIRE' | 'ANY'

/** What a handshake came to, as TLS reports tell it (RFC 8460 §4.3); `failure` null: it was as it had to be. */
export type TlsResult = {
  readonly policy: {
    readonly type: 'no-policy-found' | 'sts' | 'tlsa'
    readonly domain: string
    /** Lines of the MTA-STS policy, or TLSA records. */
    readonly lines: readonly string[]
    /** Of MTA-STS: the patterns of hosts. */
    readonly mxHosts: readonly string[]
  }
  readonly failure: null | {
    readonly type:
      | 'starttls-not-supported'
      | 'certificate-host-mismatch'
      | 'certificate-expired'
      | 'certificate-not-trusted'
      | 'validation-failure'
      | 'tlsa-invalid'
      | 'dnssec-invalid'
      | 'sts-policy-fetch-error'
      | 'sts-policy-invalid'
      | 'sts-webpki-invalid'
    readonly reason: string
  }
  /** Of the connection; null where none came about. `helo`: the server's name by its own word. Empty: not known. */
  readonly remote: null | {
    readonly host: string
    readonly helo: string
    readonly ip: string
    readonly egressIp: string
  }
}

/** One attempt over the network to hand a message to one destination. */
export type NetworkOutcome = {
  readonly transport: 'direct' | 'smarthost'
  readonly recipients: readonly AttemptedRecipient[]
  /** The name that we gave in EHLO. */
  readonly reportingMta: string
  /** The dialogue, a line each with the milliseconds since the start; no bodies, no credentials. */
  readonly transcript: readonly string[]
  readonly startedAt: number
  readonly timings: Timings
  /** The key under which limits of this destination are counted: its provider, or its set of hosts. */
  readonly site: string
  /** Connections made and tried in vain, by host, for who slows down on refusals. */
  readonly connections: { readonly opened: number; readonly failed: number; readonly reused: number }
  /** Of each connection that was opened, and of policies that could not be had; for TLS reports. */
  readonly tlsResults: readonly TlsResult[]
}

/** Of an outcome that came about without calling anybody. */
export const NOBODY_CALLED = {
  timings: { lookupMs: 0, connectMs: 0, handshakeMs: 0, transferMs: 0 },
  connections: { opened: 0, failed: 0, reused: 0 },
  tlsResults: [],
} as const satisfies Partial<NetworkOutcome>

/** `250 2.0.0 Ok`: a reply as one text, exactly as it was said where the other side said it. */
export function replyLine(reply: Reply): string {
  if (reply.lines !== undefined) return reply.lines.join('\n')
  return [String(reply.code), reply.enhanced, reply.text].filter((part) => part !== null && part !== '').join(' ')
}
