/** Removing messages with everything that hangs on them: one, all of an account, or the oldest. */
import { loosenPieces } from './bodies.ts'
import { command, query } from './db.ts'
import type { Db, Tx } from './db.ts'
import { changeHeld } from './held.ts'
import type { HeldChange } from './held.ts'
import { flag, integer, nullable, row, text } from './rows.ts'
import type { RemovalStep, RemovalStepped } from './store.ts'
import type { Scope } from './types.ts'

/** What hangs on a message by its id. */
const BY_MESSAGE_ID = ['recipients', 'events', 'attempts'] as const

const HELD = query(
  `select seq, stored, pieces from messages where account = ?1 and region = ?2 and id = ?3 and day = ?4`,
  row({ seq: integer, stored: integer, pieces: integer }),
)

export type Removable = { readonly scope: Scope; readonly messageId: string }
/** Messages of one day. `withJobs`: they may have jobs that have not ended. */
export type Removal = { readonly day: number; readonly messages: readonly Removable[]; readonly withJobs: boolean }

/** Removes messages; gives how many of them were there. */
export const remove = command('messages.remove', async (tx, { day, messages, withJobs }: Removal) => {
  const removed: HeldChange[] = []
  for (const message of messages) {
    const change = await removeOne(tx, day, message)
    if (change === undefined) continue
    removed.push(change)
    if (withJobs) {
      const { scope, messageId } = message
      const key = [scope.account, scope.region, messageId]
      await tx.run(`delete from jobs where account = ?1 and region = ?2 and message_id = ?3`, key)
    }
  }
  await changeHeld(tx, removed)
  return removed.length
})

/** Gives what is held less; undefined when the message is not there. */
async function removeOne(tx: Tx, day: number, { scope, messageId }: Removable): Promise<HeldChange | undefined> {
  const key = [scope.account, scope.region, messageId, day]
  const held = await tx.getLocked(HELD, key)
  if (held === undefined) return undefined
  await tx.run(`delete from messages where account = ?1 and region = ?2 and id = ?3 and day = ?4`, key)
  if (held.pieces > 0) await loosenPieces(tx, { scope, messageId, day })
  else await tx.run(`delete from bodies where account = ?1 and seq = ?2 and day = ?3`, [scope.account, held.seq, day])
  for (const table of BY_MESSAGE_ID) {
    await tx.run(`delete from ${table} where account = ?1 and region = ?2 and message_id = ?3 and day = ?4`, key)
  }
  return { scope, day, messages: -1, bytes: -held.stored }
}

/** What one transaction removes: some milliseconds of writing. */
const MESSAGES_A_STEP = 64

const candidate = row({ seq: integer, account: text, region: text, id: text, day: integer })
const LAST = query(`select max(seq) as "last" from messages`, row({ last: nullable(integer) }))
const OF_ALL = query(
  `select seq, account, region, id, day from messages where seq > ?1 and seq <= ?2
   order by seq limit ${MESSAGES_A_STEP}`,
  candidate,
)
const OF_ACCOUNT = query(
  `select seq, account, region, id, day from messages where seq > ?1 and seq <= ?2 and account = ?3
   order by seq limit ${MESSAGES_A_STEP}`,
  candidate,
)

/** Removes the messages that are there (of an account, or all), step by step: what comes meanwhile stays. */
export async function clear(db: Db, account: string | undefined): Promise<void> {
  const last = (await db.get(LAST, []))?.last ?? 0
  let behind = 0
  for (;;) {
    const found = await (account === undefined
      ? db.all(OF_ALL, [behind, last])
      : db.all(OF_ACCOUNT, [behind, last, account]))
    await removeAll(db, found, true)
    behind = found.at(-1)?.seq ?? last
    if (found.length < MESSAGES_A_STEP) return
  }
}

type Candidate = ReturnType<typeof candidate>

async function removeAll(db: Db, found: readonly Candidate[], withJobs: boolean): Promise<number> {
  let removed = 0
  for (const [day, ofDay] of Map.groupBy(found, (one) => one.day)) {
    const messages = ofDay.map(({ account, region, id }) => ({ scope: { account, region }, messageId: id }))
    removed += await db.write(remove, { day, messages, withJobs })
  }
  return removed
}

const OLDEST = query(
  `select seq, account, region, id, day, accepted_at as "acceptedAt", stored,
     case when exists (select 1 from jobs where jobs.account = messages.account and jobs.region = messages.region
       and jobs.message_id = messages.id) then 1 else 0 end as "isUnfinished"
   from messages where seq > ?1 order by seq limit ${MESSAGES_A_STEP}`,
  (raw) => ({ ...candidate(raw), ...age(raw) }),
)
const age = row({ acceptedAt: integer, stored: integer, isUnfinished: flag })

/** See {@link MessageStore.removeOldest}. */
export async function removeOldest(db: Db, step: RemovalStep): Promise<RemovalStepped> {
  const found = await db.all(OLDEST, [step.behind])
  const chosen: Candidate[] = []
  let { messages, bytes } = step.excess
  let behind = step.behind
  let isEnd = found.length < MESSAGES_A_STEP
  for (const message of found) {
    if (message.acceptedAt >= step.acceptedBefore && messages <= 0 && bytes <= 0) {
      isEnd = true
      break
    }
    behind = message.seq
    // Accepted means kept: until it is delivered, or has bounced.
    if (message.isUnfinished) continue
    chosen.push(message)
    messages -= 1
    bytes -= message.stored
  }
  const removed = await removeAll(db, chosen, false)
  return { removed, behind, isEnd, excess: { messages, bytes } }
}
