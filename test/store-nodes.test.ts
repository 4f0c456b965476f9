/** The contract of the store for several processes on one database: nodes, claims, tasks. PostgreSQL only. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { Client } from 'pg'
import type { NodeStore, Store } from '../src/store/store.ts'
import type { Job, Settlement } from '../src/store/types.ts'
import { openShared as openSharedStore } from './support/nodes.ts'
import { postgres } from './support/postgres.ts'
import { ENGINES, NOON, SCOPE, type TestStore, sampleAcceptance } from './support/stores.ts'

const LEASE_MS = 3_600_000
const SELF = { hostname: 'here', pid: 1, roles: ['api', 'delivery'] }
const ALL = { now: NOON, after: undefined, limit: 99 }

type Shared = TestStore & { readonly nodes: NodeStore; lapse(node: number): Promise<unknown> }

/** A store that several nodes may share. */
async function openShared(): Promise<Shared> {
  const opened = await ENGINES.find(({ name }) => name === 'PostgreSQL')!.open()
  const { nodes } = opened.store
  assert.ok(nodes !== undefined)
  return { ...opened, nodes, lapse: (node) => nodes.beat(node, 0) }
}

async function accept(store: Store, id: string, owner: number | null, dueAt = NOON): Promise<Job> {
  const sample = sampleAcceptance(id)
  const [job] = await store.messages.accept({ ...sample, jobs: sample.jobs.map((each) => ({ ...each, dueAt })), owner })
  return job!
}

function settlement({ scope, messageId, id, owner }: Job): Settlement {
  return {
    scope,
    messageId,
    jobId: id,
    owner,
    at: NOON,
    updates: [{ position: 0, status: 'delivered', reply: null }],
    events: [{ type: 'Delivery', at: NOON, json: '{}' }],
    attempt: null,
    counts: { bounces: 0, complaints: 0, rejects: 0 },
  }
}

function idsOf(jobs: readonly Job[]): readonly string[] {
  return jobs.map(({ messageId }) => messageId)
}

describe('nodes', () => {
  test('an SQLite file has one process, and no nodes', async () => {
    for (const engine of ENGINES.filter(({ name }) => name.startsWith('SQLite'))) {
      await using opened = await engine.open()
      assert.equal(opened.store.nodes, undefined)
    }
  })

  test('join under ids that never come twice, are listed, and leave', async () => {
    await using opened = await openShared()
    const { nodes } = opened
    const first = await nodes.join(SELF, LEASE_MS)
    const second = await nodes.join({ hostname: 'there', pid: 2, roles: [] }, LEASE_MS)
    const [one, other] = await nodes.list()
    assert.deepEqual(
      [one, other].map((node) => ({ ...node, startedAt: 0, seenAt: 0 })),
      [
        { ...SELF, id: first, startedAt: 0, seenAt: 0, isLive: true, jobs: 0 },
        { hostname: 'there', pid: 2, roles: [], id: second, startedAt: 0, seenAt: 0, isLive: true, jobs: 0 },
      ],
    )
    assert.ok(one!.startedAt > NOON && one!.seenAt === one!.startedAt)
    await nodes.leave(second)
    assert.deepEqual(
      (await nodes.list()).map(({ id }) => id),
      [first],
    )
    assert.ok((await nodes.join(SELF, LEASE_MS)) > second)
  })

  test('a lease that lapsed can be renewed until the node is given up', async () => {
    await using opened = await openShared()
    const { nodes } = opened
    const [a, b] = [await nodes.join(SELF, LEASE_MS), await nodes.join(SELF, LEASE_MS)]
    assert.deepEqual(await nodes.beat(a, LEASE_MS), { isKnown: true, live: 2, lapsed: 0, delivering: 2, rank: 0 })
    await opened.lapse(b)
    assert.deepEqual(await nodes.beat(a, LEASE_MS), { isKnown: true, live: 1, lapsed: 1, delivering: 1, rank: 0 })
    assert.deepEqual(await nodes.beat(b, LEASE_MS), { isKnown: true, live: 2, lapsed: 0, delivering: 2, rank: 1 })
    assert.deepEqual(await nodes.giveBack(), { nodes: 0, jobs: 0, isDone: true })
    await opened.lapse(b)
    assert.deepEqual(await nodes.giveBack(), { nodes: 1, jobs: 0, isDone: true })
    assert.deepEqual(await nodes.beat(b, LEASE_MS), { isKnown: false, live: 1, lapsed: 0, delivering: 1, rank: 1 })
  })

  test('know how many of them deliver, and which of those they are', async () => {
    await using opened = await openShared()
    const { nodes } = opened
    const ids: number[] = []
    for (const roles of [['delivery'], ['api', 'events'], ['smtp', 'delivery'], ['api', 'delivery', 'events']]) {
      ids.push(await nodes.join({ ...SELF, roles }, LEASE_MS))
    }
    const beats = []
    for (const id of ids) beats.push(await nodes.beat(id, LEASE_MS))
    assert.deepEqual(
      beats.map(({ delivering, rank }) => [delivering, rank]),
      [
        [3, 0],
        [3, 1],
        [3, 1],
        [3, 2],
      ],
    )
  })

  test('survive a reset of what users keep', async () => {
    await using opened = await openShared()
    const node = await opened.nodes.join(SELF, LEASE_MS)
    await opened.store.reset()
    assert.equal((await opened.nodes.beat(node, LEASE_MS)).isKnown, true)
  })
})

