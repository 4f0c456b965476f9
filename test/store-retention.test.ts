/** The contract of the store, on every engine: what is held, and removing the oldest of it. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import type { Amount, Store } from '../src/store/store.ts'
import type { Job } from '../src/store/types.ts'
import { ELSEWHERE, ENGINES, NOON, SCOPE, SOMEBODY_ELSE, sampleAcceptance, sesId } from './support/stores.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const NO_EXCESS: Amount = { messages: Number.NEGATIVE_INFINITY, bytes: Number.NEGATIVE_INFINITY }
const raw = new Uint8Array(1_000)

async function end(store: Store, jobs: readonly Job[]): Promise<void> {
  for (const { id, scope, messageId } of jobs) {
    const counts = { bounces: 0, complaints: 0, rejects: 0 }
    const attempt = { destination: 'x', at: NOON, durationMs: 1, transport: 'capture', transcript: [] }
    await store.messages.settle({
      scope,
      messageId,
      jobId: id,
      at: NOON,
      updates: [],
      events: [{ type: 'Delivery', at: NOON, json: '{}' }],
      attempt,
      counts,
    })
  }
}

/** `count` delivered messages, one an hour from `start` on; gives their ids. */
async function deliver(store: Store, count: number, start = NOON): Promise<string[]> {
  const ids: string[] = []
  for (let number = 0; number < count; number++) {
    const at = start + number * HOUR
    const id = sesId(at, number)
    await end(store, await store.messages.accept(sampleAcceptance(id, { at, raw })))
    ids.push(id)
  }
  return ids
}

async function idsOf({ messages }: Store): Promise<string[]> {
  return (await messages.list({}, { limit: 10_000 })).map(({ message }) => message.id).toReversed()
}

