/** Accounts, and what each may do in a region. */
import { changing, query } from './db.ts'
import type { Db } from './db.ts'
import { integer, json, nullable, row, text } from './rows.ts'
import type { AccountStore } from './store.ts'
import type { Account, AccountSettings, Scope } from './types.ts'

const account = row({ id: text, name: text, email: nullable(text), createdAt: integer })
const settings = row({ document: json<AccountSettings>() })

const FIND = query(`select id, name, email, created_at as "createdAt" from accounts where id = ?1`, account)
const LIST = query(`select id, name, email, created_at as "createdAt" from accounts order by id`, account)
const SETTINGS = query(`select document from account_settings where account = ?1 and region = ?2`, settings)
const REGIONS = query(
  `select region from account_settings where account = ?1
   union select region from identities where account = ?1
   order by region`,
  row({ region: text }),
)

const changed = ({ id }: Pick<Account, 'id'>) => [{ kind: 'accounts', account: id } as const]

const insert = changing('accounts.insert', changed, async (tx, { id, name, email, createdAt }: Account) => {
  const inserted = await tx.run(
    `insert into accounts (id, name, email, created_at) values (?1, ?2, ?3, ?4) on conflict do nothing`,
    [id, name, email, createdAt],
  )
  return inserted === 1
})

type Update = { readonly id: string; readonly patch: Partial<Pick<Account, 'name' | 'email'>> }

const update = changing('accounts.update', changed, async (tx, { id, patch }: Update) => {
  const stored = await tx.getLocked(FIND, [id])
  if (stored === undefined) return false
  const { name, email } = { ...stored, ...patch }
  await tx.run(`update accounts set name = ?2, email = ?3 where id = ?1`, [id, name, email])
  return true
})

type SettingsPatch = {
  readonly scope: Scope
  readonly defaults: AccountSettings
  readonly patch: Partial<AccountSettings>
}

const settingsChanged = ({ scope }: SettingsPatch) => [{ kind: 'settings', ...scope } as const]

const patchSettings = changing('accounts.patchSettings', settingsChanged, async (tx, payload: SettingsPatch) => {
  const { scope, defaults, patch } = payload
  const key = [scope.account, scope.region]
  // The row is there before it is locked, so that two first patches at once do not lose one another.
  await tx.run(`insert into account_settings (account, region, document) values (?1, ?2, ?3) on conflict do nothing`, [
    ...key,
    JSON.stringify(defaults),
  ])
  const stored = await tx.getLocked(SETTINGS, key)
  const patched: AccountSettings = { ...defaults, ...stored?.document, ...patch }
  await tx.run(`update account_settings set document = ?3 where account = ?1 and region = ?2`, [
    ...key,
    JSON.stringify(patched),
  ])
  return patched
})

export const accountCommands = [insert, update, patchSettings]

export function accountStore(db: Db): AccountStore {
  return {
    insert: (added) => db.write(insert, added),
    find: async (id) => db.get(FIND, [id]),
    update: (id, patch) => db.write(update, { id, patch }),
    list: async () => db.all(LIST, []),
    settings: async (scope) => (await db.get(SETTINGS, [scope.account, scope.region]))?.document,
    patchSettings: (scope, defaults, patch) => db.write(patchSettings, { scope, defaults, patch }),
    regions: async (id) => (await db.all(REGIONS, [id])).map(({ region }) => region),
  }
}
