/** The entry: JavaScript, so that it need not be compiled itself, and all that is loaded after it comes from the cache. */
import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

// A directory of our own: where others can write, they could put code of theirs.
const { directory } = enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/compile', import.meta.url)))
// Threads take it from the environment.
if (directory !== undefined) process.env.NODE_COMPILE_CACHE ??= directory
await import('../src/main.ts')
