/** Messages: accepting them, finding them, removing them. */
import { accept, acceptance } from './acceptance.ts'
import { counterStore } from './counters.ts'
import { command, query } from './db.ts'
import type { Db } from './db.ts'
import { unfinishedJobs } from './jobs.ts'
import { MESSAGE_COLUMNS, listMessages, storedMessage } from './message-list.ts'
import { outcomeCommands, outcomeStore } from './outcomes.ts'
import { bytes, integer, row } from './rows.ts'
import type { MessageStore } from './store.ts'
import type { Scope } from './types.ts'

const FIND = query(`select ${MESSAGE_COLUMNS} from messages where id = ?1`, storedMessage)
const RAW = query(
  `select bodies.raw from messages join bodies on bodies.seq = messages.seq and bodies.account = messages.account
   where messages.account = ?1 and messages.region = ?2 and messages.id = ?3`,
  row({ raw: bytes }),
)

/** What hangs on a message by its id. */
const BY_MESSAGE_ID = ['recipients', 'jobs', 'events', 'attempts'] as const

const REMOVE = query(
  `delete from messages where account = ?1 and region = ?2 and id = ?3 returning seq`,
  row({ seq: integer }),
)

type Removal = { readonly scope: Scope; readonly messageId: string }

const remove = command('messages.remove', async (tx, { scope, messageId }: Removal) => {
  const key = [scope.account, scope.region, messageId]
  const removed = await tx.get(REMOVE, key)
  if (removed === undefined) return false
  await tx.run(`delete from bodies where seq = ?1 and account = ?2`, [removed.seq, scope.account])
  for (const table of BY_MESSAGE_ID) {
    await tx.run(`delete from ${table} where account = ?1 and region = ?2 and message_id = ?3`, key)
  }
  return true
})

const clear = command('messages.clear', async (tx, { account }: { readonly account: string | undefined }) => {
  for (const table of ['bodies', 'messages', ...BY_MESSAGE_ID]) {
    if (account === undefined) await tx.run(`delete from ${table}`, [])
    else await tx.run(`delete from ${table} where account = ?1`, [account])
  }
})

export const messageCommands = [acceptance, remove, clear, ...outcomeCommands]

export function messageStore(db: Db): MessageStore {
  return {
    accept: (accepted) => accept(db, accepted),
    find: async (messageId) => db.get(FIND, [messageId]),
    raw: async (scope, messageId) => (await db.get(RAW, [scope.account, scope.region, messageId]))?.raw,
    list: (filter, page) => listMessages(db, filter, page),
    clear: (account) => db.write(clear, { account }),
    remove: (scope, messageId) => db.write(remove, { scope, messageId }),
    unfinishedJobs: unfinishedJobs(db),
    ...outcomeStore(db),
    ...counterStore(db),
  }
}
