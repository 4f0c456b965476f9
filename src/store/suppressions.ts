/** The suppression lists: addresses that an account does not send to in a region. */
import { changing, query } from './db.ts'
import type { Db, Tx } from './db.ts'
import type { Change } from './changes.ts'
import { pageOf, rowsFor } from './pages.ts'
import { integer, nullable, oneOf, row, text } from './rows.ts'
import type { SuppressionStore } from './store.ts'
import type { Scope, Suppression, SuppressionReason } from './types.ts'

const COLUMNS = `address, reason, updated_at as "updatedAt", message_id as "messageId", feedback_id as "feedbackId"`
const suppression = row({
  address: text,
  reason: oneOf<SuppressionReason>(['BOUNCE', 'COMPLAINT']),
  updatedAt: integer,
  messageId: nullable(text),
  feedbackId: nullable(text),
})

/** One text, prepared once: what is not needed of it is null, and null is in no list. Most messages have one recipient. */
const ADDRESSES_AT_ONCE = 50
const WANTED = Array.from({ length: ADDRESSES_AT_ONCE }, (_, index) => `?${index + 3}`).join(', ')

const OF_SCOPE = `from suppressions where account = ?1 and region = ?2`
const FIND = query(`select ${COLUMNS} ${OF_SCOPE} and address = ?3`, suppression)
const FIND_MANY = query(`select ${COLUMNS} ${OF_SCOPE} and address in (${WANTED})`, suppression)
const ANY = query(`select 1 as "found" ${OF_SCOPE} limit 1`, row({ found: integer }))
const LIST = query(
  `select ${COLUMNS} ${OF_SCOPE} and address > ?3 and reason in (?4, ?5) and updated_at >= ?6 and updated_at <= ?7
   order by address limit ?8`,
  suppression,
)

const PUT = `insert into suppressions (account, region, address, reason, updated_at, message_id, feedback_id)
  values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
  on conflict (account, region, address) do update set reason = excluded.reason, updated_at = excluded.updated_at,
    message_id = excluded.message_id, feedback_id = excluded.feedback_id`

/** Adds an address; of one that is there already the latest has the word. */
export async function addSuppression(tx: Tx, { account, region }: Scope, added: Suppression): Promise<void> {
  const { address, reason, updatedAt, messageId, feedbackId } = added
  await tx.run(PUT, [account, region, address, reason, updatedAt, messageId, feedbackId])
}

/** What is kept of a list is whether there is anything on it. */
export function suppressionChanges({ account, region }: Scope): readonly Change[] {
  return [{ kind: 'suppressions', account, region }]
}

type Addition = { readonly scope: Scope; readonly added: Suppression }

const put = changing(
  'suppressions.put',
  ({ scope }: Addition) => suppressionChanges(scope),
  (tx, { scope, added }) => addSuppression(tx, scope, added),
)

type Removal = { readonly scope: Scope; readonly address: string }

const remove = changing(
  'suppressions.remove',
  ({ scope }: Removal) => suppressionChanges(scope),
  async (tx, { scope: { account, region }, address }) => {
    const statement = `delete from suppressions where account = ?1 and region = ?2 and address = ?3`
    return (await tx.run(statement, [account, region, address])) === 1
  },
)

export const suppressionCommands = [put, remove]

export function suppressionStore(db: Db): SuppressionStore {
  return {
    put: (scope, added) => db.write(put, { scope, added }),
    remove: (scope, address) => db.write(remove, { scope, address }),
    find: async ({ account, region }, address) => db.get(FIND, [account, region, address]),
    any: async ({ account, region }) => (await db.get(ANY, [account, region])) !== undefined,
    async findMany({ account, region }, addresses) {
      const wanted = [...new Set(addresses)]
      const found: Suppression[] = []
      for (let start = 0; start < wanted.length; start += ADDRESSES_AT_ONCE) {
        const some = Array.from({ length: ADDRESSES_AT_ONCE }, (_, index) => wanted[start + index] ?? null)
        found.push(...(await db.all(FIND_MANY, [account, region, ...some])))
      }
      return found
    },
    async list({ account, region }, { reasons = [], since = 0, until = Number.MAX_SAFE_INTEGER }, page) {
      const [first = 'BOUNCE', second = reasons.length === 0 ? 'COMPLAINT' : first] = reasons
      const values = [account, region, page.after ?? '', first, second, since, until, rowsFor(page)]
      return pageOf(await db.all(LIST, values), page, ({ address }) => address)
    },
  }
}
