import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { fakeClock } from '../../test/support/clock.ts'
import { emptyDatabase, eventually, join, lapse, openShared, type SharedStore } from '../../test/support/nodes.ts'
import { NOON, keptLog, sampleAcceptance } from '../../test/support/stores.ts'
import { until } from '../../test/support/until.ts'
import type { NodeStore } from '../store/store.ts'
import type { Job } from '../store/types.ts'
import { createQueue, type Delivered, type QueueDeps } from './queue.ts'

type Deliver = (job: Job) => Promise<Delivered>
type Changes = Partial<QueueDeps> & { readonly nodes?: Partial<NodeStore> }

const COUNTS = { bounces: 0, complaints: 0, rejects: 0 }

/** Ends a job with an event, so that one that ended twice has two. */
function ending({ messages }: SharedStore): Deliver {
  return async ({ scope, messageId, id: jobId, owner }) => ({
    settle: () =>
      messages.settle({
        scope,
        messageId,
        jobId,
        owner,
        at: NOON,
        updates: [],
        events: [{ type: 'Delivery', at: NOON, json: '{}' }],
        attempt: null,
        counts: COUNTS,
      }),
  })
}

/** A node with a queue that runs, and what it ran. */
async function nodeOn(store: SharedStore, deliver: Deliver = ending(store), changes: Changes = {}) {
  const { nodes: replaced, ...rest } = changes
  const nodes = { ...store.nodes, ...replaced }
  const { node, wallClock } = await join(nodes)
  const clock = fakeClock(NOON)
  const log = keptLog()
  const ran: string[] = []
  const queue = createQueue({
    store: { ...store, nodes },
    node,
    clock,
    log,
    concurrency: 32,
    maxInMemory: 100,
    ...rest,
    deliver: (job) => {
      ran.push(job.messageId)
      return deliver(job)
    },
  })
  await queue.start()
  return {
    node,
    wallClock,
    clock,
    log,
    queue,
    ran,
    async [Symbol.asyncDispose]() {
      await queue.close()
      await node.leave()
    },
  }
}

function samples(count: number, prefix = 'm') {
  return Array.from({ length: count }, (_, index) => sampleAcceptance(`${prefix}${index + 1}`))
}

async function typesOf(store: SharedStore, messageId: string): Promise<readonly string[]> {
  return (await store.messages.events(sampleAcceptance('').scope, messageId)).map(({ type }) => type)
}

async function unfinished(store: SharedStore): Promise<readonly Job[]> {
  return store.messages.unfinishedJobs(0, 10_000)
}

