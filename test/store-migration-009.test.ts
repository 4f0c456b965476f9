/** Migration 009: identities of earlier versions keep their DKIM keys, each under its selector. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { openStore } from '../src/store/open.ts'
import type { Dkim } from '../src/store/types.ts'
import { postgres } from './support/postgres.ts'
import { keptLog, NOON, sampleIdentity, SCOPE } from './support/stores.ts'

type Old = Omit<Partial<Dkim>, 'keys'> & { readonly privateKeys: readonly string[] }

const EASY: Old = { state: 'SUCCESS', tokens: ['t1', 't2', 't3'], privateKeys: ["it's a key"], keysMadeAt: NOON }
const OLD: Readonly<Record<string, Old>> = {
  'easy.example': EASY,
  'gone.example': { ...EASY, state: 'TEMPORARY_FAILURE' },
  'new.example': { ...EASY, state: 'PENDING' },
  'keyless.example': { ...EASY, privateKeys: [] },
  'own.example': {
    state: 'SUCCESS',
    origin: 'EXTERNAL',
    selector: 'shop',
    tokens: [],
    privateKeys: ['own\nkey'],
    keysMadeAt: null,
  },
}

function documentOf(name: string): string {
  const { keys: _, ...dkim } = sampleIdentity(name).dkim
  return JSON.stringify({ ...sampleIdentity(name), createdAt: NOON - 1, dkim: { ...dkim, ...OLD[name] } })
}

/** Statements that put the identities into a database of schema 8. */
function inserts(): readonly string[] {
  return Object.keys(OLD).map((name) => {
    const values = [SCOPE.account, SCOPE.region, name, 'DOMAIN', documentOf(name)]
    const literals = values.map((value) => `'${value.replaceAll("'", "''")}'`)
    return `insert into identities (account, region, name, kind, document) values (${literals.join(', ')})`
  })
}

async function assertMigrated(database: string): Promise<void> {
  const store = await openStore({ database, log: keptLog() })
  await using _ = { [Symbol.asyncDispose]: () => store.close() }
  const keysOf = async (name: string) => (await store.identities.find(SCOPE, name))?.dkim.keys
  const key = { selector: 't1', algorithm: 'rsa', pem: "it's a key", since: NOON, publishedBy: 'operator' }
  assert.deepEqual(await keysOf('easy.example'), [{ ...key, state: 'active' }])
  assert.deepEqual(await keysOf('gone.example'), [{ ...key, state: 'active' }])
  assert.deepEqual(await keysOf('new.example'), [{ ...key, state: 'pending' }])
  assert.deepEqual(await keysOf('keyless.example'), [])
  assert.deepEqual(await keysOf('own.example'), [
    { ...key, selector: 'shop', pem: 'own\nkey', since: NOON - 1, publishedBy: 'owner', state: 'active' },
  ])
  const { dkim } = (await store.identities.find(SCOPE, 'easy.example'))!
  assert.equal('privateKeys' in dkim, false)
}

describe('DKIM keys of a database of schema 8', () => {
  test('stand under their selectors on SQLite', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sesame-migration-'))
    const path = join(folder, 'sesame.db')
    await (await openStore({ database: `sqlite:${path}`, log: keptLog() })).close()
    const database = new DatabaseSync(path)
    for (const statement of [...inserts(), await migration('sqlite')]) database.exec(statement)
    database.close()
    await assertMigrated(`sqlite:${path}`)
    await rm(folder, { recursive: true })
  })

  test('stand under their selectors on PostgreSQL', async () => {
    const server = await postgres()
    const database = await server.schema()
    await (await openStore({ database, log: keptLog() })).close()
    for (const statement of [...inserts(), await migration('postgres')]) await server.sql(statement, database)
    await assertMigrated(database)
  })
})

async function migration(engine: 'sqlite' | 'postgres'): Promise<string> {
  const folder = join(import.meta.dirname, '..', 'src', 'store', engine, 'migrations')
  const file = (await readdir(folder)).find((name) => name.startsWith('009-'))
  return await readFile(join(folder, file ?? ''), 'utf8')
}
