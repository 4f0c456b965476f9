/** The contract of the store, on every engine: bodies, small and large. */
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import assert from 'node:assert/strict'
import { LARGEST_IN_ROW_BYTES, PIECE_BYTES } from '../src/store/bodies.ts'
import { LEAST_COMPRESSED_BYTES } from '../src/store/encoding.ts'
import type { Store } from '../src/store/store.ts'
import { ENGINES, NOON, SCOPE, SOMEBODY_ELSE, sampleAcceptance, sesId } from './support/stores.ts'
import { until } from './support/until.ts'

const MB = 1024 * 1024
const HOUR = 3_600_000
/** After every time that these tests know. */
const LATER = NOON + 24 * HOUR

async function bodyOf(store: Store, id: string): Promise<Buffer> {
  return Buffer.from((await store.messages.raw(SCOPE, id)) ?? assert.fail(`${id} has no body`))
}

for (const engine of ENGINES) {
  describe(`bodies on ${engine.name}`, () => {
    test('come back as they were, whatever their size, whole and piece by piece', async () => {
      await using opened = await engine.open()
      const { store } = opened
      const edges = [LEAST_COMPRESSED_BYTES, LARGEST_IN_ROW_BYTES, PIECE_BYTES, 2 * PIECE_BYTES]
      const sizes = [0, 2_000, ...edges.flatMap((edge) => [edge - 1, edge, edge, edge + 1]), MB + 7, MB + 8]
      const bodies = sizes.map((size, index) => (index % 2 ? Buffer.alloc(size, 'open sesame ') : randomBytes(size)))
      const ids = bodies.map((_, index) => sesId(NOON, index))
      await Promise.all(bodies.map((raw, index) => store.messages.accept(sampleAcceptance(ids[index]!, { raw }))))
      for (const [index, raw] of bodies.entries()) {
        assert.ok(raw.equals(await bodyOf(store, ids[index]!)), `${raw.byteLength} octets`)
        const pieces: Uint8Array[] = []
        for await (const piece of (await store.messages.rawPieces(SCOPE, ids[index]!))!) pieces.push(piece)
        assert.ok(pieces.every(({ byteLength }) => byteLength <= PIECE_BYTES))
        assert.ok(raw.equals(Buffer.concat(pieces)))
      }
      assert.equal(await store.messages.rawPieces(SOMEBODY_ELSE, ids[0]!), undefined)
      assert.equal(await store.messages.rawPieces(SCOPE, 'unknown'), undefined)
    })

    test('count as they are stored: compressed', async () => {
      await using opened = await engine.open()
      const { messages, upkeep } = opened.store
      await messages.accept(sampleAcceptance('random', { raw: randomBytes(MB) }))
      assert.deepEqual(await upkeep.held(), { messages: 1, bytes: MB })
      await messages.accept(sampleAcceptance('text', { raw: Buffer.alloc(MB, 'sesame ') }))
      const { bytes } = await upkeep.held()
      assert.ok(bytes > MB && bytes < 1.1 * MB, `${bytes} octets`)
    })

    test('that are large let small ones pass', async () => {
      await using opened = await engine.open()
      const { messages } = opened.store
      const order: string[] = []
      const accept = async (id: string, size: number) => {
        await messages.accept(sampleAcceptance(id, { raw: randomBytes(size) }))
        order.push(id)
      }
      const large = accept('large', 8 * MB)
      for (const id of ['a', 'b', 'c']) await accept(id, 2_000)
      await large
      assert.deepEqual(order, ['a', 'b', 'c', 'large'])
    })

    test('of a refused acceptance are swept, not too early', async () => {
      await using opened = await engine.open()
      const { messages, upkeep } = opened.store
      const raw = randomBytes(MB)
      await messages.accept(sampleAcceptance('taken'))
      await assert.rejects(messages.accept(sampleAcceptance('taken', { raw })))
      await messages.accept(sampleAcceptance('kept', { raw }))
      assert.equal(await upkeep.sweepBodies(NOON - HOUR, 9), 0)
      assert.equal(await upkeep.sweepBodies(LATER, 9), 1)
      assert.equal(await upkeep.sweepBodies(LATER, 9), 0)
      assert.ok(raw.equals(await bodyOf(opened.store, 'kept')))
      // Swept, the same may come again.
      await messages.remove(SCOPE, 'taken')
      await messages.accept(sampleAcceptance('taken', { raw }))
      assert.ok(raw.equals(await bodyOf(opened.store, 'taken')))
    })

    test('that are swept while they are written are refused, not accepted in part', async () => {
      await using opened = await engine.open()
      const { messages, upkeep } = opened.store
      const accepting = messages.accept(sampleAcceptance('m1', { raw: randomBytes(10 * MB) }))
      const refused = assert.rejects(accepting, { failure: 'ServiceUnavailable' })
      // SQLite answers within the same turn of the event loop, in which nothing else gets on.
      const sweep = async () => (await setImmediate(), upkeep.sweepBodies(LATER, 9))
      await until(sweep, (swept) => swept === 1)
      await refused
      await upkeep.sweepBodies(LATER, 9)
      assert.equal(await messages.find('m1'), undefined)
      assert.deepEqual(await upkeep.held(), { messages: 0, bytes: 0 })
    })

    test('of removed messages are swept at once', async () => {
      await using opened = await engine.open()
      const { messages, upkeep } = opened.store
      await messages.accept(sampleAcceptance('m1', { raw: randomBytes(3 * MB) }))
      await messages.remove(SCOPE, 'm1')
      assert.equal(await messages.raw(SCOPE, 'm1'), undefined)
      assert.equal(await upkeep.sweepBodies(0, 9), 0)
      assert.equal(await upkeep.sweepBodies(1, 9), 1)
      assert.deepEqual(await upkeep.held(), { messages: 0, bytes: 0 })
      if (engine.name === 'SQLite in memory') return
      for (const table of ['bodies', 'body_pieces', 'loose_bodies']) {
        assert.equal(Number((await opened.sql(`select count(*) as n from ${table}`))[0]?.['n']), 0, table)
      }
    })
  })
}