describe('the queue of a node', () => {
  test('runs what the node accepts without claiming it', async () => {
    await using store = await openShared(await emptyDatabase())
    await using a = await nodeOn(store)
    await using b = await nodeOn(store)
    await a.queue.idle()
    const accepted = await Promise.all(samples(20).map((each) => a.queue.accept(each)))
    assert.ok(accepted.flat().every(({ owner }) => owner === a.node.id))
    await Promise.all([b.queue.idle(), a.queue.idle()])
    assert.deepEqual([a.ran.length, b.ran.length], [20, 0])
    assert.equal(a.queue.metrics().claimed, 0)
    assert.deepEqual(await unfinished(store), [])
  })

  test('runs what others accepted, looking less and less often while there is nothing', async () => {
    await using store = await openShared(await emptyDatabase())
    await using a = await nodeOn(store)
    await a.queue.idle()
    const claims = () => a.queue.metrics().claims ?? 0
    const claimsWithin = async (ms: number) => {
      const before = claims()
      for (let passed = 0; passed < ms; passed += 50) {
        a.clock.advance(50)
        // A claim takes five round trips.
        for (let trip = 0; trip < 6; trip++) await store.nodes.list()
      }
      return claims() - before
    }
    await claimsWithin(5_000)
    const rare = await claimsWithin(5_000)
    assert.ok(rare <= 6, `${rare} claims in 5 idle seconds`)
    await Promise.all(samples(3).map((each) => store.messages.accept(each)))
    a.clock.advance(1_000)
    await eventually(
      store.nodes,
      () => a.ran.length,
      (count) => count === 3,
    )
    await a.queue.idle()
    assert.deepEqual(await unfinished(store), [])
  })

  test('keeps its memory within bounds, and leaves to others what finds no room', async () => {
    await using store = await openShared(await emptyDatabase())
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    let most = 0
    await using a = await nodeOn(
      store,
      async (job) => {
        await released
        const { ready, running } = a.queue.metrics()
        most = Math.max(most, ready + running)
        return ending(store)(job)
      },
      { concurrency: 4, maxInMemory: 10 },
    )
    using _ = { [Symbol.dispose]: release }
    const accepted = (await Promise.all(samples(300).map((each) => a.queue.accept(each)))).flat()
    const own = accepted.filter(({ owner }) => owner === a.node.id)
    assert.ok(own.length <= 10 && accepted.every(({ owner }) => owner === null || owner === a.node.id))
    await using b = await nodeOn(store)
    await b.queue.idle()
    assert.ok(b.ran.length >= 280)
    release()
    await a.queue.idle()
    assert.ok(most <= 10, `${most} jobs in memory`)
    assert.equal(a.ran.length + b.ran.length, 300)
    assert.deepEqual(await unfinished(store), [])
  })

  test('serves older jobs first when it is behind', async () => {
    await using store = await openShared(await emptyDatabase())
    await Promise.all(samples(40, 'old').map((each) => store.messages.accept(each)))
    await using a = await nodeOn(store, ending(store), { concurrency: 1, maxInMemory: 10 })
    const [late] = await a.queue.accept(sampleAcceptance('late', { at: NOON }))
    assert.equal(late?.owner, null)
    await a.queue.idle()
    assert.equal(a.ran.at(-1), 'late')
  })

  test('tries a job again when it is due, on whichever node', async () => {
    await using store = await openShared(await emptyDatabase())
    await using a = await nodeOn(store, async () => ({ retryAt: NOON + 60_000 }))
    await a.queue.idle()
    await a.queue.accept(sampleAcceptance('m1'))
    await a.queue.idle()
    const [job] = await unfinished(store)
    assert.deepEqual([job?.owner, job?.attempts, job?.dueAt], [null, 1, NOON + 60_000])
    await using b = await nodeOn(store)
    await b.queue.idle()
    assert.deepEqual(b.ran, [])
    b.clock.advance(60_000)
    await b.queue.idle()
    assert.deepEqual(b.ran, ['m1'])
    assert.deepEqual([...a.ran, ...(await unfinished(store))], ['m1'])
  })

  test('of two competing nodes ends every one of thousands of jobs once', async () => {
    const database = await emptyDatabase()
    await using store = await openShared(database)
    await using second = await openShared(database)
    const count = 3_000
    const accepting = samples(count)
    await Promise.all(accepting.slice(0, 2_000).map((each) => store.messages.accept(each)))
    await using a = await nodeOn(store, ending(store), { concurrency: 64, maxInMemory: 400 })
    await using b = await nodeOn(second, ending(second), { concurrency: 64, maxInMemory: 400 })
    await Promise.all(accepting.slice(2_000).map((each, index) => (index % 2 ? a : b).queue.accept(each)))
    await until(
      async () => {
        await Promise.all([a.queue.idle(), b.queue.idle()])
        return (await unfinished(store)).length
      },
      (left) => left === 0,
    )
    assert.equal(a.ran.length + b.ran.length, count)
    assert.equal(new Set([...a.ran, ...b.ran]).size, count)
    assert.ok(a.ran.length > 100 && b.ran.length > 100, `${a.ran.length} and ${b.ran.length}`)
    assert.deepEqual(await typesOf(store, 'm1234'), ['Send', 'Delivery'])
    assert.deepEqual([a.log.lines, b.log.lines], [[], []])
  })

  test('finds again what it claimed or accepted without hearing of it', async () => {
    await using store = await openShared(await emptyDatabase())
    await Promise.all(samples(5, 'claimed').map((each) => store.messages.accept(each)))
    let losses = 1
    const lost = <T>(answer: T): T => {
      if (losses-- > 0) throw new Error('the connection broke')
      return answer
    }
    await using a = await nodeOn(store, ending(store), {
      store: {
        ...store,
        messages: { ...store.messages, accept: async (each) => lost(await store.messages.accept(each)) },
        nodes: { ...store.nodes, claim: async (each) => lost(await store.nodes.claim(each)) },
      },
    })
    assert.deepEqual(a.log.lines, ['jobs could not be claimed'])
    a.clock.advance(1_000)
    await a.queue.idle()
    assert.equal(a.ran.length, 5)
    losses = 1
    await assert.rejects(a.queue.accept(sampleAcceptance('unheard')), /connection broke/)
    a.clock.advance(1_000)
    await a.queue.idle()
    assert.equal(a.ran.at(-1), 'unheard')
    assert.deepEqual(await unfinished(store), [])
    assert.equal(new Set(a.ran).size, a.ran.length)
  })

  test('begins nothing while its lease has lapsed, and goes on when nobody gave it up', async () => {
    await using store = await openShared(await emptyDatabase())
    let isAway = false
    await using a = await nodeOn(store, ending(store), {
      nodes: {
        async beat(...rest) {
          if (isAway) throw new Error('the database is away')
          return store.nodes.beat(...rest)
        },
      },
    })
    await a.queue.idle()
    isAway = true
    a.wallClock.advance(3_600_000)
    const [job] = await a.queue.accept(sampleAcceptance('m1'))
    assert.equal(job?.owner, null, 'a node that may be given up keeps nothing to itself')
    a.queue.offer(job === undefined ? [] : [{ ...job, owner: a.node.id }])
    assert.deepEqual(a.ran, [])
    await store.nodes.claim({ node: a.node.id, now: NOON, after: undefined, limit: 1 })
    isAway = false
    await until(
      async () => {
        a.wallClock.advance(2_000)
        return (await unfinished(store)).length
      },
      (left) => left === 0,
    )
    assert.deepEqual(a.ran, ['m1'])
  })

  test('given up while it was paused, ends none of its jobs, and forgets those that it had not begun', async () => {
    await using store = await openShared(await emptyDatabase())
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    await using a = await nodeOn(
      store,
      async (job) => {
        await released
        return ending(store)(job)
      },
      { concurrency: 2 },
    )
    await a.queue.idle()
    await Promise.all(samples(6).map((each) => a.queue.accept(each)))
    assert.equal(a.ran.length, 2)
    const { id } = a.node

    await lapse(store.nodes, id)
    assert.deepEqual(await store.nodes.giveBack(), { nodes: 1, jobs: 6, isDone: true })
    await using b = await nodeOn(store)
    await b.queue.idle()
    assert.equal(b.ran.length, 6)
    assert.deepEqual(await unfinished(store), [])

    a.wallClock.advance(2_000)
    await eventually(
      store.nodes,
      () => a.node.id,
      (now) => now !== id,
    )
    release()
    await a.queue.idle()
    assert.equal(a.ran.length, 2)
    for (const { message } of samples(6)) assert.deepEqual(await typesOf(store, message.id), ['Send', 'Delivery'])
  })

  test('runs a job that it lost while it ran it and claimed again as a new node', async () => {
    await using store = await openShared(await emptyDatabase())
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    await using a = await nodeOn(store, async (job) => {
      await released
      return ending(store)(job)
    })
    await a.queue.idle()
    await a.queue.accept(sampleAcceptance('m1'))
    const { id } = a.node
    await lapse(store.nodes, id)
    await store.nodes.giveBack()
    a.wallClock.advance(2_000)
    await until(
      () => unfinished(store),
      ([job]) => job?.owner === a.node.id && job.owner !== id,
    )
    release()
    await until(
      async () => {
        a.clock.advance(1_000)
        return (await unfinished(store)).length
      },
      (left) => left === 0,
    )
    assert.deepEqual(a.ran, ['m1', 'm1'])
    assert.deepEqual(await typesOf(store, 'm1'), ['Send', 'Delivery'])
  })

  test('that leaves gives back what it had not begun', async () => {
    await using store = await openShared(await emptyDatabase())
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    await using a = await nodeOn(
      store,
      async (job) => {
        await released
        return ending(store)(job)
      },
      { concurrency: 1 },
    )
    await a.queue.idle()
    await Promise.all(samples(4).map((each) => a.queue.accept(each)))
    const closed = a.queue.close()
    release()
    await closed
    await a.node.leave()
    const left = await unfinished(store)
    assert.deepEqual(
      left.map(({ owner }) => owner),
      [null, null, null],
    )
  })
})
