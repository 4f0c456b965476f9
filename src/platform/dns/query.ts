/**
 * DNS questions of strangers, and our answers (RFC 1035 §4). A question is read by hand: the codec would take apart
 * whatever a packet claims to hold. It is also given back octet for octet, with the case of its letters (0x20).
 */
import dnsPacket from 'dns-packet'

export type Soa = {
  readonly name: string
  readonly mname: string
  readonly rname: string
  readonly serial: number
  /** Seconds for which it holds that something is not there. */
  readonly minimum: number
}

/** `value` as in a zone file, but for TXT: the text. */
export type ServedRecord = {
  readonly name: string
  readonly type: 'A' | 'AAAA' | 'MX' | 'TXT' | 'NS'
  readonly value: string
  readonly ttl: number
}

export type ServedAnswer = {
  readonly code: 'NOERROR' | 'NXDOMAIN' | 'REFUSED' | 'SERVFAIL' | 'NOTIMP' | 'FORMERR' | 'BADVERS'
  readonly records: readonly ServedRecord[]
  /** With an answer that has nothing, or as the answer. */
  readonly soa: Soa | undefined
  readonly isSoaAsked: boolean
}

export type Query = {
  readonly id: number
  /** The question as it came. */
  readonly raw: Buffer
  /** In lower case; undefined: it holds other octets than names of ours. */
  readonly name: string | undefined
  /** `A`, or `TYPE64`. */
  readonly type: string
  readonly isRecursionDesired: boolean
  /** Octets of UDP that the asker takes; undefined: it does not know EDNS. */
  readonly edns: number | undefined
  /** Why it is not answered as it stands. */
  readonly fault: 'NOTIMP' | 'FORMERR' | 'BADVERS' | 'REFUSED' | undefined
}

export const NOTHING: ServedAnswer = { code: 'NOERROR', records: [], soa: undefined, isSoaAsked: false }

const HEADER_OCTETS = 12
const CODES = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 } as const
const TYPES: Readonly<Record<number, string>> = {
  1: 'A',
  2: 'NS',
  5: 'CNAME',
  6: 'SOA',
  15: 'MX',
  16: 'TXT',
  28: 'AAAA',
  251: 'IXFR',
  252: 'AXFR',
  255: 'ANY',
}
const CLASS_IN = 1
const TYPE_OPT = 41
const FLAG_RESPONSE = 0x8000
const FLAGS_OPCODE = 0x7800
const FLAG_AUTHORITATIVE = 0x0400
const FLAG_TRUNCATED = 0x0200
const FLAG_RECURSION_DESIRED = 0x0100
/** RFC 1035 §4.2.1, without EDNS; and what fits every path (DNS flag day 2020). */
const PLAIN_OCTETS = 512
const UDP_OCTETS = 1232

/** undefined: no question that could be answered, or an answer (with which two servers would go on for ever). */
export function readQuery(packet: Buffer): Query | undefined {
  if (packet.length < HEADER_OCTETS) return undefined
  const flags = packet.readUInt16BE(2)
  if ((flags & FLAG_RESPONSE) !== 0) return undefined
  const head = {
    id: packet.readUInt16BE(0),
    isRecursionDesired: (flags & FLAG_RECURSION_DESIRED) !== 0,
  }
  const question = packet.readUInt16BE(4) === 1 ? readQuestion(packet) : undefined
  if (question === undefined) {
    return { ...head, raw: Buffer.alloc(0), name: undefined, type: '', edns: undefined, fault: 'FORMERR' }
  }
  const { end, name, type, isInternet } = question
  const edns = readOpt(packet, end)
  const faultOf = (): Query['fault'] => {
    if ((flags & FLAGS_OPCODE) !== 0) return 'NOTIMP'
    if (edns !== undefined && edns.version > 0) return 'BADVERS'
    return isInternet ? undefined : 'REFUSED'
  }
  return { ...head, raw: packet.subarray(HEADER_OCTETS, end), name, type, edns: edns?.octets, fault: faultOf() }
}

