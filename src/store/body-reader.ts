/** Reading bodies: whole, or piece by piece. */
import { query } from './db.ts'
import type { Db } from './db.ts'
import { ENCODINGS, decode } from './encoding.ts'
import { dayOf } from './message-day.ts'
import { bytes, integer, oneOf, row } from './rows.ts'
import type { MessageStore } from './store.ts'
import type { Scope } from './types.ts'

const encoding = oneOf(ENCODINGS)
/** The inner query first, so that whatever the planner knows of a day's table, one row of `bodies` is looked up. */
const IN_ROW = query(
  `select encoding, data from bodies
   where account = ?1 and day = ?4
     and seq = (select seq from messages where account = ?1 and region = ?2 and id = ?3 and day = ?4)`,
  row({ encoding, data: bytes }),
)
const PIECES = query(
  `select pieces from messages where account = ?1 and region = ?2 and id = ?3 and day = ?4`,
  row({ pieces: integer }),
)
const PIECE = query(
  `select encoding, data from body_pieces
   where account = ?1 and region = ?2 and message_id = ?3 and day = ?4 and position = ?5`,
  row({ encoding, data: bytes }),
)

export function bodyStore(db: Db): Pick<MessageStore, 'raw' | 'rawPieces'> {
  async function* pieces({ account, region }: Scope, messageId: string, count: number): AsyncGenerator<Uint8Array> {
    const key = [account, region, messageId, dayOf(messageId)]
    for (let position = 0; position < count; position++) {
      const piece = await db.get(PIECE, [...key, position])
      if (piece === undefined) throw new Error(`message ${messageId} was removed while it was read`)
      yield await decode(piece)
    }
  }
  async function rawPieces(scope: Scope, messageId: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    const key = [scope.account, scope.region, messageId, dayOf(messageId)]
    const inRow = await db.get(IN_ROW, key)
    if (inRow !== undefined) return one(await decode(inRow))
    const message = await db.get(PIECES, key)
    return message === undefined ? undefined : pieces(scope, messageId, message.pieces)
  }
  return {
    rawPieces,
    async raw(scope, messageId) {
      const read = await rawPieces(scope, messageId)
      return read === undefined ? undefined : wholeOf(read)
    },
  }
}

async function* one(whole: Uint8Array): AsyncGenerator<Uint8Array> {
  yield whole
}

async function wholeOf(read: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of read) parts.push(part)
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
}
