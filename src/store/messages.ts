/** Messages: accepting them, finding them, removing them. */
import { accept, acceptance, acceptanceInPieces } from './acceptance.ts'
import { bodyKeeper, writePiece } from './bodies.ts'
import { bodyStore } from './body-reader.ts'
import { sweepSome } from './body-sweep.ts'
import { counterStore } from './counters.ts'
import { query } from './db.ts'
import type { Db } from './db.ts'
import { unfinishedJobs } from './jobs.ts'
import { dayOf } from './message-day.ts'
import { MESSAGE_COLUMNS, pageOfMessages, storedMessage } from './message-list.ts'
import { outcomeCommands, outcomeStore } from './outcomes.ts'
import { clear, remove } from './removal.ts'
import type { MessageStore } from './store.ts'

const FIND = query(`select ${MESSAGE_COLUMNS} from messages where id = ?1 and day = ?2`, storedMessage)

export const messageCommands = [acceptance, acceptanceInPieces, writePiece, sweepSome, remove, ...outcomeCommands]

export function messageStore(db: Db): MessageStore {
  const keepBody = bodyKeeper(db)
  return {
    accept: (accepted) => accept(db, keepBody, accepted),
    find: async (messageId) => db.get(FIND, [messageId, dayOf(messageId)]),
    page: (filter, page) => pageOfMessages(db, filter, page),
    list: async (filter, page) => (await pageOfMessages(db, filter, page)).messages,
    clear: (account) => clear(db, account),
    async remove(scope, messageId) {
      const removal = { day: dayOf(messageId), messages: [{ scope, messageId }], withJobs: true }
      return (await db.write(remove, removal)) === 1
    },
    unfinishedJobs: unfinishedJobs(db),
    ...bodyStore(db),
    ...outcomeStore(db),
    ...counterStore(db),
  }
}
