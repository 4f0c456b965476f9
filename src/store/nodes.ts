/**
 * Nodes on one database: who lives, who does which periodic task. PostgreSQL only: an SQLite file has one process.
 *
 * A node is a row, and its lease ends at `until`, by the clock of the database. To give a node up is to delete its row,
 * which nobody can undo: a node that finds itself gone comes back as another. Between its lapse and that it may return.
 */
import { claimCommands, claimStore, giveBackJobs, giveBackOrphans } from './claims.ts'
import { command, query, urgentCommand } from './db.ts'
import type { Db } from './db.ts'
import { flag, integer, row, text } from './rows.ts'
import type { NodeStore } from './store.ts'
import type { NodeSelf } from './types.ts'

/** The database's time, in milliseconds. */
const NOW = `(extract(epoch from clock_timestamp()) * 1000)::bigint`

const ids = row({ id: integer })

const join = command(
  'nodes.join',
  async (tx, { self, leaseMs }: { readonly self: NodeSelf; readonly leaseMs: number }) =>
    tx.insertNumbered(
      `insert into nodes (hostname, pid, roles, started_at, seen_at, until)
     select ?1, ?2, ?3, now, now, now + ?4::bigint from (select ${NOW} as now) as clock`,
      [self.hostname, self.pid, self.roles.join(','), leaseMs],
      'id',
    ),
)

const DELIVERS = `until > ${NOW} and ',' || roles || ',' like '%,delivery,%'`

const COUNTS = query(
  `select count(*) filter (where until > ${NOW}) as "live", count(*) filter (where until <= ${NOW}) as "lapsed",
     count(*) filter (where ${DELIVERS}) as "delivering", count(*) filter (where ${DELIVERS} and id < ?1) as "rank"
   from nodes`,
  row({ live: integer, lapsed: integer, delivering: integer, rank: integer }),
)

const beat = urgentCommand(
  'nodes.beat',
  async (tx, { node, leaseMs }: { readonly node: number; readonly leaseMs: number }) => {
    const renewed = await tx.run(`update nodes set seen_at = ${NOW}, until = ${NOW} + ?2::bigint where id = ?1`, [
      node,
      leaseMs,
    ])
    const counts = (await tx.get(COUNTS, [node])) ?? { live: 0, lapsed: 0, delivering: 0, rank: 0 }
    return { isKnown: renewed === 1, ...counts }
  },
)

const leave = urgentCommand('nodes.leave', async (tx, { node }: { readonly node: number }) => {
  await tx.run(`delete from nodes where id = ?1`, [node])
  await tx.run(`delete from tasks where node = ?1`, [node])
  await giveBackJobs(tx, node)
})

// Locked before they are deleted, and not those that another node is about to give up.
const GIVE_UP = query(
  `delete from nodes where id in (select id from nodes where until <= ${NOW} for update skip locked) returning id`,
  ids,
)

const giveBack = urgentCommand('nodes.giveBack', async (tx, _nothing: null) => {
  const gone = await tx.all(GIVE_UP, [])
  // In a statement of its own: it sees what a node wrote until its row was deleted.
  return { nodes: gone.length, ...(await giveBackOrphans(tx)) }
})

const HOLDER = query(
  `select tasks.node as "holder", case when nodes.until > ${NOW} then 1 else 0 end as "live"
   from tasks left join nodes on nodes.id = tasks.node where name = ?1`,
  row({ holder: integer, live: flag }),
)

const holdTask = command(
  'nodes.holdTask',
  async (tx, { name, node }: { readonly name: string; readonly node: number }) => {
    const taken = await tx.run(
      `insert into tasks (name, node)
       select ?1, id from nodes where id = ?2 and until > ${NOW}
       on conflict (name) do update set node = excluded.node
       where not exists (select 1 from nodes where id = tasks.node and until > ${NOW})`,
      [name, node],
    )
    return taken === 1
  },
)

const LIST = query(
  `select nodes.id, hostname, pid, roles, started_at as "startedAt", seen_at as "seenAt",
     case when until > ${NOW} then 1 else 0 end as "isLive", (select count(*) from jobs where jobs.owner = nodes.id) as "jobs"
   from nodes order by nodes.id`,
  row({
    id: integer,
    hostname: text,
    pid: integer,
    roles: text,
    startedAt: integer,
    seenAt: integer,
    isLive: flag,
    jobs: integer,
  }),
)

export const nodeCommands = [join, beat, leave, giveBack, holdTask, ...claimCommands]

export function nodeStore(db: Db): NodeStore {
  return {
    join: (self, leaseMs) => db.write(join, { self, leaseMs }),
    beat: (node, leaseMs) => db.write(beat, { node, leaseMs }),
    leave: (node) => db.write(leave, { node }),
    giveBack: () => db.write(giveBack, null),
    async list() {
      const rows = await db.all(LIST, [])
      return rows.map(({ roles, ...node }) => ({ ...node, roles: roles === '' ? [] : roles.split(',') }))
    },
    async holdTask(name, node) {
      // Asked every few seconds by every node: only a change of hands is written.
      const held = await db.get(HOLDER, [name])
      return held?.live ? held.holder === node : db.write(holdTask, { name, node })
    },
    ...claimStore(db),
  }
}
