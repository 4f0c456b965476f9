/** What TLS came to, reports of it, and MTA-STS policies, on every engine. */
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { openStore } from '../src/store/open.ts'
import { MOST_OF_DAY, MOST_OF_DOMAIN, type TlsCount } from '../src/store/tls-results.ts'
import { ENGINES, keptLog, NOON, type TestStore } from './support/stores.ts'

const DAY = 20_468
const POLICY = { type: 'sts', domain: 'one.test', lines: ['version: STSv1'], mxHosts: ['mx.one.test'] }
const EXPIRED = {
  type: 'certificate-expired',
  reason: 'CERT_HAS_EXPIRED',
  host: 'mx.one.test',
  helo: 'mx.one.test',
  ip: '192.0.2.1',
  egressIp: '198.51.100.1',
}

function counted(more: Partial<TlsCount> = {}): TlsCount {
  return { day: DAY, domain: 'one.test', policy: POLICY, failure: null, sessions: 1, ...more }
}

function failed(host: string, more: Partial<TlsCount> = {}): TlsCount {
  return counted({ failure: { ...EXPIRED, host }, ...more })
}

/** A day with as many rows as it may have, written past the store. */
async function fillDay(opened: TestStore): Promise<void> {
  const columns = `insert into tls_results (day, domain, id, details, failed, sessions)`
  if (opened.database.startsWith('postgres')) {
    const values = `select ${DAY}, 'd' || n, '', '{}', 0, 1 from generate_series(1, ${MOST_OF_DAY}) as n`
    await opened.sql(`${columns} ${values}`)
    return
  }
  const numbers = `with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ${MOST_OF_DAY})`
  const database = new DatabaseSync(opened.database.slice('sqlite:'.length))
  database.exec(`${columns} ${numbers} select ${DAY}, 'd' || n, '', '{}', 0, 1 from numbers`)
  database.close()
}

