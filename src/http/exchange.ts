/** One request as the rest of this room sees it, and what is answered. */
import type { IncomingMessage } from 'node:http'

export type Exchange = {
  readonly method: string
  /** As sent, percent-encoded, without the query string. */
  readonly path: string
  /** As sent, without the question mark. */
  readonly query: string
  /** Lower-case names; what was sent several times is joined by commas. */
  readonly headers: ReadonlyMap<string, string>
  readonly requestId: string
  readonly sourceIp: string
  /** `TLSv1.3` and the like; null in the clear. */
  readonly tlsVersion: string | null
  /** The address that the caller reached us at. */
  readonly localIp: string
  readonly request: IncomingMessage
  /** The client waits for our word before it sends the body (RFC 9110 §10.1.1); `acceptBody` gives it. */
  readonly expectsContinue: boolean
  acceptBody(): void
}

export type Reply = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
}

/** The client went away before its request was complete: there is nobody to answer. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone'
}

/** Takes a request of node:http apart. Undefined where its target is neither a path nor a URL (RFC 9112 §3.2). */
export function readExchange(
  request: IncomingMessage,
  requestId: string,
  sendContinue: (() => void) | undefined,
): Exchange | undefined {
  const target = request.url ?? ''
  const start = pathStart(target)
  if (start === -1) return undefined
  const question = target.indexOf('?', start)
  const end = question === -1 ? target.length : question
  const { socket } = request
  return {
    method: request.method ?? '',
    path: target.slice(start, end) || '/',
    query: question === -1 ? '' : target.slice(question + 1),
    headers: readHeaders(request.rawHeaders),
    requestId,
    sourceIp: plainAddress(socket.remoteAddress),
    tlsVersion:
      'getProtocol' in socket && typeof socket.getProtocol === 'function' ? String(socket.getProtocol()) : null,
    localIp: plainAddress(socket.localAddress),
    request,
    expectsContinue: sendContinue !== undefined,
    acceptBody: () => sendContinue?.(),
  }
}

/** Where the path starts in `/path` or `http://host/path`; proxies send the latter. */
function pathStart(target: string): number {
  if (target.startsWith('/')) return 0
  const scheme = /^https?:\/\/[^/?#]*/i.exec(target)
  return scheme ? scheme[0].length : -1
}

function readHeaders(raw: readonly string[]): ReadonlyMap<string, string> {
  const headers = new Map<string, string>()
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] ?? '').toLowerCase()
    const value = raw[at + 1] ?? ''
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : `${before},${value}`)
  }
  return headers
}

/** An IPv4 address that came over an IPv6 socket is an IPv4 address. */
function plainAddress(address: string | undefined): string {
  if (address === undefined) return ''
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}
