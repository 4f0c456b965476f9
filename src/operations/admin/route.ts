/** A route beside the AWS APIs: what the HTTP server hands it, and what it answers. The shapes are those of http/. */

export type RouteRequest = {
  readonly method: string
  readonly path: string
  /** Values of the `:names` in the route's path, decoded. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
  readonly sourceIp: string
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal
}

export type RouteReply = {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** An object is answered as JSON. */
  readonly body?: string | Uint8Array | object
}

export type Route = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  /** `admin`: loopback while the controls are on, else the admin token; `controls`: as admin, and only while they are on. */
  readonly access: 'public' | 'admin' | 'controls'
  readonly handle: (request: RouteRequest) => Promise<RouteReply>
}

/** An answer that no failure of SES's catalogue stands for, in the admin API's words. */
export function errorReply(status: number, code: string, message: string): RouteReply {
  return { status, body: { error: { code, message } } }
}
