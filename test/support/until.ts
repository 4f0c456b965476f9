/** Waiting for what the server does in its own time, without a clock: by asking again. */
import assert from 'node:assert/strict'

// Enough for whatever takes seconds on a busy machine; the test's own time limit comes first.
const MOST_QUESTIONS = 100_000

/** Asks until the answer will do, and gives that one; fails with the last one when it never does. */
export async function until<T>(ask: () => Promise<T>, holds: (answer: T) => boolean): Promise<T> {
  let answer = await ask()
  for (let asked = 1; !holds(answer); asked++) {
    assert.ok(asked < MOST_QUESTIONS, `still ${JSON.stringify(answer)}`)
    answer = await ask()
  }
  return answer
}