describe('claims', () => {
  test('take what is due and nobody has, the longest due first', async () => {
    await using opened = await openShared()
    const { nodes, store } = opened
    const [a, b] = [await nodes.join(SELF, LEASE_MS), await nodes.join(SELF, LEASE_MS)]
    await accept(store, 'later', null, NOON + 1)
    await accept(store, 'third', null, NOON)
    await accept(store, 'first', null, NOON - 2)
    await accept(store, 'second', null, NOON - 1)
    const own = await accept(store, 'own', b)
    assert.equal(own.owner, b)
    const claimed = await nodes.claim({ ...ALL, node: a, limit: 2 })
    assert.deepEqual(idsOf(claimed), ['first', 'second'])
    assert.ok(claimed.every(({ owner }) => owner === a))
    assert.deepEqual(idsOf(await nodes.claim({ ...ALL, node: a, after: claimed[1] })), ['third'])
    assert.deepEqual(await nodes.claim({ ...ALL, node: b }), [])
    assert.deepEqual(await nodes.owned(b, 0, 9), [own])
    assert.deepEqual(idsOf(await nodes.owned(a, 0, 2)), ['third', 'first'])
    assert.deepEqual(idsOf(await nodes.owned(a, claimed[0]!.id, 9)), ['second'])
    assert.deepEqual(idsOf(await nodes.claim({ ...ALL, node: b, now: NOON + 1 })), ['later'])
    assert.deepEqual(
      (await nodes.list()).map(({ jobs }) => jobs),
      [3, 2],
    )
  })

  test('of many nodes at once never take the same job', async () => {
    await using opened = await openShared()
    const { nodes, store } = opened
    const all = await Promise.all(Array.from({ length: 1_000 }, (_, index) => accept(store, `m${index}`, null)))
    const ids = await Promise.all(Array.from({ length: 8 }, () => nodes.join(SELF, LEASE_MS)))
    const claimed: Job[] = []
    const drain = async (node: number): Promise<void> => {
      for (let page: readonly Job[] = [], more = true; more; more = page.length > 0) {
        page = await nodes.claim({ ...ALL, node, limit: 20 })
        claimed.push(...page)
      }
    }
    await Promise.all(ids.map(drain))
    assert.deepEqual(
      claimed.map(({ id }) => id).toSorted((a, b) => a - b),
      all.map(({ id }) => id).toSorted((a, b) => a - b),
    )
  })

  test('only the owner ends or postpones a job; postponed it is anybody’s', async () => {
    await using opened = await openShared()
    const { nodes, store } = opened
    const [a, b] = [await nodes.join(SELF, LEASE_MS), await nodes.join(SELF, LEASE_MS)]
    const job = await accept(store, 'm1', a)
    for (const owner of [b, null]) {
      await store.messages.settle(settlement({ ...job, owner }))
      assert.equal(await store.jobs.postpone({ ...job, owner, dueAt: NOON + 9 }), false)
    }
    assert.deepEqual(await store.messages.unfinishedJobs(0, 9), [job])
    assert.equal((await store.messages.recipients(SCOPE, 'm1'))[0]?.status, 'queued')

    assert.equal(await store.jobs.postpone({ ...job, attempts: 1, dueAt: NOON + 9 }), true)
    await store.messages.settle(settlement(job))
    const [again] = await nodes.claim({ ...ALL, node: b, now: NOON + 9 })
    assert.deepEqual(again, { ...job, attempts: 1, dueAt: NOON + 9, owner: b })
    await store.messages.settle(settlement(again))
    assert.deepEqual(await store.messages.unfinishedJobs(0, 9), [])
    assert.deepEqual(
      (await store.messages.events(SCOPE, 'm1')).map(({ type }) => type),
      ['Send', 'Delivery'],
    )
  })

  test('of a node that leaves or is given up come back, also those that it makes afterwards', async () => {
    await using opened = await openShared()
    const { nodes, store } = opened
    const [a, b, c] = [
      await nodes.join(SELF, LEASE_MS),
      await nodes.join(SELF, LEASE_MS),
      await nodes.join(SELF, LEASE_MS),
    ]
    const left = await accept(store, 'left', a)
    const lost = await accept(store, 'lost', b)
    await accept(store, 'kept', c)
    await nodes.leave(a)
    assert.deepEqual(idsOf(await nodes.claim({ ...ALL, node: c })), ['left'])
    await opened.lapse(b)
    assert.deepEqual(await nodes.giveBack(), { nodes: 1, jobs: 1, isDone: true })
    await accept(store, 'late', b)
    assert.deepEqual(await nodes.giveBack(), { nodes: 0, jobs: 1, isDone: true })
    assert.deepEqual(idsOf(await nodes.claim({ ...ALL, node: c })), ['lost', 'late'])
    await store.messages.settle(settlement(left))
    await store.messages.settle(settlement(lost))
    assert.equal((await store.messages.unfinishedJobs(0, 9)).length, 4)
  })
})

