/** Claims of jobs by nodes, on PostgreSQL: `owner` tells who has a job, and only he ends or postpones it. */
import { query, urgentCommand } from './db.ts'
import type { Db, Tx } from './db.ts'
import { JOB_COLUMNS, job } from './jobs.ts'
import { integer, row } from './rows.ts'
import type { Claim, NodeStore } from './store.ts'

/**
 * Nobody waits for another's claim: what is locked is skipped. `after` keeps a run of claims from wading again and
 * again through the dead entries that the earlier ones left at the head of the index. Rows are found again by where
 * they lie, which the lock holds still until the end of the statement: a join would be the planner's to get wrong.
 */
const CLAIM = query(
  `update jobs set owner = ?1 where ctid = any(array(
     select ctid from jobs where owner is null and due_at <= ?2 and (due_at, id) > (?3, ?4)
     order by due_at, id limit ?5 for update skip locked
   )) returning ${JOB_COLUMNS}`,
  job,
)

/**
 * Until the end of the transaction, or until it is switched back: rows are read in the order of an index, never read
 * all and sorted. While a queue grows its statistics are old, and the planner takes a million jobs for a few hundred
 * (measured: 1.8 s for a claim instead of 20 ms).
 */
const inOrder = (state: 'off' | 'on') =>
  query(
    `select set_config('enable_sort', '${state}', true), set_config('enable_bitmapscan', '${state}', true),
       set_config('enable_seqscan', '${state}', true)`,
    () => null,
  )
const ONLY_IN_ORDER = inOrder('off')
const AS_ALWAYS = inOrder('on')

const OWNED = query(`select ${JOB_COLUMNS} from jobs where owner = ?1 and id > ?2 order by id limit ?3`, job)

/** Owners, found one after another by their index, who are no nodes: given up, also while they were writing. */
const ORPHANERS = query(
  `with recursive owners as (
     select (select min(owner) from jobs) as id
     union all
     select (select min(owner) from jobs where owner > owners.id) from owners where owners.id is not null
   )
   select id from owners where id is not null and not exists (select 1 from nodes where nodes.id = owners.id)`,
  row({ id: integer }),
)

const claim = urgentCommand('jobs.claim', async (tx, { node, now, after, limit }: Claim) => {
  await tx.get(ONLY_IN_ORDER, [])
  const claimed = await tx.all(CLAIM, [node, now, after?.dueAt ?? Number.MIN_SAFE_INTEGER, after?.id ?? 0, limit])
  await tx.get(AS_ALWAYS, [])
  return claimed.toSorted((one, other) => one.dueAt - other.dueAt || one.id - other.id)
})

export const claimCommands = [claim]

/** Jobs given back in one go: a fraction of a second. A node has fewer, unless something went very wrong. */
const GIVEN_BACK_AT_ONCE = 5_000

/**
 * Makes jobs of a node anybody's, up to a bound; gives their number. Those that somebody is writing just now (the node
 * itself, which was paused in the middle) are passed over.
 */
export async function giveBackJobs(tx: Tx, node: number, atMost = GIVEN_BACK_AT_ONCE): Promise<number> {
  return await tx.run(
    `update jobs set owner = null
     where ctid = any(array(select ctid from jobs where owner = ?1 limit ?2 for update skip locked))`,
    [node, atMost],
  )
}

/** Makes jobs of all that are no nodes anybody's. `isDone`: none are left. */
export async function giveBackOrphans(tx: Tx): Promise<{ readonly jobs: number; readonly isDone: boolean }> {
  let jobs = 0
  for (const { id } of await tx.all(ORPHANERS, [])) {
    if (jobs < GIVEN_BACK_AT_ONCE) jobs += await giveBackJobs(tx, id, GIVEN_BACK_AT_ONCE - jobs)
  }
  return { jobs, isDone: (await tx.all(ORPHANERS, [])).length === 0 }
}

export function claimStore(db: Db): Pick<NodeStore, 'claim' | 'owned'> {
  return {
    claim: (asked) => db.write(claim, asked),
    owned: async (node, afterId, limit) => db.all(OWNED, [node, afterId, limit]),
  }
}
