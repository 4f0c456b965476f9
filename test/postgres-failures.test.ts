/** A PostgreSQL that goes away, hangs, is full or is not to be written to: refusals at once, nothing lost, no restart. */
import { EventEmitter, once } from 'node:events'
import { dirname } from 'node:path'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import assert from 'node:assert/strict'
import { CreateEmailIdentityCommand } from '@aws-sdk/client-sesv2'
import { Client } from 'pg'
import { realClock } from '../src/platform/clock.ts'
import { openStore } from '../src/store/open.ts'
import { EVERYTHING } from '../src/store/changes.ts'
import { Connection } from '../src/store/postgres/connection.ts'
import { Unavailable } from '../src/store/postgres/failures.ts'
import type { Store } from '../src/store/store.ts'
import { startApp } from './support/app.ts'
import { fakeClock } from './support/clock.ts'
import { type PostgresServer, postgres, schemaOf } from './support/postgres.ts'
import { startProxy, through } from './support/proxy.ts'
import { SCOPE, keptLog, openAt, sampleAcceptance } from './support/stores.ts'
import { SENDER, sendThrough } from './support/surfaces.ts'
import { until } from './support/until.ts'

const UNAVAILABLE = { name: 'SesError', failure: 'ServiceUnavailable' }
const DOWN = 'the database does not answer: calls are refused until it does'
const AT_ONCE = 64

type Opened = AsyncDisposable & { readonly store: Store; readonly log: HeardLog }
type HeardLog = ReturnType<typeof heardLog>

/** A log that can be waited for. */
function heardLog() {
  const kept = keptLog()
  const heard = new EventEmitter()
  const keep = (level: 'info' | 'error') => (message: string) => {
    kept[level](message)
    heard.emit(message)
  }
  return {
    ...kept,
    info: keep('info'),
    error: keep('error'),
    /** Resolves when it is told `message` the next time. */
    next: (message: string) => once(heard, message),
  }
}

async function open(database: string, wallClock = realClock()): Promise<Opened> {
  const log = heardLog()
  const store = await openAt(database, { log, wallClock })
  return { store, log, [Symbol.asyncDispose]: () => store.close() }
}

let count = 0

/** The id when it was accepted, undefined when it was refused as it should be. */
async function accept({ messages }: Store): Promise<string | undefined> {
  const id = `m${(count += 1)}`
  try {
    await messages.accept(sampleAcceptance(id))
    return id
  } catch (error) {
    assert.ok(error instanceof Error && 'failure' in error && error.failure === 'ServiceUnavailable', String(error))
    // Others have their turn: it may have been refused without asking anybody.
    await setImmediate()
    return undefined
  }
}

/** Accepts until it is so again. */
async function acceptAgain(store: Store): Promise<string> {
  for (;;) {
    const id = await accept(store)
    if (id !== undefined) return id
  }
}

async function acceptUntilRefused(store: Store): Promise<void> {
  while ((await accept(store)) !== undefined);
}

/** Many callers that send one message after another. */
function startLoad(store: Store) {
  const accepted: string[] = []
  const over = new AbortController()
  const sender = async () => {
    while (!over.signal.aborted) {
      const id = await accept(store)
      if (id !== undefined) accepted.push(id)
    }
  }
  const ended = Promise.all(Array.from({ length: AT_ONCE }, sender))
  const stop = async () => {
    over.abort()
    await ended
  }
  return {
    accepted,
    stop,
    /** Resolves when `more` have been accepted from now on. */
    async goesOn(more = 200) {
      const enough = accepted.length + more
      while (accepted.length < enough) await setImmediate()
    },
    [Symbol.asyncDispose]: stop,
  }
}

async function assertRefusedAtOnce(store: Store): Promise<void> {
  // A thousand would take an hour if each had to wait for a timeout.
  for (let call = 0; call < 1_000; call++) await assert.rejects(store.accounts.list(), UNAVAILABLE)
}

/** Each is there once, whole. What was refused may be there too, when the answer was lost: but then also once. */
async function assertKept({ messages }: Store, accepted: readonly string[]): Promise<void> {
  const stored = (await messages.list({}, { limit: 1_000_000 })).map(({ message }) => message.id)
  assert.equal(new Set(stored).size, stored.length)
  assert.deepEqual(new Set(accepted).difference(new Set(stored)), new Set())
  const jobs = (await messages.unfinishedJobs(0, 1_000_000)).map(({ messageId }) => messageId)
  assert.deepEqual(jobs.toSorted(), stored.toSorted())
  for (let at = 0; at < stored.length; at += AT_ONCE) {
    const events = await Promise.all(stored.slice(at, at + AT_ONCE).map((id) => messages.events(SCOPE, id)))
    assert.ok(events.every(({ length }) => length === 1))
  }
}

