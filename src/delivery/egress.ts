/** From which of our addresses a message goes out. */
import { hash } from 'node:crypto'
import { familyOf } from '../platform/addresses.ts'
import type { EgressAddress } from '../platform/egress.ts'
import type { Egress } from './target.ts'

/** Where mail goes out whose configuration set names no pool, or one without addresses. */
export const DEFAULT_POOL = 'ses-shared-pool'
/** So often a message is tried from one host before another of the pool has its turn: greylisting wants the same one. */
const ATTEMPTS_FROM_ONE = 3

export type EgressChoice = {
  readonly pool: string | undefined
  readonly messageId: string
  /** Of the job, before this one. */
  readonly attempts: number
}

/** The hosts of each pool: a name with its addresses. */
export type Pools = ReadonlyMap<string, readonly Egress[]>

export function poolsOf(all: readonly EgressAddress[]): Pools {
  const pools = Map.groupBy(all, ({ pool }) => pool)
  return new Map(
    Array.from(pools, ([pool, members]) => [
      pool,
      Array.from(
        Map.groupBy(members, ({ name }) => name),
        ([name, same]) => ({ name, addresses: same.map(({ address }) => address) }),
      ),
    ]),
  )
}

/**
 * The hosts of the message's pool, that which it is to leave from first; none: no pool has any. It stays with one host,
 * and moves on when that does not get it out.
 */
export function hostsInOrder(pools: Pools, { pool, messageId, attempts }: EgressChoice): readonly Egress[] {
  const hosts = (pool === undefined ? undefined : pools.get(pool)) ?? pools.get(DEFAULT_POOL) ?? []
  const hashed = hash('sha256', messageId, 'buffer').readUInt32BE()
  const first = (hashed + Math.floor(attempts / ATTEMPTS_FROM_ONE)) % Math.max(1, hosts.length)
  return [...hosts.slice(first), ...hosts.slice(0, first)]
}

/** The families of addresses that can be called from there. */
export function familiesOf({ addresses }: Egress): readonly (4 | 6)[] {
  if (addresses.length === 0) return [4, 6]
  return ([4, 6] as const).filter((family) => addresses.some((address) => familyOf(address) === family))
}

/** Ours to call `address` from; undefined: any will do, or we have none. */
export function localAddressFor({ addresses }: Egress, address: string): string | undefined {
  return addresses.find((own) => familyOf(own) === familyOf(address))
}
