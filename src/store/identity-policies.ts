/** Sending authorization policies of identities. */
import { changing, query } from './db.ts'
import type { Db } from './db.ts'
import { row, text } from './rows.ts'
import type { IdentityStore } from './store.ts'
import type { IdentityPolicy, Scope } from './types.ts'

const LIST = query(
  `select identity, name, policy from identity_policies
   where account = ?1 and region = ?2 and identity = ?3 order by name`,
  row({ identity: text, name: text, policy: text }),
)

// The identity may have gone since the caller looked: then nothing is written, as if the removal had come after.
const INSERT = `insert into identity_policies (account, region, identity, name, policy)
  select account, region, name, ?4, ?5 from identities where account = ?1 and region = ?2 and name = ?3
  on conflict (account, region, identity, name) do`

type Put = { readonly scope: Scope; readonly policy: IdentityPolicy }

function valuesOf({ scope, policy }: Put): readonly string[] {
  return [scope.account, scope.region, policy.identity, policy.name, policy.policy]
}

const changed = (scope: Scope, identity: string) => [{ kind: 'policies', ...scope, name: identity } as const]
const putChanges = ({ scope, policy }: Put) => changed(scope, policy.identity)

const insertPolicy = changing('identities.insertPolicy', putChanges, async (tx, put: Put) => {
  return (await tx.run(`${INSERT} nothing`, valuesOf(put))) === 1
})

const putPolicy = changing('identities.putPolicy', putChanges, async (tx, put: Put) => {
  await tx.run(`${INSERT} update set policy = excluded.policy`, valuesOf(put))
})

type Removal = { readonly scope: Scope; readonly identity: string; readonly name: string }

const removalChanges = ({ scope, identity }: Removal) => changed(scope, identity)

const removePolicy = changing('identities.removePolicy', removalChanges, async (tx, removal: Removal) => {
  const { scope, identity, name } = removal
  const removed = await tx.run(
    `delete from identity_policies where account = ?1 and region = ?2 and identity = ?3 and name = ?4`,
    [scope.account, scope.region, identity, name],
  )
  return removed === 1
})

export const identityPolicyCommands = [insertPolicy, putPolicy, removePolicy]

export function identityPolicyStore(
  db: Db,
): Pick<IdentityStore, 'policies' | 'insertPolicy' | 'putPolicy' | 'removePolicy'> {
  return {
    policies: async (scope, identity) => db.all(LIST, [scope.account, scope.region, identity]),
    insertPolicy: (scope, policy) => db.write(insertPolicy, { scope, policy }),
    putPolicy: (scope, policy) => db.write(putPolicy, { scope, policy }),
    removePolicy: (scope, identity, name) => db.write(removePolicy, { scope, identity, name }),
  }
}
