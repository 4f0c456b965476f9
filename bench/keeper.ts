/**
 * Cleans up after a benchmark, however it ends: knows the processes it started and the folders it made, and when its
 * standard input ends, ends the ones and removes the others. A process of its own, so that it outlives a kill -9.
 */
import { rmSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { startedAt } from './proc.ts'

export type Keep =
  | { readonly child: number; readonly startedAt: number }
  | { readonly ended: number }
  | { readonly folder: string }

/** How long what is asked to end may take; then it is killed. */
const PATIENCE_MS = 5_000
const STEP_MS = 50

const children = new Map<number, number>()
const folders = new Set<string>()

// The terminal sends Ctrl-C to all of its processes. This one has to stay for the end of the others.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})

for await (const line of createInterface({ input: process.stdin })) {
  const keep = JSON.parse(line) as Keep
  if ('child' in keep) children.set(keep.child, keep.startedAt)
  else if ('ended' in keep) children.delete(keep.ended)
  else folders.add(keep.folder)
}

signal('SIGTERM')
for (let waited = 0; waited < PATIENCE_MS && living().length > 0; waited += STEP_MS) await sleep(STEP_MS)
signal('SIGKILL')
for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })

/** An id may by now be another's. */
function living(): readonly number[] {
  return [...children].filter(([pid, since]) => startedAt(pid) === since).map(([pid]) => pid)
}

function signal(name: 'SIGTERM' | 'SIGKILL'): void {
  for (const pid of living()) {
    try {
      process.kill(pid, name)
    } catch {
      // It has ended meanwhile.
    }
  }
}
