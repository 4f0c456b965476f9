/** Work that came in one turn of the event loop, done in step. */

type Group = { readonly isDue: Promise<void>; readonly begin: () => void; size: number }

/** Enough for the caches; more would leave the writer without work until all of them have come to it. */
const LARGEST_GROUP = 24

const groups: Group[] = []

/**
 * Resolves when this turn of the event loop has brought what it brings. Whatever came with it then goes on together,
 * each at the same await: a function that runs twenty times in a row finds its code in the processor's caches, where
 * twenty messages, one after the other from beginning to end, each push out what the next one needs (measured:
 * docs/performance.md). Who comes alone waits for nothing; of many, some begin, and the others a turn later.
 */
export function endOfTurn(): Promise<void> {
  let group = groups.at(-1)
  if (group === undefined || group.size === LARGEST_GROUP) {
    const { promise, resolve } = Promise.withResolvers<void>()
    group = { isDue: promise, begin: resolve, size: 0 }
    groups.push(group)
    if (groups.length === 1) setImmediate(beginOne)
  }
  group.size += 1
  return group.isDue
}

function beginOne(): void {
  groups.shift()?.begin()
  if (groups.length > 0) setImmediate(beginOne)
}
