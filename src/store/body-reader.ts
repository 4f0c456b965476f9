/** Reading bodies: whole, or piece by piece. */
import { query } from './db.ts'
import type { Db } from './db.ts'
import { ENCODINGS, decode } from './encoding.ts'
import { dayOf } from './message-day.ts'
import { bytes, integer, nullable, oneOf, row } from './rows.ts'
import type { MessageStore } from './store.ts'
import type { Scope } from './types.ts'

const encoding = oneOf(ENCODINGS)
const BODY = query(
  `select messages.pieces, bodies.encoding, bodies.data from messages
     left join bodies on bodies.seq = messages.seq and bodies.account = messages.account and bodies.day = ?4
   where messages.account = ?1 and messages.region = ?2 and messages.id = ?3 and messages.day = ?4`,
  row({ pieces: integer, encoding: nullable(encoding), data: nullable(bytes) }),
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
    const body = await db.get(BODY, [scope.account, scope.region, messageId, dayOf(messageId)])
    if (body === undefined) return undefined
    if (body.pieces > 0) return pieces(scope, messageId, body.pieces)
    if (body.encoding === null || body.data === null) throw new Error(`message ${messageId} has no body`)
    const whole = await decode({ encoding: body.encoding, data: body.data })
    return (async function* () {
      yield whole
    })()
  }
  return {
    rawPieces,
    async raw(scope, messageId) {
      const read = await rawPieces(scope, messageId)
      return read === undefined ? undefined : wholeOf(read)
    },
  }
}

async function wholeOf(read: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of read) parts.push(part)
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
}
