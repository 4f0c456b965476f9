/** How the addresses are written that mail leaves from. */
import { isIP } from 'node:net'
import type { EgressAddress } from '../platform/egress.ts'
import { hostname, type Kind } from './values.ts'

/** SES's name for the addresses that everybody shares. */
const DEFAULT_POOL = 'ses-shared-pool'
/** SES's rule for the names of pools. */
const POOL = /^[a-z0-9_-]{1,64}$/i

/** `192.0.2.1=out1.example.com@news` with commas between, or a list of them in the file. */
export const egress: Kind<readonly EgressAddress[]> = {
  shape: 'ADDRESS=NAME[@POOL],…',
  parse(text) {
    const all: EgressAddress[] = []
    for (const word of text.split(',')) {
      const [, address = '', name = '', pool = DEFAULT_POOL] = /^\s*([^=\s]+)=([^@\s]+)(?:@(\S+))?\s*$/.exec(word) ?? []
      const host = hostname.parse(name)
      if (isIP(address) === 0 || !host.ok || !POOL.test(pool)) {
        return { ok: false, error: `: ${JSON.stringify(word.trim().slice(0, 200))} is not ADDRESS=NAME[@POOL]` }
      }
      if (all.some((other) => other.address === address && other.pool === pool)) {
        return { ok: false, error: `: ${address} is there twice` }
      }
      all.push({ address, name: host.value, pool })
    }
    return { ok: true, value: Object.freeze(all) }
  },
  print: (all) => all.map(({ address, name, pool }) => `${address}=${name}@${pool}`).join(','),
}