for (const engine of ENGINES) {
  describe(`retention on ${engine.name}`, () => {
    test('what is held is known, whoever adds and removes', async () => {
      await using opened = await engine.open()
      const { messages, upkeep } = opened.store
      assert.deepEqual(await upkeep.held(), { messages: 0, bytes: 0 })
      const scopes = [SCOPE, ELSEWHERE, SOMEBODY_ELSE]
      await Promise.all(
        Array.from({ length: 300 }, (_, index) => {
          const at = NOON + index * HOUR
          return messages.accept(sampleAcceptance(sesId(at, index), { at, raw, scope: scopes[index % 3]! }))
        }),
      )
      assert.deepEqual(await upkeep.held(), { messages: 300, bytes: 300_000 })
      await assert.rejects(messages.accept(sampleAcceptance(sesId(NOON, 0), { raw })))
      await Promise.allSettled([
        messages.accept(sampleAcceptance('new', { raw })),
        messages.accept(sampleAcceptance(sesId(NOON, 0), { raw })),
      ])
      assert.deepEqual(await upkeep.held(), { messages: 301, bytes: 301_000 })
      await Promise.all([upkeep.foldHeld(), upkeep.foldHeld(), messages.remove(SCOPE, sesId(NOON, 0))])
      assert.deepEqual(await upkeep.held(), { messages: 300, bytes: 300_000 })
      await messages.clear(SOMEBODY_ELSE.account)
      assert.deepEqual(await upkeep.held(), { messages: 200, bytes: 200_000 })
      await upkeep.foldHeld()
      assert.deepEqual(await upkeep.held(), { messages: 200, bytes: 200_000 })
      await messages.clear(undefined)
      assert.deepEqual(await upkeep.held(), { messages: 0, bytes: 0 })
      await opened.store.reset()
      assert.deepEqual(await upkeep.held(), { messages: 0, bytes: 0 })
    })

    test('what is older goes, with all that hangs on it', async () => {
      await using opened = await engine.open()
      const { store } = opened
      const ids = await deliver(store, 10)
      const stepped = await store.upkeep.removeOldest({
        behind: 0,
        acceptedBefore: NOON + 4 * HOUR,
        excess: NO_EXCESS,
      })
      assert.equal(stepped.removed, 4)
      assert.equal(stepped.isEnd, true)
      assert.deepEqual(await idsOf(store), ids.slice(4))
      assert.deepEqual(await store.upkeep.held(), { messages: 6, bytes: 6_000 })
      assert.equal(await store.messages.find(ids[0]!), undefined)
      assert.equal(await store.messages.raw(SCOPE, ids[0]!), undefined)
      assert.deepEqual(await store.messages.events(SCOPE, ids[0]!), [])
      assert.equal((await store.messages.events(SCOPE, ids[4]!)).length, 2)
      assert.equal((await store.messages.attempts(SCOPE, ids[4]!)).length, 1)
      if (engine.name === 'SQLite in memory') return
      for (const [table, rows] of Object.entries({ messages: 6, bodies: 6, recipients: 6, events: 12, attempts: 6 })) {
        assert.equal(Number((await opened.sql(`select count(*) as n from ${table}`))[0]?.['n']), rows, table)
      }
    })

    test('excess goes in number and in octets, the oldest first', async () => {
      await using opened = await engine.open()
      const { store } = opened
      const ids = await deliver(store, 10)
      const step = { behind: 0, acceptedBefore: 0 }
      await store.upkeep.removeOldest({ ...step, excess: { ...NO_EXCESS, messages: 2 } })
      assert.deepEqual(await idsOf(store), ids.slice(2))
      await store.upkeep.removeOldest({ ...step, excess: { ...NO_EXCESS, bytes: 2_001 } })
      assert.deepEqual(await idsOf(store), ids.slice(5))
      const { removed } = await store.upkeep.removeOldest({ ...step, excess: NO_EXCESS })
      assert.equal(removed, 0)
    })

    test('a message with a job stays, whatever its age, until the job has ended', async () => {
      await using opened = await engine.open()
      const { store } = opened
      const [first, , third] = await deliver(store, 3)
      const jobs = await store.messages.accept(sampleAcceptance('waits', { raw }))
      const [postponed] = await store.messages.accept(sampleAcceptance('postponed', { raw }))
      await store.jobs.postpone({ ...postponed!, attempts: 1, dueAt: NOON + HOUR })
      const everything = { behind: 0, acceptedBefore: NOON + 9 * DAY, excess: { messages: 9, bytes: 9_000 } }
      assert.equal((await store.upkeep.removeOldest(everything)).removed, 3)
      assert.deepEqual(await idsOf(store), ['waits', 'postponed'])
      assert.equal(await store.messages.find(first!), undefined)
      assert.equal(await store.messages.find(third!), undefined)
      await end(store, jobs)
      assert.equal((await store.upkeep.removeOldest(everything)).removed, 1)
      assert.deepEqual(await idsOf(store), ['postponed'])
    })

    test('a step is small, and the next goes on behind it', async () => {
      await using opened = await engine.open()
      const { store } = opened
      await Promise.all(Array.from({ length: 300 }, (_, index) => store.messages.accept(sampleAcceptance(`m${index}`))))
      await end(store, await store.messages.unfinishedJobs(0, 200))
      let step = { behind: 0, acceptedBefore: NOON + 1, excess: NO_EXCESS }
      const removed: number[] = []
      for (;;) {
        const stepped = await store.upkeep.removeOldest(step)
        removed.push(stepped.removed)
        step = { ...step, behind: stepped.behind }
        if (stepped.isEnd) break
      }
      assert.ok(removed.every((count) => count <= 64))
      assert.equal(
        removed.reduce((sum, count) => sum + count, 0),
        200,
      )
      assert.equal((await store.upkeep.held()).messages, 100)
    })

    test('two that remove the same at once count it once', async () => {
      await using opened = await engine.open()
      const { store } = opened
      await deliver(store, 40)
      const everything = { behind: 0, acceptedBefore: NOON + 9 * DAY, excess: NO_EXCESS }
      await Promise.all([1, 2, 3].map(() => store.upkeep.removeOldest(everything)))
      assert.deepEqual(await store.upkeep.held(), { messages: 0, bytes: 0 })
    })
  })
}
