/** Real connections: TCP, and TLS on top of it. */
import { constants } from 'node:crypto'
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls, DEFAULT_CIPHERS, type DetailedPeerCertificate, type TLSSocket } from 'node:tls'
import type { Dial, TlsOptions, TlsState, Wire, WireListener } from './platform.ts'

/** Certificates looked at in a chain: more than any that makes sense, and an end for one that is a circle. */
const MAX_CHAIN = 10

/** OpenSSL's security level 0, without which it speaks no TLS before 1.2, and servers without RFC 5746. */
const LENIENT = { ciphers: `${DEFAULT_CIPHERS}:@SECLEVEL=0`, secureOptions: constants.SSL_OP_LEGACY_SERVER_CONNECT }

export const realDial: Dial = async ({ address, port, localAddress }, signal) => {
  const { promise, resolve } = Promise.withResolvers<Wire | string>()
  const socket = address.startsWith('/')
    ? connect({ path: address })
    : connect({ host: address, port, ...(localAddress !== undefined && { localAddress }) })
  const over = (result: Wire | string) => {
    signal.removeEventListener('abort', abort)
    socket.off('error', failed).off('connect', connected)
    resolve(result)
  }
  const connected = () => over(new SocketWire(socket))
  const failed = (error: Error) => over(codeOf(error))
  const abort = () => {
    socket.destroy()
    over('ETIMEDOUT')
  }
  socket.on('error', failed).on('connect', connected)
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort)
  return promise
}

class SocketWire implements Wire {
  readonly localAddress: string
  readonly remoteAddress: string
  #socket: Socket
  #listener: WireListener | undefined
  #end: { readonly code: string | null } | undefined
  #detach: () => void = () => {}

  constructor(socket: Socket) {
    this.#socket = socket
    this.localAddress = socket.localAddress ?? ''
    this.remoteAddress = socket.remoteAddress ?? ''
    socket.setNoDelay(true)
    this.#attach()
  }

  listen(listener: WireListener): void {
    this.#listener = listener
    if (this.#end !== undefined) listener.closed(this.#end.code)
    else this.#socket.resume()
  }

  send(...octets: readonly (Buffer | string)[]): boolean {
    const socket = this.#socket
    if (octets.length > 1) socket.cork()
    let isRoom = true
    for (const each of octets) isRoom = typeof each === 'string' ? socket.write(each, 'latin1') : socket.write(each)
    if (octets.length > 1) socket.uncork()
    return isRoom
  }

  async startTls(options: TlsOptions): Promise<TlsState | string> {
    const { session, ca, serverName, minVersion, isLenient = false, onSession } = options
    const { promise, resolve } = Promise.withResolvers<TlsState | string>()
    this.#listener = undefined
    this.#detach()
    const secure = connectTls({
      socket: this.#socket,
      // What the certificate is compared with, and asked for if it is a name (RFC 6066 §3).
      host: serverName,
      ...(isIP(serverName) === 0 && { servername: serverName }),
      minVersion,
      ...(isLenient && LENIENT),
      rejectUnauthorized: false,
      ...(session !== undefined && { session }),
      ...(ca !== undefined && { ca: [...ca] }),
    })
    this.#socket = secure
    const over = (result: TlsState | string) => {
      secure.off('error', failed).off('close', closed).off('secureConnect', secured)
      this.#attach()
      resolve(result)
    }
    const failed = (error: Error) => over(codeOf(error))
    const closed = () => over('ECONNRESET')
    const secured = () => over(stateOf(secure))
    secure.on('error', failed).on('close', closed).on('secureConnect', secured)
    if (onSession !== undefined) secure.on('session', onSession)
    return promise
  }

  finish(lastWords: string): void {
    this.#listener = undefined
    if (lastWords !== '') this.#socket.write(lastWords, 'latin1')
    this.#socket.destroySoon()
  }

  destroy(): void {
    this.#listener = undefined
    this.#socket.destroy()
  }

  #attach(): void {
    const data = (octets: Buffer) => this.#listener?.data(octets)
    const drained = () => this.#listener?.drained()
    const hungUp = () => this.#ended(null)
    const failed = (error: Error) => this.#ended(codeOf(error))
    const socket = this.#socket
    socket.on('data', data).on('drain', drained).on('end', hungUp).on('close', hungUp).on('error', failed).pause()
    this.#detach = () => {
      // Errors are still heard, or they would be thrown; TLS tells of them as well.
      socket.off('data', data).off('drain', drained).off('end', hungUp).off('close', hungUp).off('error', failed)
      socket.on('error', () => {})
    }
  }

  #ended(code: string | null): void {
    if (this.#end !== undefined) return
    this.#end = { code }
    this.#socket.destroy()
    this.#listener?.closed(code)
  }
}

function stateOf(socket: TLSSocket): TlsState {
  return {
    version: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher().name,
    authorizationError: socket.authorized ? null : String(socket.authorizationError),
    isResumed: socket.isSessionReused(),
    chain: () => chainOf(socket.getPeerCertificate(true)),
  }
}

function chainOf(first: DetailedPeerCertificate): Buffer[] {
  const chain: Buffer[] = []
  let next: DetailedPeerCertificate | undefined = first
  // A certificate that signed itself is its own issuer.
  while (next?.raw !== undefined && chain.length < MAX_CHAIN && !chain.some((known) => next?.raw.equals(known))) {
    chain.push(next.raw)
    next = next.issuerCertificate
  }
  return chain
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}
