/** Access keys. */
import { changing, query } from './db.ts'
import type { Db } from './db.ts'
import { flag, integer, nullable, row, text } from './rows.ts'
import type { KeyStore } from './store.ts'
import type { AccessKey } from './types.ts'

const COLUMNS = `id, account, user_name as "userName", secret, policy, active, session_token as "sessionToken",
  expires_at as "expiresAt", created_at as "createdAt"`

const key = row({
  id: text,
  account: text,
  userName: text,
  secret: text,
  policy: nullable(text),
  active: flag,
  sessionToken: nullable(text),
  expiresAt: nullable(integer),
  createdAt: integer,
})

const FIND = query(`select ${COLUMNS} from access_keys where id = ?1`, key)
const LIST = query(`select ${COLUMNS} from access_keys where account = ?1 order by created_at, id`, key)

type Named = Pick<AccessKey, 'account' | 'id'>

const changed = ({ account, id }: Named) => [{ kind: 'keys', account, name: id } as const]

const insert = changing('keys.insert', changed, async (tx, added: AccessKey) => {
  const inserted = await tx.run(
    `insert into access_keys
       (id, account, user_name, secret, policy, active, session_token, expires_at, created_at)
     values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) on conflict do nothing`,
    [
      added.id,
      added.account,
      added.userName,
      added.secret,
      added.policy,
      added.active ? 1 : 0,
      added.sessionToken,
      added.expiresAt,
      added.createdAt,
    ],
  )
  return inserted === 1
})

const remove = changing('keys.remove', changed, async (tx, { account, id }: Named) => {
  return (await tx.run(`delete from access_keys where account = ?1 and id = ?2`, [account, id])) === 1
})

export const keyCommands = [insert, remove]

export function keyStore(db: Db): KeyStore {
  return {
    insert: (added) => db.write(insert, added),
    find: async (id) => db.get(FIND, [id]),
    list: async (account) => db.all(LIST, [account]),
    remove: (account, id) => db.write(remove, { account, id }),
  }
}
