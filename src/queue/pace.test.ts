import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { NOON } from '../../test/support/stores.ts'
import { Pace } from './pace.ts'

const SECOND = 1_000

describe('the pace of a site', () => {
  test('halves once for all that were under way, down to one, and comes back step by step', () => {
    const pace = new Pace({ connections: 8 }, NOON)
    const { round } = pace
    for (let each = 0; each < 8; each++) pace.note('slower', round, NOON)
    assert.deepEqual([pace.limit, pace.isSlowed, pace.opensAt(NOON)], [4, true, NOON])
    for (let each = 0; each < 9; each++) pace.note('slower', pace.round, NOON)
    assert.equal(pace.limit, 1)
    let successes = 0
    while (pace.isSlowed && successes < 1_000) {
      pace.note('well', pace.round, NOON)
      successes += 1
    }
    // One at 1, two at 2, … seven at 7, and a little.
    assert.ok(successes >= 28 && successes <= 40, String(successes))
    assert.ok(pace.isOrdinary(NOON))
  })

  test('pauses longer each time, is down from the third on, and is itself again when mail is taken', () => {
    const pace = new Pace({ connections: 8 }, NOON)
    const pauses: (readonly [number, boolean])[] = []
    let now = NOON
    for (let each = 0; each < 6; each++) {
      pace.note('refused', pace.round, now)
      pauses.push([pace.opensAt(now) - now, pace.isDown(now)])
      now = pace.opensAt(now)
      assert.equal(pace.isDown(now), false)
    }
    assert.deepEqual(pauses, [
      [5 * SECOND, false],
      [15 * SECOND, false],
      [60 * SECOND, true],
      [120 * SECOND, true],
      [300 * SECOND, true],
      [300 * SECOND, true],
    ])
    pace.note('well', pace.round, now)
    pace.note('refused', pace.round, now)
    assert.equal(pace.opensAt(now) - now, 5 * SECOND)
  })

  test('a clock that is set back ends a pause instead of making it long', () => {
    const pace = new Pace({ connections: 1 }, NOON)
    pace.note('refused', pace.round, NOON)
    assert.equal(pace.opensAt(NOON - 3_600 * SECOND), NOON - 3_600 * SECOND)
  })

  test('never lets more begin in any time than the rate allows, and not much less', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 20 * SECOND }), { minLength: 50, maxLength: 200 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 600 }), steps, (perMinute, pauses) => {
        const pace = new Pace({ connections: 1, perMinute }, NOON)
        const burst = Math.max(1, perMinute / 12)
        let now = NOON
        let begun = 0
        for (const pause of pauses) {
          now += pause
          for (; pace.opensAt(now) <= now; begun++) pace.take(now)
          const allowed = burst + ((now - NOON) * perMinute) / (60 * SECOND)
          assert.ok(begun <= allowed + 1e-6, `${begun} of ${allowed}`)
        }
        // Whoever comes each time that the next may begin gets the whole rate.
        const from = now
        for (let each = 0; each < 100; each++) {
          now = pace.opensAt(now)
          pace.take(now)
        }
        assert.ok(now - from <= (101 * 60 * SECOND) / perMinute + 100, String(now - from))
      }),
      { numRuns: 50 },
    )
  })
})
