/** A name server: UDP and TCP on one port, with bounds on what strangers can have it do. What it answers is handed to it. */
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, isIPv6, type Server, type Socket } from 'node:net'
import type { Clock, Log } from '../platform.ts'
import { encodeAnswer, NOTHING, type Query, readQuery, type ServedAnswer } from './query.ts'

export type NameServerDeps = {
  readonly clock: Clock
  readonly log: Log
  /** `type`: `TXT`, `TYPE64`. Rejects when it cannot be told now. */
  readonly answer: (name: string, type: string) => Promise<ServedAnswer>
}

export type NameServer = {
  listen(host: string, port: number): Promise<{ readonly host: string; readonly port: number }>
  close(): Promise<void>
}

/** Questions being answered at once; the asker asks again when his was one too many. */
const MAX_UNDER_WAY = 1000
const MAX_CONNECTIONS = 200
const MAX_QUERIES_OF_CONNECTION = 100
const IDLE_MS = 10_000
/** Longer than any question that is one. */
const MAX_TCP_QUERY = 4096
/** Answers by UDP to one net in a second; beyond it they are no longer than the question, so that nobody is flooded by us. */
const MAX_TO_A_NET = 200
const MAX_NETS = 50_000

export function createNameServer(deps: NameServerDeps): NameServer {
  const rate = createRate(deps.clock)
  const connections = new Set<Socket>()
  let udp: UdpSocket | undefined
  let tcp: Server | undefined
  let underWay = 0

  async function reply(query: Query, how: 'udp' | 'tcp', isShort: boolean): Promise<Buffer | undefined> {
    if (isShort) return encodeAnswer(query, NOTHING, how, true)
    if (underWay >= MAX_UNDER_WAY) return undefined
    underWay += 1
    try {
      return encodeAnswer(query, await answerTo(deps, query), how)
    } finally {
      underWay -= 1
    }
  }

  async function onPacket(socket: UdpSocket, packet: Buffer, from: RemoteInfo): Promise<void> {
    const query = readQuery(packet)
    if (query === undefined) return
    try {
      const answer = await reply(query, 'udp', !rate(from.address))
      // Whoever asked may be gone, and we may be closed by now.
      if (answer !== undefined && socket === udp) socket.send(answer, from.port, from.address, () => {})
    } catch (error) {
      deps.log.error('an answer of the name server could not be made', { error })
    }
  }

  return {
    async listen(host, port) {
      tcp = createServer((socket) => serveConnection(socket, connections, (query) => reply(query, 'tcp', false)))
      tcp.maxConnections = MAX_CONNECTIONS
      tcp.listen(port, host)
      await once(tcp, 'listening')
      const at = tcp.address()
      const bound = typeof at === 'object' && at !== null ? at.port : port
      const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
      socket.bind(bound, host)
      await once(socket, 'listening')
      udp = socket
      socket.on('message', (packet, from) => void onPacket(socket, packet, from))
      socket.on('error', (error) => deps.log.warn('the name server had an error', { error }))
      return { host, port: bound }
    },
    async close() {
      const [socket, server] = [udp, tcp]
      udp = undefined
      tcp = undefined
      for (const each of connections) each.destroy()
      if (socket !== undefined) await new Promise<void>((resolve) => void socket.close(resolve))
      if (server !== undefined) await new Promise<void>((resolve) => void server.close(() => resolve()))
    },
  }
}

async function answerTo({ answer, log }: NameServerDeps, { name, type, fault }: Query): Promise<ServedAnswer> {
  if (fault !== undefined) return { ...NOTHING, code: fault }
  // Zone transfers: who wants the names one by one has to know them.
  if (name === undefined || type === 'AXFR' || type === 'IXFR') return { ...NOTHING, code: 'REFUSED' }
  try {
    return await answer(name, type)
  } catch (error) {
    log.warn('a question to the name server could not be answered', { name, type, error })
    return { ...NOTHING, code: 'SERVFAIL' }
  }
}

/** Questions one after the other (RFC 7766 §6.2.1.1), each behind its length. */
function serveConnection(
  socket: Socket,
  connections: Set<Socket>,
  reply: (query: Query) => Promise<Buffer | undefined>,
): void {
  connections.add(socket)
  let received = Buffer.alloc(0)
  let answered = 0
  let working = Promise.resolve()
  socket.setTimeout(IDLE_MS, () => socket.destroy())
  socket.on('error', () => {}).on('close', () => connections.delete(socket))
  socket.on('data', (octets: Buffer) => {
    received = Buffer.concat([received, octets])
    // One at a time: who sends faster than he is answered has to wait.
    socket.pause()
    working = working.then(drain).catch(() => void socket.destroy())
  })

  async function drain(): Promise<void> {
    while (received.length >= 2) {
      const length = received.readUInt16BE()
      if (length > MAX_TCP_QUERY) return void socket.destroy()
      if (received.length < 2 + length) break
      const query = readQuery(received.subarray(2, 2 + length))
      received = received.subarray(2 + length)
      answered += 1
      const answer = query && answered <= MAX_QUERIES_OF_CONNECTION ? await reply(query) : undefined
      if (answer === undefined) return void socket.destroy()
      const head = Buffer.alloc(2)
      head.writeUInt16BE(answer.length)
      socket.write(Buffer.concat([head, answer]))
    }
    socket.resume()
  }
}

/** Whether one more answer may go to the net of an address this second. */
function createRate(clock: Clock): (address: string) => boolean {
  let second = 0
  const sent = new Map<string, number>()
  return (address) => {
    const now = Math.floor(clock.now() / 1000)
    if (now !== second) sent.clear()
    second = now
    const net = address.includes(':') ? address.split(':').slice(0, 3).join(':') : address.replace(/\.\d+$/, '')
    const count = (sent.get(net) ?? 0) + 1
    if (count === 1 && sent.size >= MAX_NETS) return false
    sent.set(net, count)
    return count <= MAX_TO_A_NET
  }
}
