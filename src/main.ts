/** The process: arguments, environment, streams, signals and exit code. Nothing else touches them. */
import { readFile } from 'node:fs/promises'
import { enableCompileCache } from 'node:module'
import { buffer } from 'node:stream/consumers'

// First of all, and without effect where bin/main.js did it already: what is loaded after this comes from the cache.
enableCompileCache()
const { run } = await import('./cli/run.ts')

// A reader that has gone away (`sesame … | head`) is no bug.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

const ended = run(process.argv.slice(2), {
  env: process.env,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  fetch: (...request) => fetch(...request),
  readFile: (path) => readFile(path),
  readStdin: () => buffer(process.stdin),
  onStopSignal(listener) {
    process.on('SIGTERM', listener)
    process.on('SIGINT', listener)
  },
  onStray(listener) {
    process.on('uncaughtException', (error) => listener(error, 'exception'))
    process.on('unhandledRejection', (error) => listener(error, 'rejection'))
  },
  exit: (code) => process.exit(code),
})
process.exitCode = await ended.catch((error: unknown) => {
  process.stderr.write(`sesame: a bug: ${error instanceof Error ? error.stack : String(error)}\n`)
  return 1
})

// All is done: whatever a library may have left open is not waited for.
setTimeout(() => process.exit(), 500).unref()
