/** Waiting for what the server does in its own time: by asking again, as fast as it answers. */
import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'

/** For a machine that is many times slower than any of ours, and less than a test's own limit: the failure says what for. */
const LONGEST_MS = 60_000

/** Asks until the answer will do, and gives that one; fails with the last one when it never does. */
export async function until<T>(ask: () => Promise<T>, holds: (answer: T) => boolean): Promise<T> {
  const from = performance.now()
  let answer = await ask()
  while (!holds(answer)) {
    assert.ok(performance.now() - from < LONGEST_MS, `still ${JSON.stringify(answer)}`)
    // What is asked may answer from memory: sockets and timers must have their turn all the same.
    await setImmediate()
    answer = await ask()
  }
  return answer
}
