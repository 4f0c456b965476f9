import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { keptLog } from '../../test/support/stores.ts'
import { HASTEN, PARK } from './jobs.ts'
import { openStore } from './open.ts'

test('many jobs are changed by their ids, however many an account has', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'sesame-jobs-'))
  const file = join(dir, 'jobs.db')
  await (await openStore({ database: `sqlite:${file}`, log: keptLog() })).close()
  const database = new DatabaseSync(file)
  for (const statement of [PARK, HASTEN]) {
    const plan = database.prepare(`explain query plan ${statement}`).all()
    assert.match(JSON.stringify(plan), /SEARCH jobs USING INTEGER PRIMARY KEY/)
  }
  database.close()
  await rm(dir, { recursive: true })
})
