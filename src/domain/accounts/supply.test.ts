import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Supply } from './supply.ts'

type Fetch = { readonly held: number; readonly sums: readonly number[]; readonly answer: (held: number) => void }

function start() {
  const fetches: Fetch[] = []
  let taken = 0
  const supply = new Supply<null>({
    check: () => {},
    onTake: (amount) => void (taken += amount),
    fetch: (held, sums) => new Promise((resolve) => void fetches.push({ held, sums, answer: resolve })),
  })
  return { supply, fetches, taken: () => taken }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('a supply', () => {
  test('gives at once what it holds', () => {
    const { supply, fetches, taken } = start()
    supply.held = 3
    assert.equal(supply.take(2, null), true)
    assert.equal(supply.take(1, null), true)
    assert.deepEqual([fetches.length, taken()], [0, 3])
  })

  test('fetches once for all who come at the same time, and lets nobody through meanwhile', async () => {
    const { supply, fetches } = start()
    supply.held = 1
    const first = [2, 1, 3].map((amount) => supply.take(amount, null))
    // Somebody gives back: those who come now still wait behind the others.
    supply.held += 5
    const second = [supply.take(1, null), supply.take(4, null)]
    await turn()
    assert.deepEqual(
      fetches.map(({ held, sums }) => [held, sums]),
      [[1, [2]]],
    )
    fetches[0]!.answer(1)
    await turn()
    const rest = fetches.slice(1)
    for (const { answer } of rest) answer(0)
    await turn()
    assert.equal(typeof first[0], 'object')
    const answers = await Promise.all([...first, ...second].map(async (each) => each))
    assert.ok(fetches.length <= 3, `${fetches.length}`)
    assert.equal(answers[0], true)
  })

  test('lets callers pass in their turn while anything is left, and the last one take more than that', async () => {
    const { supply, fetches } = start()
    const answers = [2, 3, 1].map((amount) => supply.take(amount, null))
    await turn()
    fetches[0]!.answer(2)
    await turn()
    assert.deepEqual(fetches[1]!.sums, [3, 4])
    fetches[1]!.answer(3)
    assert.deepEqual(await Promise.all(answers.map(async (each) => each)), [true, true, false])
    assert.equal(supply.held, 0)
  })

  test('fails all who wait when it cannot fetch, and tries again for the next', async () => {
    let attempts = 0
    const supply = new Supply<null>({
      check: () => {},
      onTake: () => {},
      async fetch() {
        if (++attempts === 1) throw new Error('away')
        return 1
      },
    })
    const first = [supply.take(1, null), supply.take(1, null)].map(async (each) => each)
    const results = await Promise.allSettled(first)
    assert.equal(results[0]!.status, 'rejected')
    assert.equal(await supply.take(1, null), true)
  })

  test('lets callers wait while something is given back', async () => {
    const { supply, fetches } = start()
    supply.held = 5
    const given = Promise.withResolvers<void>()
    const giving = supply.giveBack(async (held) => {
      assert.equal(held, 5)
      await given.promise
    })
    const answer = supply.take(1, null)
    await turn()
    assert.equal(fetches.length, 0)
    given.resolve()
    await giving
    await turn()
    fetches[0]!.answer(1)
    assert.equal(await answer, true)
  })
})