describe('a PostgreSQL that stops', () => {
  for (const mode of ['fast', 'immediate'] as const) {
    test(`under load (${mode}): what was accepted is kept, calls are refused, and work goes on when it is back`, async () => {
      const server = await postgres()
      await using opened = await open(await server.schema())
      const { store, log } = opened
      await using load = startLoad(store)
      await load.goesOn()
      const down = log.next(DOWN)
      await server.stop(mode)
      await down
      await assertRefusedAtOnce(store)
      await server.start()
      await load.goesOn()
      await load.stop()
      await assertKept(store, load.accepted)
    })
  }

  test('while nobody asks is not noticed when it is back', async () => {
    const server = await postgres()
    await using opened = await open(await server.schema())
    // Until then it asks by itself: it sends a first notice, to itself.
    await new Promise<void>((resolve) => void opened.store.onChange((change) => change === EVERYTHING && resolve()))
    assert.ok(await accept(opened.store))
    await server.stop('fast')
    await server.start()
    assert.ok(await accept(opened.store))
    assert.deepEqual(opened.log.lines, [])
  })

  test('is told to clients in their own words, and mail goes on afterwards', async () => {
    const server = await postgres()
    await using app = await startApp({ config: { database: await server.schema() } })
    await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: SENDER }))
    await server.stop('immediate')
    for (const surface of ['v1', 'v2'] as const) {
      const verdict = await sendThrough(surface, app, {})
      assert.ok('refusal' in verdict)
      assert.deepEqual([verdict.refusal.status, verdict.refusal.message], [503, 'Service is temporarily unavailable.'])
    }
    await assert.rejects(app.smtp().sendMail({ from: SENDER, to: 'a@example.org' }), { responseCode: 454 })
    await server.start()
    for (const surface of ['v1', 'v2', 'smtp'] as const) {
      await until(
        () => sendThrough(surface, app, {}),
        (verdict) => 'messageId' in verdict,
      )
    }
    await app.idle()
    // That the database was gone is an error, and expected here.
    ;(app.errors as string[]).length = 0
  })
})

describe('a PostgreSQL that hangs', () => {
  test('fails what waits for it, refuses at once what comes then, and is found when it goes on', async (t) => {
    const server = await postgres()
    await using opened = await open(await server.schema())
    const { store, log } = opened
    await using load = startLoad(store)
    await load.goesOn()
    const down = log.next(DOWN)
    await server.pause()
    t.after(() => server.resume())
    await down
    await assertRefusedAtOnce(store)
    server.resume()
    await load.goesOn()
    await load.stop()
    await assertKept(store, load.accepted)
  })

  test('does not keep a store from closing', async (t) => {
    const server = await postgres()
    const opened = await open(await server.schema())
    await Promise.all([accept(opened.store), opened.store.accounts.list()])
    await server.pause()
    t.after(() => server.resume())
    await opened.store.close()
  })

  test('is noticed although the network says nothing, and so is its return', async () => {
    const server = await postgres()
    await using proxy = await startProxy(server.socketPath)
    await using opened = await open(through(proxy, await server.schema()))
    const { store, log } = opened
    assert.ok(await accept(store))
    const down = log.next(DOWN)
    proxy.mode = 'dead'
    await assert.rejects(store.accounts.list(), UNAVAILABLE)
    assert.equal(await accept(store), undefined)
    await down
    proxy.mode = 'open'
    await acceptAgain(store)
  })
})

describe('an answer that is lost', () => {
  test('is no acceptance: the caller is refused, and what was committed is there once and whole', async () => {
    const server = await postgres()
    await using proxy = await startProxy(server.socketPath)
    await using opened = await open(through(proxy, await server.schema()))
    const { store } = opened
    assert.ok(await accept(store))
    proxy.mode = 'deaf'
    const ids = Array.from({ length: 8 }, (_, index) => `ambiguous ${index}`)
    const refused = Promise.allSettled(ids.map((id) => store.messages.accept(sampleAcceptance(id))))
    while (proxy.swallowed === 0) await setImmediate()
    proxy.mode = 'open'
    proxy.cut()
    for (const result of await refused) {
      assert.ok(result.status === 'rejected' && result.reason.failure === 'ServiceUnavailable')
    }
    // The caller's next try is another message.
    await assertKept(store, [await acceptAgain(store)])
    const stored = (await store.messages.list({}, { limit: 99 })).map(({ message }) => message.id)
    assert.ok(
      stored.some((id) => id.startsWith('ambiguous')),
      'it was committed, and only its answer was lost',
    )
  })
})

