/** Schemas: those of every released version are brought up to date, by several processes at once, and later ones refused. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import assert from 'node:assert/strict'
import { openStore } from '../src/store/open.ts'
import { startApp } from './support/app.ts'
import { emptyDirectory } from './support/cli.ts'
import { assertFilled } from './support/filled.ts'
import { postgres, schemaOf } from './support/postgres.ts'
import { ENGINES, FILLING, keptVersions, restore } from './support/schemas.ts'
import { keptLog, openAt } from './support/stores.ts'
import { sendThrough } from './support/surfaces.ts'

const PROGRAM = join(import.meta.dirname, 'support', 'open-once.ts')
const AT_ONCE = 4

async function openByMany(database: string): Promise<void> {
  const opened = Array.from({ length: AT_ONCE }, () => promisify(execFile)(process.execPath, [PROGRAM, database]))
  await Promise.all(opened)
}

const VERSIONS = await keptVersions()

describe('a schema', () => {
  for (const engine of ENGINES) {
    for (const version of VERSIONS) {
      test(`of release ${version} on ${engine} is brought up to date by several at once, with all that is in it`, async (t) => {
        const database = await restore(version, engine, await emptyDirectory(t))
        await openByMany(database)
        await using store = await openAt(database)
        await assertFilled(store, FILLING)
        await store.close()
        await using app = await startApp({ config: { database } })
        const verdict = await sendThrough('v2', app, {})
        assert.ok('messageId' in verdict, JSON.stringify(verdict))
        await app.idle()
      })
    }

    test(`of a new database on ${engine} is made once, by several at once`, async (t) => {
      const file = `sqlite:${join(await emptyDirectory(t), 'sesame.db')}`
      await openByMany(engine === 'sqlite' ? file : await (await postgres()).schema())
    })
  }

  test('of a later version is refused on PostgreSQL, with what to do, and left as it is', async () => {
    const server = await postgres()
    const database = await server.schema()
    await (await openAt(database)).close()
    await server.sql(`update ${schemaOf(database)}.sesame_schema set version = 4711`)
    await assert.rejects(openStore({ database, log: keptLog() }), /it has schema 4711.*or a later one/)
    const [row] = await server.sql(`select version::int as version from ${schemaOf(database)}.sesame_schema`)
    assert.equal(row?.['version'], 4711)
  })

  test('of another program is refused on PostgreSQL', async () => {
    const server = await postgres()
    const database = await server.schema()
    await server.sql(`create table ${schemaOf(database)}.theirs (a int)`)
    await assert.rejects(openStore({ database, log: keptLog() }), /holds tables of another program/)
  })
})
