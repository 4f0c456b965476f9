import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { LONG_TIMES, emptyDatabase, eventually, join, lapse, openShared } from '../../test/support/nodes.ts'
import { fakeClock } from '../../test/support/clock.ts'
import { NOON, keptLog, sampleAcceptance } from '../../test/support/stores.ts'
import { until } from '../../test/support/until.ts'
import type { NodeStore } from '../store/store.ts'
import { createTasks } from './tasks.ts'

const { heartbeatMs, leaseMs } = LONG_TIMES

function isTrue(answer: boolean): boolean {
  return answer
}

describe('a node', () => {
  test('renews its lease with every heartbeat, and is current as long as it could', async () => {
    await using store = await openShared(await emptyDatabase())
    let isAway = false
    let renewals = 0
    const nodes: NodeStore = {
      ...store.nodes,
      async beat(...rest) {
        if (isAway) throw new Error('the database is away')
        const beat = await store.nodes.beat(...rest)
        renewals += 1
        return beat
      },
    }
    const { node, wallClock, log } = await join(nodes)
    const changes: number[] = []
    node.onChange(() => changes.push(node.id))
    const { id } = node
    const seen = async () => (await store.nodes.list())[0]!.seenAt
    const joinedAt = await seen()
    const beforehand = renewals
    wallClock.advance(heartbeatMs)
    // What the database has is not yet what the node was told.
    await eventually(
      store.nodes,
      () => renewals,
      (count) => count > beforehand,
    )
    assert.ok((await seen()) >= joinedAt)
    wallClock.advance(leaseMs - 1)
    assert.equal(node.isCurrent(), true, 'renewed after the first heartbeat')

    isAway = true
    await eventually(
      store.nodes,
      () => {
        wallClock.advance(heartbeatMs)
        return log.lines.length
      },
      (count) => count > 0,
    )
    assert.deepEqual(log.lines, ['this node could not renew its lease'])
    wallClock.advance(leaseMs)
    assert.equal(node.isCurrent(), false)
    isAway = false
    await eventually(
      store.nodes,
      () => {
        wallClock.advance(heartbeatMs)
        return node.isCurrent()
      },
      isTrue,
    )
    assert.deepEqual([node.id, new Set(changes)], [id, new Set([id])], 'nobody had given it up')
    await node.leave()
    assert.deepEqual(await store.nodes.list(), [])
  })

  test('that was given up goes on as a new one', async () => {
    await using store = await openShared(await emptyDatabase())
    const { node, wallClock, log } = await join(store.nodes)
    const { id } = node
    const changes: number[] = []
    node.onChange(() => changes.push(node.id))
    await lapse(store.nodes, id)
    await store.nodes.giveBack()
    wallClock.advance(heartbeatMs)
    await eventually(store.nodes, () => node.id !== id, isTrue)
    assert.deepEqual(changes, [node.id])
    assert.equal(node.metrics().rejoined, 1)
    assert.deepEqual(
      (await store.nodes.list()).map((each) => each.id),
      [node.id],
    )
    assert.deepEqual(log.lines, ['this node was given up, since it did not renew its lease: it goes on as a new one'])
    await node.leave()
  })

  test('gives up those that lapsed, but not before it was well itself for as long as a lease', async () => {
    await using store = await openShared(await emptyDatabase())
    const { node, wallClock } = await join(store.nodes)
    const dead = await join(store.nodes)
    await store.messages.accept({ ...sampleAcceptance('m1'), owner: dead.node.id })
    await lapse(store.nodes, dead.node.id)
    wallClock.advance(heartbeatMs)
    await eventually(
      store.nodes,
      () => node.metrics().live,
      (live) => live === 1,
    )
    assert.equal((await store.nodes.list()).length, 2)
    const [job] = await until(
      async () => {
        wallClock.advance(heartbeatMs)
        if (wallClock.now() < NOON + leaseMs) wallClock.advance(leaseMs / 4)
        return store.messages.unfinishedJobs(0, 1)
      },
      ([found]) => found?.owner === null,
    )
    assert.equal(job?.messageId, 'm1')
    assert.ok(wallClock.now() >= NOON + leaseMs)
    await eventually(
      store.nodes,
      () => node.metrics().jobsGivenBack,
      (count) => count === 1,
    )
    await node.leave()
    await dead.node.leave()
  })
})

describe('a periodic task', () => {
  const EVERY_MS = 60_000

  test('runs at once and then at its interval, whatever becomes of a run, until it is stopped', async () => {
    const clock = fakeClock()
    const log = keptLog()
    const tasks = createTasks({ clock, log, shared: undefined })
    let runs = 0
    const task = tasks.runAlone('cleaning', EVERY_MS, async () => {
      runs += 1
      if (runs === 2) throw new Error('a bug')
    })
    await task.run()
    assert.equal(runs, 1)
    clock.advance(EVERY_MS)
    await task.run()
    assert.deepEqual([runs, log.lines], [2, ['a periodic task failed']])
    clock.advance(EVERY_MS - 1)
    assert.equal(runs, 2)
    clock.advance(1)
    await task.stop()
    assert.equal(runs, 3)
    clock.advance(EVERY_MS)
    await task.run()
    assert.equal(runs, 3)
  })

  test('runs on one of several nodes, and on another when that one dies or leaves', async () => {
    await using store = await openShared(await emptyDatabase())
    const ran: string[] = []
    const members = await Promise.all(
      ['a', 'b', 'c'].map(async (name) => {
        const { node } = await join(store.nodes)
        const clock = fakeClock()
        const tasks = createTasks({ clock, log: keptLog(), shared: { nodes: store.nodes, node } })
        const task = tasks.runAlone('cleaning', EVERY_MS, async () => void ran.push(name))
        await task.run()
        return { name, node, task }
      }),
    )
    const holder = () => members.find(({ name }) => name === ran.at(-1))!
    const others = () => members.filter(({ name }) => !ran.includes(name))
    const turn = () => Promise.all(members.map(({ task }) => task.run()))
    assert.equal(ran.length, 1)
    await turn()
    assert.deepEqual(new Set(ran).size, 1)

    await lapse(store.nodes, holder().node.id)
    await Promise.all(others().map(({ task }) => task.run()))
    assert.equal(new Set(ran).size, 2)
    await holder().node.leave()
    await Promise.all(others().map(({ task }) => task.run()))
    assert.equal(new Set(ran).size, 3)
    await Promise.all(members.map(({ task }) => task.stop()))
    await Promise.all(members.map(({ node }) => node.leave()))
  })
})
