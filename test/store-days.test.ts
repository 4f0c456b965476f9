/** Partitions by day on PostgreSQL: made beforehand, used alone by every look-up, dropped whole. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { Client } from 'pg'
import type { DayStore, Store } from '../src/store/store.ts'
import { postgres } from './support/postgres.ts'
import { NOON, SCOPE, openAt, sampleAcceptance, sesId } from './support/stores.ts'
import { until } from './support/until.ts'

const DAY = 24 * 3_600_000
const TODAY = Math.floor(NOON / DAY)
const TABLES = ['attempts', 'bodies', 'body_pieces', 'events', 'messages', 'recipients']

type Opened = AsyncDisposable & {
  readonly store: Store
  readonly days: DayStore
  readonly database: string
  readonly sql: (text: string) => Promise<readonly Record<string, unknown>[]>
  /** Tables that are partitions of the day. */
  readonly partitions: (day: string) => Promise<string[]>
}

async function open(): Promise<Opened> {
  const server = await postgres()
  const database = await server.schema()
  const store = await openAt(database)
  const sql = (text: string) => server.sql(text, database)
  return {
    store,
    days: store.upkeep.days ?? assert.fail('no days'),
    database,
    sql,
    async partitions(day) {
      const rows = await sql(
        `select inhparent::regclass::text as name from pg_inherits join pg_class on pg_class.oid = inhrelid
         where relnamespace = current_schema()::regnamespace and relkind = 'r' and relname like '%\\_${day}' order by 1`,
      )
      return rows.map(({ name }) => String(name))
    },
    [Symbol.asyncDispose]: () => store.close(),
  }
}

/** Accepts a message of the day that comes `after` days from now; it has a job unless it was rejected. */
async function accept({ messages }: Store, after: number, number: number, rejected = true): Promise<string> {
  const at = NOON + after * DAY
  const id = sesId(at, number)
  await messages.accept(sampleAcceptance(id, { at, rejected }))
  return id
}

describe('days on PostgreSQL', () => {
  test('are made once, whoever makes them', async () => {
    await using opened = await open()
    await using other = await openOther(opened.database)
    await Promise.all([opened.days.prepare(TODAY, TODAY + 2), other.days.prepare(TODAY, TODAY + 2)])
    await opened.days.prepare(TODAY, TODAY + 2)
    for (const day of ['20260115', '20260116', '20260117']) assert.deepEqual(await opened.partitions(day), TABLES)
    assert.deepEqual(await opened.partitions('20260118'), [])
  })

  test('take the mail of their day; what has none goes to the default partition, and is never refused', async () => {
    await using opened = await open()
    const { store, days, sql } = opened
    const early = await accept(store, 1, 1)
    await days.prepare(TODAY, TODAY + 2)
    const ids = [await accept(store, 0, 2), await accept(store, 1, 3), await accept(store, 2, 4), early]
    await store.messages.accept(sampleAcceptance('of another form'))
    const rows = await sql(
      `select tableoid::regclass::text as name, count(*)::int as n from messages group by 1 order by 1`,
    )
    assert.deepEqual(rows, [
      { name: 'messages_20260115', n: 1 },
      { name: 'messages_20260117', n: 1 },
      { name: 'messages_default', n: 3 },
    ])
    for (const id of [...ids, 'of another form']) {
      assert.ok((await store.messages.find(id)) !== undefined)
      assert.ok((await store.messages.raw(SCOPE, id)) !== undefined)
      assert.equal((await store.messages.events(SCOPE, id)).length, 1)
    }
    assert.deepEqual(
      (await days.held()).map(({ day, messages }) => [day, messages]),
      [
        [0, 1],
        [TODAY, 1],
        [TODAY + 1, 2],
        [TODAY + 2, 1],
      ],
    )
  })

  test('are dropped with everything of theirs, and no others', async () => {
    await using opened = await open()
    const { store, days } = opened
    await days.prepare(TODAY, TODAY + 3)
    const ids = [await accept(store, 0, 1), await accept(store, 1, 2), await accept(store, 2, 3)]
    assert.equal(await days.drop(TODAY + 1), true)
    assert.deepEqual(await opened.partitions('20260115'), [])
    assert.deepEqual(await opened.partitions('20260116'), [])
    assert.deepEqual(await opened.partitions('20260117'), TABLES)
    assert.equal(await store.messages.find(ids[0]!), undefined)
    assert.ok((await store.messages.find(ids[2]!)) !== undefined)
    assert.deepEqual(await store.upkeep.held(), { messages: 1, bytes: 88 })
    assert.equal(await days.drop(TODAY + 1), true)
  })

  test('stay while mail of theirs is still to be delivered', async () => {
    await using opened = await open()
    const { store, days } = opened
    await days.prepare(TODAY, TODAY + 1)
    await accept(store, 0, 1)
    const waiting = await accept(store, 0, 2, false)
    assert.equal(await days.drop(TODAY + 1), true)
    assert.ok((await store.messages.find(waiting)) !== undefined)
    assert.deepEqual(await opened.partitions('20260115'), TABLES)
    assert.deepEqual(await opened.partitions('20260116'), [])
    await store.messages.remove(SCOPE, waiting)
    assert.equal(await days.drop(TODAY + 1), true)
    assert.deepEqual(await opened.partitions('20260115'), [])
  })

  test('that somebody reads are left for later, and acceptance goes on', async () => {
    await using opened = await open()
    const { store, days, database } = opened
    await days.prepare(TODAY, TODAY + 1)
    await accept(store, 0, 1)
    // A backup: it holds every table until its end.
    const backup = new Client({ connectionString: database })
    await backup.connect()
    await backup.query('begin; lock table messages in access share mode')
    assert.equal(await days.drop(TODAY), false)
    await accept(store, 1, 2)
    await backup.end()
    await until(
      () => days.drop(TODAY),
      (isDone) => isDone,
    )
    assert.deepEqual(await opened.partitions('20260115'), [])
  })

  test('are looked into alone by whoever has the id of a message', async () => {
    await using opened = await open()
    const { store, days, sql } = opened
    await days.prepare(TODAY - 5, TODAY + 5)
    const id = await accept(store, 0, 1)
    const key = `account = '${SCOPE.account}' and region = '${SCOPE.region}'`
    const queries = [
      `select document from messages where id = '${id}' and day = ${TODAY}`,
      ...['recipients', 'events', 'attempts', 'body_pieces'].map(
        (table) => `select * from ${table} where ${key} and message_id = '${id}' and day = ${TODAY}`,
      ),
    ]
    for (const query of queries) {
      const plan = (await sql(`explain ${query}`)).map((line) => String(line['QUERY PLAN'])).join('\n')
      assert.deepEqual(new Set(plan.match(/_\d{8}\b|_default\b/g)), new Set(['_20260115']), plan)
    }
  })
})

async function openOther(database: string): Promise<AsyncDisposable & { readonly days: DayStore }> {
  const store = await openAt(database)
  return { days: store.upkeep.days ?? assert.fail('no days'), [Symbol.asyncDispose]: () => store.close() }
}
