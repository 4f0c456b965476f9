/** Waiting for what comes about in another process, which tells nobody. */

const LONGEST_MS = 20_000
const PAUSE_MS = 50

/** What `look` finds, as soon as it finds something. */
export async function until<T>(what: string, look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const deadline = Date.now() + LONGEST_MS
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (Date.now() > deadline) throw new Error(`${what}: not within ${LONGEST_MS / 1000} seconds`)
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}
