/** Bodies in pieces that no message refers to (bodies.ts): removed a few pieces at a time. */
import type { BodyKey } from './bodies.ts'
import { command, query } from './db.ts'
import type { Db } from './db.ts'
import { integer, nullable, row, text } from './rows.ts'

const LOOSE = query(
  `select account, region, message_id as "messageId", day, since from loose_bodies
   where since < ?1 order by since limit ?2`,
  row({ account: text, region: text, messageId: text, day: integer, since: integer }),
)
const FIRST_PIECE = query(
  `select min(position) as "first" from body_pieces
   where account = ?1 and region = ?2 and message_id = ?3 and day = ?4`,
  row({ first: nullable(integer) }),
)
const STILL_LOOSE = query(
  `select since from loose_bodies where account = ?1 and region = ?2 and message_id = ?3 and since < ?4`,
  row({ since: integer }),
)
/** 2 MB: some milliseconds. */
const PIECES_A_SWEEP = 8

/** Removes some pieces of a loose body; false when nothing of it is left. */
export const sweepSome = command(
  'bodies.sweep',
  async (tx, { scope, messageId, day, before }: BodyKey & { readonly before: number }) => {
    const key = [scope.account, scope.region, messageId]
    const loose = await tx.getLocked(STILL_LOOSE, [...key, before])
    if (loose === undefined) return false
    const { first } = (await tx.get(FIRST_PIECE, [...key, day])) ?? { first: null }
    if (first === null) {
      await tx.run(`delete from loose_bodies where account = ?1 and region = ?2 and message_id = ?3`, key)
      return false
    }
    if (loose.since > 0) {
      // From here on nobody can claim it, nor add to it.
      await tx.run(`update loose_bodies set since = 0 where account = ?1 and region = ?2 and message_id = ?3`, key)
    }
    await tx.run(
      `delete from body_pieces
       where account = ?1 and region = ?2 and message_id = ?3 and day = ?4 and position >= ?5 and position < ?6`,
      [...key, day, first, first + PIECES_A_SWEEP],
    )
    return true
  },
)

/**
 * Removes up to `limit` loose bodies of which nothing was written since `before`, in small transactions; gives their
 * number.
 */
export async function sweepBodies(db: Db, before: number, limit: number): Promise<number> {
  const found = await db.all(LOOSE, [before, limit])
  for (const { account, region, messageId, day } of found) {
    const loose = { scope: { account, region }, messageId, day, before }
    while (await db.write(sweepSome, loose));
  }
  return found.length
}
