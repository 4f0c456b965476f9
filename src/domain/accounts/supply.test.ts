import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Supply } from './supply.ts'

type Fetch = { readonly held: number; readonly sums: readonly number[]; readonly answer: (held: number) => void }

function start() {
  const fetches: Fetch[] = []
  let taken = 0
  let isOut = false
  const supply = new Supply<null>({
    check: () => {},
    isOut: () => isOut,
    onTake: (amount) => void (taken += amount),
    fetch: (held, sums) => new Promise((resolve) => void fetches.push({ held, sums, answer: resolve })),
  })
  return { supply, fetches, taken: () => taken, setOut: (is: boolean) => void (isOut = is) }
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
    const first = [2, 1, 3].map(async (amount) => supply.take(amount, null))
    await turn()
    // Somebody gives back: those who come now still wait behind the others.
    supply.held += 5
    const late = supply.take(1, null)
    assert.equal(typeof late, 'object')
    assert.deepEqual(
      fetches.map(({ held, sums }) => [held, sums]),
      [[1, [2, 3, 6]]],
    )
    fetches[0]!.answer(2)
    assert.deepEqual(await Promise.all(first), [true, true, true])
    assert.equal(await late, true)
    assert.deepEqual([fetches.length, supply.held], [1, 0])
  })

  test('refuses without a fetch what is known not to be there, also those who already wait', async () => {
    const { supply, fetches, setOut } = start()
    const first = supply.take(1, null)
    await turn()
    const waiting = supply.take(1, null)
    setOut(true)
    fetches[0]!.answer(1)
    assert.deepEqual([await first, await waiting], [true, false])
    await turn()
    assert.equal(supply.take(1, null), false)
    assert.equal(fetches.length, 1)
  })

  test('lets callers pass in their turn while anything is left, and the last one take more than that', async () => {
    const { supply, fetches } = start()
    const answers = [2, 3, 1].map(async (amount) => supply.take(amount, null))
    await turn()
    assert.deepEqual(fetches[0]!.sums, [2, 5, 6])
    // What there is, four, and the one that the second takes beyond it.
    fetches[0]!.answer(5)
    assert.deepEqual(await Promise.all(answers), [true, true, false])
    assert.equal(supply.held, 0)
  })

  test('fails all who wait when it cannot fetch, and tries again for the next', async () => {
    let attempts = 0
    const supply = new Supply<null>({
      check: () => {},
      isOut: () => false,
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
