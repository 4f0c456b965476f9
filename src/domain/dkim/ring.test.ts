import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { DkimKey } from '../../store/types.ts'
import {
  activated,
  activeKeys,
  type Algorithm,
  freeSelector,
  hasKey,
  isDue,
  isPublished,
  newKey,
  nextLookForKeys,
  pendingKeys,
  retired,
  type Ring,
  swept,
} from './ring.ts'
import { readRing } from './ring-text.ts'

const DAY = 24 * 3_600_000
const SELECTORS = ['one', 'two', 'three']

function keyAt(selector: string, now = 0, algorithm: Algorithm = 'rsa'): DkimKey {
  return newKey({ selector, algorithm, pem: `${selector} ${now}`, publishedBy: 'operator' }, now)
}

function states(ring: Ring): Record<string, string> {
  return Object.fromEntries(ring.map(({ selector, state }) => [selector, state]))
}

const first = activated([keyAt('one')], () => true, 0)

describe('a key', () => {
  test('signs when it is found, and not before; what it replaces stays published for 8 days, and its selector empty for one more', () => {
    const waiting = [...first, keyAt('two', DAY)]
    assert.equal(
      activated(waiting, () => false, DAY),
      waiting,
    )
    const found = activated(waiting, ({ selector }) => selector === 'two', 2 * DAY)
    assert.deepEqual(states(found), { one: 'retired', two: 'active' })
    assert.equal(swept(found, 10 * DAY - 1), found)
    const withdrawn = swept(found, 10 * DAY)
    assert.deepEqual(states(withdrawn), { one: 'withdrawn', two: 'active' })
    assert.deepEqual(withdrawn.map(isPublished), [false, true])
    assert.equal(withdrawn[0]?.pem, '')
    assert.equal(swept(withdrawn, 11 * DAY - 1), withdrawn)
    assert.deepEqual(states(swept(withdrawn, 11 * DAY)), { two: 'active' })
  })

  test('of another algorithm signs beside it, behind RSA', () => {
    const both = activated([keyAt('two', 0, 'ed25519'), ...first], () => true, 0)
    assert.deepEqual(
      activeKeys(both).map(({ algorithm }) => algorithm),
      ['rsa', 'ed25519'],
    )
    const left = retired(both, ({ algorithm }) => algorithm === 'ed25519', DAY)
    assert.deepEqual(states(left), { one: 'active', two: 'retired' })
    const waiting = [...first, keyAt('two', 0, 'ed25519')]
    assert.deepEqual(states(retired(waiting, ({ algorithm }) => algorithm === 'ed25519', DAY)), { one: 'active' })
  })

  test('is replaced at an age, and not while its successor is waited for, nor at no age at all', () => {
    assert.equal(isDue(first, 'rsa', 180 * DAY - 1, 180 * DAY), false)
    assert.equal(isDue(first, 'rsa', 180 * DAY, 180 * DAY), true)
    assert.equal(isDue(first, 'rsa', 180 * DAY, 0), false)
    assert.equal(isDue(first, 'ed25519', 180 * DAY, 180 * DAY), false)
    assert.equal(isDue([...first, keyAt('two')], 'rsa', 180 * DAY, 180 * DAY), false)
  })

  test('is looked for by the minute at first, and by the hour in the end', () => {
    assert.equal(nextLookForKeys(first, 0), null)
    const waiting = [...first, keyAt('two')]
    assert.equal(nextLookForKeys(waiting, 0), 60_000)
    assert.equal(nextLookForKeys(waiting, 30 * DAY), 30 * DAY + 3_600_000)
  })
})

test('selectors take turns, and none is taken that still has a key', () => {
  assert.equal(freeSelector(SELECTORS, []), 'one')
  assert.equal(freeSelector(SELECTORS, [keyAt('one')]), 'two')
  assert.equal(freeSelector(SELECTORS, [keyAt('two')]), 'three')
  assert.equal(freeSelector(SELECTORS, [keyAt('three')]), 'one')
  assert.equal(freeSelector(SELECTORS, [keyAt('one'), keyAt('three')]), 'two')
  assert.equal(
    freeSelector(
      SELECTORS,
      SELECTORS.map((selector) => keyAt(selector)),
    ),
    undefined,
  )
})

type Step = { readonly hours: number; readonly what: 'rsa' | 'ed25519' | 'find' | 'sweep' | 'unwanted' }

const STEPS: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    hours: fc.integer({ min: 0, max: 300 }),
    what: fc.constantFrom('rsa', 'ed25519', 'find', 'sweep', 'unwanted'),
  }),
  { maxLength: 40 },
)

function taken(ring: Ring, { what }: Step, now: number): Ring {
  if (what === 'find') return activated(ring, () => true, now)
  if (what === 'sweep') return swept(ring, now)
  if (what === 'unwanted') return retired(ring, ({ algorithm }) => algorithm === 'ed25519', now)
  const selector = freeSelector(SELECTORS, ring)
  const isWaiting = pendingKeys(ring).some(({ algorithm }) => algorithm === what)
  return selector === undefined || isWaiting ? ring : [...ring, keyAt(selector, now, what)]
}

test('whatever happens, one RSA key signs, no selector has two keys, and what was signed with stays published for 8 days', () => {
  fc.assert(
    fc.property(STEPS, (steps) => {
      let ring = first
      let now = 0
      const lastUse = new Map<string, number>()
      for (const step of steps) {
        for (const { pem } of activeKeys(ring)) lastUse.set(pem, (now += step.hours * 3_600_000))
        ring = taken(ring, step, now)
        const active = activeKeys(ring)
        assert.equal(active[0]?.algorithm, 'rsa')
        assert.ok(active.length <= 2 && new Set(active.map(({ algorithm }) => algorithm)).size === active.length)
        assert.equal(new Set(ring.map(({ selector }) => selector)).size, ring.length)
        assert.ok(hasKey(ring, 'rsa'))
        for (const [pem, at] of lastUse) {
          if (now - at < 8 * DAY) assert.ok(ring.some((key) => key.pem === pem && isPublished(key)))
        }
      }
    }),
  )
})

describe('keys as text', () => {
  test('are read as they were written', () => {
    const ring = swept([...first, keyAt('two', 5, 'ed25519')], DAY)
    assert.deepEqual(readRing(JSON.stringify(ring)), ring)
    assert.deepEqual(readRing('[]'), [])
  })

  test('are read whole or not at all, and no error shows them', () => {
    const key = { ...first[0]!, pem: 'SECRET' }
    const wrong = [key, { ...key, state: 'lost' }]
    for (const text of ['', '{}', 'null', '[null]', '["SECRET"]', JSON.stringify(wrong), `[${JSON.stringify(key)}`]) {
      assert.throws(
        () => readRing(text),
        (error: Error) => !error.message.includes('SECRET') && error.message.includes('cannot be read'),
      )
    }
    fc.assert(
      fc.property(fc.json(), (text) => {
        try {
          for (const { selector, pem } of readRing(text)) assert.ok(typeof pem === 'string' && selector !== '')
        } catch (error) {
          assert.match(String(error), /cannot be read/)
        }
      }),
    )
  })
})
