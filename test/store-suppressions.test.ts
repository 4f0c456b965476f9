/** The suppression lists, on every engine: by hand, and with the settlement that reports a bounce or a complaint. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import type { Store } from '../src/store/store.ts'
import type { Settlement, Suppression } from '../src/store/types.ts'
import { ELSEWHERE, ENGINES, NOON, SCOPE, SOMEBODY_ELSE, sampleAcceptance } from './support/stores.ts'
import { until } from './support/until.ts'

function entry(address: string, more: Partial<Suppression> = {}): Suppression {
  return { address, reason: 'BOUNCE', updatedAt: NOON, messageId: null, feedbackId: null, ...more }
}

function settlement(messageId: string, more: Partial<Settlement> = {}): Settlement {
  const counts = { bounces: 0, complaints: 0, rejects: 0 }
  return { scope: SCOPE, messageId, jobId: null, at: NOON, updates: [], events: [], attempt: null, counts, ...more }
}

async function allOf(store: Store): Promise<readonly Suppression[]> {
  return (await store.suppressions.list(SCOPE, {}, { limit: 100 })).items
}

for (const engine of ENGINES) {
  describe(`suppression on ${engine.name}`, () => {
    test('an address is on the list of one account and region, until it is removed; the latest put has the word', async () => {
      await using opened = await engine.open()
      const { suppressions } = opened.store
      const complaint = entry('a@x.test', { reason: 'COMPLAINT', updatedAt: NOON + 1, messageId: 'm', feedbackId: 'f' })
      await suppressions.put(SCOPE, entry('a@x.test'))
      await suppressions.put(SCOPE, complaint)
      assert.deepEqual(await suppressions.find(SCOPE, 'a@x.test'), complaint)
      assert.equal(await suppressions.find(SCOPE, 'A@x.test'), undefined)
      for (const scope of [ELSEWHERE, SOMEBODY_ELSE]) {
        assert.equal(await suppressions.find(scope, 'a@x.test'), undefined)
        assert.equal(await suppressions.remove(scope, 'a@x.test'), false)
      }
      assert.equal(await suppressions.remove(SCOPE, 'a@x.test'), true)
      assert.equal(await suppressions.remove(SCOPE, 'a@x.test'), false)
      assert.equal(await suppressions.find(SCOPE, 'a@x.test'), undefined)
    })

    test('those of many addresses that are on the list are found', async () => {
      await using opened = await engine.open()
      const { suppressions } = opened.store
      const names = Array.from({ length: 120 }, (_, index) => `a${index}@x.test`)
      const listed = ['a0@x.test', 'a60@x.test', 'a119@x.test']
      for (const name of listed) await suppressions.put(SCOPE, entry(name))
      const found = await suppressions.findMany(SCOPE, [...names, ...names])
      assert.deepEqual(new Set(found.map(({ address }) => address)), new Set(listed))
      assert.equal(found.length, listed.length)
    })

    test('a listing goes page by page by address, of some reasons and times or of all', async () => {
      await using opened = await engine.open()
      const { suppressions } = opened.store
      await suppressions.put(SCOPE, entry('c@x.test', { updatedAt: NOON + 2 }))
      await suppressions.put(SCOPE, entry('a@x.test', { updatedAt: NOON }))
      await suppressions.put(SCOPE, entry('b@x.test', { updatedAt: NOON + 1, reason: 'COMPLAINT' }))
      await suppressions.put(ELSEWHERE, entry('d@x.test'))
      const first = await suppressions.list(SCOPE, {}, { limit: 2 })
      assert.deepEqual([first.items.map(({ address }) => address), first.next], [['a@x.test', 'b@x.test'], 'b@x.test'])
      const second = await suppressions.list(SCOPE, {}, { limit: 2, after: 'b@x.test' })
      assert.deepEqual([second.items.map(({ address }) => address), second.next], [['c@x.test'], undefined])
      const listed = async (filter: Parameters<typeof suppressions.list>[1]) =>
        (await suppressions.list(SCOPE, filter, { limit: 9 })).items.map(({ address }) => address[0]).join('')
      assert.equal(await listed({ reasons: [] }), 'abc')
      assert.equal(await listed({ reasons: ['BOUNCE'] }), 'ac')
      assert.equal(await listed({ reasons: ['COMPLAINT'] }), 'b')
      assert.equal(await listed({ reasons: ['COMPLAINT', 'BOUNCE'] }), 'abc')
      assert.equal(await listed({ since: NOON + 1 }), 'bc')
      assert.equal(await listed({ until: NOON + 1 }), 'ab')
      assert.equal(await listed({ since: NOON + 1, until: NOON + 1, reasons: ['BOUNCE'] }), '')
    })

    test('a settlement puts addresses there, of many messages at once', async () => {
      await using opened = await engine.open()
      const { store } = opened
      const ids = Array.from({ length: 20 }, (_, index) => `m${index}`)
      const jobs = await Promise.all(ids.map((id) => store.messages.accept(sampleAcceptance(id))))
      const settled = ids.map((id, index) =>
        settlement(id, {
          jobId: jobs[index]![0]!.id,
          suppress: [entry(`${id}@x.test`, { messageId: id }), entry('all@x.test'), entry('all@x.test')],
        }),
      )
      await Promise.all(settled.map((each) => store.messages.settle(each)))
      assert.deepEqual(
        (await allOf(store)).map(({ address, messageId }) => [address, messageId]),
        [['all@x.test', null], ...ids.map((id) => [`${id}@x.test`, id])].toSorted(([a], [b]) => (a! < b! ? -1 : 1)),
      )
    })

    test('of several in one settlement the last has the word', async () => {
      await using opened = await engine.open()
      const { store } = opened
      await store.messages.accept(sampleAcceptance('m1'))
      const [first, last] = [entry('a@x.test'), entry('a@x.test', { reason: 'COMPLAINT', feedbackId: 'f' })]
      await store.messages.settle(settlement('m1', { suppress: [first, last] }))
      assert.deepEqual(await allOf(store), [last])
    })

    test('nothing is put there by a settlement that is not written', async () => {
      await using opened = await engine.open()
      const { store } = opened
      const [job] = await store.messages.accept(sampleAcceptance('m1'))
      const suppress = [entry('a@x.test')]
      await store.messages.settle(settlement('removed', { suppress }))
      await store.messages.settle(settlement('m1', { jobId: job!.id }))
      await store.messages.settle(settlement('m1', { jobId: job!.id, suppress }))
      assert.deepEqual(await allOf(store), [])
    })

    test('what is kept in memory is whether there is anything on a list, and is never out of date', async () => {
      await using opened = await engine.open()
      const { store } = opened
      const { suppressions } = store.cached
      const find = async () => (await suppressions.findMany(SCOPE, ['a@x.test'])).length
      await store.messages.accept(sampleAcceptance('m1'))
      // PostgreSQL's first connection for notices makes everything be read again, once.
      const reads = async () => {
        const before = store.metrics().reads
        assert.equal(await find(), 0)
        return store.metrics().reads - before
      }
      await until(reads, (count) => count === 0)
      await store.messages.settle(settlement('m1', { suppress: [entry('a@x.test')] }))
      assert.equal(await find(), 1)
      await store.suppressions.remove(SCOPE, 'a@x.test')
      assert.equal(await find(), 0)
      await store.suppressions.put(SCOPE, entry('a@x.test'))
      assert.equal(await find(), 1)
      await store.reset()
      assert.equal(await find(), 0)
    })
  })
}
