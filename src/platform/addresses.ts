/** What kind of place an IP address is: whether mail, webhooks or fetches may go there at the wish of strangers. */
import { isIP } from 'node:net'

export type AddressKind = 'public' | 'loopback' | 'private' | 'link-local' | 'multicast' | 'unspecified' | 'reserved'

type Net = readonly [prefix: string, bits: number, kind: AddressKind]

// IANA's special-purpose registries (RFC 6890 and its updates). The first that holds counts.
const NETS_4: readonly Net[] = [
  ['0.0.0.0', 8, 'unspecified'],
  ['10.0.0.0', 8, 'private'],
  ['100.64.0.0', 10, 'private'],
  ['127.0.0.0', 8, 'loopback'],
  ['169.254.0.0', 16, 'link-local'],
  ['172.16.0.0', 12, 'private'],
  ['192.0.0.0', 24, 'reserved'],
  ['192.0.2.0', 24, 'reserved'],
  ['192.88.99.0', 24, 'reserved'],
  ['192.168.0.0', 16, 'private'],
  ['198.18.0.0', 15, 'private'],
  ['198.51.100.0', 24, 'reserved'],
  ['203.0.113.0', 24, 'reserved'],
  ['224.0.0.0', 4, 'multicast'],
  ['240.0.0.0', 4, 'reserved'],
]
const NETS_6: readonly Net[] = [
  ['::', 128, 'unspecified'],
  ['::1', 128, 'loopback'],
  ['fe80::', 10, 'link-local'],
  ['fec0::', 10, 'private'],
  ['fc00::', 7, 'private'],
  ['ff00::', 8, 'multicast'],
  ['2001::', 23, 'reserved'],
  ['2001:db8::', 32, 'reserved'],
  ['3fff::', 20, 'reserved'],
  ['2000::', 3, 'public'],
]
/** IPv6 addresses that are an IPv4 address in disguise, and the bit at which that begins: mapped, NAT64, 6to4. */
const CARRIERS: readonly (readonly [prefix: string, bits: number, at: number])[] = [
  ['::ffff:0:0', 96, 96],
  ['64:ff9b::', 96, 96],
  ['2002::', 16, 16],
]

/** The kind of an IP address in any of its spellings; `reserved` for what is none. */
export function addressKind(text: string): AddressKind {
  const address = text.replace(/%.*$/, '')
  switch (isIP(address)) {
    case 4:
      return kindOf4(value4(address))
    case 6:
      return kindOf6(value6(address))
    default:
      return 'reserved'
  }
}

function kindOf4(value: bigint): AddressKind {
  return NETS_4.find(([prefix, bits]) => holds(value4(prefix), value, 32 - bits))?.[2] ?? 'public'
}

function kindOf6(value: bigint): AddressKind {
  const carrier = CARRIERS.find(([prefix, bits]) => holds(value6(prefix), value, 128 - bits))
  if (carrier !== undefined) return kindOf4((value >> BigInt(96 - carrier[2])) & 0xffff_ffffn)
  return NETS_6.find(([prefix, bits]) => holds(value6(prefix), value, 128 - bits))?.[2] ?? 'reserved'
}

function holds(prefix: bigint, value: bigint, rest: number): boolean {
  return prefix >> BigInt(rest) === value >> BigInt(rest)
}

function value4(address: string): bigint {
  return address.split('.').reduce((value, part) => (value << 8n) | BigInt(part), 0n)
}

/** Of an address that `isIP` takes for IPv6. */
function value6(address: string): bigint {
  const dotted = /^(.*:)([0-9.]+\.[0-9.]+)$/.exec(address)
  const tail = dotted?.[2] === undefined ? undefined : value4(dotted[2])
  const plain =
    tail === undefined ? address : `${dotted?.[1]}${(tail >> 16n).toString(16)}:${(tail & 0xffffn).toString(16)}`
  const [front = '', back] = plain.split('::')
  const head = groups(front)
  const rest = groups(back ?? '')
  const middle = back === undefined ? [] : Array.from({ length: 8 - head.length - rest.length }, () => 0n)
  return [...head, ...middle, ...rest].reduce((value, group) => (value << 16n) | group, 0n)
}

function groups(text: string): bigint[] {
  return text === '' ? [] : text.split(':').map((group) => BigInt(`0x${group}`))
}

/** 4 or 6; undefined: this is no IP address. */
export function familyOf(address: string): 4 | 6 | undefined {
  const family = isIP(address)
  return family === 4 || family === 6 ? family : undefined
}

/** One spelling for each address, so that two can be compared. */
export function canonicalAddress(text: string): string {
  const address = text.replace(/%.*$/, '')
  if (isIP(address) !== 6) return address
  const value = value6(address)
  const mapped = holds(value6('::ffff:0:0'), value, 32)
  if (mapped) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join('.')
  return Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16)).join(':')
}

/** Labels of an address as the reverse tree has them, the last part of the address first; without the tree's own name. */
export function reverseLabels(text: string): string {
  const address = canonicalAddress(text)
  if (isIP(address) === 4) return address.split('.').toReversed().join('.')
  return value6(address).toString(16).padStart(32, '0').split('').toReversed().join('.')
}

/** Where the PTR record of an address stands (RFC 1035 §3.5, RFC 3596 §2.5). `text`: an IP address in any spelling. */
export function reverseName(text: string): string {
  return `${reverseLabels(text)}.${isIP(canonicalAddress(text)) === 4 ? 'in-addr' : 'ip6'}.arpa`
}

/** The spelling of an address that people read: RFC 5952 for IPv6. */
export function shortAddress(text: string): string {
  const address = canonicalAddress(text)
  return isIP(address) === 6 ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address
}

/** Whether a text is an IP address, without a zone (`%eth0`). */
export function isIpAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes('%')
}
