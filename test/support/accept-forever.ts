/** A process for crash.test.ts: accepts messages as fast as it can, and prints the id of each once it is acknowledged. */
import { writeSync } from 'node:fs'
import { openStore } from '../../src/store/open.ts'
import { keptLog, largeBody, sampleAcceptance } from './stores.ts'

const AT_ONCE = 32
/** Some are always being written in pieces when the kill comes. */
const LARGE_EVERY = 100

const [database, round] = process.argv.slice(2)
const store = await openStore({ database: database!, log: keptLog() })
let count = 0

async function acceptForever(): Promise<never> {
  for (;;) {
    const id = `${round}-${(count += 1)}`
    const sample = { to: [`${id}@example.org`], ...(count % LARGE_EVERY === 0 ? { raw: largeBody(id) } : {}) }
    await store.messages.accept(sampleAcceptance(id, sample))
    // Unbuffered: what was printed was acknowledged before the kill, and nothing acknowledged is kept back for long.
    writeSync(1, `${id}\n`)
  }
}

await Promise.all(Array.from({ length: AT_ONCE }, acceptForever))
