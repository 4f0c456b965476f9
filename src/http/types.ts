/** What this room is given by the application, and what it gives: the contract between HTTP and everything behind it. */
import type { ServerResponse } from 'node:http'
import type { Config } from '../config/config.ts'
import type { Clock, Log, Random } from '../platform/platform.ts'
import type { Exchange, Reply } from './exchange.ts'

export type HttpCall<P> = {
  readonly service: 'v1' | 'v2'
  readonly operation: string
  readonly principal: P
  /** Of the credential scope. */
  readonly region: string
  readonly requestId: string
  readonly sourceIp: string
  readonly userAgent: string
  /** `TLSv1.3` and the like; null in the clear. */
  readonly tlsVersion: string | null
}

export type Credential<P> = {
  readonly secret: string
  readonly sessionToken: string | null
  /** Milliseconds since the epoch, real time; null: for ever. */
  readonly expiresAt: number | null
  readonly active: boolean
  /** Nothing is compared: whatever signature and token come with this key are taken (`--any-credentials`). */
  readonly anySecret?: boolean
  readonly principal: P
}

export type RouteRequest = {
  readonly method: string
  readonly path: string
  /** The `:names` of the route's path, decoded; what a final `*` stands for is under `*`. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
  readonly sourceIp: string
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal
}

export type RouteReply = {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** An object is sent as JSON. */
  readonly body?: string | Uint8Array | object
}

export type Route = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** `/_sesame/messages/:messageId/raw`; a final `*` stands for any rest. */
  readonly path: string
  /**
   * public: anyone. admin: the loopback interface without foreign Origin or Host where `config.controls` are on,
   * else the bearer token. controls: as admin, and not there at all unless `config.controls`.
   */
  readonly access: 'public' | 'admin' | 'controls'
  readonly handle: (request: RouteRequest) => Promise<RouteReply>
}

/** Answers a request; rejects only with ClientGone. */
export type Dispatcher = (exchange: Exchange, response: ServerResponse) => Promise<Reply>

/** What listening takes. */
export type ServerDeps = {
  readonly config: Config
  readonly wallClock: Clock
  readonly random: Random
  readonly log: Log
  /** Asked for with each request: it need not be there before the first. */
  dispatcher(): Promise<Dispatcher>
  /** HTTPS when given (PEM). */
  readonly tls?: Tls
}

/** What answering takes. */
export type HttpDeps<P> = {
  readonly config: Config
  /** Real time, by which signatures age. */
  readonly wallClock: Clock
  readonly random: Random
  readonly log: Log
  credential(accessKeyId: string): Credential<P> | undefined | Promise<Credential<P> | undefined>
  /** Whether the caller may call the operation at all, asked before the body is decoded; throws SesError. */
  authorize(call: HttpCall<P>): void
  /** Runs the operation with its decoded and validated input. */
  invoke(call: HttpCall<P>, input: unknown): Promise<unknown>
  readonly routes: readonly Route[]
  ready(): boolean
}

export type Tls = { readonly cert: string; readonly key: string }
