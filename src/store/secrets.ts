/** Secrets of the installation: made once by whichever process needs one first, then the same for all. */
import { command, query } from './db.ts'
import type { Db } from './db.ts'
import { row, text } from './rows.ts'
import type { SecretStore } from './store.ts'

const FIND = query(`select value from secrets where name = ?1`, row({ value: text }))

type Secret = { readonly name: string; readonly value: string }

/** The value that is kept: the first that anybody brought. */
const keep = command('secrets.keep', async (tx, { name, value }: Secret) => {
  await tx.run(`insert into secrets (name, value) values (?1, ?2) on conflict do nothing`, [name, value])
  return (await tx.get(FIND, [name]))?.value ?? value
})

type Replacement = { readonly name: string; readonly from: string; readonly to: string }

const replace = command('secrets.replace', async (tx, { name, from, to }: Replacement) => {
  return (await tx.run(`update secrets set value = ?3 where name = ?1 and value = ?2`, [name, from, to])) === 1
})

export const secretCommands = [keep, replace]

export function secretStore(db: Db): SecretStore {
  // What never changes need not be asked for again. There are as many names as the program has.
  const known = new Map<string, string>()
  const find = async (name: string) => (await db.get(FIND, [name]))?.value
  const current: SecretStore['current'] = async (name, make) =>
    (await find(name)) ?? (await db.write(keep, { name, value: await make() }))
  return {
    async keep(name, make) {
      const value = known.get(name) ?? (await current(name, make))
      known.set(name, value)
      return value
    },
    current,
    find,
    replace: (name, from, to) => db.write(replace, { name, from, to }),
  }
}
