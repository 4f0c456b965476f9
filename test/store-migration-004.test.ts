/** Migration 004: a database of version 0.1.0 with mail in it becomes one with partitions and counts, and loses nothing. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { postgres } from './support/postgres.ts'
import { NOON, SCOPE, SOMEBODY_ELSE, openAt, sampleAcceptance, sesId } from './support/stores.ts'

const DAY = 24 * 3_600_000
const MESSAGES = [
  { id: sesId(NOON, 1), at: NOON, scope: SCOPE, body: 'first' },
  { id: sesId(NOON + DAY, 2), at: NOON + DAY, scope: SOMEBODY_ELSE, body: '' },
  { id: sesId(NOON + DAY, 3), at: NOON + DAY, scope: SCOPE, body: 'third' },
  // Not made by this server.
  { id: 'imported', at: NOON + 2 * DAY, scope: SCOPE, body: 'of another form' },
  // A day so far away that it has no name.
  { id: `0100${'f'.repeat(12)}-far`, at: NOON + 2 * DAY, scope: SCOPE, body: 'far' },
] as const
const TODAY = 20_468

type Insert = (table: string, row: Record<string, string | number>, raw?: string) => string

/** What version 0.1.0 wrote: statements that put the messages into its tables. */
function written(insert: Insert): string[] {
  return MESSAGES.flatMap(({ id, at, scope, body }, index) => {
    const { message } = sampleAcceptance(id, { at, scope })
    const key = { account: scope.account, region: scope.region }
    const ofMessage = { ...key, message_id: id }
    return [
      insert('messages', {
        seq: index + 1,
        ...key,
        id,
        accepted_at: at,
        recipients_search: 'friend@example.org',
        sender_search: '',
        subject_search: 'hello',
        document: JSON.stringify(message),
      }),
      insert('bodies', { seq: index + 1, ...key }, body),
      insert('recipients', {
        ...ofMessage,
        position: 0,
        address: 'friend@example.org',
        mailbox: 'friend@example.org',
        field: 'to',
        status: index === 0 ? 'queued' : 'delivered',
        reply: '250 OK',
        updated_at: at,
      }),
      ...['Send', 'Delivery'].map((type) => insert('events', { ...ofMessage, type, at, json: '{}' })),
      insert('attempts', {
        ...ofMessage,
        destination: 'example.org',
        at,
        duration_ms: 1,
        transport: 'capture',
        transcript: '[]',
      }),
    ]
  }).concat(
    insert('jobs', {
      account: SCOPE.account,
      region: SCOPE.region,
      message_id: MESSAGES[0].id,
      destination: 'example.org',
      recipients: '[0]',
      attempts: 0,
      due_at: NOON,
      waiting: 0,
    }),
  )
}

function literal(value: string | number): string {
  return typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`
}

const inserting =
  (hex: (digits: string) => string): Insert =>
  (table, row, raw) => {
    const columns = [...Object.keys(row), ...(raw === undefined ? [] : ['raw'])]
    const values = [
      ...Object.values(row).map(literal),
      ...(raw === undefined ? [] : [hex(Buffer.from(raw).toString('hex'))]),
    ]
    return `insert into ${table} (${columns.join(', ')}) values (${values.join(', ')});`
  }

async function firstSchema(engine: string): Promise<string> {
  return readFile(join(import.meta.dirname, `../src/store/${engine}/migrations/001-first.sql`), 'utf8')
}

async function assertAllIsThere(database: string): Promise<void> {
  await using store = await openAt(database)
  const { messages, upkeep } = store
  assert.deepEqual(
    (await messages.list({}, { limit: 9 })).map(({ seq }) => seq),
    [5, 4, 3, 2, 1],
  )
  for (const { id, at, scope, body } of MESSAGES) {
    assert.deepEqual((await messages.find(id))?.message, sampleAcceptance(id, { at, scope }).message)
    assert.equal(Buffer.from((await messages.raw(scope, id))!).toString(), body)
    assert.equal((await messages.recipients(scope, id)).length, 1)
    assert.deepEqual(
      (await messages.events(scope, id)).map(({ type }) => type),
      ['Send', 'Delivery'],
    )
    assert.equal((await messages.attempts(scope, id)).length, 1)
  }
  const bytes = MESSAGES.reduce((sum, { body }) => sum + body.length, 0)
  assert.deepEqual(await upkeep.held(), { messages: MESSAGES.length, bytes })
  const [job] = await messages.unfinishedJobs(0, 9)
  assert.equal(job?.messageId, MESSAGES[0].id)

  // It goes on where it was.
  const [added] = await messages.accept(sampleAcceptance(sesId(NOON, 9)))
  assert.ok(added!.id > job.id)
  assert.equal((await messages.find(sesId(NOON, 9)))?.seq, 6)
  assert.deepEqual(
    (await messages.events(SCOPE, sesId(NOON, 9))).map(({ type }) => type),
    ['Send'],
  )
  assert.equal(await messages.remove(SCOPE, MESSAGES[2].id), true)
  const everything = { behind: 0, acceptedBefore: NOON + 9 * DAY, excess: { messages: 9, bytes: 0 } }
  assert.equal((await upkeep.removeOldest(everything)).removed, 3, 'all but those with jobs')
}

describe('a database of version 0.1.0', () => {
  test('on SQLite keeps its mail', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sesame-migration-'))
    const path = join(folder, 'sesame.db')
    const old = new DatabaseSync(path)
    old.exec(await firstSchema('sqlite'))
    for (const statement of written(inserting((digits) => `x'${digits}'`))) old.exec(statement)
    old.exec('pragma user_version = 1')
    old.close()
    await assertAllIsThere(`sqlite:${path}`)
    const looked = new DatabaseSync(path, { readOnly: true })
    const days = looked.prepare('select distinct day from recipients order by day').all()
    looked.close()
    assert.deepEqual(
      days.map(({ day }) => day),
      [TODAY],
    )
    await rm(folder, { recursive: true })
  })

  test('on PostgreSQL keeps its mail, each day in its partition', async () => {
    const server = await postgres()
    const database = await server.schema()
    const old = [
      await firstSchema('postgres'),
      ...written(inserting((digits) => `'\\x${digits}'`)),
      `select nextval('message_numbers') from generate_series(1, ${MESSAGES.length});`,
      'create table sesame_schema (version bigint not null); insert into sesame_schema values (1);',
    ]
    await server.sql(old.join('\n'), database)
    await assertAllIsThere(database)
    const rows = await server.sql(
      `select relname::text as name, (xpath('/row/n/text()',
         query_to_xml('select count(*) as n from ' || oid::regclass, false, true, '')))[1]::text as n
       from pg_class where relkind = 'r' and relname ~ '^(messages|events)_' and relnamespace = current_schema()::regnamespace
       order by 1`,
      database,
    )
    const counted = Object.fromEntries(rows.map(({ name, n }) => [name, Number(n)]))
    assert.deepEqual(
      counted,
      // What is left: two messages with jobs, of the first day.
      { ...partitionsOf('messages', [2, 0]), ...partitionsOf('events', [3, 0]) },
    )
  })
})

function partitionsOf(table: string, [first, second]: [number, number]): Record<string, number> {
  return {
    [`${table}_20260115`]: first,
    [`${table}_20260116`]: second,
    [`${table}_default`]: 0,
  }
}
