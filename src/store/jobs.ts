/** Jobs: what remains to be delivered. A row lives from the acceptance to the end of the job. */
import { command, query, urgentCommand } from './db.ts'
import type { Db } from './db.ts'
import { addAttempt } from './outcomes.ts'
import { integer, json, nullable, row, text } from './rows.ts'
import type { Row } from './rows.ts'
import type { JobStore, MessageStore } from './store.ts'
import type { Job } from './types.ts'

/** The columns of a job. */
export const JOB_COLUMNS = `id, account, region, message_id as "messageId", destination, recipients, attempts, due_at as "dueAt", owner, pool`
const columns = row({
  id: integer,
  account: text,
  region: text,
  messageId: text,
  destination: text,
  recipients: json<readonly number[]>(),
  attempts: integer,
  dueAt: integer,
  owner: nullable(integer),
  pool: nullable(text),
})

/** Decodes {@link JOB_COLUMNS}. */
export function job(raw: Row): Job {
  const { account, region, pool, ...rest } = columns(raw)
  return { ...rest, scope: { account, region }, ...(pool === null ? {} : { pool }) }
}

const UNFINISHED = query(`select ${JOB_COLUMNS} from jobs where id > ?1 order by id limit ?2`, job)
const FRESH = query(`select ${JOB_COLUMNS} from jobs where id > ?1 and waiting = 0 order by id limit ?2`, job)
const POSTPONED = query(
  `select ${JOB_COLUMNS} from jobs where waiting = 1 and due_at <= ?1 and (due_at, id) > (?2, ?3)
   order by due_at, id limit ?4`,
  job,
)
const NEXT_POSTPONED = query(
  `select min(due_at) as "dueAt" from jobs where waiting = 1 and due_at > ?1`,
  row({ dueAt: nullable(integer) }),
)

type Postponement = Pick<Job, 'id' | 'scope' | 'attempts' | 'dueAt' | 'owner'>

const postpone = urgentCommand(
  'jobs.postpone',
  async (tx, { id, scope: { account }, attempts, dueAt, owner }: Postponement) => {
    const postponed = await tx.run(
      `update jobs set attempts = ?3, due_at = ?4, waiting = 1, owner = null
       where id = ?1 and account = ?2 and owner is not distinct from ?5`,
      [id, account, attempts, dueAt, owner],
    )
    return postponed === 1
  },
)

/** Jobs in one statement, which is prepared for this number. */
const JOBS_AT_ONCE = 50
const idIn = (from: number) =>
  `id in (${Array.from({ length: JOBS_AT_ONCE }, (_, index) => `?${index + from}`).join(', ')})`
// Jobs are to be found by their ids: SQLite would rather look through all of the account (measured: 3 ms a job).
const OF_ACCOUNT = `coalesce(account, '') = ?2`
export const PARK = `update jobs set due_at = ?1, waiting = 1, owner = null
  where ${OF_ACCOUNT} and owner is not distinct from ?3 and ${idIn(4)}`
export const HASTEN = `update jobs set due_at = ?1 where ${OF_ACCOUNT} and owner is null and due_at > ?1 and ${idIn(3)}`

/** The ids in pieces of that length, the last one filled up with what is there already. */
function* pieces(ids: readonly number[]): Generator<readonly number[]> {
  for (let from = 0; from < ids.length; from += JOBS_AT_ONCE) {
    const some = ids.slice(from, from + JOBS_AT_ONCE)
    const [first = 0] = some
    yield [...some, ...Array.from({ length: JOBS_AT_ONCE - some.length }, () => first)]
  }
}

type Park = {
  readonly account: string
  readonly owner: number | null
  readonly dueAt: number
  readonly ids: readonly number[]
}

const park = urgentCommand('jobs.park', async (tx, { account, owner, dueAt, ids }: Park) => {
  for (const some of pieces(ids)) await tx.run(PARK, [dueAt, account, owner, ...some])
  return null
})

const recall = urgentCommand('jobs.recall', async (tx, { parkedUntil, now }: { parkedUntil: number; now: number }) => {
  await tx.run(`update jobs set due_at = ?2 where waiting = 1 and owner is null and due_at = ?1 and due_at > ?2`, [
    parkedUntil,
    now,
  ])
  return null
})

const hasten = urgentCommand('jobs.hasten', async (tx, { account, dueAt, ids }: Omit<Park, 'owner'>) => {
  for (const some of pieces(ids)) await tx.run(HASTEN, [dueAt, account, ...some])
  return null
})

type Move = {
  readonly pool: string
  readonly at: number
  readonly transport: string
  readonly jobs: readonly Pick<Job, 'id' | 'scope' | 'messageId' | 'destination'>[]
}

/** Whoever has them: what is written of a job that he ends leaves this as it is. */
const move = command('jobs.move', async (tx, { pool, at, transport, jobs }: Move) => {
  const moved: number[] = []
  for (const { id, scope, messageId, destination } of jobs) {
    const key = [pool, id, scope.account, scope.region, messageId]
    const found = await tx.run(
      `update jobs set pool = ?1 where id = ?2 and account = ?3 and region = ?4 and message_id = ?5`,
      key,
    )
    if (found === 0) continue
    moved.push(id)
    const transcript = [`moved to the pool ${pool} by the operator`]
    await addAttempt(tx, scope, messageId, { destination, at, durationMs: 0, transport, transcript })
  }
  return moved
})

export const jobCommands = [postpone, park, recall, hasten, move]

export function jobStore(db: Db): JobStore {
  return {
    fresh: async (afterId, limit) => db.all(FRESH, [afterId, limit]),
    postpone: ({ id, scope, attempts, dueAt, owner }) => db.write(postpone, { id, scope, attempts, dueAt, owner }),
    async park(jobs, dueAt) {
      const [first] = jobs
      if (first === undefined) return
      const ids = jobs.map(({ id }) => id)
      await db.write(park, { account: first.scope.account, owner: first.owner, dueAt, ids })
    },
    async recall(parkedUntil, now) {
      await db.write(recall, { parkedUntil, now })
    },
    async hasten(jobs, dueAt) {
      for (const [account, some] of Map.groupBy(jobs, ({ scope }) => scope.account)) {
        await db.write(hasten, { account, dueAt, ids: some.map(({ id }) => id) })
      }
    },
    async move(jobs, how) {
      const moved: number[] = []
      for (let from = 0; from < jobs.length; from += JOBS_AT_ONCE) {
        const some = jobs.slice(from, from + JOBS_AT_ONCE)
        const payload = some.map(({ id, scope, messageId, destination }) => ({ id, scope, messageId, destination }))
        moved.push(...(await db.write(move, { ...how, jobs: payload })))
      }
      return moved
    },
    postponed: async (now, after, limit) =>
      db.all(POSTPONED, [now, after?.dueAt ?? Number.MIN_SAFE_INTEGER, after?.id ?? 0, limit]),
    nextPostponed: async (now) => (await db.get(NEXT_POSTPONED, [now]))?.dueAt ?? undefined,
  }
}

export function unfinishedJobs(db: Db): MessageStore['unfinishedJobs'] {
  return async (afterId, limit) => db.all(UNFINISHED, [afterId, limit])
}
