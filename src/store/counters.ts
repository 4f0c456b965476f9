/** What a region has sent, minute by minute: for the quota of 24 hours and for GetSendStatistics. */
import { query } from './db.ts'
import type { Db, Tx } from './db.ts'
import { integer, row } from './rows.ts'
import type { MessageStore } from './store.ts'
import type { OutcomeCounts, Scope } from './types.ts'

const MINUTE_MS = 60_000
const QUARTER_MS = 15 * MINUTE_MS
/** GetSendStatistics looks back two weeks; a day of slack. */
export const KEPT_MS = 15 * 24 * 3_600_000

const MINUTES = query(
  `select at, recipients from sent_minutes
   where account = ?1 and region = ?2 and at >= ?3 and recipients > 0 order by at`,
  row({ at: integer, recipients: integer }),
)
const QUARTERS = query(
  `select at - at % ${QUARTER_MS} as "at", sum(recipients) as "deliveryAttempts", sum(bounces) as "bounces",
     sum(complaints) as "complaints", sum(rejects) as "rejects"
   from sent_minutes where account = ?1 and region = ?2 and at >= ?3 group by 1 order by 1`,
  row({ at: integer, deliveryAttempts: integer, bounces: integer, complaints: integer, rejects: integer }),
)
const ADD = `update sent_minutes set recipients = recipients + ?4, bounces = bounces + ?5,
    complaints = complaints + ?6, rejects = rejects + ?7
  where account = ?1 and region = ?2 and at = ?3`
const START = `insert into sent_minutes (account, region, at, recipients, bounces, complaints, rejects)
  values (?1, ?2, ?3, 0, 0, 0, 0) on conflict do nothing`
const FORGET = `delete from sent_minutes where account = ?1 and region = ?2 and at < ?3`

/** The start of the minute that `at` is in. */
export function minuteOf(at: number): number {
  return at - (at % MINUTE_MS)
}

/** Recipients accepted, and what became of recipients when it was learnt. */
export type Counts = OutcomeCounts & { readonly recipients: number }

/** Adds to the minute that `at` is in. */
export async function count(tx: Tx, { account, region }: Scope, at: number, counts: Counts): Promise<void> {
  const { recipients, bounces, complaints, rejects } = counts
  if (recipients + bounces + complaints + rejects === 0) return
  const key = [account, region, minuteOf(at)]
  const added = [...key, recipients, bounces, complaints, rejects]
  if ((await tx.run(ADD, added)) === 1) return
  // The first of its minute also clears away what nobody reads any more.
  await tx.run(START, key)
  await tx.run(ADD, added)
  await tx.run(FORGET, [account, region, at - KEPT_MS])
}

export function counterStore(db: Db): Pick<MessageStore, 'sentPerMinute' | 'statistics'> {
  return {
    sentPerMinute: async ({ account, region }, since) => db.all(MINUTES, [account, region, minuteOf(since)]),
    statistics: async ({ account, region }, since) => db.all(QUARTERS, [account, region, since - (since % QUARTER_MS)]),
  }
}
