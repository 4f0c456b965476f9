/** Claims of jobs by nodes, on PostgreSQL: `owner` tells who has a job, and only he ends or postpones it. */
import { query, urgentCommand } from './db.ts'
import type { Db, Tx } from './db.ts'
import { JOB_COLUMNS, job } from './jobs.ts'
import { integer, row } from './rows.ts'
import type { Claim, NodeStore } from './store.ts'

/**
 * Nobody waits for another's claim: what is locked is skipped. `after` keeps a run of claims from wading again and
 * again through the dead entries that the earlier ones left at the head of the index.
 */
const CLAIM = query(
  `with due as materialized (
     select account as a, region as r, message_id as m, id as i from jobs
     where owner is null and due_at <= ?2 and (due_at, id) > (?3, ?4)
     order by due_at, id limit ?5 for update skip locked
   )
   update jobs set owner = ?1 from due where account = a and region = r and message_id = m and id = i
   returning ${JOB_COLUMNS}`,
  job,
)

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
  const claimed = await tx.all(CLAIM, [node, now, after?.dueAt ?? Number.MIN_SAFE_INTEGER, after?.id ?? 0, limit])
  return claimed.toSorted((one, other) => one.dueAt - other.dueAt || one.id - other.id)
})

export const claimCommands = [claim]

/** Makes the jobs of a node anybody's; gives their number. */
export async function giveBackJobs(tx: Tx, node: number): Promise<number> {
  return await tx.run(`update jobs set owner = null where owner = ?1`, [node])
}

/** Makes the jobs of all that are no nodes anybody's; gives their number. */
export async function giveBackOrphans(tx: Tx): Promise<number> {
  let jobs = 0
  for (const { id } of await tx.all(ORPHANERS, [])) jobs += await giveBackJobs(tx, id)
  return jobs
}

export function claimStore(db: Db): Pick<NodeStore, 'claim' | 'owned'> {
  return {
    claim: (asked) => db.write(claim, asked),
    owned: async (node, afterId, limit) => db.all(OWNED, [node, afterId, limit]),
  }
}
