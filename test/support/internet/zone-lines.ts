/** Zones as people write them: `@ MX 10 mx`, `mx A 127.0.0.2`, `@ CNAME other.test.`, `mx SERVFAIL`, `@ SIGNED`. */
import type { Records, Zone } from '../dns.ts'

type Lists = 'a' | 'aaaa' | 'mx' | 'txt' | 'tlsa'
const LISTS: readonly string[] = ['a', 'aaaa', 'mx', 'txt', 'tlsa'] satisfies Lists[]

/** Names without a final dot are under `domain`, which is `@`; `SIGNED` lets DNSSEC vouch for a name. */
export function addLines(zone: Zone, domain: string, lines: readonly string[]): void {
  for (const line of lines) {
    const [owner = '', type = '', ...rest] = line.split(' ')
    const name = absolute(owner, domain)
    const known = zone[name]
    if (type === 'SERVFAIL' || known === 'servfail') zone[name] = 'servfail'
    else zone[name] = withRecord(known ?? {}, type.toLowerCase(), rest, domain)
  }
}

function withRecord(known: Records, type: string, rest: readonly string[], domain: string): Records {
  if (type === 'signed') return { ...known, isSigned: true }
  if (type === 'cname') return { ...known, cname: absolute(rest[0] ?? '', domain) }
  if (!isList(type)) throw new Error(`no zone has a ${type}`)
  const data = type === 'mx' ? `${rest[0]} ${absolute(rest[1] ?? '', domain)}` : rest.join(' ')
  return { ...known, [type]: [...(known[type] ?? []), data] }
}

function isList(type: string): type is Lists {
  return LISTS.includes(type)
}

function absolute(name: string, domain: string): string {
  if (name === '@') return domain
  return name.endsWith('.') ? name.slice(0, -1) : `${name}.${domain}`
}
