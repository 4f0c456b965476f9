/** Is an IP address in a range? (RFC 4632 §3.1, RFC 4291 §2.3) */

type Address = { readonly bits: 32 | 128; readonly value: bigint }

/** `range`: `203.0.113.0/24`, `2001:db8::/32`, or one address. False as well for what is no address or range. */
export function isInRange(range: string, text: string): boolean {
  const slash = range.indexOf('/')
  const network = parseAddress(slash === -1 ? range : range.slice(0, slash))
  const address = parseAddress(text)
  if (network === undefined || address === undefined || network.bits !== address.bits) return false
  const prefix = slash === -1 ? String(network.bits) : range.slice(slash + 1)
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > network.bits) return false
  const shift = BigInt(network.bits - Number(prefix))
  return network.value >> shift === address.value >> shift
}

/** An IPv4 address inside IPv6 (`::ffff:192.0.2.1`, as dual-stack sockets show it) counts as IPv4. */
function parseAddress(text: string): Address | undefined {
  if (text.length > 45) return undefined
  if (!text.includes(':')) return parseV4(text)
  const mapped = /^::ffff:([\d.]+)$/i.exec(text)?.[1]
  return mapped === undefined ? parseV6(text) : parseV4(mapped)
}

function parseV4(text: string): Address | undefined {
  const octets = text.split('.')
  if (octets.length !== 4 || octets.some((octet) => !/^\d{1,3}$/.test(octet) || Number(octet) > 255)) return undefined
  return { bits: 32, value: octets.reduce((value, octet) => (value << 8n) | BigInt(octet), 0n) }
}

function parseV6(text: string): Address | undefined {
  const [head = '', tail, ...more] = text.split('::')
  if (more.length > 0) return undefined
  const left = groupsOf(head)
  const right = tail === undefined ? [] : groupsOf(tail)
  const missing = 8 - left.length - right.length
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined
  const groups = [...left, ...Array<string>(missing).fill('0'), ...right]
  if (groups.some((group) => !/^[\da-f]{1,4}$/i.test(group))) return undefined
  return { bits: 128, value: groups.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n) }
}

function groupsOf(text: string): string[] {
  return text === '' ? [] : text.split(':')
}
