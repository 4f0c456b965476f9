/** How the addresses are written that mail leaves from. */
import { isIP } from 'node:net'
import type { EgressAddress } from '../platform/egress.ts'
import { hostname, type Kind } from './values.ts'

/** SES's name for the addresses that everybody shares. */
const DEFAULT_POOL = 'ses-shared-pool'
const WORD = /^\s*([^=\s]+)=([^@+\s]+)(?:@([^+\s]+))?(?:\+(\d{4}-\d\d-\d\d))?\s*$/
const DAY_MS = 86_400_000
/** SES's rule for the names of pools. */
const POOL = /^[a-z0-9_-]{1,64}$/i

/** `192.0.2.1=out1.example.com@news+2026-01-31` with commas between, or a list of them in the file. */
export const egress: Kind<readonly EgressAddress[]> = {
  shape: 'ADDRESS=NAME[@POOL][+DATE],…',
  parse(text) {
    const all: EgressAddress[] = []
    for (const word of text.split(',')) {
      const [, address = '', name = '', pool = DEFAULT_POOL, date] = WORD.exec(word) ?? []
      const host = hostname.parse(name)
      const since = date === undefined ? undefined : dayOf(date)
      if (isIP(address) === 0 || !host.ok || !POOL.test(pool) || Number.isNaN(since)) {
        return { ok: false, error: `: ${JSON.stringify(word.trim().slice(0, 200))} is not ADDRESS=NAME[@POOL][+DATE]` }
      }
      if (all.some((other) => other.address === address && other.pool === pool)) {
        return { ok: false, error: `: ${address} is there twice` }
      }
      all.push({ address, name: host.value, pool, ...(since === undefined ? {} : { since }) })
    }
    return { ok: true, value: Object.freeze(all) }
  },
  print: (all) =>
    all
      .map(({ address, name, pool, since }) => {
        const date = since === undefined ? '' : `+${new Date(since * DAY_MS).toISOString().slice(0, 10)}`
        return `${address}=${name}@${pool}${date}`
      })
      .join(','),
}

/** Of a date as `2026-01-31`; NaN: there is no such day. */
function dayOf(date: string): number {
  const at = Date.parse(`${date}T00:00:00Z`)
  // Thirtieths of February are taken for days of March by some.
  return Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== date ? Number.NaN : at / DAY_MS
}
