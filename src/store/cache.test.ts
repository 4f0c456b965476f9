import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Cache } from './cache.ts'

function cacheAt(clock: { now: number }, maxAgeMs = Number.POSITIVE_INFINITY) {
  return new Cache<string | undefined>({ now: () => clock.now, maxAgeMs: () => maxAgeMs })
}

const nobody = () => assert.fail('it is known')

describe('a cache', () => {
  test('reads once and then answers at once, also that there is nothing', async () => {
    const cache = cacheAt({ now: 0 })
    assert.equal(await cache.read('a', async () => 'x'), 'x')
    assert.equal(await cache.read('b', async () => undefined), undefined)
    assert.equal(cache.read('a', nobody), 'x')
    assert.equal(cache.read('b', nobody), undefined)
  })

  test('shares one read among those who miss at the same time', async () => {
    const cache = cacheAt({ now: 0 })
    const reading = Promise.withResolvers<string>()
    let reads = 0
    const load = () => {
      reads++
      return reading.promise
    }
    const [first, second, among] = [cache.read('a', load), cache.read('a', load), cache.readMany(['a'], nobody)]
    reading.resolve('x')
    assert.deepEqual([await first, await second, await among], ['x', 'x', ['x']])
    assert.equal(reads, 1)
  })

  test('does not keep a failure', async () => {
    const cache = cacheAt({ now: 0 })
    const failing = async () => {
      throw new Error('away')
    }
    await assert.rejects(async () => cache.read('a', failing), /away/)
    await assert.rejects(async () => cache.readMany(['a', 'b'], failing), /away/)
    assert.equal(await cache.read('a', async () => 'x'), 'x')
  })

  test('reads several keys together, but only those that it does not know, in the order asked', async () => {
    const cache = cacheAt({ now: 0 })
    await cache.read('b', async () => 'B')
    const asked: (readonly string[])[] = []
    const load = async (missing: readonly string[]) => {
      asked.push(missing)
      return (key: string) => key.toUpperCase()
    }
    assert.deepEqual(await cache.readMany(['a', 'b', 'c'], load), ['A', 'B', 'C'])
    assert.deepEqual(cache.readMany(['c', 'a', 'b'], load), ['C', 'A', 'B'])
    assert.deepEqual(asked, [['a', 'c']])
  })

  test('reads again what is older than it may be, counted from when it was asked for', async () => {
    const clock = { now: 0 }
    const cache = cacheAt(clock, 1000)
    const reading = Promise.withResolvers<string>()
    const first = cache.read('a', () => reading.promise)
    clock.now = 900
    reading.resolve('old')
    await first
    clock.now = 1000
    assert.equal(cache.read('a', nobody), 'old')
    clock.now = 1001
    assert.equal(await cache.read('a', async () => 'new'), 'new')
    // Set back: nobody knows how old it is.
    clock.now = 0
    assert.equal(await cache.read('a', async () => 'newer'), 'newer')
  })

  test('keeps what was used last, within a number of entries and of octets', async () => {
    const cache = cacheAt({ now: 0 })
    for (let index = 0; index < 10_000; index++) await cache.read(`${index}`, async () => 'x')
    assert.equal(cache.read('0', nobody), 'x')
    await cache.read('one more', async () => 'x')
    assert.equal(cache.read('0', nobody), 'x')
    assert.equal(await cache.read('1', async () => 'read again'), 'read again')
    assert.equal(cache.size.entries, 10_000)
    for (let index = 0; index < 300; index++) await cache.read(`large ${index}`, async () => 'x'.repeat(100_000))
    assert.ok(cache.size.bytes <= 8 * 1024 * 1024, `${cache.size.bytes}`)
    assert.ok(cache.size.entries >= 80, `${cache.size.entries}`)
    // Larger than it is worth: everything else would have to go for it.
    await cache.read('huge', async () => 'x'.repeat(1_000_000))
    assert.ok(cache.size.entries >= 80)
    assert.equal(await cache.read('huge', async () => 'anew'), 'anew')
  })

  test('counts nothing once everything is forgotten', async () => {
    const cache = cacheAt({ now: 0 })
    for (const key of ['a', 'b', 'c']) await cache.read(key, async () => 'value')
    cache.forget('a')
    assert.equal(cache.size.entries, 2)
    cache.forget('b')
    cache.forget('c')
    cache.forget('never there')
    assert.deepEqual(cache.size, { entries: 0, bytes: 0 })
    await cache.read('a', async () => 'value')
    cache.clear()
    assert.deepEqual(cache.size, { entries: 0, bytes: 0 })
  })
})

/**
 * A database of versions: a write makes the next one and forgets the key, at once or some steps later (a notice). A
 * read takes the version of the moment at which the database comes to it, and arrives some steps later.
 */
type Step =
  | { readonly kind: 'write'; readonly key: string }
  | { readonly kind: 'notice' }
  | { readonly kind: 'ask'; readonly key: string }
  | { readonly kind: 'look' }
  | { readonly kind: 'arrive' }

const key = fc.constantFrom('a', 'b')
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), key }),
  fc.record({ kind: fc.constant('notice' as const) }),
  fc.record({ kind: fc.constant('ask' as const), key }),
  fc.record({ kind: fc.constant('look' as const) }),
  fc.record({ kind: fc.constant('arrive' as const) }),
)

test('however reads, writes and notices come, nobody reads what was so before a change that was told', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const cache = new Cache<number>({ now: () => 0, maxAgeMs: () => Number.POSITIVE_INFINITY })
      const versions = new Map<string, number>()
      const told = new Map<string, number>()
      const notices: { readonly key: string; readonly version: number }[] = []
      const reads: { readonly key: string; version?: number; readonly resolve: (version: number) => void }[] = []
      const looked: typeof reads = []
      const answers: Promise<void>[] = []
      const run: { readonly [K in Step['kind']]: (of: string) => void } = {
        write(of) {
          versions.set(of, (versions.get(of) ?? 0) + 1)
          notices.push({ key: of, version: versions.get(of) ?? 0 })
        },
        notice() {
          const notice = notices.shift()
          if (notice === undefined) return
          cache.forget(notice.key)
          told.set(notice.key, notice.version)
        },
        ask(of) {
          const atLeast = told.get(of) ?? 0
          const load = () => new Promise<number>((resolve) => void reads.push({ key: of, resolve }))
          const answer = Promise.resolve(cache.read(of, load))
          answers.push(answer.then((version) => assert.ok(version >= atLeast, `${version}, told ${atLeast}`)))
        },
        look() {
          const read = reads.shift()
          if (read !== undefined) looked.push({ ...read, version: versions.get(read.key) ?? 0 })
        },
        arrive() {
          const read = looked.pop()
          if (read !== undefined) read.resolve(read.version ?? 0)
        },
      }
      for (const each of steps) {
        run[each.kind]('key' in each ? each.key : '')
        await Promise.resolve()
      }
      while (reads.length > 0) run.look('')
      while (looked.length > 0) run.arrive('')
      await Promise.all(answers)
    }),
    { numRuns: 500 },
  )
})