for (const engine of ENGINES) {
  describe(`TLS results on ${engine.name}`, () => {
    test('what is the same is counted together, by day and domain', async () => {
      await using opened = await engine.open()
      const { tlsResults } = opened.store
      assert.equal(await tlsResults.add([counted({ sessions: 3 }), failed('a'), failed('b', { sessions: 2 })]), 0)
      assert.equal(await tlsResults.add([failed('a', { sessions: 4 }), counted({ day: DAY + 1 })]), 0)
      assert.equal(await tlsResults.add([counted({ domain: 'two.test', sessions: 7 }), counted()]), 0)
      const found = await tlsResults.find(DAY, 'one.test')
      assert.deepEqual(
        new Set(found.map((each) => JSON.stringify(each))),
        new Set(
          [counted({ sessions: 4 }), failed('a', { sessions: 5 }), failed('b', { sessions: 2 })].map(
            ({ policy, failure, day, domain, sessions }) => JSON.stringify({ policy, failure, day, domain, sessions }),
          ),
        ),
      )
      assert.deepEqual(await tlsResults.find(DAY, 'nobody.test'), [])
      assert.deepEqual(await tlsResults.domains(DAY, { limit: 9 }), [
        { domain: 'one.test', successes: 4, failures: 7, sentTo: undefined },
        { domain: 'two.test', successes: 7, failures: 0, sentTo: undefined },
      ])
      const [first] = await tlsResults.domains(DAY, { limit: 1 })
      assert.equal(first!.domain, 'one.test')
      const [second] = await tlsResults.domains(DAY, { after: first!.domain, limit: 1 })
      assert.equal(second!.domain, 'two.test')
    })

    test('several nodes count together', async () => {
      await using opened = await engine.open()
      const other =
        engine.name === 'PostgreSQL' ? await openStore({ database: opened.database, log: keptLog() }) : opened.store
      const hosts = Array.from({ length: 40 }, (_, index) => `mx${index}`)
      await Promise.all(
        [opened.store, other, opened.store, other].map(({ tlsResults }, index) =>
          tlsResults.add((index % 2 === 0 ? hosts : hosts.toReversed()).map((host) => failed(host))),
        ),
      )
      const found = await opened.store.tlsResults.find(DAY, 'one.test')
      assert.deepEqual([found.length, new Set(found.map(({ sessions }) => sessions))], [40, new Set([4])])
      if (other !== opened.store) await other.close()
    })

    test('a domain has room for so much in a day, and what is known goes on being counted', async () => {
      await using opened = await engine.open()
      const { tlsResults } = opened.store
      const many = Array.from({ length: MOST_OF_DOMAIN + 20 }, (_, index) => failed(`mx${index}`, { sessions: 2 }))
      assert.equal(await tlsResults.add(many), 40)
      assert.equal((await tlsResults.find(DAY, 'one.test')).length, MOST_OF_DOMAIN)
      assert.equal(await tlsResults.add(many), 40)
      assert.equal(await tlsResults.add([failed('mx', { domain: 'two.test' })]), 0)
      assert.equal((await tlsResults.domains(DAY, { limit: 1 }))[0]!.failures, 4 * MOST_OF_DOMAIN)
    })

    if (engine.name !== 'SQLite in memory') {
      test('a day has room for so much', async () => {
        await using opened = await engine.open()
        const { tlsResults } = opened.store
        await fillDay(opened)
        assert.equal(await tlsResults.add([counted(), counted({ day: DAY + 1 })]), 1)
        assert.equal((await tlsResults.find(DAY + 1, 'one.test')).length, 1)
        // And is removed piece by piece.
        let steps = 1
        while (await tlsResults.removeBefore(DAY + 1)) steps += 1
        assert.ok(steps > 10)
        assert.deepEqual(await tlsResults.domains(DAY, { limit: 1 }), [])
        assert.equal(await tlsResults.add([counted()]), 0)
      })
    }

    test('a report is one process’s at a time, until it is done or taken too long', async () => {
      await using opened = await engine.open()
      const { tlsResults } = opened.store
      await tlsResults.add([counted(), counted({ domain: 'two.test' }), counted({ day: DAY + 1 })])
      const open = async () => tlsResults.unreported(DAY, { limit: 9 })
      assert.deepEqual(await open(), ['one.test', 'two.test'])
      assert.deepEqual(await tlsResults.unreported(DAY, { after: 'one.test', limit: 9 }), ['two.test'])
      const claim = { day: DAY, domain: 'one.test', now: NOON, leaseMs: 1000 }
      const claims = await Promise.all([1, 2, 3].map(() => tlsResults.claim(claim)))
      assert.equal(claims.filter((isTaken) => isTaken).length, 1)
      assert.deepEqual(await open(), ['one.test', 'two.test'])
      assert.equal(await tlsResults.claim({ ...claim, now: NOON + 999 }), false)
      assert.equal(await tlsResults.claim({ ...claim, now: NOON + 1000 }), true)
      await tlsResults.reported(DAY, 'one.test', ['mailto:a@one.test'])
      await tlsResults.reported(DAY, 'two.test', [])
      assert.equal(await tlsResults.claim({ ...claim, now: NOON + 100_000 }), false)
      assert.deepEqual(await open(), [])
      assert.deepEqual(
        (await tlsResults.domains(DAY, { limit: 9 })).map(({ sentTo }) => sentTo),
        [['mailto:a@one.test'], []],
      )
      assert.deepEqual(await tlsResults.unreported(DAY + 1, { limit: 9 }), ['one.test'])
      assert.equal(await tlsResults.removeBefore(DAY + 1), false)
      assert.equal(await tlsResults.claim(claim), true)
      assert.deepEqual(await open(), [])
    })

    test('policies are kept, the one that was fetched last, until they are removed', async () => {
      await using opened = await engine.open()
      const { stsPolicies } = opened.store
      const kept = { domain: 'one.test', id: '1', policy: 'mode: none', fetchedAt: NOON, until: NOON + 1000 }
      assert.equal(await stsPolicies.find('one.test'), undefined)
      await stsPolicies.keep(kept)
      await stsPolicies.keep({ ...kept, id: '0', fetchedAt: NOON - 1 })
      assert.deepEqual(await stsPolicies.find('one.test'), kept)
      const later = { ...kept, id: '2', policy: 'mode: testing', fetchedAt: NOON + 1, until: NOON + 5000 }
      await stsPolicies.keep(later)
      assert.deepEqual(await stsPolicies.find('one.test'), later)
      for (const index of [2, 3, 4]) await stsPolicies.keep({ ...kept, domain: `${index}.test`, until: NOON + index })
      assert.equal(await stsPolicies.trim(NOON + 2, 9), false)
      assert.deepEqual(
        await Promise.all(['2.test', '3.test'].map(async (domain) => (await stsPolicies.find(domain))?.domain)),
        [undefined, '3.test'],
      )
      // Too many: those that end first go.
      assert.equal(await stsPolicies.trim(NOON, 1), true)
      assert.equal(await stsPolicies.trim(NOON, 1), false)
      assert.equal(await stsPolicies.find('4.test'), undefined)
      assert.deepEqual(await stsPolicies.find('one.test'), later)
    })

    test('all of it is emptied with the rest', async () => {
      await using opened = await engine.open()
      const { store } = opened
      await store.tlsResults.add([counted()])
      await store.tlsResults.reported(DAY, 'one.test', [])
      await store.stsPolicies.keep({ domain: 'one.test', id: '1', policy: '', fetchedAt: NOON, until: NOON })
      await store.reset()
      assert.deepEqual(await store.tlsResults.domains(DAY, { limit: 1 }), [])
      assert.equal(await store.stsPolicies.find('one.test'), undefined)
    })
  })
}
