/** Identities and their sending authorization policies. */
import { changing, query } from './db.ts'
import type { Db } from './db.ts'
import { identityPolicyCommands, identityPolicyStore } from './identity-policies.ts'
import { pageOf, rowsFor } from './pages.ts'
import { integer, json, nullable, row, text } from './rows.ts'
import type { IdentityStore } from './store.ts'
import type { Identity, Scope } from './types.ts'

/** Names looked for in one query; more of them take more queries. */
const NAMES_AT_ONCE = 16

const changed = (scope: Scope, name: string) => [{ kind: 'identities', ...scope, name } as const]

const identity = row({ document: json<Identity>() })
const scoped = row({ account: text, region: text, document: json<Identity>() })

const FIND = query(`select document from identities where account = ?1 and region = ?2 and name = ?3`, identity)
const FIND_MANY = query(
  `select document from identities where account = ?1 and region = ?2
   and name in (${Array.from({ length: NAMES_AT_ONCE }, (_, index) => `?${index + 3}`).join(', ')})`,
  identity,
)
const LIST = query(
  `select document from identities where account = ?1 and region = ?2 and name > ?3 order by name limit ?4`,
  identity,
)
const LIST_KIND = query(
  `select document from identities where account = ?1 and region = ?2 and name > ?3 and kind = ?5
   order by name limit ?4`,
  identity,
)
const COUNT = query(
  `select count(*) as "count" from identities where account = ?1 and region = ?2`,
  row({ count: integer }),
)
const DUE = query(
  `select account, region, document from identities where next_check_at <= ?1 order by next_check_at limit ?2`,
  scoped,
)
const NEXT_DUE = query(`select min(next_check_at) as "due" from identities`, row({ due: nullable(integer) }))

type Insertion = { readonly scope: Scope; readonly added: Identity }

const insert = changing(
  'identities.insert',
  ({ scope, added }: Insertion) => changed(scope, added.name),
  async (tx, { scope, added }) => {
    const inserted = await tx.run(
      `insert into identities (account, region, name, kind, next_check_at, document)
       values (?1, ?2, ?3, ?4, ?5, ?6) on conflict do nothing`,
      [scope.account, scope.region, added.name, added.kind, added.nextCheckAt, JSON.stringify(added)],
    )
    return inserted === 1
  },
)

type Patch = {
  readonly scope: Scope
  readonly name: string
  readonly patch: Partial<Omit<Identity, 'name' | 'kind'>>
}

const patchChanges = ({ scope, name }: Patch) => changed(scope, name)

const patch = changing('identities.patch', patchChanges, async (tx, { scope, name, patch: members }: Patch) => {
  const key = [scope.account, scope.region, name]
  const stored = await tx.getLocked(FIND, key)
  if (stored === undefined) return undefined
  const patched: Identity = { ...stored.document, ...members }
  await tx.run(
    `update identities set next_check_at = ?4, document = ?5 where account = ?1 and region = ?2 and name = ?3`,
    [...key, patched.nextCheckAt, JSON.stringify(patched)],
  )
  return patched
})

type Removal = { readonly scope: Scope; readonly name: string }

const remove = changing(
  'identities.remove',
  ({ scope, name }: Removal) => [...changed(scope, name), { kind: 'policies', ...scope, name }],
  async (tx, { scope, name }) => {
    // Its policies go with it, by their foreign key.
    const removed = await tx.run(`delete from identities where account = ?1 and region = ?2 and name = ?3`, [
      scope.account,
      scope.region,
      name,
    ])
    return removed === 1
  },
)

export const identityCommands = [insert, patch, remove, ...identityPolicyCommands]

export function identityStore(db: Db): IdentityStore {
  return {
    insert: (scope, added) => db.write(insert, { scope, added }),
    find: async (scope, name) => (await db.get(FIND, [scope.account, scope.region, name]))?.document,
    async findMany(scope, names) {
      const wanted = [...new Set(names)]
      const found: Identity[] = []
      for (let start = 0; start < wanted.length; start += NAMES_AT_ONCE) {
        const some = Array.from({ length: NAMES_AT_ONCE }, (_, index) => wanted[start + index] ?? null)
        const rows = await db.all(FIND_MANY, [scope.account, scope.region, ...some])
        found.push(...rows.map(({ document }) => document))
      }
      return found
    },
    patch: (scope, name, members) => db.write(patch, { scope, name, patch: members }),
    remove: (scope, name) => db.write(remove, { scope, name }),
    async list(scope, kind, page) {
      const values = [scope.account, scope.region, page.after ?? '', rowsFor(page)]
      const rows = await (kind === undefined ? db.all(LIST, values) : db.all(LIST_KIND, [...values, kind]))
      return pageOf(
        rows.map(({ document }) => document),
        page,
        ({ name }) => name,
      )
    },
    count: async (scope) => (await db.get(COUNT, [scope.account, scope.region]))?.count ?? 0,
    async due(now, limit) {
      const rows = await db.all(DUE, [now, limit])
      return rows.map(({ account, region, document }) => ({ scope: { account, region }, identity: document }))
    },
    nextDue: async () => (await db.get(NEXT_DUE, []))?.due ?? undefined,
    ...identityPolicyStore(db),
  }
}
