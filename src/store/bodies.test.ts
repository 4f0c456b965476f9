import { test } from 'node:test'
import assert from 'node:assert/strict'
import { bodyKeeper } from './bodies.ts'
import type { Db } from './db.ts'

const MB = 1024 * 1024

test('large bodies under way at once are bounded: six of the largest', async () => {
  const { promise: never } = Promise.withResolvers<never>()
  const db: Db = { get: () => undefined, all: () => [], write: () => never }
  const keep = bodyKeeper(db)
  const raw = Buffer.alloc(40 * MB)
  const key = (index: number) => ({ scope: { account: '1', region: 'r' }, messageId: `m${index}`, day: 0, at: 1 })
  const accepted = Array.from({ length: 6 }, (_, index) => Promise.resolve(keep(key(index), raw)))
  await assert.rejects(Promise.resolve(keep(key(6), raw)), { failure: 'ServiceUnavailable' })
  const small = await keep(key(7), Buffer.alloc(2_000))
  assert.equal(small.stored, 2_000)
  assert.equal(await Promise.race([...accepted, Promise.resolve('they wait')]), 'they wait')
})
