/** The send limits of several nodes on one PostgreSQL: what they may exceed together, and what they may fall short of. */
import { after, describe, test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Client } from 'pg'
import { createSharedQuotas } from '../src/domain/accounts/shared-quotas.ts'
import type { Quotas } from '../src/domain/context.ts'
import type { Clock } from '../src/platform/platform.ts'
import { openStore } from '../src/store/open.ts'
import type { Store } from '../src/store/store.ts'
import type { AccountSettings, Scope } from '../src/store/types.ts'
import { fakeClock } from './support/clock.ts'
import { postgres, schemaOf } from './support/postgres.ts'
import { SETTINGS, keptLog, sampleAcceptance } from './support/stores.ts'
import { until } from './support/until.ts'

const NODES = 3
type Cluster = { readonly stores: readonly Store[]; readonly schema: string; readonly url: string }
/** The nodes of this file: their stores are opened once, and each test has an account of its own. */
let cluster: Promise<Cluster> | undefined
let accounts = 0
let messages = 0

function startCluster(): Promise<Cluster> {
  cluster ??= openCluster()
  return cluster
}

async function openCluster(): Promise<Cluster> {
  const database = await (await postgres()).schema()
  const stores = await Promise.all(Array.from({ length: NODES }, () => openStore({ database, log: keptLog() })))
  return { stores, url: database, schema: schemaOf(database) }
}

after(async () => {
  if (cluster !== undefined) await Promise.all((await cluster).stores.map((store) => store.close()))
})

type Node = {
  readonly quotas: Quotas
  /** A whole acceptance, or, when it fails, none. */
  readonly send: (recipients: number, settings: AccountSettings, fails?: boolean) => Promise<'ok' | 'rate' | 'quota'>
}

async function nodesOf(clock: Clock, skewsMs: readonly number[], scope: Scope): Promise<readonly Node[]> {
  const { stores } = await startCluster()
  return skewsMs.map((skewMs, index) => {
    const store = stores[index]!
    const own: Clock = { now: () => clock.now() + skewMs, after: (ms, task) => clock.after(ms, task) }
    const quotas = createSharedQuotas({
      clock: own,
      wallClock: clock,
      log: keptLog(),
      store,
      limits: store.limits!,
      node: `${scope.account} ${index}`,
    })
    return {
      quotas,
      async send(recipients, settings, fails = false) {
        const verdict = await quotas.reserve(scope, settings, recipients, recipients)
        if (verdict !== 'ok') return verdict
        if (fails) {
          quotas.release(scope, recipients, recipients)
          return verdict
        }
        const to = Array.from({ length: recipients }, (_, position) => `${position}@example.org`)
        await store.messages.accept(sampleAcceptance(`m${(messages += 1)}`, { scope, at: own.now(), to }))
        await quotas.confirm(scope, recipients)
        return verdict
      },
    }
  })
}

function newScope(): Scope {
  return { account: `${100_000_000_000 + (accounts += 1)}`, region: 'us-east-1' }
}

type Burst = { readonly node: number; readonly calls: number; readonly recipients: number; readonly fails: boolean }
type Round = { readonly afterMs: number; readonly bursts: readonly Burst[] }

const burstOf = (recipients: fc.Arbitrary<number>): fc.Arbitrary<Burst> =>
  fc.record({
    node: fc.nat(NODES - 1),
    calls: fc.integer({ min: 1, max: 12 }),
    recipients,
    fails: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, fc.boolean()),
  })
/** The last message may exceed by all of its recipients but one. */
function largest(plan: readonly Round[]): number {
  return Math.max(...plan.flatMap(({ bursts }) => bursts.map(({ recipients }) => recipients)))
}

const roundsOf = (recipients: fc.Arbitrary<number>): fc.Arbitrary<readonly Round[]> =>
  fc.array(
    fc.record({
      afterMs: fc.oneof(fc.nat(50), fc.nat(1500)),
      bursts: fc.array(burstOf(recipients), { minLength: 1, maxLength: 6 }),
    }),
    { minLength: 3, maxLength: 10 },
  )

const rounds = fc.oneof(roundsOf(fc.constant(1)), roundsOf(fc.integer({ min: 1, max: 20 })))

