/** What SQLite promises beyond the contract of the store: group commit, a database that fails, files and schema. */
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { accountStore } from '../src/store/accounts.ts'
import { COMMANDS } from '../src/store/commands.ts'
import { GroupCommit } from '../src/store/group-commit.ts'
import type { BatchReply, Call } from '../src/store/group-commit.ts'
import { messageStore } from '../src/store/messages.ts'
import { openStore } from '../src/store/open.ts'
import { runBatch } from '../src/store/sqlite/batch.ts'
import { openConnection } from '../src/store/sqlite/connection.ts'
import type { Connection } from '../src/store/sqlite/connection.ts'
import { migrate } from '../src/store/sqlite/migrate.ts'
import { WriterThread } from '../src/store/sqlite/writer-thread.ts'
import { ENGINES, NOON, keptLog, openAt, sampleAcceptance, sampleKey } from './support/stores.ts'

const UNAVAILABLE = { name: 'SesError', failure: 'ServiceUnavailable' }
const [FILE_ENGINE] = ENGINES

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'sesame-sqlite-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
}

/** The aggregates over one connection without a thread, so that the test can reach the connection. */
function onConnection(connection: Connection) {
  const log = keptLog()
  let last = Promise.resolve<unknown>(undefined)
  const commit = new GroupCommit(
    (calls) => {
      const reply = last.then(() => runBatch(connection, COMMANDS, calls as readonly Call<never>[]))
      last = reply
      return reply as Promise<BatchReply<never>>
    },
    log,
    2,
  )
  const db = { ...connection, write: commit.write }
  return { log, commit, accounts: accountStore(db), messages: messageStore(db) }
}

async function mode(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8)
}

/** The command that inserts an account, for writing past the aggregates. */
const INSERT_ACCOUNT = COMMANDS.get('accounts.insert')!

function account(id: string) {
  return { id, name: id, email: null, createdAt: NOON }
}

describe('group commit', () => {
  test('acceptances at the same time share transactions, and one alone does not wait', async () => {
    await using opened = await FILE_ENGINE!.open()
    const { store } = opened
    const accept = (index: number) => store.messages.accept(sampleAcceptance(`m${index}`))
    await accept(0)
    assert.deepEqual(store.metrics(), { commits: 1, writes: 1, waiting: 0, reads: 0 })
    await Promise.all(Array.from({ length: 1_000 }, (_, index) => accept(index + 1)))
    const { commits, writes } = store.metrics()
    assert.equal(writes, 1_001)
    assert.ok(commits <= 20, `${commits} commits`)
    assert.equal((await store.messages.list({}, { limit: 2_000 })).length, 1_001)
  })

  test('a write that fails does so alone', async () => {
    await using opened = await FILE_ENGINE!.open()
    const { messages, accounts } = opened.store
    await messages.accept(sampleAcceptance('taken'))
    const results = await Promise.allSettled([
      messages.accept(sampleAcceptance('before')),
      messages.accept(sampleAcceptance('taken', { to: ['somebody@example.net'] })),
      accounts.insert(account('1')),
      messages.accept(sampleAcceptance('after')),
      accounts.insert(account('1')),
    ])
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled'],
    )
    const [, taken, first, , second] = results
    assert.match(String(taken?.status === 'rejected' && taken.reason.cause), /UNIQUE constraint failed: messages.id/)
    assert.deepEqual(
      [first, second].map((result) => result?.status === 'fulfilled' && result.value),
      [true, false],
    )
    const listed = (await messages.list({}, { limit: 9 })).map(({ message }) => message.id)
    assert.deepEqual(listed.toSorted(), ['after', 'before', 'taken'])
    assert.equal((await messages.events({ account: '000000000000', region: 'us-east-1' }, 'taken')).length, 1)
    assert.equal((await messages.unfinishedJobs(0, 9)).length, 3)
  })

  test('what waits is bounded in number: beyond it a write is refused at once', async () => {
    await using opened = await FILE_ENGINE!.open()
    const { keys } = opened.store
    const inserts = Array.from({ length: 10_000 }, (_, index) => keys.insert(sampleKey(`AKIA${index}`)))
    await assert.rejects(keys.insert(sampleKey('one too many')), UNAVAILABLE)
    assert.ok((await Promise.all(inserts)).every(Boolean))
    assert.equal(await keys.insert(sampleKey('one too many')), true)
  })

  test('what waits is bounded in octets', async () => {
    const connection = openConnection(':memory:')
    migrate(connection.database)
    const { commit } = onConnection(connection)
    const octets = Buffer.alloc(200_000_000)
    const write = (id: string, weight: number) =>
      commit.write(INSERT_ACCOUNT, account(id) as never, octets.subarray(0, weight))
    const most = [write('1', 200_000_000), write('2', 60_000_000)]
    await assert.rejects(write('3', 10_000_000), UNAVAILABLE)
    assert.deepEqual(await Promise.all([...most, write('4', 1_000)]), [true, true, true])
    assert.equal(await write('3', 10_000_000), true)
    connection.database.close()
  })

  test('closing writes what was taken, and takes no more', async () => {
    await using folder = await temporaryFolder()
    const database = `sqlite:${join(folder.path, 'sesame.db')}`
    await using store = await openAt(database)
    const accepted = Array.from({ length: 300 }, (_, index) => store.messages.accept(sampleAcceptance(`m${index}`)))
    await store.close()
    await assert.rejects(store.accounts.insert(account('1')), UNAVAILABLE)
    await Promise.all(accepted)
    await using again = await openAt(database)
    assert.equal((await again.messages.list({}, { limit: 999 })).length, 300)
  })
})

