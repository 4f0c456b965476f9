/** Accepted means kept, at the store: a process that is killed while it accepts loses nothing that it acknowledged. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { openStore } from '../src/store/open.ts'
import type { Store } from '../src/store/store.ts'
import { NOON, SCOPE, keptLog } from './support/stores.ts'

const ROUNDS = 3
const ACKNOWLEDGED_BEFORE_THE_KILL = 500
const PROGRAM = join(import.meta.dirname, 'support', 'accept-forever.ts')

/** Gives the ids that the process had printed when it died. */
async function acceptUntilKilled(database: string, round: number): Promise<string[]> {
  const child = spawn(process.execPath, [PROGRAM, database, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const gone = once(child, 'exit')
  const ids: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    ids.push(line)
    if (ids.length === ACKNOWLEDGED_BEFORE_THE_KILL) child.kill('SIGKILL')
  }
  assert.deepEqual(await gone, [null, 'SIGKILL'])
  return ids
}

/** Of bodies that the kill interrupted nothing stays behind. */
async function sweptOfPieces({ upkeep }: Store, folder: string): Promise<void> {
  while ((await upkeep.sweepBodies(NOON + 1, 10)) > 0);
  const database = new DatabaseSync(join(folder, 'sesame.db'), { readOnly: true })
  const pieces = database
    .prepare('select (select count(*) from body_pieces) as kept, (select sum(pieces) from messages) as wanted')
    .get()
  database.close()
  assert.ok(Number(pieces?.['wanted']) > 0)
  assert.equal(pieces?.['kept'], pieces?.['wanted'])
}

test('kill -9 loses no acknowledged message, and leaves none in parts', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sesame-crash-'))
  const database = `sqlite:${join(folder, 'sesame.db')}`
  const acknowledged = new Set<string>()
  try {
    for (let round = 0; round < ROUNDS; round++) {
      for (const id of await acceptUntilKilled(database, round)) acknowledged.add(id)
    }
    assert.ok(acknowledged.size >= ROUNDS * ACKNOWLEDGED_BEFORE_THE_KILL)

    const store = await openStore({ database, log: keptLog() })
    const stored = await store.messages.list({}, { limit: 1_000_000 })
    const ids = stored.map(({ message }) => message.id)
    assert.equal(new Set(ids).size, ids.length, 'each is there once')
    assert.deepEqual(acknowledged.difference(new Set(ids)), new Set(), 'each acknowledged one is there')

    const jobs = await store.messages.unfinishedJobs(0, 1_000_000)
    assert.deepEqual(jobs.map(({ messageId }) => messageId).toSorted(), ids.toSorted(), 'with its job')
    for (const id of ids) {
      assert.deepEqual(
        (await store.messages.events(SCOPE, id)).map(({ type }) => type),
        ['Send'],
      )
      assert.deepEqual(
        (await store.messages.recipients(SCOPE, id)).map(({ address }) => address),
        [`${id}@example.org`],
      )
      assert.match(
        Buffer.from((await store.messages.raw(SCOPE, id)) ?? []).toString('latin1'),
        new RegExp(`Hello, ${id}\\.`),
      )
    }
    const counted = await store.messages.sentPerMinute(SCOPE, 0)
    assert.equal(
      counted.reduce((sum, { recipients }) => sum + recipients, 0),
      ids.length,
    )
    await sweptOfPieces(store, folder)
    await store.close()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