describe('connections', () => {
  test('that the server ends, one and all, are made anew without a restart', async () => {
    const server = await postgres()
    await using opened = await open(await server.schema())
    const { store } = opened
    await using load = startLoad(store)
    for (let round = 0; round < 5; round++) {
      await load.goesOn(100)
      await server.sql(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'sesame'`)
    }
    await load.goesOn()
    await load.stop()
    await assertKept(store, load.accepted)
  })

  test('are ten at most', async () => {
    const server = await postgres()
    await using opened = await open(await server.schema())
    const { store } = opened
    const ids = await Promise.all(Array.from({ length: 500 }, () => accept(store)))
    const reads = ids.map((id) => store.messages.raw(SCOPE, id!))
    const counted = await server.sql(
      `select count(*)::int as n from pg_stat_activity where application_name = 'sesame'`,
    )
    await Promise.all(reads)
    assert.ok(Number(counted[0]?.['n']) <= 10, JSON.stringify(counted))
  })

  test('that others have taken do not matter while we have some, and are waited for without a restart', async () => {
    const server = await postgres()
    await using opened = await open(await server.schema())
    const { store, log } = opened
    assert.ok(await accept(store))
    const others = await takeConnections(server)
    assert.ok((await Promise.all(Array.from({ length: 300 }, () => accept(store)))).every(Boolean), 'one is enough')
    await others[0]!.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'sesame'`)
    others.push(...(await takeConnections(server)))
    const down = log.next(DOWN)
    await acceptUntilRefused(store)
    await down
    await assertRefusedAtOnce(store)
    await Promise.all(others.map((client) => client.end()))
    await acceptAgain(store)
  })

  test('that hang in a statement are given up together with the statement', async () => {
    const server = await postgres()
    const connection = new Connection({ url: await server.schema(), clock: realClock(), log: keptLog() })
    await connection.open()
    const asleep = () =>
      server.sql(`select pid from pg_stat_activity where query = 'select pg_sleep(3600)' and state = 'active'`)
    const hanging = assert.rejects(connection.client.query('select pg_sleep(3600)'))
    await until(asleep, (rows) => rows.length === 1)
    connection.abandon(new Unavailable('no answer', true, undefined))
    await hanging
    await until(asleep, (rows) => rows.length === 0)
  })
})

/** Takes all that the server still has. */
async function takeConnections(server: PostgresServer): Promise<Client[]> {
  const taken: Client[] = []
  for (;;) {
    const client = new Client({ host: dirname(server.socketPath), user: 'sesame', database: 'postgres' })
    client.on('error', () => {})
    try {
      await client.connect()
    } catch {
      return taken
    }
    taken.push(client)
  }
}

describe('a PostgreSQL that must not be written to', () => {
  test('because it is read-only: writes are refused, reads go on, and so do writes afterwards', async (t) => {
    const server = await postgres()
    await using opened = await open(await server.schema())
    const { store } = opened
    assert.ok(await accept(store))
    t.after(() => server.set('default_transaction_read_only', null))
    await server.set('default_transaction_read_only', 'on')
    await acceptUntilRefused(store)
    for (let call = 0; call < 5; call++) assert.equal(await accept(store), undefined)
    assert.ok((await store.messages.list({}, { limit: 9 })).length > 0)
    await server.set('default_transaction_read_only', null)
    await acceptAgain(store)
  })

  test('because it would acknowledge what is not on disk: at the start, and when that is changed under way', async (t) => {
    const server = await postgres()
    const database = await server.schema()
    const clock = fakeClock()
    await using opened = await open(database, clock)
    const { store, log } = opened
    assert.ok(await accept(store))
    t.after(() => server.set('synchronous_commit', null))
    await server.set('synchronous_commit', 'off')
    await assert.rejects(openStore({ database, log: keptLog() }), /synchronous_commit is off/)
    const down = log.next(DOWN)
    do clock.advance(10_000)
    while ((await accept(store)) !== undefined)
    await down
    await server.set('synchronous_commit', null)
    do clock.advance(1_000)
    while ((await accept(store)) === undefined)
  })

  test('because it is full: the batch is refused, and the next one is not', async () => {
    const server = await postgres()
    const database = await server.schema()
    await using opened = await open(database)
    const { store } = opened
    assert.ok(await accept(store))
    const schema = schemaOf(database)
    await server.sql(`create function ${schema}.full() returns trigger language plpgsql as
      $$ begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$;
      create trigger full_disk before insert on ${schema}.messages execute function ${schema}.full()`)
    for (let call = 0; call < 5; call++) assert.equal(await accept(store), undefined)
    await server.sql(`drop trigger full_disk on ${schema}.messages`)
    assert.ok(await accept(store))
  })
})