describe('nodes that send for one account at the same time', () => {
  test('exceed the rate by no more than what they hold in blocks', async () => {
    const skews = fc.tuple(fc.constant(0), fc.integer({ min: -300, max: 300 }), fc.integer({ min: -300, max: 300 }))
    await fc.assert(
      fc.asyncProperty(rounds, fc.constantFrom(1, 5, 14, 200), skews, async (plan, rate, skewsMs) => {
        const clock = fakeClock()
        const start = clock.now()
        const settings = { ...SETTINGS, max24HourSend: -1, maxSendRate: rate }
        const nodes = await nodesOf(clock, skewsMs, newScope())
        let passed = 0
        for (const { afterMs, bursts } of plan) {
          clock.advance(afterMs)
          const calls = bursts.flatMap(({ node, calls: count, recipients, fails }) =>
            Array.from({ length: count }, async () => {
              if ((await nodes[node]!.send(recipients, settings, fails)) === 'ok' && !fails) passed += recipients
            }),
          )
          await Promise.all(calls)
          const skewMs = Math.max(...skewsMs) - Math.min(...skewsMs)
          const refilled = (rate * (clock.now() - start + skewMs)) / 1000
          const most = Math.max(1, rate) + refilled + NODES * Math.floor(rate / 10) + largest(plan) - 1
          assert.ok(passed <= most, `${passed} passed where ${most} may`)
        }
        await Promise.all(nodes.map(({ quotas }) => quotas.close()))
      }),
      { numRuns: 25, endOnFailure: true },
    )
  })

  test('exceed the quota by the last message at most, and use it up to the last recipient', async () => {
    await fc.assert(
      fc.asyncProperty(rounds, fc.integer({ min: 1, max: 400 }), async (plan, quota) => {
        const clock = fakeClock()
        const settings = { ...SETTINGS, max24HourSend: quota, maxSendRate: 1e6 }
        const scope = newScope()
        const nodes = await nodesOf(clock, [0, 0, 0], scope)
        for (const { afterMs, bursts } of plan) {
          clock.advance(afterMs)
          const calls = bursts.flatMap(({ node, calls: count, recipients, fails }) =>
            Array.from({ length: count }, () => nodes[node]!.send(recipients, settings, fails)),
          )
          await Promise.all(calls)
          const sent = await nodes[0]!.quotas.sentLast24Hours(scope)
          assert.ok(sent < quota + largest(plan), `${sent} of ${quota}`)
        }
        const [last, ...others] = nodes
        await Promise.all(others.map(({ quotas }) => quotas.close()))
        clock.advance(1000)
        let verdict: string = 'ok'
        while (verdict === 'ok') verdict = await last!.send(1, settings)
        const sent = await last!.quotas.sentLast24Hours(scope)
        assert.ok(sent >= quota && sent < quota + largest(plan), `${sent} of ${quota}`)
        await last!.quotas.close()
      }),
      { numRuns: 12, endOnFailure: true },
    )
  })

  test('meet the quota exactly when they take turns, and each tells what all have sent', async () => {
    const settings = { ...SETTINGS, max24HourSend: 40, maxSendRate: 1e6 }
    const scope = newScope()
    const nodes = await nodesOf(fakeClock(), [0, 0, 0], scope)
    // Each holds some of it for a while, and gives it back: the last fifteen are taken one by one.
    const verdicts: string[] = []
    for (let sent = 0; sent < 40; sent++) {
      verdicts.push(await nodes[sent % NODES]!.send(1, settings))
      await Promise.all(nodes.map(({ quotas }) => quotas.close()))
    }
    assert.deepEqual(new Set(verdicts), new Set(['ok']))
    for (const { quotas, send } of nodes) {
      assert.equal(await quotas.sentLast24Hours(scope), 40)
      assert.equal(await send(1, settings), 'quota')
    }
  })

  test('at one a second send one a second, and a message to five is paid for by all of them', async () => {
    const clock = fakeClock()
    const settings = { ...SETTINGS, max24HourSend: -1 }
    const nodes = await nodesOf(clock, [0, 0, 0], newScope())
    const oneEach = () => Promise.all(nodes.map(({ send }) => send(1, settings)))
    const passing = async () => (await oneEach()).filter((verdict) => verdict === 'ok').length
    assert.equal(await passing(), 1)
    clock.advance(1000)
    assert.equal(await passing(), 1)
    clock.advance(1000)
    assert.equal(await nodes[0]!.send(5, settings), 'ok')
    for (let second = 1; second < 5; second++) {
      clock.advance(1000)
      assert.equal(await passing(), 0)
    }
    clock.advance(1000)
    assert.equal(await passing(), 1)
  })
})

