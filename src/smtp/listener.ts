/** A listening socket and its connections: how many there may be, and how they end. */
import { createServer, type Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import type { Config, Limits } from '../config/config.ts'
import type { Clock, Log, Random } from '../platform/platform.ts'
import { Connection, type Peer } from './connection.ts'
import type { Dialogue } from './dialogue.ts'
import { TOO_MANY_CONNECTIONS } from './replies.ts'

export type Listener = {
  /** Binds; port 0 takes any free one. Rejects with the error of the socket (EADDRINUSE and the like). */
  readonly listen: (host: string, port: number) => Promise<{ host: string; port: number }>
  /** Takes no new connections, lets transactions under way end for a while, then ends the rest. */
  readonly close: () => Promise<void>
}

/** What the room reads of the configuration. */
export type SmtpConfig = Pick<Config, 'hostname' | 'requireTls'> & {
  readonly limits: Pick<
    Limits,
    'messageBytes' | 'smtpConnections' | 'smtpIdleTimeoutMs' | 'smtpSessionTimeoutMs' | 'smtpErrors'
  >
}

export type ListenerOptions = {
  readonly config: SmtpConfig
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly secureContext: () => SecureContext
  readonly isTlsFromStart: boolean
  readonly dialogue: (peer: Peer) => Dialogue
}

/** Messages of full size that may be in memory at once, over all connections. */
const MESSAGES_IN_MEMORY = 8
/** How long a transaction under way may go on after close(). */
const DRAIN_MS = 10_000
/** One client leaves this fraction of the connections to others. */
const SHARE_FOR_OTHERS = 1 / 8

const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
const ALNUM = `${UPPER}abcdefghijklmnopqrstuvwxyz`

/** A server that is not listening yet. */
export function createListener(options: ListenerOptions): Listener {
  const { config, clock, random, log } = options
  const { limits } = config
  const connections = new Set<Connection>()
  const perClient = new Map<string, number>()
  const maxPerClient = limits.smtpConnections - Math.floor(limits.smtpConnections * SHARE_FOR_OTHERS)
  const budget = { used: 0, max: MESSAGES_IN_MEMORY * limits.messageBytes }
  const serverToken = `d-${token(random, UPPER, 9)}`
  let drained: (() => void) | undefined

  function accept(socket: Socket): void {
    const ip = plainAddress(socket.remoteAddress ?? '')
    const sameClient = perClient.get(ip) ?? 0
    if (connections.size >= limits.smtpConnections || sameClient >= maxPerClient) {
      return turnAway(socket, options.isTlsFromStart)
    }
    perClient.set(ip, sameClient + 1)
    const connection: Connection = new Connection(socket, {
      clock,
      log,
      id: `${serverToken} ${token(random, ALNUM, 20)}`,
      ip,
      isTlsFromStart: options.isTlsFromStart,
      secureContext: options.secureContext,
      dialogue: options.dialogue,
      maxMessageBytes: limits.messageBytes,
      idleTimeoutMs: limits.smtpIdleTimeoutMs,
      sessionTimeoutMs: limits.smtpSessionTimeoutMs,
      budget,
      closed: () => closed(connection, ip),
    })
    connections.add(connection)
    connection.start()
  }

  function closed(connection: Connection, ip: string): void {
    connections.delete(connection)
    const rest = (perClient.get(ip) ?? 1) - 1
    if (rest > 0) perClient.set(ip, rest)
    else perClient.delete(ip)
    if (connections.size === 0) drained?.()
  }

  const server = createServer({ noDelay: true, allowHalfOpen: true }, accept)

  return {
    async listen(host, port) {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(port, host, () => {
          server.off('error', reject)
          server.on('error', (error) => log.error('smtp listener failed', { error }))
          resolve()
        })
      })
      const address = server.address()
      if (address === null || typeof address === 'string') throw new Error('smtp listener has no port')
      return { host: address.address, port: address.port }
    },

    async close() {
      const isClosed = new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
      const areGone = new Promise<void>((resolve) => {
        drained = resolve
      })
      for (const connection of connections) connection.retire()
      if (connections.size > 0) {
        const cancel = clock.after(DRAIN_MS, () => {
          for (const connection of connections) connection.destroy()
        })
        await areGone
        cancel()
      }
      await isClosed
    },
  }
}

/** Under the cap nothing is spent on a connection beyond one line; on the TLS port not even a handshake. */
function turnAway(socket: Socket, isTlsFromStart: boolean): void {
  socket.on('error', () => socket.destroy())
  if (isTlsFromStart) return void socket.destroy()
  socket.resume()
  socket.end(TOO_MANY_CONNECTIONS, () => socket.destroy())
}

/** IPv4 addresses mapped into IPv6 (RFC 4291 §2.5.5.2) as what they are. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address
}

function token(random: Random, alphabet: string, length: number): string {
  let text = ''
  for (const octet of random.bytes(length)) text += alphabet[octet % alphabet.length] ?? ''
  return text
}