describe('a database that cannot write', () => {
  test('refuses the whole batch while it is full, says so once, and goes on when there is room', async () => {
    await using folder = await temporaryFolder()
    const connection = openConnection(join(folder.path, 'sesame.db'))
    migrate(connection.database)
    const { log, accounts, messages } = onConnection(connection)
    await messages.accept(sampleAcceptance('before'))
    connection.database.exec('pragma max_page_count = 1')
    const raw = new Uint8Array(60_000)
    for (const round of ['a', 'b']) {
      const results = await Promise.allSettled([
        accounts.insert(account(round)),
        messages.accept(sampleAcceptance(`full ${round}`, { raw })),
        accounts.insert(account(`${round}2`)),
      ])
      for (const result of results) {
        assert.ok(result.status === 'rejected' && result.reason.failure === 'ServiceUnavailable')
        assert.match(String(result.reason.cause), /database or disk is full/)
        assert.doesNotMatch(result.reason.message, /disk/, 'the caller reads no internals')
      }
    }
    assert.deepEqual(log.lines, ['the database cannot write'])
    assert.deepEqual(await accounts.list(), [])
    connection.database.exec('pragma max_page_count = 1000000')
    await messages.accept(sampleAcceptance('after', { raw }))
    assert.deepEqual(log.lines, ['the database cannot write', 'the database writes again'])
    assert.deepEqual(
      (await messages.list({}, { limit: 9 })).map(({ message }) => message.id),
      ['after', 'before'],
    )
    connection.database.close()
  })

  test('a full database is not taken for a failing command, nor the other way round', async () => {
    await using folder = await temporaryFolder()
    const connection = openConnection(join(folder.path, 'sesame.db'))
    migrate(connection.database)
    const { messages } = onConnection(connection)
    await messages.accept(sampleAcceptance('taken'))
    connection.database.exec('pragma max_page_count = 1')
    const results = await Promise.allSettled([
      messages.accept(sampleAcceptance('taken')),
      messages.accept(sampleAcceptance('full', { raw: new Uint8Array(60_000) })),
    ])
    assert.ok(results.every((result) => result.status === 'rejected' && result.reason.failure === 'ServiceUnavailable'))
    connection.database.close()
  })

  test('a thread that dies fails what it had, and the next write starts another', async () => {
    await using folder = await temporaryFolder()
    const log = keptLog()
    const path = join(folder.path, 'missing', 'sesame.db')
    const thread = new WriterThread(path, log)
    const commit = new GroupCommit(thread.send, log, 2)
    await assert.rejects(commit.write(INSERT_ACCOUNT, account('1') as never), UNAVAILABLE)
    assert.ok(log.lines.includes('the thread that writes ended'))

    await mkdir(join(folder.path, 'missing'))
    const connection = openConnection(path)
    migrate(connection.database)
    connection.database.close()
    assert.equal(await commit.write(INSERT_ACCOUNT, account('1') as never), true)
    await commit.close()
    await thread.close()
  })
})

describe('the database file', () => {
  test('is made with its folder, for their owner only', async () => {
    await using folder = await temporaryFolder()
    const data = join(folder.path, 'data')
    await using store = await openAt(`sqlite:${join(data, 'sesame.db')}`)
    await store.accounts.insert(account('1'))
    assert.equal(await mode(data), '700')
    for (const name of await readdir(data)) assert.equal(await mode(join(data, name)), '600', name)
    await store.close()
    assert.deepEqual(await readdir(data), ['sesame.db'], 'closing leaves nothing beside the database')
  })

  test('of a later version is refused, with what to do', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'sesame.db')
    await (await openAt(`sqlite:${path}`)).close()
    const database = new DatabaseSync(path)
    database.exec('pragma user_version = 4711')
    database.close()
    await assert.rejects(openStore({ database: `sqlite:${path}`, log: keptLog() }), /schema 4711.*later one/)
  })

  test('of another program is refused and left as it was', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'other.db')
    const database = new DatabaseSync(path)
    database.exec('create table theirs (a)')
    database.close()
    const before = await readFile(path)
    await assert.rejects(openStore({ database: `sqlite:${path}`, log: keptLog() }), /belongs to another program/)
    assert.ok(before.equals(await readFile(path)))
    await writeFile(join(folder.path, 'text'), 'This is no database at all, but a text.\n'.repeat(100))
    const opened = openStore({ database: `sqlite:${join(folder.path, 'text')}`, log: keptLog() })
    await assert.rejects(opened, /Cannot open the database .*not a database/)
  })

  test('may be named by nothing but sqlite: and postgres:', async () => {
    for (const database of ['mysql://localhost', 'sqlite:', '/var/lib/sesame.db']) {
      await assert.rejects(openStore({ database, log: keptLog() }), /is not sqlite:PATH or postgres:/)
    }
  })
})