describe('what a node holds', () => {
  const QUOTA: AccountSettings = { ...SETTINGS, max24HourSend: 100, maxSendRate: 1e6 }

  /** Sends to one recipient until that is refused; gives how many passed. */
  async function sendAll(node: Node): Promise<number> {
    for (let passed = 0; ; passed++) if ((await node.send(1, QUOTA)) !== 'ok') return passed
  }

  test('is free for the others when it is idle for a second', async () => {
    const clock = fakeClock()
    const scope = newScope()
    const [a, b] = await nodesOf(clock, [0, 0], scope)
    assert.equal(await a!.send(1, QUOTA), 'ok')
    const rest = await sendAll(b!)
    assert.ok(rest >= 100 - 8 && rest < 99, `${rest}`)
    // B is not idle: it asks.
    await until(
      async () => {
        clock.advance(1000)
        await b!.send(1, QUOTA)
        return await b!.quotas.sentLast24Hours(scope)
      },
      (sent) => sent === 100,
    )
    assert.equal(await b!.send(1, QUOTA), 'quota')
  })

  test('is free for the others some seconds after it died', async () => {
    const clock = fakeClock()
    const scope = newScope()
    const [a, b] = await nodesOf(clock, [0, 0], scope)
    assert.equal(await a!.send(1, QUOTA), 'ok')
    const rest = await sendAll(b!)
    assert.ok(rest < 99, `${rest}`)
    const { schema } = await startCluster()
    const { sql } = await postgres()
    const [allowance] = await sql(
      `select expires_at - extract(epoch from now()) * 1000 as left from ${schema}.send_allowances
       where node = '${scope.account} 0'`,
    )
    assert.ok(Number(allowance?.['left']) <= 10_000)
    await sql(`update ${schema}.send_allowances set expires_at = 0 where node = '${scope.account} 0'`)
    clock.advance(100)
    assert.equal(await sendAll(b!), 99 - rest)
  })

  test('of the rate goes back when it is idle for a second', async () => {
    const clock = fakeClock()
    const settings = { ...SETTINGS, max24HourSend: -1, maxSendRate: 100 }
    const scope = newScope()
    const [a, b] = await nodesOf(clock, [0, 0], scope)
    const all = async (node: Node) => {
      const verdicts = await Promise.all(Array.from({ length: 200 }, () => node.send(1, settings)))
      return verdicts.filter((verdict) => verdict === 'ok').length
    }
    // 95 are left of a hundred, ten of them are held.
    for (let sent = 0; sent < 5; sent++) assert.equal(await a!.send(1, settings), 'ok')
    const passed = await all(b!)
    assert.ok(passed >= 85 && passed < 95, `${passed}`)
    await a!.quotas.close()
    clock.advance(20)
    // What was given back, and what twenty milliseconds have brought.
    assert.equal(passed + (await all(b!)), 97)
  })
})

test('a node waits for what another is deciding just now', async () => {
  const scope = newScope()
  const settings = { ...SETTINGS, max24HourSend: -1 }
  const clock = fakeClock()
  const [a] = await nodesOf(clock, [0], scope)
  assert.equal(await a!.send(1, settings), 'ok')
  clock.advance(1000)
  const { url } = await startCluster()
  const { sql } = await postgres()
  const other = new Client({ connectionString: url })
  await other.connect()
  await other.query('begin')
  await other.query(`select take_send_tokens('${scope.account}', 'us-east-1', 1, ${clock.now()}, 0, '{1}', 0)`)
  const verdict = a!.send(1, settings)
  await until(
    () => sql(`select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%take_send_tokens%'`),
    (waiting) => waiting.length > 0,
  )
  await other.query('commit')
  await other.end()
  assert.equal(await verdict, 'rate')
})

test('a database that is away is said to be away, not a limit to be exceeded', async () => {
  const settings = { ...SETTINGS, maxSendRate: 1e6 }
  const [a] = await nodesOf(fakeClock(), [0], newScope())
  assert.equal(await a!.send(1, settings), 'ok')
  const server = await postgres()
  await server.stop('immediate')
  const unavailable = { name: 'SesError', failure: 'ServiceUnavailable' }
  await assert.rejects(async () => {
    for (;;) assert.equal(await a!.send(50, settings), 'ok')
  }, unavailable)
  await server.start()
  await until(
    async () => {
      // While the store takes the database for lost it answers at once: the server itself gives it the time to look again.
      await server.sql('select 1')
      return await a!.send(1, settings).catch(() => 'away')
    },
    (verdict) => verdict === 'ok',
  )
})
