/** What a load generator is asked for, and what it answers: JSON between processes. */

type Common = {
  /** Connections are spread over them in turn. */
  readonly targets: readonly { readonly host: string; readonly port: number }[]
  readonly connections: number
  /** Runs before anything is counted. */
  readonly warmMs: number
  readonly measureMs: number
  /** Ends the run early, once so many were accepted, warm-up included. */
  readonly messages?: number
  /** Processes whose CPU is read at the start and the end of the measured time. */
  readonly pids: readonly number[]
}

export type HttpSpec = Common & {
  readonly kind: 'http'
  readonly surface: 'v1' | 'v2'
  /**
   * Requests a second, whatever becomes of them (an open loop): each counts from the moment when it was due, also when
   * it had to wait for a connection. Without it each connection sends as soon as it has its answer.
   */
  readonly rate?: number
}

export type SmtpSpec = Common & {
  readonly kind: 'smtp'
  readonly tls: 'none' | 'starttls' | 'implicit'
  /** A connection for each message, or one for all. */
  readonly isNewEachTime: boolean
  /** Nothing is sent along with the end of a message: for servers that do not take what RFC 2920 §3.1 allows there. */
  readonly endsGroupWithMessage?: boolean
  readonly login?: { readonly user: string; readonly password: string }
}

export type Spec = HttpSpec | SmtpSpec

export type Result = {
  /** Messages that the other side said it took, in the measured time. */
  readonly accepted: number
  readonly seconds: number
  /** The same from the first connection on, warm-up included. */
  readonly acceptedInAll: number
  /** Of the measured time; `samples` shows one of each. */
  readonly errors: number
  readonly samples: readonly string[]
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** CPU seconds in the measured time: of the processes asked about, of the generator. */
  readonly serverCpu: number
  readonly ownCpu: number
  /** Of all cores: what neither of us used, and what the hypervisor took. From 0 to 1. */
  readonly foreign: number
  readonly stolen: number
}
