/** Several whole servers on one PostgreSQL: mail accepted by one and delivered by another, and work that one does for all. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { VerifyDomainIdentityCommand } from '@aws-sdk/client-ses'
import { movableClock, realClock } from '../src/platform/clock.ts'
import { get, read, send, startWithSender } from './support/admin.ts'
import { type AppOptions, startApp, type TestApp } from './support/app.ts'
import { fakeDns } from './support/dns.ts'
import { emptyDatabase, lapse, openShared } from './support/nodes.ts'
import { sampleAcceptance } from './support/stores.ts'
import { until } from './support/until.ts'

type Role = 'api' | 'delivery' | 'smtp'
type Listed = {
  readonly nodeId: number
  readonly roles: readonly string[]
  readonly live: boolean
  readonly self: boolean
}

function options(database: string, ...roles: readonly Role[]): AppOptions {
  return { config: { database, roles: new Set(roles) } }
}

async function nodesOf(app: TestApp): Promise<readonly Listed[]> {
  return (await get<{ nodes: readonly Listed[] }>(app, '/_sesame/nodes')).nodes
}

async function statuses(app: TestApp, id: string): Promise<readonly string[]> {
  return (await read(app, id)).recipients.map(({ status }) => status)
}

async function eventTypes(app: TestApp, id: string): Promise<readonly string[]> {
  return (await read(app, id)).events.map(({ eventType }) => eventType)
}

describe('nodes on one database', () => {
  test('a process that has its store to itself is no node', async () => {
    await using app = await startApp()
    assert.deepEqual(await nodesOf(app), [])
  })

  test('one accepts, another delivers, and they come and go', async () => {
    const database = await emptyDatabase()
    await using api = await startWithSender(options(database, 'api'))
    const first = await send(api)
    assert.deepEqual(await statuses(api, first), ['queued'])
    {
      await using delivery = await startApp(options(database, 'delivery'))
      await delivery.idle()
      assert.deepEqual(await statuses(api, first), ['delivered'])
      const second = await send(api, {}, 'v1')
      delivery.clock.advance(1_000)
      await until(
        () => statuses(api, second),
        ([status]) => status === 'delivered',
      )
      assert.deepEqual(
        (await nodesOf(api)).map(({ roles, live, self }) => ({ roles, live, self })),
        [
          { roles: ['api'], live: true, self: true },
          { roles: ['delivery'], live: true, self: false },
        ],
      )
    }
    assert.equal((await nodesOf(api)).length, 1)
    const third = await send(api)
    await using other = await startApp(options(database, 'delivery'))
    await other.idle()
    assert.deepEqual(await statuses(api, third), ['delivered'])
    assert.deepEqual(await eventTypes(api, third), ['Send', 'Delivery'])
  })

  test('what a node had that is no more is delivered by another', async () => {
    const database = await emptyDatabase()
    await using api = await startWithSender(options(database, 'api'))
    await using store = await openShared(database)
    const dead = await store.nodes.join({ hostname: 'gone', pid: 1, roles: ['delivery'] }, 3_600_000)
    for (const id of ['lost1', 'lost2']) await store.messages.accept({ ...sampleAcceptance(id), owner: dead })
    const wallClock = movableClock(realClock())
    await using delivery = await startApp({ ...options(database, 'delivery'), wallClock })
    await delivery.idle()
    assert.deepEqual(await statuses(api, 'lost1'), ['queued'])
    await lapse(store.nodes, dead)
    await until(
      async () => {
        // A heartbeat at a time: by its own clock the node must not seem to have lapsed as well.
        wallClock.advance(2_000)
        await delivery.services.store.nodes?.list()
        await delivery.idle()
        return (await store.messages.unfinishedJobs(0, 9)).length
      },
      (left) => left === 0,
    )
    for (const id of ['lost1', 'lost2']) assert.deepEqual(await eventTypes(api, id), ['Send', 'Delivery'])
    assert.deepEqual(
      (await nodesOf(api)).map(({ roles }) => roles),
      [['api'], ['delivery']],
    )
  })

  test('one looks at identities, also at those created through another, and another takes over', async () => {
    const database = await emptyDatabase()
    const asked = new Map<string, number>()
    const counting = (name: string) => {
      const dns = fakeDns({})
      const count = <T>(answer: T): T => {
        asked.set(name, (asked.get(name) ?? 0) + 1)
        return answer
      }
      return {
        ...dns,
        txt: async (asks: string) => count(await dns.txt(asks)),
        cname: async (asks: string) => count(await dns.cname(asks)),
        mx: async (asks: string) => count(await dns.mx(asks)),
      }
    }
    const strict = (name: string, ...roles: readonly Role[]): AppOptions => ({
      ...options(database, ...roles),
      profile: 'strict',
      dns: counting(name),
    })
    await using api = await startApp(strict('api', 'api'))
    const delivering = await Promise.all(['b', 'c'].map((name) => startApp(strict(name, 'delivery'))))
    const names = ['b', 'c']
    const verify = (domain: string) => api.ses.send(new VerifyDomainIdentityCommand({ Domain: domain }))
    const untilAsked = (clocks: readonly TestApp[]) =>
      until(
        async () => {
          for (const { clock } of clocks) clock.advance(3_000)
          await api.services.store.nodes?.list()
          return names.filter((name) => asked.has(name))
        },
        (those) => those.length > 0,
      )
    await verify('example.com')
    const [holder] = await untilAsked(delivering)
    assert.deepEqual([...asked.keys()], [holder])

    await delivering[names.indexOf(holder!)]![Symbol.asyncDispose]()
    asked.clear()
    const [rest] = delivering.filter((_, index) => names[index] !== holder)
    await using other = rest!
    await verify('example.net')
    const [successor] = await untilAsked([other])
    assert.notEqual(successor, holder)
  })
})
