/** One question to one DNS server: by UDP, and by TCP where UDP does not do. */
import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import type { Random } from '../platform.ts'
import { answersTo, decodeResponse, encodeQuestion, type Question, type Response } from './codec.ts'

export type Server = { readonly address: string; readonly port: number }

/** A response, or why there is none. */
export type Exchanged = Response | string

/** Packets that answer something else, after which somebody is guessing, and TCP is asked (RFC 5452 §9). */
const MAX_STRAY = 10
const MAX_TCP_OCTETS = 65_537

/**
 * Asks by UDP from a port of its own, chosen by the system, with a random id and random letter case (0x20): an answer
 * must repeat all of them. A truncated answer, and a guessing neighbour, lead to TCP.
 */
export async function exchange(server: Server, question: Question, ms: number, random: Random): Promise<Exchanged> {
  const signal = AbortSignal.timeout(ms)
  const id = random.bytes(2).readUInt16BE()
  const disguised = { ...question, name: disguise(question.name, random) }
  const response = await byUdp(server, { id, question: disguised, signal })
  if (response !== 'stray' && (typeof response === 'string' || !response.isTruncated)) return response
  return byTcp(server, { id, question, signal })
}

type Ask = { readonly id: number; readonly question: Question; readonly signal: AbortSignal }

function byUdp(server: Server, { id, question, signal }: Ask): Promise<Exchanged> {
  const { promise, resolve } = Promise.withResolvers<Exchanged>()
  const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4')
  let stray = 0
  const over = (result: Exchanged) => {
    signal.removeEventListener('abort', late)
    socket.removeAllListeners('message')
    resolve(result)
    // More than once it throws.
    if (!isClosed) socket.close()
    isClosed = true
  }
  let isClosed = false
  const late = () => over('ETIMEOUT')
  signal.addEventListener('abort', late)
  socket.on('error', (error) => over(codeOf(error)))
  socket.on('message', (octets) => {
    const response = decodeResponse(octets)
    if (response !== undefined && answersTo(response, id, question)) return over(response)
    stray += 1
    // The case of our letters lost, but ours: a server that does not keep it, or a forger without sight of us.
    const isNear =
      response !== undefined && answersTo(lowered(response), id, { ...question, name: question.name.toLowerCase() })
    if (isNear || stray >= MAX_STRAY) over('stray')
  })
  // Connected: packets from elsewhere do not reach us, and a closed port is told at once.
  socket.connect(server.port, server.address, () => {
    if (!isClosed) socket.send(encodeQuestion(id, question), (error) => void (error && over(codeOf(error))))
  })
  return promise
}

function byTcp(server: Server, { id, question, signal }: Ask): Promise<Exchanged> {
  const { promise, resolve } = Promise.withResolvers<Exchanged>()
  if (signal.aborted) return Promise.resolve('ETIMEOUT')
  const socket = connect({ host: server.address, port: server.port })
  let received = Buffer.alloc(0)
  const over = (result: Exchanged) => {
    signal.removeEventListener('abort', late)
    socket.destroy()
    resolve(result)
  }
  const late = () => over('ETIMEOUT')
  signal.addEventListener('abort', late)
  socket.on('error', (error) => over(codeOf(error))).on('close', () => over('ECONNRESET'))
  socket.on('connect', () => {
    const query = encodeQuestion(id, question)
    const length = Buffer.alloc(2)
    length.writeUInt16BE(query.length)
    socket.write(Buffer.concat([length, query]))
  })
  socket.on('data', (octets: Buffer) => {
    received = Buffer.concat([received, octets])
    if (received.length < 2) return
    const end = 2 + received.readUInt16BE()
    if (received.length < end && received.length < MAX_TCP_OCTETS) return
    const response = decodeResponse(received.subarray(2, end))
    over(response !== undefined && answersTo(response, id, question) ? response : 'EBADRESP')
  })
  return promise
}

function lowered(response: Response): Response {
  return { ...response, questions: response.questions.map((each) => ({ ...each, name: each.name.toLowerCase() })) }
}

/** 0x20 (draft-vixie-dnsext-dns0x20): one more bit for each letter that a forger has to guess. */
function disguise(name: string, random: Random): string {
  const bits = random.bytes(name.length)
  return Array.from(name, (letter, index) =>
    (bits[index] ?? 0) & 1 ? letter.toUpperCase() : letter.toLowerCase(),
  ).join('')
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}
