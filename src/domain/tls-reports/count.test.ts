import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { NetworkOutcome, TlsResult } from '../../message/outcome.ts'
import { openStore } from '../../store/open.ts'
import type { Store } from '../../store/store.ts'
import { fakeClock } from '../../../test/support/clock.ts'
import { keptLog, NOON } from '../../../test/support/stores.ts'
import { until } from '../../../test/support/until.ts'
import { createTlsCounts } from './count.ts'

const DAY = Math.floor(NOON / 86_400_000)
const REMOTE = { host: 'mx.one.test', helo: 'mx', ip: '192.0.2.1', egressIp: '198.51.100.1' }
const POLICY = { type: 'no-policy-found', domain: 'one.test', lines: [], mxHosts: [] } as const
const WELL: TlsResult = { policy: POLICY, failure: null, remote: REMOTE }

function badly(reason: string, remote: TlsResult['remote'] = REMOTE): TlsResult {
  return { policy: POLICY, failure: { type: 'validation-failure', reason }, remote }
}

function outcome(tlsResults: readonly TlsResult[], more: Partial<NetworkOutcome> = {}): NetworkOutcome {
  return {
    transport: 'direct',
    recipients: [],
    reportingMta: 'out.test',
    transcript: [],
    startedAt: NOON,
    timings: { lookupMs: 0, connectMs: 0, handshakeMs: 0, transferMs: 0 },
    site: 'one.test',
    connections: { opened: 1, failed: 0, reused: 0 },
    tlsResults,
    ...more,
  }
}

async function start() {
  const log = keptLog()
  const store = await openStore({ database: 'sqlite::memory:', log })
  const [clock, wallClock] = [fakeClock(NOON), fakeClock(NOON)]
  const counts = createTlsCounts({ clock, wallClock, log, store })
  return {
    store,
    clock,
    wallClock,
    log,
    counts,
    find: async (domain = 'one.test') =>
      (await store.tlsResults.find(DAY, domain)).map(({ failure, sessions }) => [failure?.reason ?? null, sessions]),
    async [Symbol.asyncDispose]() {
      await counts.close()
      await store.close()
    },
  }
}

describe('TLS results', () => {
  test('are written some seconds after the first of them, all at once, and at the end', async () => {
    await using at = await start()
    for (let count = 0; count < 1000; count++) at.counts.note('one.test', outcome([WELL]))
    assert.equal(at.store.metrics().writes, 0)
    at.wallClock.advance(9_999)
    assert.equal(at.store.metrics().writes, 0)
    at.wallClock.advance(1)
    await until(at.find, (found) => found.length > 0)
    assert.deepEqual([await at.find(), at.store.metrics().writes], [[[null, 1000]], 1])
    at.wallClock.advance(100_000)
    assert.equal(at.store.metrics().writes, 1)
    at.counts.note('one.test', outcome([WELL]))
    await at.counts.close()
    assert.deepEqual([await at.find(), at.store.metrics().writes], [[[null, 1001]], 2])
  })

  test('wait for a store that cannot take them', async () => {
    await using at = await start()
    const { tlsResults } = at.store
    let isAway = true
    const broken: Pick<Store, 'tlsResults'> = {
      tlsResults: {
        ...tlsResults,
        add: async (some) => (isAway ? Promise.reject(new Error('away')) : tlsResults.add(some)),
      },
    }
    const counts = createTlsCounts({ ...at, store: broken })
    counts.note('one.test', outcome([WELL, badly('a')]))
    await counts.flush()
    counts.note('one.test', outcome([WELL]))
    isAway = false
    at.wallClock.advance(10_000)
    await until(at.find, (found) => found.length > 0)
    assert.deepEqual(
      new Set(await at.find()),
      new Set([
        [null, 2],
        ['a', 1],
      ]),
    )
    assert.deepEqual(at.log.lines, ['results of TLS could not be written'])
  })

  test('are bounded in number, and in what strangers say', async () => {
    await using at = await start()
    for (let count = 0; count < 5_100; count++) at.counts.note(`d${count}.test`, outcome([WELL]))
    at.counts.note('d0.test', outcome([WELL]))
    await at.counts.flush()
    assert.equal((await at.store.tlsResults.domains(DAY, { limit: 9_999 })).length, 5_000)
    assert.deepEqual(await at.find('d0.test'), [[null, 2]])
    assert.equal(at.log.lines.length, 1)
    const policy = {
      ...POLICY,
      lines: Array.from({ length: 99 }, () => 'x'.repeat(99)),
      mxHosts: [`é\0${'y'.repeat(99)}`],
    }
    const hostile = { ...badly(`\r\n\0é${'z'.repeat(9_999)}`, { ...REMOTE, helo: 'h'.repeat(9_999) }), policy }
    at.counts.note('one.test', outcome([hostile]))
    await at.counts.flush()
    const [kept] = await at.store.tlsResults.find(DAY, 'one.test')
    assert.match(kept!.failure!.reason, /^\?\?\?\?z+$/)
    assert.ok(JSON.stringify(kept).length < 4_000, String(JSON.stringify(kept).length))
  })

  test('are counted under whom they are about', async () => {
    await using at = await start()
    at.counts.note('ONE.test', outcome([WELL]))
    for (const nobody of ['[192.0.2.1]', '192.0.2.1', 'localhost', 'a b.test', `${'a.'.repeat(200)}test`]) {
      at.counts.note(nobody, outcome([WELL]))
    }
    const relay = { ...WELL, policy: { ...POLICY, domain: 'relay.test' } }
    at.counts.note('two.test', outcome([relay], { transport: 'smarthost' }))
    await at.counts.flush()
    const domains = await at.store.tlsResults.domains(DAY, { limit: 9 })
    assert.deepEqual(
      domains.map(({ domain }) => domain),
      ['one.test', 'relay.test'],
    )
  })

  test('are of sessions: over a kept connection there was none that a policy could have failed', async () => {
    await using at = await start()
    const connections = { opened: 0, failed: 0, reused: 1 }
    at.counts.note('one.test', outcome([badly('HTTP 404', null), WELL]))
    at.counts.note('one.test', outcome([badly('HTTP 404', null)], { connections }))
    await at.counts.flush()
    assert.deepEqual(
      new Set(await at.find()),
      new Set([
        [null, 1],
        ['HTTP 404', 1],
      ]),
    )
  })
})
