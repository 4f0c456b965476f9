/** DNS for tests: a zone as a plain table, asked directly (`fakeDns`) or over the network through a server (`dnsServer`). */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import dnsPacket from 'dns-packet'
import type { Dns, DnsAnswer, Tlsa } from '../../src/platform/platform.ts'

/** Names without a final dot, in lower case. `servfail`: no answer can be had. A test may change the table at any time. */
export type Zone = Record<string, Records | 'servfail'>
export type Records = {
  readonly a?: readonly string[]
  readonly aaaa?: readonly string[]
  readonly txt?: readonly string[]
  readonly cname?: string
  /** `10 mail.example.com`; `0 ` is the null MX. */
  readonly mx?: readonly string[]
  /** `3 1 1 0123…` */
  readonly tlsa?: readonly string[]
  readonly ptr?: readonly string[]
  /** Whether DNSSEC vouches for it. */
  readonly isSigned?: boolean
}

type Type = Exclude<keyof Records, 'isSigned'>

/** Answers from the table as a resolver would. */
export function fakeDns(zone: Zone): Dns {
  return {
    a: async (name) => answer(zone, name, 'a'),
    aaaa: async (name) => answer(zone, name, 'aaaa'),
    txt: async (name) => answer(zone, name, 'txt'),
    cname: async (name) => answer(zone, name, 'cname'),
    mx: async (name) => mapAnswer(answer(zone, name, 'mx'), mxRecord),
    tlsa: async (name) => mapAnswer(answer(zone, name, 'tlsa'), tlsaRecord),
    ptr: async (name) => answer(zone, name, 'ptr'),
    fresh: () => fakeDns(zone),
  }
}

/** How a server behaves besides what its table says. */
export type DnsBehaviour = {
  /** Seconds; 0 unless given, so that nothing is remembered of a table that changes. */
  ttl?: number
  /** Negative answers come with a SOA record of that time to live. */
  negativeTtl?: number
  /** Says by UDP only that there is more. */
  isTruncating?: boolean
  /** Answers letters of either case with small ones. */
  isLowering?: boolean
  /** Says nothing. */
  isSilent?: boolean
  /** Sent by UDP before each answer. */
  forgery?: (query: dnsPacket.DecodedPacket) => Buffer
}

export type TestDnsServer = {
  /** What `--dns` takes. */
  readonly address: string
  /** Questions so far: `udp MX example.com`. */
  readonly asked: string[]
  readonly behaviour: DnsBehaviour
} & AsyncDisposable

/** Serves the table on a free port of 127.0.0.1. */
export async function dnsServer(zone: Zone, behaviour: DnsBehaviour = {}): Promise<TestDnsServer> {
  const [udp, tcp] = await bind()
  const asked: string[] = []
  const note = (how: string, { questions }: dnsPacket.DecodedPacket) =>
    asked.push(`${how} ${questions?.[0]?.type} ${questions?.[0]?.name.toLowerCase()}`)
  udp.on('message', (packet, { address, port }) => {
    const query = dnsPacket.decode(packet)
    note('udp', query)
    if (behaviour.isSilent === true) return
    if (behaviour.forgery !== undefined) udp.send(behaviour.forgery(query), port, address)
    udp.send(reply(zone, query, behaviour, behaviour.isTruncating), port, address)
  })
  tcp.on('connection', (socket) => {
    socket.on('error', () => {})
    socket.once('data', (octets: Buffer) => {
      const query = dnsPacket.decode(octets.subarray(2))
      note('tcp', query)
      const packet = reply(zone, query, behaviour)
      const length = Buffer.alloc(2)
      length.writeUInt16BE(packet.length)
      socket.end(Buffer.concat([length, packet]))
    })
  })
  return {
    address: `127.0.0.1:${udp.address().port}`,
    asked,
    behaviour,
    async [Symbol.asyncDispose]() {
      udp.close()
      tcp.close()
      await Promise.all([once(udp, 'close'), once(tcp, 'close')])
    },
  }
}

/** The same free port for both. */
async function bind(): Promise<[Socket, Server]> {
  for (;;) {
    const tcp = createServer()
    tcp.listen(0, '127.0.0.1')
    await once(tcp, 'listening')
    const at = tcp.address()
    const udp = createSocket('udp4')
    udp.bind(typeof at === 'object' && at !== null ? at.port : 0, '127.0.0.1')
    const isBound = await once(udp, 'listening').then(
      () => true,
      () => false,
    )
    if (isBound) return [udp, tcp]
    tcp.close()
  }
}

