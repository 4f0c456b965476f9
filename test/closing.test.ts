/** A stop while attempts are under way that would take minutes. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { movableClock, realClock } from '../src/platform/clock.ts'
import type { Behaviour } from './support/internet/mx.ts'
import { openAt } from './support/stores.ts'
import { until } from './support/until.ts'
import { startWorld } from './support/world.ts'

async function dataDir() {
  const path = await mkdtemp(join(tmpdir(), 'sesame-closing-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

const TARPITS: Readonly<Record<string, Behaviour>> = {
  'before the greeting': { greeting: 'stall' },
  'at a recipient': { rcpt: 'stall' },
  'after the final dot': { dot: 'stall' },
}

describe('a stop', () => {
  for (const [where, behaviour] of Object.entries(TARPITS)) {
    test(`ends attempts that hang ${where}, and they are made again later`, async () => {
      await using dir = await dataDir()
      const database = `sqlite:${join(dir.path, 'kept.db')}`
      const wallClock = movableClock(realClock())
      const world = await startWorld({ database }, { wallClock })
      const slow = await world.domain('slow.test', '127.0.0.2', behaviour)
      const id = await world.send(['bob@slow.test'])
      await until(
        async () => slow.sessions,
        (sessions) => sessions > 0,
      )
      let isClosed = false
      const closed = world[Symbol.asyncDispose]().then(() => (isClosed = true))
      await new Promise<void>((resolve) => void setImmediate(resolve))
      wallClock.advance(14_000)
      for (let turn = 0; turn < 20; turn++) await new Promise<void>((resolve) => void setImmediate(resolve))
      assert.equal(isClosed, false)
      wallClock.advance(1_000)
      await closed

      await using store = await openAt(database)
      const [job, ...others] = await store.messages.unfinishedJobs(0, 9)
      assert.deepEqual([job?.messageId, job?.attempts, others], [id, 1, []])
      const [attempt] = await store.messages.attempts(job!.scope, id)
      assert.match(attempt!.transcript.join('\n'), /ECANCELED/)
    })
  }
})
