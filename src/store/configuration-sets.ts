/** Configuration sets. */
import { changing, query } from './db.ts'
import type { Db } from './db.ts'
import { pageOf, rowsFor } from './pages.ts'
import { integer, json, row } from './rows.ts'
import type { ConfigurationSetStore } from './store.ts'
import type { ConfigurationSet, Scope } from './types.ts'

const set = row({ document: json<ConfigurationSet>() })

const FIND = query(`select document from configuration_sets where account = ?1 and region = ?2 and name = ?3`, set)
const LIST = query(
  `select document from configuration_sets where account = ?1 and region = ?2 and name > ?3 order by name limit ?4`,
  set,
)
const COUNT = query(
  `select count(*) as "count" from configuration_sets where account = ?1 and region = ?2`,
  row({ count: integer }),
)

const changed = (scope: Scope, name: string) => [{ kind: 'configurationSets', ...scope, name } as const]

type Insertion = { readonly scope: Scope; readonly added: ConfigurationSet }

const insert = changing(
  'configurationSets.insert',
  ({ scope, added }: Insertion) => changed(scope, added.name),
  async (tx, { scope, added }) => {
    const inserted = await tx.run(
      `insert into configuration_sets (account, region, name, document) values (?1, ?2, ?3, ?4)
       on conflict do nothing`,
      [scope.account, scope.region, added.name, JSON.stringify(added)],
    )
    return inserted === 1
  },
)

type Patch = {
  readonly scope: Scope
  readonly name: string
  readonly patch: Partial<Omit<ConfigurationSet, 'name'>>
}

const patchChanges = ({ scope, name }: Patch) => changed(scope, name)

const patch = changing('configurationSets.patch', patchChanges, async (tx, { scope, name, patch: members }: Patch) => {
  const key = [scope.account, scope.region, name]
  const stored = await tx.getLocked(FIND, key)
  if (stored === undefined) return undefined
  const patched: ConfigurationSet = { ...stored.document, ...members }
  await tx.run(`update configuration_sets set document = ?4 where account = ?1 and region = ?2 and name = ?3`, [
    ...key,
    JSON.stringify(patched),
  ])
  return patched
})

type Removal = { readonly scope: Scope; readonly name: string }

const remove = changing(
  'configurationSets.remove',
  ({ scope, name }: Removal) => changed(scope, name),
  async (tx, { scope, name }) => {
    const removed = await tx.run(`delete from configuration_sets where account = ?1 and region = ?2 and name = ?3`, [
      scope.account,
      scope.region,
      name,
    ])
    return removed === 1
  },
)

export const configurationSetCommands = [insert, patch, remove]

export function configurationSetStore(db: Db): ConfigurationSetStore {
  return {
    insert: (scope, added) => db.write(insert, { scope, added }),
    find: async (scope, name) => (await db.get(FIND, [scope.account, scope.region, name]))?.document,
    patch: (scope, name, members) => db.write(patch, { scope, name, patch: members }),
    remove: (scope, name) => db.write(remove, { scope, name }),
    async list(scope, page) {
      const rows = await db.all(LIST, [scope.account, scope.region, page.after ?? '', rowsFor(page)])
      return pageOf(
        rows.map(({ document }) => document),
        page,
        ({ name }) => name,
      )
    },
    count: async (scope) => (await db.get(COUNT, [scope.account, scope.region]))?.count ?? 0,
  }
}
