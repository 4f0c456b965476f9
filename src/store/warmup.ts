/** How much of the daily limits of addresses that are being warmed up is taken, by address and site. */
import { command, query, urgentCommand } from './db.ts'
import type { Db } from './db.ts'
import { integer, row, text } from './rows.ts'

/** `day`: UTC, counted from the epoch. */
export type WarmupKey = { readonly day: number; readonly address: string; readonly site: string }
export type WarmupCount = Omit<WarmupKey, 'day'> & { readonly taken: number }

export type WarmupStore = {
  /** Takes up to `want` recipients while fewer than `limit` are taken; gives how many it got. */
  take(key: WarmupKey & { readonly limit: number; readonly want: number }): Promise<number>
  /** Gives back what was not used. */
  give(key: WarmupKey & { readonly count: number }): Promise<void>
  /** Of a day, those with the most first. */
  counts(day: number, address: string, limit: number): Promise<readonly WarmupCount[]>
  /** Forgets the days before. */
  forget(before: number): Promise<void>
}

const THE_COUNT = `day = ?1 and address = ?2 and site = ?3`
const TAKEN = query(`select taken from warmup_counts where ${THE_COUNT}`, row({ taken: integer }))
const COUNTS = query(
  `select address, site, taken from warmup_counts where day = ?1 and address = ?2 order by taken desc, site limit ?3`,
  row({ address: text, site: text, taken: integer }),
)

const take = urgentCommand(
  'warmup.take',
  async (
    tx,
    { day, address, site, limit, want }: WarmupKey & { readonly limit: number; readonly want: number },
  ): Promise<number> => {
    const key = [day, address, site]
    await tx.run(
      `insert into warmup_counts (day, address, site, taken) values (?1, ?2, ?3, 0) on conflict do nothing`,
      key,
    )
    const { taken } = (await tx.getLocked(TAKEN, key)) ?? { taken: limit }
    const granted = Math.max(0, Math.min(want, limit - taken))
    if (granted > 0) await tx.run(`update warmup_counts set taken = taken + ?4 where ${THE_COUNT}`, [...key, granted])
    return granted
  },
)

const give = urgentCommand(
  'warmup.give',
  async (tx, { day, address, site, count }: WarmupKey & { readonly count: number }) => {
    await tx.run(`update warmup_counts set taken = taken - ?4 where ${THE_COUNT} and taken >= ?4`, [
      day,
      address,
      site,
      count,
    ])
    return null
  },
)

const forget = command('warmup.forget', async (tx, { before }: { readonly before: number }) => {
  await tx.run(`delete from warmup_counts where day < ?1`, [before])
  return null
})

export const warmupCommands = [take, give, forget]

export function warmupStore(db: Db): WarmupStore {
  return {
    take: (asked) => db.write(take, asked),
    async give(given) {
      await db.write(give, given)
    },
    counts: async (day, address, limit) => db.all(COUNTS, [day, address, limit]),
    async forget(before) {
      await db.write(forget, { before })
    },
  }
}
