/** What an operator holds back. There are few: a row for each decision. */
import { changing, query } from './db.ts'
import type { Db } from './db.ts'
import { integer, row, text } from './rows.ts'
import type { SuspensionStore } from './store.ts'
import type { Suspension, SuspensionKind } from './types.ts'

const KINDS: readonly SuspensionKind[] = ['all', 'account', 'destination', 'message']

const LIST = query(
  `select kind, value, since from suspensions order by kind, value`,
  row({ kind: text, value: text, since: integer }),
)

const changes = () => [{ kind: 'suspensions' } as const]

const put = changing('suspensions.put', changes, async (tx, { kind, value, since }: Suspension) => {
  const inserted = await tx.run(
    `insert into suspensions (kind, value, since) values (?1, ?2, ?3) on conflict do nothing`,
    [kind, value, since],
  )
  return inserted === 1
})

const remove = changing('suspensions.remove', changes, async (tx, { kind, value }: Omit<Suspension, 'since'>) => {
  return (await tx.run(`delete from suspensions where kind = ?1 and value = ?2`, [kind, value])) === 1
})

export const suspensionCommands = [put, remove]

export function suspensionStore(db: Db): SuspensionStore {
  return {
    async list() {
      const rows = await db.all(LIST, [])
      return rows.flatMap(({ kind: name, ...rest }) => {
        const kind = KINDS.find((known) => known === name)
        return kind === undefined ? [] : [{ kind, ...rest }]
      })
    },
    put: (suspension) => db.write(put, suspension),
    remove: (kind, value) => db.write(remove, { kind, value }),
  }
}
