/** The zone that was delegated to us: what the operator would have to publish in it, and the keys of Easy DKIM. */
import { createNameServer, type NameServer } from '../../platform/dns/name-server.ts'
import { NOTHING, type ServedAnswer, type ServedRecord } from '../../platform/dns/query.ts'
import type { Services } from '../context.ts'
import { signingHostedZone } from '../identities/records.ts'
import { operatorDns } from './operator-dns.ts'
import { addressRecords, isWithin, nameServerOf, operatorRecords } from './operator.ts'
import { createTokens, type Tokens } from './tokens.ts'

/** Seconds. What is not there may be there soon: the key of a new domain. */
const TTL = 300
const NEGATIVE_TTL = 60
/** Regions and addresses change seldom. */
const STATIC_MS = 30_000

type Static = { readonly records: ReadonlyMap<string, readonly ServedRecord[]>; readonly at: number }

/** The name server for `--dns-zone`. */
export function createZoneServer(services: Services, zone: string): NameServer {
  const { wallClock, log } = services
  const tokens = createTokens(services)
  const answer = createZone(services, zone, tokens)
  const server = createNameServer({ clock: wallClock, log, answer })
  return {
    listen: (host, port) => server.listen(host, port),
    async close() {
      tokens.stop()
      await server.close()
    },
  }
}

/** What the zone says of a name (RFC 1034 §4.3.2). */
export function createZone(services: Services, zone: string, tokens: Tokens) {
  const { wallClock, config } = services
  const keys = `.${signingHostedZone(config.hostname)}`
  let known: Promise<Static> | undefined
  let knownAt = 0

  async function fixed(): Promise<Static> {
    const now = wallClock.now()
    if (known === undefined || now - knownAt >= STATIC_MS) {
      knownAt = now
      known = readStatic(services, zone, now)
      // Not kept when it failed.
      known.catch(() => (known = undefined))
    }
    return await known
  }

  async function recordsAt(name: string, { records }: Static): Promise<readonly ServedRecord[] | undefined> {
    const token = name.endsWith(keys) ? name.slice(0, -keys.length) : undefined
    if (token !== undefined && !token.includes('.')) {
      const value = await tokens.record(token)
      if (value !== undefined) return [{ name, type: 'TXT', value, ttl: TTL }]
    }
    // A name with nothing of its own but names below it is there (RFC 8020).
    const isThere = name === keys.slice(1) || [...records.keys()].some((other) => isWithin(other, name))
    return records.get(name) ?? (isThere ? [] : undefined)
  }

  return async (name: string, type: string): Promise<ServedAnswer> => {
    if (!isWithin(name, zone)) return { ...NOTHING, code: 'REFUSED' }
    const found = await fixed()
    const soa = {
      name: zone,
      mname: nameServerOf(zone),
      rname: `hostmaster.${zone}`,
      serial: Math.floor(found.at / 1000) >>> 0,
      minimum: NEGATIVE_TTL,
    }
    const here = await recordsAt(name, found)
    if (here === undefined) return { ...NOTHING, code: 'NXDOMAIN', soa }
    if (type === 'SOA' && name === zone) return { ...NOTHING, soa, isSoaAsked: true }
    // RFC 8482 §4.1: for ANY one set is enough.
    const wanted = type === 'ANY' ? here[0]?.type : type
    const records = here.filter((record) => record.type === wanted)
    return records.length > 0 ? { ...NOTHING, records } : { ...NOTHING, soa }
  }
}

async function readStatic(services: Services, zone: string, at: number): Promise<Static> {
  const { operator } = await operatorDns(services, [], undefined)
  const records = new Map<string, ServedRecord[]>()
  const server = nameServerOf(zone)
  const wanted = [
    { name: zone, type: 'NS', value: server } as const,
    ...addressRecords(server, operator.addresses, 'required', ''),
    ...operatorRecords(operator),
  ]
  for (const { name, type, value } of wanted) {
    if (type === 'PTR' || type === 'CNAME' || !isWithin(name, zone)) continue
    const own = records.get(name) ?? []
    records.set(name, [...own, { name, type, value, ttl: TTL }])
  }
  return { records, at }
}