function readQuestion(packet: Buffer) {
  const labels: string[] = []
  let at = HEADER_OCTETS
  for (;;) {
    const length = packet[at]
    // No pointer: before the question there is nothing to point to.
    if (length === undefined || length > 63 || at - HEADER_OCTETS > 255) return undefined
    at += 1
    if (length === 0) break
    labels.push(packet.toString('latin1', at, at + length))
    at += length
  }
  if (at + 4 > packet.length) return undefined
  const isName = labels.every((label) => /^[A-Za-z0-9_-]+$/.test(label))
  const number = packet.readUInt16BE(at)
  return {
    end: at + 4,
    name: isName ? labels.join('.').toLowerCase() : undefined,
    type: TYPES[number] ?? `TYPE${number}`,
    isInternet: packet.readUInt16BE(at + 2) === CLASS_IN,
  }
}

/** The OPT record (RFC 6891 §6.1), where it stands in every query: right after the question. */
function readOpt(packet: Buffer, at: number): { readonly octets: number; readonly version: number } | undefined {
  const hasOthers = packet.readUInt16BE(6) !== 0 || packet.readUInt16BE(8) !== 0
  if (hasOthers || packet.readUInt16BE(10) === 0 || at + 11 > packet.length) return undefined
  if (packet[at] !== 0 || packet.readUInt16BE(at + 1) !== TYPE_OPT) return undefined
  return { octets: packet.readUInt16BE(at + 3), version: packet[at + 6] ?? 0 }
}

/** The packet. `isShort`: only that the answer has to be had by TCP. */
export function encodeAnswer(query: Query, answer: ServedAnswer, how: 'udp' | 'tcp', isShort = false): Buffer {
  const whole = isShort ? undefined : packetOf(query, answer, false)
  const most = how === 'tcp' ? 65_535 : Math.min(Math.max(query.edns ?? 0, PLAIN_OCTETS), UDP_OCTETS)
  if (whole !== undefined && whole.length <= most) return whole
  return packetOf(query, { ...answer, records: [], soa: undefined }, true)
}

function packetOf(query: Query, { code, records, soa, isSoaAsked }: ServedAnswer, isTruncated: boolean): Buffer {
  const authority = soa === undefined ? [] : [soaRecord(soa)]
  const answers = [...records.map(wireRecord), ...(isSoaAsked ? authority : [])]
  const authorities = isSoaAsked ? [] : authority
  const number = CODES[code]
  const additionals = query.edns === undefined ? [] : [opt(number >> 4)]
  const head = Buffer.alloc(HEADER_OCTETS)
  const isOurs = code === 'NOERROR' || code === 'NXDOMAIN'
  head.writeUInt16BE(query.id, 0)
  head.writeUInt16BE(
    FLAG_RESPONSE |
      (isOurs ? FLAG_AUTHORITATIVE : 0) |
      (isTruncated ? FLAG_TRUNCATED : 0) |
      (query.isRecursionDesired ? FLAG_RECURSION_DESIRED : 0) |
      (number & 0xf),
    2,
  )
  head.writeUInt16BE(query.raw.length === 0 ? 0 : 1, 4)
  head.writeUInt16BE(answers.length, 6)
  head.writeUInt16BE(authorities.length, 8)
  head.writeUInt16BE(additionals.length, 10)
  // Nothing in it is compressed, so that it may stand anywhere.
  const sections = dnsPacket.encode({ type: 'response', answers, authorities, additionals }).subarray(HEADER_OCTETS)
  return Buffer.concat([head, query.raw, sections])
}

function opt(extendedRcode: number): dnsPacket.Answer {
  const flags = { flags: 0, flag_do: false, ednsVersion: 0, options: [] }
  return { type: 'OPT', name: '.', udpPayloadSize: UDP_OCTETS, extendedRcode, ...flags }
}

function soaRecord({ name, minimum, ...data }: Soa): dnsPacket.Answer {
  const times = { refresh: 3600, retry: 600, expire: 604_800, minimum }
  return { name, type: 'SOA', ttl: minimum, class: 'IN', data: { ...data, ...times } }
}

function wireRecord({ name, type, value, ttl }: ServedRecord): dnsPacket.Answer {
  const head = { name, ttl, class: 'IN' } as const
  switch (type) {
    case 'MX': {
      const [preference = '', exchange = ''] = value.split(' ')
      return { ...head, type, data: { preference: Number(preference), exchange } }
    }
    case 'TXT':
      return { ...head, type, data: value.match(/[\s\S]{1,255}/g) ?? [''] }
    case 'A':
    case 'AAAA':
    case 'NS':
      return { ...head, type, data: value }
  }
}
