/** Work that came in one turn of the event loop, done in step. */

/** Fewer gain nothing for the caches; more would leave the writer without work until all of them have come to it. */
const SMALLEST_GROUP = 8
const LARGEST_GROUP = 24
/** Of what waits so many groups are made, so that one is taken in while another is written and a third answered. */
const GROUPS = 3

let waiting: (() => void)[] = []

/**
 * Resolves when this turn of the event loop has brought what it brings. Whatever came with it then goes on together,
 * each at the same await: a function that runs twenty times in a row finds its code in the processor's caches, where
 * twenty messages, one after the other from beginning to end, each push out what the next one needs (measured:
 * docs/performance.md). Who comes alone waits for nothing; of many, some begin, and the others a turn later.
 */
export function endOfTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve)
    if (waiting.length === 1) setImmediate(begin)
  })
}

function begin(): void {
  const share = Math.ceil(waiting.length / GROUPS)
  const group = waiting.slice(0, Math.min(Math.max(share, SMALLEST_GROUP), LARGEST_GROUP))
  waiting = waiting.slice(group.length)
  if (waiting.length > 0) setImmediate(begin)
  for (const go of group) go()
}
