/** MTA-STS policies of others, kept over restarts and for all nodes (RFC 8461 §10.2). */
import { command, query } from './db.ts'
import type { Db } from './db.ts'
import { integer, row, text } from './rows.ts'

/** `id`: of its DNS record; `policy`: its lines. Times in milliseconds since the epoch, of real time. */
export type KeptPolicy = {
  readonly domain: string
  readonly id: string
  readonly policy: string
  readonly fetchedAt: number
  readonly until: number
}

export type StsPolicyStore = {
  /** Also one that has ended, until it is removed. */
  find(domain: string): Promise<KeptPolicy | undefined>
  /** Keeps a policy, unless there is one that was fetched later. */
  keep(kept: KeptPolicy): Promise<void>
  /** Removes some of those that ended before `now`, and of more than `most` those that end first; false: none was left. */
  trim(now: number, most: number): Promise<boolean>
}

const REMOVED_AT_ONCE = 1_000

const FIND = query(
  `select domain, id, policy, fetched_at as "fetchedAt", until from sts_policies where domain = ?1`,
  row({ domain: text, id: text, policy: text, fetchedAt: integer, until: integer }),
)
const COUNT = query(`select count(*) as "rows" from sts_policies`, row({ rows: integer }))

const keep = command('stsPolicies.keep', async (tx, { domain, id, policy, fetchedAt, until }: KeptPolicy) => {
  await tx.run(
    `insert into sts_policies (domain, id, policy, fetched_at, until) values (?1, ?2, ?3, ?4, ?5)
     on conflict (domain) do update set id = excluded.id, policy = excluded.policy, fetched_at = excluded.fetched_at, until = excluded.until
     where sts_policies.fetched_at <= excluded.fetched_at`,
    [domain, id, policy, fetchedAt, until],
  )
})

const trim = command('stsPolicies.trim', async (tx, { now, most }: { now: number; most: number }) => {
  const some = `select domain from sts_policies`
  const ended = await tx.run(
    `delete from sts_policies where domain in (${some} where until <= ?1 order by until limit ${REMOVED_AT_ONCE})`,
    [now],
  )
  const excess = Math.min(((await tx.get(COUNT, []))?.rows ?? 0) - most, REMOVED_AT_ONCE)
  if (excess <= 0) return ended === REMOVED_AT_ONCE
  await tx.run(`delete from sts_policies where domain in (${some} order by until, domain limit ?1)`, [excess])
  return true
})

export const stsPolicyCommands = [keep, trim]

export function stsPolicyStore(db: Db): StsPolicyStore {
  return {
    find: async (domain) => db.get(FIND, [domain]),
    keep: (kept) => db.write(keep, kept),
    trim: (now, most) => db.write(trim, { now, most }),
  }
}
