/** DNS for tests: a zone as a plain table, asked directly (`fakeDns`) or over UDP through an authoritative server (`dnsServer`). */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import dnsPacket from 'dns-packet'
import type { Dns, DnsAnswer } from '../../src/platform/platform.ts'

/** Names without a final dot, in lower case. `servfail`: no answer can be had. A test may change the table at any time. */
export type Zone = Record<string, Records | 'servfail'>
export type Records = {
  readonly txt?: readonly string[]
  readonly cname?: string
  /** `10 mail.example.com` */
  readonly mx?: readonly string[]
}

type Type = keyof Records

/** Answers from the table as a resolver would. */
export function fakeDns(zone: Zone): Dns {
  return {
    txt: async (name) => answer(zone, name, 'txt'),
    cname: async (name) => answer(zone, name, 'cname'),
    mx: async (name) => mapAnswer(answer(zone, name, 'mx'), mxRecord),
  }
}

/** Serves the table on a free UDP port of 127.0.0.1; `address` is what `--dns` takes. */
export async function dnsServer(zone: Zone): Promise<{ readonly address: string } & AsyncDisposable> {
  const socket = createSocket('udp4')
  socket.on('message', (packet, { address, port }) => socket.send(reply(zone, dnsPacket.decode(packet)), port, address))
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    address: `127.0.0.1:${socket.address().port}`,
    async [Symbol.asyncDispose]() {
      socket.close()
      await once(socket, 'close')
    },
  }
}

function answer(zone: Zone, name: string, type: Type): DnsAnswer<string> {
  const records = zone[name.toLowerCase()]
  if (records === 'servfail') return { kind: 'temporary', reason: 'ESERVFAIL' }
  const found = valuesOf(records, type)
  if (found.length > 0) return { kind: 'found', records: found }
  return { kind: 'none', why: records || hasChildren(zone, name) ? 'no-such-type' : 'no-such-host' }
}

function valuesOf(records: Records | undefined, type: Type): readonly string[] {
  const value = records?.[type] ?? []
  return typeof value === 'string' ? [value] : value
}

/** A name with nothing of its own, but with names below it, exists (RFC 8020). */
function hasChildren(zone: Zone, name: string): boolean {
  return Object.keys(zone).some((other) => other.endsWith(`.${name.toLowerCase()}`))
}

function mxRecord(text: string): { exchange: string; preference: number } {
  const [preference = '', exchange = ''] = text.split(' ')
  return { exchange, preference: Number(preference) }
}

function mapAnswer<A, B>(from: DnsAnswer<A>, change: (record: A) => B): DnsAnswer<B> {
  return from.kind === 'found' ? { kind: 'found', records: from.records.map(change) } : from
}

function reply(zone: Zone, query: dnsPacket.DecodedPacket): Buffer {
  const question = query.questions?.[0]
  const name = question?.name ?? ''
  const type = typeOf(question?.type)
  const found = type && answer(zone, name, type)
  const head = { type: 'response', id: query.id ?? 0, questions: query.questions ?? [] } as const
  // dns-packet has no member for the response code: it is the lowest four bits of the flags.
  const flags = dnsPacket.AUTHORITATIVE_ANSWER
  if (found?.kind === 'temporary') return dnsPacket.encode({ ...head, flags: flags | 2 })
  if (found?.kind === 'none' && found.why === 'no-such-host') return dnsPacket.encode({ ...head, flags: flags | 3 })
  const answers = found?.kind === 'found' ? found.records.map((value) => wireRecord(name, type!, value)) : []
  return dnsPacket.encode({ ...head, flags, answers })
}

function typeOf(type: string | undefined): Type | undefined {
  return type === 'TXT' ? 'txt' : type === 'CNAME' ? 'cname' : type === 'MX' ? 'mx' : undefined
}

function wireRecord(name: string, type: Type, value: string): dnsPacket.Answer {
  if (type === 'txt') return { name, type: 'TXT', ttl: 1, data: value.match(/.{1,255}/gs) ?? [''] }
  if (type === 'cname') return { name, type: 'CNAME', ttl: 1, data: value }
  return { name, type: 'MX', ttl: 1, data: mxRecord(value) }
}
