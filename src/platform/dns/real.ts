/** Real DNS: a stub resolver with a cache. It gives what Node's does not: times to live for all types, and DNSSEC's word. */
import { ExpiringMap } from '../expiring.ts'
import type { Clock, Dns, DnsAnswer, Random } from '../platform.ts'
import type { ask } from './ask.ts'
import type { Records, RecordType } from './codec.ts'
import type { TrustedServer } from './servers.ts'

const MAX_CACHED = 20_000
/** Questions under way; more wait for nothing and come to a temporary failure. */
const MAX_UNDER_WAY = 1000

export type DnsOptions = {
  readonly servers: readonly TrustedServer[]
  /** Real time, by which answers age. */
  readonly clock: Clock
  readonly random: Random
}

/** Asks the servers in order, the next when one fails. Equal questions at the same time share one look-up. */
export function realDns(options: DnsOptions): Dns {
  const a = memory('A', options)
  const aaaa = memory('AAAA', options)
  const mx = memory('MX', options)
  const txt = memory('TXT', options)
  const cname = memory('CNAME', options)
  const tlsa = memory('TLSA', options)
  const ptr = memory('PTR', options)
  return { a, aaaa, mx, txt, cname, tlsa, ptr, fresh: () => realDns(options) }
}

function memory<T extends RecordType>(type: T, options: DnsOptions): (name: string) => Promise<DnsAnswer<Records[T]>> {
  const kept = new ExpiringMap<string, DnsAnswer<Records[T]>>(options.clock, MAX_CACHED)
  const underWay = new Map<string, Promise<DnsAnswer<Records[T]>>>()
  return async (given) => {
    const name = given.toLowerCase().replace(/\.$/, '')
    if (!isName(name)) return { kind: 'none', why: 'no-such-host', isAuthentic: false }
    const known = kept.get(name) ?? underWay.get(name)
    if (known !== undefined) return known
    if (underWay.size >= MAX_UNDER_WAY) return { kind: 'temporary', reason: 'too many questions' }
    const asking = askServers({ name, type }, options)
      .then(({ answer, ttl }) => {
        kept.set(name, answer, ttl * 1000)
        return answer
      })
      .finally(() => underWay.delete(name))
    underWay.set(name, asking)
    return asking
  }
}

/** The codec is loaded when there is something to ask. */
const askServers: typeof ask = async (question, options) => (await import('./ask.ts')).ask(question, options)

/** What fits into a question (RFC 1035 §2.3.4); dns-packet would cut the rest to pieces. */
function isName(name: string): boolean {
  return (
    name.length <= 253 && /^[!-~]+$/.test(name) && name.split('.').every((each) => each !== '' && each.length <= 63)
  )
}
