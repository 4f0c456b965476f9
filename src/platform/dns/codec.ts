/** DNS messages on the wire (RFC 1035 §4); the codec is dns-packet's, what of it is believed is ours. */
import dnsPacket from 'dns-packet'
import type { DnsAnswer, Mx, Tlsa } from '../platform.ts'

/** What is asked for, and what a record of it is read as. */
export type Records = { A: string; AAAA: string; MX: Mx; TXT: string; CNAME: string; TLSA: Tlsa; PTR: string }
export type RecordType = keyof Records
export type Question<T extends RecordType = RecordType> = { readonly name: string; readonly type: T }

export type Response = {
  readonly id: number
  readonly code: number
  /** Octets. */
  readonly size: number
  readonly isTruncated: boolean
  readonly isAuthentic: boolean
  readonly questions: readonly { readonly name: string; readonly type: string }[]
  readonly answers: readonly dnsPacket.Answer[]
  readonly authorities: readonly dnsPacket.Answer[]
}

/** Octets of a UDP answer that fit every path (DNS flag day 2020); longer ones come by TCP. */
const UDP_OCTETS = 1232
/** A chain of aliases longer than that is a circle, or should be. */
const MAX_ALIASES = 16
/** RFC 2308 §5 recommends up to three hours, RFC 8767 a day for the others. */
const MAX_NEGATIVE_S = 10_800
const MAX_TTL_S = 86_400
/** Longer answers are not kept: the cache is bounded by their number. */
const MAX_KEPT_OCTETS = 4096

const CODE_SERVFAIL = 2
const CODE_NXDOMAIN = 3

/** A question with recursion; the AD bit asks for the resolver's word on DNSSEC (RFC 6840 §5.7). */
export function encodeQuestion(id: number, { name, type }: Question): Buffer {
  return dnsPacket.encode({
    type: 'query',
    id,
    flags: dnsPacket.RECURSION_DESIRED | dnsPacket.AUTHENTIC_DATA,
    questions: [{ name, type, class: 'IN' }],
    additionals: [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: UDP_OCTETS,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      },
    ],
  })
}

/** undefined: not a response that can be read. */
export function decodeResponse(octets: Buffer): Response | undefined {
  try {
    const packet = dnsPacket.decode(octets)
    if (packet.type !== 'response') return undefined
    return {
      id: packet.id ?? -1,
      code: (packet.flags ?? 0) & 0xf,
      size: octets.length,
      isTruncated: packet.flag_tc,
      isAuthentic: packet.flag_ad,
      questions: packet.questions ?? [],
      answers: packet.answers ?? [],
      authorities: packet.authorities ?? [],
    }
  } catch {
    // It was not made by a DNS server, or was cut short.
    return undefined
  }
}

/** Whether a response is one to that question, letter for letter; a forger must have seen it. */
export function answersTo(response: Response, id: number, { name, type }: Question): boolean {
  const [asked, ...more] = response.questions
  return response.id === id && more.length === 0 && asked?.name === name && asked.type === type
}

/** What a response says. `ttl`: seconds for which it holds; 0: it may not be kept. */
export function readResponse<T extends RecordType>(
  response: Response,
  { name, type }: Question<T>,
): { readonly answer: DnsAnswer<Records[T]>; readonly ttl: number } {
  const { code, isAuthentic, size } = response
  const mostTtl = size > MAX_KEPT_OCTETS ? 0 : MAX_TTL_S
  if (code !== 0 && code !== CODE_NXDOMAIN) {
    return { answer: { kind: 'temporary', reason: code === CODE_SERVFAIL ? 'ESERVFAIL' : `RCODE ${code}` }, ttl: 0 }
  }
  const { owner, ttl: aliasTtl } = followAliases(response, name, type)
  const own = response.answers.filter((each) => each.type === type && sameName(each.name, owner))
  const records = own.flatMap((each) => read(type, each))
  if (records.length > 0) {
    return { answer: { kind: 'found', records, isAuthentic }, ttl: Math.min(aliasTtl, ...own.map(ttlOf), mostTtl) }
  }
  const why = code === CODE_NXDOMAIN ? 'no-such-host' : 'no-such-type'
  return { answer: { kind: 'none', why, isAuthentic }, ttl: Math.min(aliasTtl, negativeTtl(response), mostTtl) }
}

/** From one alias to the next, as far as this response goes: records of other names are none of ours. */
function followAliases({ answers }: Response, name: string, type: RecordType): { owner: string; ttl: number } {
  let owner = name
  let ttl = Infinity
  if (type === 'CNAME') return { owner, ttl }
  for (let steps = 0; steps < MAX_ALIASES; steps++) {
    const alias = answers.find((each) => each.type === 'CNAME' && sameName(each.name, owner))
    if (alias?.type !== 'CNAME') break
    owner = alias.data
    ttl = Math.min(ttl, ttlOf(alias))
  }
  return { owner, ttl }
}

/** RFC 2308 §5: what is not there is remembered for as long as the zone's SOA record says; without it, not at all. */
function negativeTtl({ authorities }: Response): number {
  const soa = authorities.find((each) => each.type === 'SOA')
  return soa?.type === 'SOA' ? Math.min(ttlOf(soa), Math.max(soa.data.minimum ?? 0, 0), MAX_NEGATIVE_S) : 0
}

function ttlOf(record: dnsPacket.Answer): number {
  const ttl = 'ttl' in record ? (record.ttl ?? 0) : 0
  // RFC 2181 §8: one with the highest bit set is zero.
  return ttl > 0x7fff_ffff || ttl < 0 ? 0 : ttl
}

type Readers = { readonly [T in RecordType]: (record: dnsPacket.Answer) => Records[T] | undefined }

const READERS: Readers = {
  A: (record) => (record.type === 'A' ? record.data : undefined),
  AAAA: (record) => (record.type === 'AAAA' ? record.data : undefined),
  CNAME: (record) => (record.type === 'CNAME' ? withoutDot(record.data) : undefined),
  PTR: (record) => (record.type === 'PTR' ? withoutDot(record.data) : undefined),
  MX: (record) =>
    record.type === 'MX'
      ? { exchange: withoutDot(record.data.exchange), preference: record.data.preference ?? 0 }
      : undefined,
  TXT: (record) => (record.type === 'TXT' ? joined(record.data) : undefined),
  TLSA: (record) => {
    if (record.type !== 'TLSA') return undefined
    const { usage, selector, matchingType, certificate } = record.data
    // A copy: the packet need not stay in memory for it.
    return { usage, selector, matchingType, data: Buffer.from(certificate) }
  },
}

function read<T extends RecordType>(type: T, record: dnsPacket.Answer): Records[T][] {
  const value = READERS[type](record)
  return value === undefined ? [] : [value]
}

function joined(data: dnsPacket.TxtData): string {
  return [data]
    .flat()
    .map((part) => (typeof part === 'string' ? part : part.toString('utf8')))
    .join('')
}

function sameName(a: string, b: string): boolean {
  return withoutDot(a).toLowerCase() === withoutDot(b).toLowerCase()
}

function withoutDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name
}
