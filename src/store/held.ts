/** What the store holds: how many messages, and how many octets their bodies take. */
import { command, query } from './db.ts'
import type { Db, Tx } from './db.ts'
import { integer, nullable, row, text } from './rows.ts'
import type { Amount } from './store.ts'
import type { Scope } from './types.ts'

export type HeldChange = {
  readonly scope: Scope
  readonly day: number
  readonly messages: number
  readonly bytes: number
}

const APPEND = `insert into held_changes (account, region, day, messages, bytes) values (?1, ?2, ?3, ?4, ?5)`

/** Some rows an account, region and day, whatever the number of messages. */
const BY_DAY = query(
  `select day, sum(messages) as "messages", sum(bytes) as "bytes"
   from (select day, messages, bytes from held union all select day, messages, bytes from held_changes) as changes
   group by day order by day`,
  row({ day: integer, messages: integer, bytes: integer }),
)
const TOTAL = query(
  `select sum(messages) as "messages", sum(bytes) as "bytes"
   from (select messages, bytes from held union all select messages, bytes from held_changes) as changes`,
  row({ messages: nullable(integer), bytes: nullable(integer) }),
)

/** Writes changes down, those of one account, region and day as one. */
export async function changeHeld(tx: Tx, changes: readonly HeldChange[]): Promise<void> {
  for (const { scope, day, messages, bytes } of summed(changes)) {
    await tx.run(APPEND, [scope.account, scope.region, day, messages, bytes])
  }
}

/** One change for each account, region and day. */
export function summed(changes: readonly HeldChange[]): readonly HeldChange[] {
  if (changes.length <= 1) return changes
  const sums = new Map<string, HeldChange>()
  for (const change of changes) {
    const key = keyOf(change)
    const { messages, bytes } = sums.get(key) ?? { messages: 0, bytes: 0 }
    sums.set(key, { ...change, messages: messages + change.messages, bytes: bytes + change.bytes })
  }
  return [...sums.values()]
}

/** By day, the oldest first. */
export async function heldByDay(db: Pick<Db, 'all'>): Promise<readonly (Amount & { readonly day: number })[]> {
  return db.all(BY_DAY, [])
}

export async function heldInAll(db: Pick<Db, 'get'>): Promise<Amount> {
  const total = await db.get(TOTAL, [])
  return { messages: total?.messages ?? 0, bytes: total?.bytes ?? 0 }
}

/** Changes that one transaction takes: some milliseconds. */
const CHANGES_A_FOLD = 2_000
const TAKE = query(
  `delete from held_changes where id in (select id from held_changes order by id limit ${CHANGES_A_FOLD})
   returning account, region, day, messages, bytes`,
  row({ account: text, region: text, day: integer, messages: integer, bytes: integer }),
)
const ADD = `insert into held (account, region, day, messages, bytes) values (?1, ?2, ?3, ?4, ?5)
  on conflict (account, region, day) do update
    set messages = held.messages + excluded.messages, bytes = held.bytes + excluded.bytes`

/** Gives whether there may be more. Whoever folds at the same time takes other changes, and adds to the same sums. */
export const foldHeld = command('held.fold', async (tx, _nothing: null) => {
  const taken = (await tx.all(TAKE, [])).map(({ account, region, ...change }) => ({
    scope: { account, region },
    ...change,
  }))
  for (const { scope, day, messages, bytes } of summed(taken).toSorted(inOrder)) {
    await tx.run(ADD, [scope.account, scope.region, day, messages, bytes])
  }
  await tx.run(`delete from held where messages = 0 and bytes = 0`, [])
  return taken.length === CHANGES_A_FOLD
})

/** The same order for everybody, so that two never wait for one another. */
function inOrder(a: HeldChange, b: HeldChange): number {
  const [left, right] = [keyOf(a), keyOf(b)]
  return left < right ? -1 : left > right ? 1 : 0
}

function keyOf({ scope, day }: HeldChange): string {
  return `${scope.account} ${scope.region} ${day}`
}
