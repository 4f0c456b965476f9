/** Work that came in one turn of the event loop, done in step. */

let turn: Promise<void> | undefined

/**
 * Resolves when this turn of the event loop has brought all that it brings. Whatever came with it then goes on
 * together, each at the same await: a function that runs sixty times in a row finds its code in the processor's
 * caches, where sixty messages, one after the other from beginning to end, each push out what the next one needs
 * (measured: two thirds of the CPU time a message, docs/performance.md). Who comes alone waits for nothing.
 */
export function endOfTurn(): Promise<void> {
  turn ??= new Promise((resolve) => {
    setImmediate(() => {
      turn = undefined
      resolve()
    })
  })
  return turn
}
