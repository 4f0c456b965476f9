/** The lanes of a node of many: what it cannot run soon it gives back. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { fakeClock } from '../../test/support/clock.ts'
import { emptyDatabase, eventually, join, openShared, type SharedStore } from '../../test/support/nodes.ts'
import { keptLog, NOON, sampleAcceptance } from '../../test/support/stores.ts'
import type { Acceptance, Job } from '../store/types.ts'
import { urgentlyDue } from '../store/urgent.ts'
import { createQueue, type QueueDeps } from './queue.ts'

function mail(id: string, destination: string, dueAt = NOON): Acceptance {
  return { ...sampleAcceptance(id), jobs: [{ destination, recipients: [0], dueAt }] }
}

const EMPTY = { updates: [], events: [], attempt: null, counts: { bounces: 0, complaints: 0, rejects: 0 } }

async function nodeOn(store: SharedStore, deliver: (job: Job) => Promise<void>, bounds: Partial<QueueDeps>) {
  const { node } = await join(store.nodes)
  const clock = fakeClock(NOON)
  const ran: string[] = []
  const queue = createQueue({
    store,
    node,
    clock,
    log: keptLog(),
    concurrency: 4,
    maxInMemory: 40,
    shape: () => ({ connections: 2 }),
    ...bounds,
    async deliver(job) {
      ran.push(job.destination)
      await deliver(job)
      const { scope, messageId, id: jobId, owner } = job
      return { settle: () => store.messages.settle({ scope, messageId, jobId, owner, at: NOON, ...EMPTY }) }
    },
  })
  return {
    queue,
    clock,
    ran,
    async [Symbol.asyncDispose]() {
      await queue.close()
      await node.leave()
    },
  }
}

describe('the lanes of a node', () => {
  test('a blocked destination that fills the claims does not starve those behind it', async () => {
    await using store = await openShared(await emptyDatabase())
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    const bulk = Array.from({ length: 300 }, (_, index) => mail(`bulk${index}`, 'blocked.test'))
    for (const each of bulk) await store.messages.accept(each)
    for (let index = 0; index < 20; index++) await store.messages.accept(mail(`m${index}`, 'open.test'))
    await using a = await nodeOn(store, async (job) => (job.destination === 'blocked.test' ? released : undefined), {})
    using _ = { [Symbol.dispose]: release }
    await a.queue.start()
    await eventually(
      store.nodes,
      () => {
        // The clock of a node's claims.
        a.clock.advance(1)
        return a.ran.filter((each) => each === 'open.test').length
      },
      (count) => count === 20,
    )
    const { ready, running } = a.queue.metrics()
    assert.ok(ready + running <= 40, `${ready + running} jobs in memory`)
    assert.equal(a.ran.filter((each) => each === 'blocked.test').length, 2)
    release()
    for (let round = 0; round < 60 && a.ran.length < 320; round++) {
      a.clock.advance(60_000)
      await a.queue.idle()
    }
    assert.equal(a.ran.length, 320)
    assert.deepEqual(await store.messages.unfinishedJobs(0, 9), [])
  })

  test('urgent mail is claimed before all that was there earlier', async () => {
    await using store = await openShared(await emptyDatabase())
    for (let index = 0; index < 50; index++) await store.messages.accept(mail(`m${index}`, 'bulk.test'))
    await store.messages.accept(mail('urgent', 'urgent.test', urgentlyDue(NOON)))
    await using a = await nodeOn(store, async () => {}, { concurrency: 1, maxInMemory: 10 })
    await a.queue.start()
    await a.queue.idle()
    assert.equal(a.ran[0], 'urgent.test')
    assert.equal(a.ran.length, 51)
  })
})
