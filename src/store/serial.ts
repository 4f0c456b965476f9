/** Tasks one after another. */

export type Serial = <T>(task: () => T | Promise<T>) => Promise<T>

/** Makes a queue: each task starts when the one before it has ended, well or not. */
export function serial(): Serial {
  let last: Promise<unknown> = Promise.resolve()
  return (task) => {
    const next = last.then(task, task)
    last = next
    return next
  }
}
