/**
 * Bodies of messages. A small one goes with its message, in one row of `bodies`. A large one is written beforehand, in
 * pieces, each in a transaction that it shares with whatever else is written: so a message of 40 MB holds up the
 * others by the writing of one piece at a time. The acceptance then only claims the pieces.
 *
 *   writing pieces   in loose_bodies with the time   → claimed by the acceptance: no longer loose
 *                                                    → never claimed (a crash, a refusal): swept after a while
 *   of a message     not in loose_bodies             → message removed: loose again, to be swept at once
 */
import { command } from './db.ts'
import type { Awaitable, Db, Tx } from './db.ts'
import { LEAST_COMPRESSED_BYTES, encode } from './encoding.ts'
import type { Encoded } from './encoding.ts'
import { serviceUnavailable } from './group-commit.ts'
import { serial } from './serial.ts'
import type { Scope } from './types.ts'

/** A body as its message's row sees it. `pieces` 0: `data` is all of it, as long as `stored`; else it is empty. */
export type Body = Encoded & StoredBody
/** Without its octets. */
export type StoredBody = Pick<Encoded, 'encoding'> & { readonly stored: number; readonly pieces: number }
/** `at`: when its message is accepted. */
type NewBody = BodyKey & { readonly at: number }
export type BodyKey = { readonly scope: Scope; readonly messageId: string; readonly day: number }
export type KeepBody = (key: NewBody, raw: Uint8Array) => Awaitable<Body>

/** As it is stored. */
export const LARGEST_IN_ROW_BYTES = 128 * 1024
/** Some 2 ms of writing. */
export const PIECE_BYTES = 256 * 1024
/** Octets of large bodies that may be under way at once: six of SES's largest. Whatever comes beyond is refused. */
const UNDER_WAY_BYTES = 256 * 1024 * 1024
const NOTHING = new Uint8Array(0)

type Piece = NewBody & Pick<Encoded, 'encoding'> & { readonly position: number }

const LOOSE = `insert into loose_bodies (account, region, message_id, day, since) values (?1, ?2, ?3, ?4, ?5)`
const FIRST_PIECE = `insert into body_pieces (account, region, message_id, day, position, encoding, data)
  values (?1, ?2, ?3, ?4, ?5, ?6, ?7)`
/** Only while its body is not being swept. */
const FURTHER_PIECE = `insert into body_pieces (account, region, message_id, day, position, encoding, data)
  select account, region, message_id, day, ?4, ?5, ?6 from loose_bodies
  where account = ?1 and region = ?2 and message_id = ?3 and since > 0`

/** False when what was written of the body has been swept already. */
export const writePiece = command('bodies.writePiece', async (tx, piece: Piece, data) => {
  const { scope, messageId, day, position, encoding, at } = piece
  const key = [scope.account, scope.region, messageId]
  if (position > 0) return (await tx.run(FURTHER_PIECE, [...key, position, encoding, data])) === 1
  await tx.run(LOOSE, [...key, day, Math.max(1, at)])
  await tx.run(FIRST_PIECE, [...key, day, position, encoding, data])
  return true
})

/** Makes the pieces those of a message that is being accepted; false when they have been swept. */
export async function claimPieces(tx: Tx, { scope, messageId }: BodyKey): Promise<boolean> {
  const claimed = await tx.run(
    `delete from loose_bodies where account = ?1 and region = ?2 and message_id = ?3 and since > 0`,
    [scope.account, scope.region, messageId],
  )
  return claimed === 1
}

/** Leaves the pieces of a message that is being removed to the next sweep. */
export async function loosenPieces(tx: Tx, { scope, messageId, day }: BodyKey): Promise<void> {
  await tx.run(LOOSE, [scope.account, scope.region, messageId, day, 0])
}

/**
 * Makes the function that compresses a body where it pays, and writes it when it is large. It throws
 * `ServiceUnavailable` as {@link Db.write} does, and when too many octets are under way.
 */
export function bodyKeeper(db: Db): KeepBody {
  const oneByOne = serial()
  let underWay = 0

  async function writePieces(key: NewBody, raw: Uint8Array): Promise<Body> {
    let stored = 0
    let position = 0
    // One is compressed while the one before it is written.
    let written: Promise<boolean> = Promise.resolve(true)
    for (let at = 0; at < raw.byteLength; at += PIECE_BYTES) {
      const { encoding, data } = await settledWith(written, encode(raw.subarray(at, at + PIECE_BYTES)))
      const piece = { ...key, position, encoding }
      written = oneByOne(() => db.write(writePiece, piece, data))
      stored += data.byteLength
      position += 1
    }
    if (!(await written)) throw swept()
    return { encoding: 'identity', data: NOTHING, stored, pieces: position }
  }

  async function keepLarge(key: NewBody, raw: Uint8Array): Promise<Body> {
    if (raw.byteLength <= PIECE_BYTES) {
      const encoded = await encode(raw)
      if (encoded.data.byteLength <= LARGEST_IN_ROW_BYTES) return inRow(encoded)
    }
    if (underWay + raw.byteLength > UNDER_WAY_BYTES) throw serviceUnavailable('too many large bodies are under way')
    underWay += raw.byteLength
    try {
      return await writePieces(key, raw)
    } finally {
      underWay -= raw.byteLength
    }
  }

  return (key, raw) =>
    raw.byteLength < LEAST_COMPRESSED_BYTES ? inRow({ encoding: 'identity', data: raw }) : keepLarge(key, raw)
}

/** Waits for both, so that a failed write is noticed before the next one. */
async function settledWith<T>(written: Promise<boolean>, next: Promise<T>): Promise<T> {
  const [isWritten, value] = await Promise.all([written, next])
  if (!isWritten) throw swept()
  return value
}

function swept(): Error {
  return serviceUnavailable('the pieces of the body are no longer there')
}

function inRow({ encoding, data }: Encoded): Body {
  return { encoding, data, stored: data.byteLength, pieces: 0 }
}
