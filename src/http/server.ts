/** The HTTP port: its limits and timeouts, and how answers go out. */
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { SecureContextOptions } from 'node:tls'
import { createServer } from '../platform/node-http.ts'
import { once } from '../platform/once.ts'
import { endOfTurn } from '../platform/turn.ts'
import { ClientGone, readExchange, type Reply } from './exchange.ts'
import type { ServerDeps, Tls } from './types.ts'

export type HttpServer = {
  /** Resolves when bound, with the address and port that came of it. */
  listen(host: string, port: number): Promise<{ host: string; port: number }>
  /** Takes no more connections, and resolves when the calls under way are answered, or after a while without them. */
  close(): Promise<void>
  /** Another certificate for connections to come; only with `tls`. */
  renewTls(tls: Tls): void
}

/** A presigned v1 call has all its parameters in its first line. */
const MAX_HEADER_BYTES = 64 * 1024
const MAX_CONNECTIONS = 10_000
const KEEP_ALIVE_MS = 65_000
const TIMEOUT_CHECK_MS = 5_000
const CLOSE_MS = 10_000

/** Makes the server; nothing is bound before `listen`. */
export function createHttpServer(deps: ServerDeps): HttpServer {
  let closing = false

  async function handle(request: IncomingMessage, response: ServerResponse, waits: boolean): Promise<void> {
    await endOfTurn()
    const requestId = deps.random.uuid()
    try {
      const exchange = readExchange(request, requestId, waits ? () => response.writeContinue() : undefined)
      const dispatch = await deps.dispatcher()
      const reply = exchange ? await dispatch(exchange, response) : BAD_REQUEST
      // A body that is not wanted is drained, but one that still waits for our word must not follow.
      const mustClose = closing || request.isPaused() || (waits && !request.complete)
      send(request, response, reply, { requestId, mustClose })
      deps.log.debug('http', { requestId, method: request.method, path: exchange?.path, status: reply.status })
    } catch (error) {
      if (!(error instanceof ClientGone)) deps.log.error('a request could not be answered', { requestId, error })
      response.destroy()
    }
  }

  const { limits } = deps.config
  // The head is part of the request, so it cannot have longer; node insists.
  const headersTimeout = Math.min(limits.httpHeadersTimeoutMs, limits.httpRequestTimeoutMs)
  const options: ServerOptions = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout,
    requestTimeout: limits.httpRequestTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: Math.min(TIMEOUT_CHECK_MS, headersTimeout),
    noDelay: true,
  }
  const started = startable(options, deps.tls && { ...deps.tls, minVersion: deps.config.tlsMinVersion })

  return {
    async listen(host, port) {
      const { server } = await started()
      server.maxConnections = MAX_CONNECTIONS
      // Node ends connections without traffic, and so those of clients that do not read what they asked for.
      server.timeout = limits.httpIdleTimeoutMs
      server.on('request', (request: IncomingMessage, response: ServerResponse) => {
        void handle(request, response, false)
      })
      server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
        void handle(request, response, true)
      })
      server.on('clientError', answerClientError)
      const bound = await bind(server, host, port)
      server.on('error', (error) => deps.log.error('the HTTP listener failed', { error }))
      return bound
    },
    async close() {
      closing = true
      const made = await started().catch(() => undefined)
      if (made?.server.listening !== true) return
      const { server } = made
      const cancel = deps.wallClock.after(CLOSE_MS, () => server.closeAllConnections())
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeIdleConnections()
      })
      cancel()
    },
    renewTls(tls) {
      void started().then(({ renew }) => renew?.(tls))
    },
  }
}

const BAD_REQUEST: Reply = { status: 400, headers: {}, body: '' }

type Started = { readonly server: Server; readonly renew?: (tls: Tls) => void }

/** node:https is loaded only where it is used. */
function startable(
  options: ServerOptions,
  tls: (Tls & Pick<SecureContextOptions, 'minVersion'>) | undefined,
): () => Promise<Started> {
  return once(async () => {
    if (!tls) return { server: createServer(options) }
    const https = await import('node:https')
    const server = https.createServer({ ...options, ...tls, ALPNProtocols: ['http/1.1'] })
    return { server, renew: (renewed) => server.setSecureContext({ ...tls, ...renewed }) }
  })
}

function bind(server: Server, host: string, port: number): Promise<{ host: string; port: number }> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      const address = server.address()
      if (address === null || typeof address === 'string') reject(new Error('The server has no address'))
      else resolve({ host: address.address, port: address.port })
    })
  })
}

/** Head and body leave in one segment: node joins a text to the head, and corks the two for bytes. */
function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: Reply,
  { requestId, mustClose }: { readonly requestId: string; readonly mustClose: boolean },
): void {
  if (response.destroyed) return
  if (!request.complete && !mustClose) request.resume()
  response.writeHead(status, {
    'x-amzn-RequestId': requestId,
    ...headers,
    ...(status === 204 || status === 304 ? {} : { 'Content-Length': Buffer.byteLength(body) }),
    ...(mustClose ? { Connection: 'close' } : {}),
  })
  if (request.method === 'HEAD' || body.length === 0) response.end()
  else response.end(body)
}

const CLIENT_ERRORS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Payload Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

/** For what is no HTTP, or comes too slowly. */
function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const status = CLIENT_ERRORS[error.code ?? ''] ?? '400 Bad Request'
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
