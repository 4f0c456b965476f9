/** `sesame db copy` and `sesame db check`: an installation moves from one engine to the other and back, whole. */
import { hash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { realClock } from '../src/platform/clock.ts'
import { takeOwnership } from '../src/platform/ownership.ts'
import { copy } from '../src/store/copy/copy.ts'
import { postgresSource, postgresTarget } from '../src/store/copy/postgres.ts'
import type { Source } from '../src/store/copy/side.ts'
import { sqliteSource, sqliteTarget } from '../src/store/copy/sqlite.ts'
import { COPIED, LEFT_OUT, NOT_COPIED } from '../src/store/copy/tables.ts'
import { startApp } from './support/app.ts'
import { emptyDirectory, sesame } from './support/cli.ts'
import { fill } from './support/filled.ts'
import { postgres } from './support/postgres.ts'
import { NOON, keptLog, openAt } from './support/stores.ts'
import { sendThrough } from './support/surfaces.ts'

/** More than one batch, by number; and by octets. */
const MANY = 600
const LARGE = new Uint8Array(3_000_000).map((_, index) => (index * 7 + (index >> 8)) & 0xff)

const LITTLE = { messages: 6, bodies: [] }

function fillMuch(database: string): Promise<void> {
  return fill(database, { messages: MANY, bodies: [LARGE, LARGE] })
}

/** Everything in the tables that are copied, whatever the order, and the numbers that were given last. A body has that of its message. */
async function contentsOf(source: Source): Promise<unknown> {
  const contents: Record<string, unknown> = {
    numbers: Object.fromEntries([...source.numbers].filter(([name]) => name !== 'bodies.seq')),
  }
  for (const [table, columns] of source.tables) {
    if (NOT_COPIED.has(table)) continue
    const kept = columns
      .filter(({ name }) => !LEFT_OUT.has(`${table}.${name}`))
      .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    const rows: string[] = []
    for await (const row of source.rows(table, kept)) {
      rows.push(
        JSON.stringify(row.map((cell) => (cell instanceof Uint8Array ? Buffer.from(cell).toString('hex') : cell))),
      )
    }
    contents[table] = `${rows.length} rows ${hash('sha256', rows.toSorted().join('\n'))}`
  }
  await source.close()
  return contents
}

function placeOf(url: string) {
  return { url, clock: realClock(), log: keptLog() }
}

async function postgresContents(url: string): Promise<unknown> {
  return contentsOf(await postgresSource(placeOf(url), { warn: () => {} }))
}

async function command(...args: readonly string[]) {
  const { code, out, err } = await sesame(['db', ...args])
  return { code, out, err }
}

describe('sesame db copy', () => {
  test('moves everything from SQLite to PostgreSQL and back, and a server goes on on each', async (t) => {
    const folder = await emptyDirectory(t)
    const [first, last] = [join(folder, 'first.db'), join(folder, 'last.db')]
    const middle = await (await postgres()).schema()
    await fillMuch(`sqlite:${first}`)
    const there = await command('copy', '--from', `sqlite:${first}`, '--to', middle)
    assert.deepEqual(
      [there.code, there.err.match(/sesame: messages: \d+ of \d+/)?.[0]],
      [0, 'sesame: messages: 602 of 602'],
    )
    assert.match(there.out, /^messages +602$[^]*as many rows\.$/m)
    const back = await command('copy', '--from', middle, '--to', `sqlite:${last}`, '--json')
    assert.equal(back.code, 0, back.err)
    assert.ok(
      JSON.parse(back.out).tables.some(
        ({ table, rows }: { table: string; rows: number }) => table === 'jobs' && rows > 0,
      ),
    )
    const before = await contentsOf(sqliteSource(first))
    assert.deepEqual(await postgresContents(middle), before)
    assert.deepEqual(await contentsOf(sqliteSource(last)), before)

    for (const database of [middle, `sqlite:${last}`]) {
      await using app = await startApp({ config: { database } })
      const newest = (await app.services.store.messages.list({}, { limit: 1 }))[0]!.seq
      const verdict = await sendThrough('v2', app, { to: ['new@example.org'] })
      assert.ok('messageId' in verdict, JSON.stringify(verdict))
      const sent = await app.services.store.messages.find(verdict.messageId)
      assert.ok(sent!.seq > newest + 1, 'the number of the one that was removed does not come again')
      app.clock.advance(3_600_000)
      await app.idle()
      const jobs = await app.services.store.messages.unfinishedJobs(0, 1_000)
      assert.equal(jobs.length, MANY / 3, 'what was due is delivered, and what was postponed is not')
    }
  })

  test('refuses a target that is not empty, and leaves it as it was', async (t) => {
    const folder = await emptyDirectory(t)
    const [from, to] = [join(folder, 'from.db'), join(folder, 'to.db')]
    await fill(`sqlite:${from}`, LITTLE)
    const full = await (await postgres()).schema()
    for (const database of [`sqlite:${to}`, full]) {
      await using store = await openAt(database)
      await store.accounts.insert({ id: '1', name: 'mine', email: null, createdAt: NOON })
      await store.close()
      const { code, err } = await command('copy', '--from', `sqlite:${from}`, '--to', database)
      assert.deepEqual([code, /is not empty: it has rows in accounts\.$/m.test(err)], [1, true], err)
      await using again = await openAt(database)
      assert.equal((await again.accounts.list()).length, 1)
    }
  })

  test('refuses a database that is in use, is not there, or has another schema', async (t) => {
    const folder = await emptyDirectory(t)
    const [from, to] = [join(folder, 'from.db'), join(folder, 'to.db')]
    const args = ['copy', '--from', `sqlite:${from}`, '--to', `sqlite:${to}`]
    assert.match((await command(...args)).err, /There is no database .*from\.db\./)
    await (await openAt(`sqlite:${from}`)).close()
    for (const file of [from, to]) {
      const owned = await takeOwnership(file)
      const { code, err } = await command(...args)
      assert.deepEqual([code, err], [1, `sesame: ${file} is in use by process ${process.pid}. Stop it first.\n`])
      assert.ok('release' in owned)
      owned.release()
    }
    const database = new DatabaseSync(from)
    database.exec('pragma user_version = 4711')
    assert.match((await command(...args)).err, /has schema 4711, and this version copies \d+: use its version\.$/m)
    database.exec('pragma user_version = 0')
    assert.match((await command(...args)).err, /has schema 0, .*: start this version on it once/)
    database.close()
    const empty = await (await postgres()).schema()
    assert.match(
      (await command('copy', '--from', empty, '--to', `sqlite:${to}`)).err,
      /holds no installation of Sesame/,
    )
    assert.equal(existsSync(to), false)
    assert.equal(existsSync(`${to}.copying`), false)
    const { code } = await command('copy', '--from', `sqlite:${from}`, '--to', `sqlite:${from}`)
    assert.equal(code, 2)
  })

  test('that is broken off leaves the target empty, and is simply begun again', async (t) => {
    const folder = await emptyDirectory(t)
    const from = join(folder, 'from.db')
    await fillMuch(`sqlite:${from}`)
    const url = await (await postgres()).schema()
    const to = join(folder, 'to.db')
    for (const openTarget of [() => postgresTarget(placeOf(url)), async () => sqliteTarget(to)]) {
      const source = sqliteSource(from)
      const broken: Source = {
        ...source,
        async *rows(table, columns) {
          yield* source.rows(table, columns)
          if (table === 'recipients') throw new Error('the power went')
        },
      }
      await assert.rejects(
        copy(broken, await openTarget(), () => {}),
        /the power went/,
      )
      assert.equal(existsSync(to), false)
      await copy(source, await openTarget(), () => {})
      await source.close()
    }
    const before = await contentsOf(sqliteSource(from))
    assert.deepEqual(await postgresContents(url), before)
    assert.deepEqual(await contentsOf(sqliteSource(to)), before)
  })

  test('knows every table and column of both engines', async (t) => {
    const path = join(await emptyDirectory(t), 'sesame.db')
    const url = await (await postgres()).schema()
    for (const database of [`sqlite:${path}`, url]) await (await openAt(database)).close()
    const sources = [sqliteSource(path), await postgresSource(placeOf(url), { warn: () => {} })]
    const [sqlite, postgresql] = sources.map(({ tables }) =>
      [...tables]
        .filter(([table]) => !NOT_COPIED.has(table))
        .flatMap(([table, columns]) => columns.map(({ name, kind }) => `${table}.${name} ${kind}`))
        .filter((column) => !LEFT_OUT.has(column.split(' ')[0]!))
        .toSorted(),
    )
    assert.deepEqual(sqlite, postgresql)
    for (const { tables } of sources) {
      const unknown = [...tables.keys()].filter((table) => !COPIED.includes(table) && !NOT_COPIED.has(table))
      assert.deepEqual(unknown, [], 'put them into one of the lists in src/store/copy/tables.ts')
    }
    await Promise.all(sources.map((source) => source.close()))
  })
})

describe('sesame db check', () => {
  test('counts what is there, and tells whether it is sound', async (t) => {
    const path = join(await emptyDirectory(t), 'sesame.db')
    const url = await (await postgres()).schema()
    for (const database of [`sqlite:${path}`, url]) {
      await fill(database, LITTLE)
      const { code, out, err } = await command('check', '--database', database)
      assert.deepEqual([code, err], [0, ''])
      assert.match(out, /^messages +6$[^]*: schema (\d+) of \1, nothing wrong$/m)
    }
    const database = new DatabaseSync(path)
    database.exec(`pragma foreign_keys = off; delete from identities where name = 'example.com'`)
    database.close()
    const { code, out } = await command('check', '--database', `sqlite:${path}`)
    assert.deepEqual([code, /^FAULT 2 rows refer to others that are not there$/m.test(out)], [1, true], out)
  })
})
