/** The contract of the store, on every engine: secrets that all processes share. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { emptyDatabase, openShared } from './support/nodes.ts'
import { ENGINES, SCOPE, openAt, sampleKey } from './support/stores.ts'

const RIVALS = ['a', 'b', 'c', 'd']

for (const engine of ENGINES) {
  describe(`secrets on ${engine.name}`, () => {
    test('who asks at once gets the same, and who asks later does not make another', async () => {
      await using opened = await engine.open()
      const { secrets } = opened.store
      const kept = await Promise.all(RIVALS.map((value) => secrets.keep('name', () => value)))
      assert.equal(new Set(kept).size, 1)
      assert.ok(RIVALS.includes(kept[0]!))
      assert.equal(await secrets.keep('name', () => assert.fail('there is one')), kept[0])
      assert.equal(await secrets.keep('other', () => 'another'), 'another')
    })

    test('a secret that may change is replaced by whoever knows what it was, and by one of several', async () => {
      await using opened = await engine.open()
      const { secrets } = opened.store
      assert.equal(await secrets.find('ring'), undefined)
      assert.equal(await secrets.current('ring', () => 'first'), 'first')
      assert.equal(await secrets.current('ring', () => assert.fail('there is one')), 'first')
      const replaced = await Promise.all(RIVALS.map((rival) => secrets.replace('ring', 'first', rival)))
      assert.equal(replaced.filter(Boolean).length, 1)
      assert.equal(await secrets.find('ring'), RIVALS[replaced.indexOf(true)])
      assert.equal(await secrets.replace('nothing', '', 'x'), false)
    })

    test('a secret outlives a reset', async () => {
      await using opened = await engine.open()
      const { store } = opened
      await store.secrets.keep('name', () => 'first')
      await store.keys.insert(sampleKey('AKIA1', SCOPE.account))
      await store.reset()
      assert.equal(await store.secrets.keep('name', () => 'second'), 'first')
    })

    if (engine.name.endsWith('memory')) return
    test('a secret is there when the database is opened again', async () => {
      await using opened = await engine.open()
      await opened.store.secrets.keep('name', () => 'first')
      await using again = await openAt(opened.database)
      assert.equal(await again.secrets.keep('name', () => 'second'), 'first')
    })
  })
}

test('several processes that need a secret at once agree on one', async () => {
  const database = await emptyDatabase()
  const stores = await Promise.all(RIVALS.map(() => openShared(database)))
  const kept = await Promise.all(stores.map(({ secrets }, index) => secrets.keep('name', () => RIVALS[index]!)))
  assert.equal(new Set(kept).size, 1)
  await Promise.all(stores.map((store) => store.close()))
})
