/** Statements prepared by name, and a pooler that loses them. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { realClock } from '../src/platform/clock.ts'
import { COMMANDS } from '../src/store/commands.ts'
import { query } from '../src/store/db.ts'
import { runBatch } from '../src/store/postgres/batch.ts'
import { Connection } from '../src/store/postgres/connection.ts'
import { Unprepared } from '../src/store/postgres/failures.ts'
import { migrate } from '../src/store/postgres/migrate.ts'
import { sessionOn } from '../src/store/postgres/session.ts'
import { integer, row } from '../src/store/rows.ts'
import { postgres } from './support/postgres.ts'
import { keptLog } from './support/stores.ts'

const SUM = query(`select ?1::bigint + 1 as sum`, row({ sum: integer }))
const PREPARED = query(`select count(*)::int as "count" from pg_prepared_statements`, row({ count: integer }))

async function connected() {
  const connection = new Connection({ url: await (await postgres()).schema(), clock: realClock(), log: keptLog() })
  await connection.open()
  return { client: connection.client, [Symbol.asyncDispose]: () => connection.end() }
}

test('a statement is prepared once', async () => {
  await using opened = await connected()
  const session = sessionOn(opened.client, undefined, { isOn: true })
  for (const n of [1, 2, 3]) assert.deepEqual(await session.get(SUM, [n]), { sum: n + 1 })
  assert.deepEqual(await sessionOn(opened.client).get(PREPARED, []), { count: 1 })
})

test('where what was prepared is gone, the statement counts as not run, and names are given up', async () => {
  await using opened = await connected()
  const preparing = { isOn: true }
  const session = sessionOn(opened.client, undefined, preparing)
  await session.get(SUM, [1])
  await session.execute('deallocate all')
  await assert.rejects(async () => await session.get(SUM, [2]), Unprepared)
  assert.equal(preparing.isOn, false)
  assert.deepEqual(await session.get(SUM, [3]), { sum: 4 })
})

test('a batch goes on without names', async () => {
  await using opened = await connected()
  await migrate(sessionOn(opened.client))
  const preparing = { isOn: true }
  const open = (timeoutMs?: number) => sessionOn(opened.client, timeoutMs, preparing)
  const insert = (id: string) => ({
    name: 'accounts.insert',
    // What a command takes is known to its callers only.
    payload: { id, name: 'a', email: null, createdAt: 0 } as never,
    data: new Uint8Array(0),
  })
  assert.deepEqual(await runBatch(open, COMMANDS, [insert('1')]), [{ ok: true, result: true }])
  await open().execute('deallocate all')
  assert.deepEqual(await runBatch(open, COMMANDS, [insert('2')]), [{ ok: true, result: true }])
  assert.equal(preparing.isOn, false)
})