function answer(zone: Zone, name: string, type: Type): DnsAnswer<string> {
  const records = zone[name.toLowerCase().replace(/\.$/, '')]
  if (records === 'servfail') return { kind: 'temporary', reason: 'ESERVFAIL' }
  const found = valuesOf(records, type)
  const isAuthentic = records?.isSigned === true
  if (found.length > 0) return { kind: 'found', records: found, isAuthentic }
  if (records?.cname !== undefined && type !== 'cname') return answer(zone, records.cname, type)
  return { kind: 'none', why: records || hasChildren(zone, name) ? 'no-such-type' : 'no-such-host', isAuthentic }
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
  return from.kind === 'found' ? { ...from, records: from.records.map(change) } : from
}

function tlsaRecord(text: string): Tlsa {
  const [usage, selector, matchingType, hex = ''] = text.split(' ')
  return {
    usage: Number(usage),
    selector: Number(selector),
    matchingType: Number(matchingType),
    data: Buffer.from(hex, 'hex'),
  }
}

function reply(zone: Zone, query: dnsPacket.DecodedPacket, behaviour: DnsBehaviour, isTruncated = false): Buffer {
  const { ttl = 0, negativeTtl, isLowering = false } = behaviour
  const [question] = query.questions ?? []
  const name = question?.name ?? ''
  const type = typeOf(question?.type)
  const found = type && answer(zone, name, type)
  const questions = question ? [{ ...question, name: isLowering ? name.toLowerCase() : name }] : []
  const head = { type: 'response', id: query.id ?? 0, questions } as const
  // dns-packet has no member for the response code: it is the lowest four bits of the flags.
  const flags = dnsPacket.AUTHORITATIVE_ANSWER | (isTruncated ? dnsPacket.TRUNCATED_RESPONSE : 0)
  if (isTruncated) return dnsPacket.encode({ ...head, flags })
  if (found === undefined || found.kind === 'temporary') return dnsPacket.encode({ ...head, flags: flags | 2 })
  const signed = flags | (found.isAuthentic ? dnsPacket.AUTHENTIC_DATA : 0)
  if (found.kind === 'none') {
    const authorities = negativeTtl === undefined ? [] : [soa(negativeTtl)]
    return dnsPacket.encode({ ...head, flags: signed | (found.why === 'no-such-host' ? 3 : 0), authorities })
  }
  const aliases = aliasesOf(zone, name, type!)
  const owner = aliases.at(-1)?.[1] ?? name
  const answers: dnsPacket.Answer[] = [
    ...aliases.map(([from, to]) => ({ name: from, type: 'CNAME', ttl, data: to }) as const),
    ...found.records.map((value) => ({ ...wireRecord(owner, type!, value), ttl }) as dnsPacket.Answer),
  ]
  return dnsPacket.encode({ ...head, flags: signed, answers })
}

function aliasesOf(zone: Zone, name: string, type: Type): [string, string][] {
  const records = zone[name.toLowerCase()]
  if (type === 'cname' || records === undefined || records === 'servfail' || records.cname === undefined) return []
  return valuesOf(records, type).length > 0 ? [] : [[name, records.cname], ...aliasesOf(zone, records.cname, type)]
}

function soa(ttl: number): dnsPacket.Answer {
  const data = { mname: 'ns.test', rname: 'root.test', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: ttl }
  return { name: 'test', type: 'SOA', ttl: ttl + 5, data }
}

function typeOf(type: string | undefined): Type | undefined {
  const types: readonly Type[] = ['a', 'aaaa', 'txt', 'cname', 'mx', 'tlsa', 'ptr']
  return types.find((each) => each === type?.toLowerCase())
}

function wireRecord(name: string, type: Type, value: string): dnsPacket.Answer {
  switch (type) {
    case 'txt':
      return { name, type: 'TXT', data: value.match(/.{1,255}/gs) ?? [''] }
    case 'a':
      return { name, type: 'A', data: value }
    case 'aaaa':
      return { name, type: 'AAAA', data: value }
    case 'cname':
      return { name, type: 'CNAME', data: value }
    case 'ptr':
      return { name, type: 'PTR', data: value }
    case 'mx':
      return { name, type: 'MX', data: mxRecord(value) }
    case 'tlsa': {
      const { data, ...rest } = tlsaRecord(value)
      return { name, type: 'TLSA', data: { ...rest, certificate: data } }
    }
  }
}
