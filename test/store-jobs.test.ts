/** The contract of the store, on every engine: jobs. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { ENGINES, NOON, SCOPE, sampleAcceptance } from './support/stores.ts'

const NOTHING = { at: NOON, updates: [], events: [], attempt: null, counts: { bounces: 0, complaints: 0, rejects: 0 } }

for (const engine of ENGINES) {
  describe(`jobs on ${engine.name}`, () => {
    test('unfinished jobs come by id, page by page', async () => {
      await using opened = await engine.open()
      const { messages, jobs } = opened.store
      const accepted = await Promise.all(['m1', 'm2', 'm3'].map((id) => messages.accept(sampleAcceptance(id))))
      const ids = accepted.flat().map(({ id }) => id)
      assert.deepEqual(
        ids,
        ids.toSorted((a, b) => a - b),
      )
      assert.deepEqual(
        (await messages.unfinishedJobs(0, 2)).map(({ id }) => id),
        ids.slice(0, 2),
      )
      assert.deepEqual(
        (await messages.unfinishedJobs(ids[1]!, 2)).map(({ id }) => id),
        ids.slice(2),
      )
      assert.deepEqual(await jobs.fresh(ids[0]!, 9), await messages.unfinishedJobs(ids[0]!, 9))
    })

    test('a postponed job is no longer fresh, and comes back when it is due', async () => {
      await using opened = await engine.open()
      const { messages, jobs } = opened.store
      const accepted = (
        await Promise.all(['m1', 'm2', 'm3', 'm4'].map((id) => messages.accept(sampleAcceptance(id))))
      ).flat()
      const [first, second, third, fourth] = accepted
      assert.equal(await jobs.nextPostponed(0), undefined)
      await jobs.postpone({ ...first!, attempts: 2, dueAt: NOON + 9 })
      await jobs.postpone({ ...second!, attempts: 1, dueAt: NOON + 5 })
      await jobs.postpone({ ...third!, attempts: 1, dueAt: NOON + 5 })
      assert.deepEqual(await jobs.fresh(0, 9), [fourth])
      assert.equal((await messages.unfinishedJobs(0, 9)).length, 4)
      assert.deepEqual(await jobs.postponed(NOON, undefined, 9), [])
      assert.equal(await jobs.nextPostponed(NOON), NOON + 5)
      assert.equal(await jobs.nextPostponed(NOON + 5), NOON + 9)
      const due = await jobs.postponed(NOON + 9, undefined, 2)
      assert.deepEqual(due, [
        { ...second, attempts: 1, dueAt: NOON + 5 },
        { ...third, attempts: 1, dueAt: NOON + 5 },
      ])
      assert.deepEqual(await jobs.postponed(NOON + 9, due[0], 9), [due[1], { ...first, attempts: 2, dueAt: NOON + 9 }])
    })

    test('jobs that were parked are called back, and no others', async () => {
      await using opened = await engine.open()
      const { messages, jobs } = opened.store
      const accepted = (await Promise.all(['m1', 'm2', 'm3'].map((id) => messages.accept(sampleAcceptance(id))))).flat()
      const [first, second, third] = accepted
      await jobs.park([first!, second!], NOON + 7)
      await jobs.park([third!], NOON + 8)
      await jobs.recall(NOON + 7, NOON)
      assert.deepEqual(await jobs.postponed(NOON, undefined, 9), [
        { ...first, dueAt: NOON },
        { ...second, dueAt: NOON },
      ])
      assert.equal(await jobs.nextPostponed(NOON), NOON + 8)
      // Never later than they are.
      await jobs.recall(NOON, NOON + 5)
      assert.equal((await jobs.postponed(NOON, undefined, 9)).length, 2)
    })

    test('a job that has ended cannot be postponed', async () => {
      await using opened = await engine.open()
      const { messages, jobs } = opened.store
      const [job] = await messages.accept(sampleAcceptance('m1'))
      await messages.settle({ scope: SCOPE, messageId: 'm1', jobId: job!.id, ...NOTHING })
      assert.equal(await jobs.postpone({ ...job!, attempts: 1, dueAt: NOON }), false)
      assert.deepEqual(await messages.unfinishedJobs(0, 9), [])
    })
  })
}
