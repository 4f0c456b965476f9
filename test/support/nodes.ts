/** Nodes for tests: one PostgreSQL schema, any number of processes' worth of stores, clocks and queues on it. */
import assert from 'node:assert/strict'
import type { MovableClock } from '../../src/platform/platform.ts'
import { joinNodes, type LeaseTimes, type Node } from '../../src/queue/node.ts'
import type { NodeStore, Store } from '../../src/store/store.ts'
import { fakeClock } from './clock.ts'
import { postgres } from './postgres.ts'
import { NOON, keptLog, openAt } from './stores.ts'
import { until } from './until.ts'

export type SharedStore = Store & AsyncDisposable & { readonly nodes: NodeStore }

/** A store of its own on a database: another process's, as far as PostgreSQL can tell. */
export async function openShared(database: string): Promise<SharedStore> {
  const store = await openAt(database)
  const { nodes } = store
  assert.ok(nodes !== undefined)
  return { ...store, nodes }
}

/** A database that nothing is in yet. */
export async function emptyDatabase(): Promise<string> {
  return (await postgres()).schema()
}

/** No lease lapses by itself, however slow the machine: only `lapse` ends it, or a node's own clock when it is moved. */
export const LONG_TIMES: LeaseTimes = { heartbeatMs: 2_000, leaseMs: 3_600_000 }

export type TestNode = {
  readonly node: Node
  readonly wallClock: MovableClock
  readonly log: ReturnType<typeof keptLog>
}

export async function join(nodes: NodeStore, times: LeaseTimes = LONG_TIMES, roles = ['delivery']): Promise<TestNode> {
  const wallClock = fakeClock(NOON)
  const log = keptLog()
  const node = await joinNodes({ nodes, self: { hostname: 'here', pid: 1, roles }, wallClock, log, times })
  return { node, wallClock, log }
}

/** Has a node's lease lapse now, as if nothing had been heard of it for long. */
export async function lapse(nodes: NodeStore, node: number): Promise<void> {
  assert.ok((await nodes.beat(node, 0)).isKnown)
}

/** As `until`, for what shows in memory: between two looks others have a round trip's time to do their work. */
export async function eventually<T>(nodes: NodeStore, look: () => T, holds: (answer: T) => boolean): Promise<T> {
  return until(async () => {
    await nodes.list()
    return look()
  }, holds)
}
