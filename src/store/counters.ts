/** What a region has sent, minute by minute: for the quota of 24 hours and for GetSendStatistics. */
import { query } from './db.ts'
import type { Db, Tx } from './db.ts'
import { integer, row } from './rows.ts'
import type { MessageStore } from './store.ts'
import type { Scope, Settlement } from './types.ts'

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

/** Counts recipients of an accepted message; `isRejected`: each of them is a reject as well. */
export async function countAccepted(
  tx: Tx,
  scope: Scope,
  at: number,
  recipients: number,
  isRejected: boolean,
): Promise<void> {
  await add(tx, scope, at, [recipients, 0, 0, isRejected ? recipients : 0])
}

/** Counts what became of accepted mail, at the time when it was learnt. */
export async function countOutcomes(tx: Tx, scope: Scope, at: number, counts: Settlement['counts']): Promise<void> {
  const { bounces, complaints, rejects } = counts
  if (bounces + complaints + rejects > 0) await add(tx, scope, at, [0, bounces, complaints, rejects])
}

type Counts = readonly [recipients: number, bounces: number, complaints: number, rejects: number]

async function add(tx: Tx, { account, region }: Scope, at: number, counts: Counts): Promise<void> {
  const key = [account, region, minuteOf(at)]
  if ((await tx.run(ADD, [...key, ...counts])) === 1) return
  // The first of its minute also clears away what nobody reads any more.
  await tx.run(START, key)
  await tx.run(ADD, [...key, ...counts])
  await tx.run(FORGET, [account, region, at - KEPT_MS])
}

export function counterStore(db: Db): Pick<MessageStore, 'sentPerMinute' | 'statistics'> {
  return {
    sentPerMinute: async ({ account, region }, since) => db.all(MINUTES, [account, region, minuteOf(since)]),
    statistics: async ({ account, region }, since) => db.all(QUARTERS, [account, region, since - (since % QUARTER_MS)]),
  }
}
