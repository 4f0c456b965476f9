import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_WARMUP } from '../../config/shaping.ts'
import { limitOn, roomFrom } from './warmup.ts'

test('the limit grows evenly from its first to its last day, and ends then', () => {
  const limits = Array.from({ length: 46 }, (_, age) => limitOn(age, DEFAULT_WARMUP))
  assert.deepEqual([limits[0], limits[44], limits[45]], [50, 50_000, undefined])
  for (let age = 1; age < 45; age++) {
    const growth = limits[age]! / limits[age - 1]!
    assert.ok(growth > 1.1 && growth < 1.25, `${age}: ${growth}`)
  }
  assert.equal(limitOn(-3, DEFAULT_WARMUP), 50)
  assert.deepEqual(
    [limitOn(0, { days: 1, firstDay: 7, lastDay: 9 }), limitOn(1, { days: 1, firstDay: 7, lastDay: 9 })],
    [7, undefined],
  )
})

test('mail that waits for room comes back within ten minutes after midnight', () => {
  const noon = Date.UTC(2026, 0, 15, 12)
  assert.deepEqual(
    [roomFrom(noon, 0), roomFrom(noon, 0.999_999_9)].map((at) => new Date(at).toISOString()),
    ['2026-01-16T00:00:00.000Z', '2026-01-16T00:09:59.999Z'],
  )
})