describe('giving back', () => {
  test('does not wait for what somebody is writing just now', async () => {
    const server = await postgres()
    const database = await server.schema()
    await using store = await openSharedStore(database)
    const dead = await store.nodes.join(SELF, LEASE_MS)
    for (const id of ['free', 'locked']) await accept(store, id, dead)
    await store.nodes.beat(dead, 0)
    const paused = new Client({ connectionString: database })
    await paused.connect()
    await paused.query(`begin; select from jobs where message_id = 'locked' for update`)
    assert.deepEqual(await store.nodes.giveBack(), { nodes: 1, jobs: 1, isDone: false })
    await paused.query('rollback')
    await paused.end()
    assert.deepEqual(await store.nodes.giveBack(), { nodes: 0, jobs: 1, isDone: true })
  })
})

describe('a task', () => {
  test('is held by one live node, and passes on when it leaves or lapses', async () => {
    await using opened = await openShared()
    const { nodes } = opened
    const ids = await Promise.all([1, 2, 3, 4].map(() => nodes.join(SELF, LEASE_MS)))
    const holders = async (name: string) => {
      const answers = await Promise.all(ids.map((id) => nodes.holdTask(name, id)))
      return ids.filter((_, index) => answers[index])
    }
    const [first] = await holders('checks')
    assert.deepEqual(await holders('checks'), [first])
    await opened.lapse(first!)
    assert.equal(await nodes.holdTask('checks', first!), false)
    const [second] = await holders('checks')
    assert.notEqual(second, first)
    await nodes.leave(second!)
    assert.equal(await nodes.holdTask('checks', second!), false)
    const third = await holders('checks')
    assert.equal(third.length, 1)
    assert.ok(third[0] !== first && third[0] !== second)
  })
})
