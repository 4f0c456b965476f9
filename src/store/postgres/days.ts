/**
 * Partitions by day: made beforehand, dropped when retention is over. Each change is a transaction of its own with a
 * short lock_timeout: whoever reads or writes comes first, and waits for us no longer than that.
 */
import type { Log } from '../../platform/platform.ts'
import { query } from '../db.ts'
import { heldByDay } from '../held.ts'
import { DAY_MS } from '../message-day.ts'
import { integer, row, text } from '../rows.ts'
import type { DayStore } from '../store.ts'
import { PATIENT_TIMEOUT_MS } from './session.ts'
import type { Session } from './session.ts'

/** In the order in which acceptances and removals lock them. */
const TABLES = ['messages', 'bodies', 'body_pieces', 'recipients', 'events', 'attempts'] as const
type Table = (typeof TABLES)[number]

const LOCK_TIMEOUT_MS = 100
/** Any number that other programs on the same server are unlikely to lock: “sesdays” in ASCII. */
const LOCK = 0x73_65_73_64_61_79

export type WithSession = <T>(use: (session: Session) => Promise<T>, timeoutMs?: number) => Promise<T>

const PARTITIONS = query(
  `select parent.relname::text as "table", child.relname::text as "name"
   from pg_inherits join pg_class as parent on parent.oid = inhparent join pg_class as child on child.oid = inhrelid
   where parent.relnamespace = current_schema()::regnamespace and parent.relkind = 'p' and child.relkind = 'r'`,
  row({ table: text, name: text }),
)
const TRY_LOCK = query(`select pg_try_advisory_xact_lock(${LOCK})::int as "isOurs"`, row({ isOurs: integer }))
/** What `dayOf` does, for all jobs at once. */
const UNFINISHED = query(
  `select distinct day from (
     select case when message_id ~ '^[0-9a-f]{16}-'
       then (('x' || substr(message_id, 5, 12))::bit(48)::bigint / ${DAY_MS})::integer else 0 end as day
     from jobs) as unfinished
   where day >= ?1 and day <= ?2`,
  row({ day: integer }),
)

/** The days of a database, over connections that are not those of acceptance. */
export function postgresDays(withSession: WithSession, log: Log): DayStore {
  return {
    held: () => withSession(heldByDay),
    async prepare(from, to) {
      const made = await withSession(daysByTable)
      for (let day = from; day <= to; day++) {
        const isMade = TABLES.every((table) => made.get(table)?.has(day))
        if (!isMade) await tryTo(log, day, () => withSession((session) => make(session, day)))
      }
    },
    async drop(last) {
      const made = await withSession(daysByTable)
      const old = new Set([...made.values()].flatMap((days) => [...days]).filter((day) => day <= last))
      if (old.size === 0) return true
      // Before anything is locked: it looks at all jobs.
      const unfinished = await withSession((session) => unfinishedDays(session, 0, last), PATIENT_TIMEOUT_MS)
      let isDone = true
      for (const day of old.difference(unfinished)) {
        const dropIt = async (session: Session) => {
          if (await isFinished(session, day)) await drop(session, day)
        }
        const dropped = await tryTo(log, day, () => withSession(dropIt, PATIENT_TIMEOUT_MS))
        isDone &&= dropped
      }
      return isDone
    },
  }
}

async function daysByTable(session: Session): Promise<ReadonlyMap<string, ReadonlySet<number>>> {
  const days = new Map<string, Set<number>>(TABLES.map((table) => [table, new Set()]))
  for (const { table, name } of await session.all(PARTITIONS, [])) {
    const day = dayNamed(table, name)
    if (day !== undefined) days.get(table)?.add(day)
  }
  return days
}

async function unfinishedDays(session: Session, from: number, to: number): Promise<ReadonlySet<number>> {
  return new Set((await session.all(UNFINISHED, [from, to])).map(({ day }) => day))
}

async function make(session: Session, day: number): Promise<void> {
  await begin(session)
  // Another node is at it already.
  if ((await session.get(TRY_LOCK, []))?.isOurs === 1) {
    const made = await daysByTable(session)
    for (const table of TABLES) {
      if (made.get(table)?.has(day)) continue
      const name = partition(table, day)
      // Attached, not made in place: so nobody who writes is locked out (PostgreSQL, “ATTACH PARTITION”).
      const room = table === 'recipients' ? 'with (fillfactor = 80)' : ''
      await session.execute(
        `create table if not exists ${name} (like ${table} including all) ${room};
         alter table ${table} attach partition ${name} for values from (${day}) to (${day + 1})`,
      )
    }
  }
  await session.execute('commit')
}

/**
 * Table by table, so that only one is locked at a time, its parent first as by everybody. Without its message nothing of
 * the rest is found any more.
 */
async function drop(session: Session, day: number): Promise<void> {
  for (const table of TABLES) {
    await begin(session)
    await session.execute(`drop table if exists ${partition(table, day)}`)
    if (table === 'messages') {
      for (const kept of ['held', 'held_changes', 'loose_bodies']) {
        await session.run(`delete from ${kept} where day = ?1`, [day])
      }
    }
    await session.execute('commit')
  }
}

/**
 * Whether all mail of a day is delivered. Acceptances of it that are still being written are waited for; whatever comes
 * later goes to the default partition once the day has none.
 */
async function isFinished(session: Session, day: number): Promise<boolean> {
  const made = await daysByTable(session)
  if (made.get('messages')?.has(day)) {
    await begin(session)
    await session.execute(`lock table ${partition('messages', day)} in share mode; commit`)
  }
  return (await unfinishedDays(session, day, day)).size === 0
}

async function begin(session: Session): Promise<void> {
  await session.execute(`begin; set local lock_timeout = ${LOCK_TIMEOUT_MS}`)
}

/** False when it failed: the next round tries again. */
async function tryTo(log: Log, day: number, change: () => Promise<void>): Promise<boolean> {
  try {
    await change()
    return true
  } catch (error) {
    log.info('the partitions of a day could not be changed now', { day: isoDay(day), error })
    return false
  }
}

function isoDay(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10)
}

function partition(table: Table, day: number): string {
  return `${table}_${isoDay(day).replaceAll('-', '')}`
}

function dayNamed(table: string, name: string): number | undefined {
  const [, year, month, date] = new RegExp(`^${table}_(\\d{4})(\\d\\d)(\\d\\d)$`).exec(name) ?? []
  return year === undefined ? undefined : Date.UTC(Number(year), Number(month) - 1, Number(date)) / DAY_MS
}
