/** Who hears of a change, and when: on every engine, and between the nodes on one PostgreSQL. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import type { Change } from '../src/store/changes.ts'
import type { Store } from '../src/store/store.ts'
import { startPooler } from './support/pooler.ts'
import { postgres } from './support/postgres.ts'
import {
  ENGINES,
  NOON,
  SCOPE,
  SETTINGS,
  keptLog,
  openAt,
  sampleAcceptance,
  sampleIdentity,
  sampleKey,
  sampleSet,
} from './support/stores.ts'
import { until } from './support/until.ts'

const { account, region } = SCOPE
const NAME = 'example.com'

type Written = {
  readonly by: string
  readonly write: (store: Store) => Promise<unknown>
  readonly changes: readonly Change[]
}

/** Every write of what caches keep, in an order in which each finds what it needs. */
const WRITES: readonly Written[] = [
  {
    by: 'accounts.insert',
    write: ({ accounts }) => accounts.insert({ id: account, name: 'default', email: null, createdAt: NOON }),
    changes: [{ kind: 'accounts', account }],
  },
  {
    by: 'accounts.update',
    write: ({ accounts }) => accounts.update(account, { name: 'renamed' }),
    changes: [{ kind: 'accounts', account }],
  },
  {
    by: 'accounts.patchSettings',
    write: ({ accounts }) => accounts.patchSettings(SCOPE, SETTINGS, {}),
    changes: [{ kind: 'settings', account, region }],
  },
  {
    by: 'keys.insert',
    write: ({ keys }) => keys.insert(sampleKey('AKIA1')),
    changes: [{ kind: 'keys', account, name: 'AKIA1' }],
  },
  {
    by: 'keys.remove',
    write: ({ keys }) => keys.remove(account, 'AKIA1'),
    changes: [{ kind: 'keys', account, name: 'AKIA1' }],
  },
  {
    by: 'identities.insert',
    write: ({ identities }) => identities.insert(SCOPE, sampleIdentity(NAME)),
    changes: [{ kind: 'identities', account, region, name: NAME }],
  },
  {
    by: 'identities.patch',
    write: ({ identities }) => identities.patch(SCOPE, NAME, { tags: [] }),
    changes: [{ kind: 'identities', account, region, name: NAME }],
  },
  {
    by: 'identities.insertPolicy',
    write: ({ identities }) => identities.insertPolicy(SCOPE, { identity: NAME, name: 'p', policy: '{}' }),
    changes: [{ kind: 'policies', account, region, name: NAME }],
  },
  {
    by: 'identities.putPolicy',
    write: ({ identities }) => identities.putPolicy(SCOPE, { identity: NAME, name: 'p', policy: '{}' }),
    changes: [{ kind: 'policies', account, region, name: NAME }],
  },
  {
    by: 'identities.removePolicy',
    write: ({ identities }) => identities.removePolicy(SCOPE, NAME, 'p'),
    changes: [{ kind: 'policies', account, region, name: NAME }],
  },
  {
    by: 'identities.remove',
    write: ({ identities }) => identities.remove(SCOPE, NAME),
    changes: [
      { kind: 'identities', account, region, name: NAME },
      { kind: 'policies', account, region, name: NAME },
    ],
  },
  {
    by: 'configurationSets.insert',
    write: ({ configurationSets }) => configurationSets.insert(SCOPE, sampleSet('set')),
    changes: [{ kind: 'configurationSets', account, region, name: 'set' }],
  },
  {
    by: 'configurationSets.patch',
    write: ({ configurationSets }) => configurationSets.patch(SCOPE, 'set', { sendingEnabled: false }),
    changes: [{ kind: 'configurationSets', account, region, name: 'set' }],
  },
  {
    by: 'configurationSets.remove',
    write: ({ configurationSets }) => configurationSets.remove(SCOPE, 'set'),
    changes: [{ kind: 'configurationSets', account, region, name: 'set' }],
  },
  {
    by: 'suppressions.put',
    write: ({ suppressions }) =>
      suppressions.put(SCOPE, {
        address: 'a@x.test',
        reason: 'BOUNCE',
        updatedAt: NOON,
        messageId: null,
        feedbackId: null,
      }),
    changes: [{ kind: 'suppressions', account, region }],
  },
  {
    by: 'suppressions.remove',
    write: ({ suppressions }) => suppressions.remove(SCOPE, 'a@x.test'),
    changes: [{ kind: 'suppressions', account, region }],
  },
  { by: 'reset', write: (store) => store.reset(), changes: [{ kind: 'all' }] },
]

/** Without members that are undefined, and without the word of a new connection that anything may have changed. */
function plain(changes: readonly Change[]): readonly Change[] {
  return changes.map((change) => JSON.parse(JSON.stringify(change)) as Change)
}

function heardOf(store: Store): Change[] {
  const heard: Change[] = []
  store.onChange((changes) => void heard.push(...plain(changes)))
  return heard
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Opens a store that hears what other nodes change. */
async function openNode(database: string): Promise<Store> {
  const store = await openAt(database)
  await hears(store, heardOf(store), 'all')
  return store
}

/** Asks until such a change was heard of. */
async function hears(store: Store, heard: readonly Change[], kind: Change['kind']): Promise<void> {
  await until(
    async () => {
      await store.accounts.list()
      return heard
    },
    (changes) => changes.some((change) => change.kind === kind),
  )
}

for (const engine of ENGINES) {
  describe(`changes on ${engine.name}`, () => {
    test('each write tells what it changed, when it is there to be read and before the writer goes on', async () => {
      await using opened = await engine.open()
      const { store } = opened
      for (const { by, write, changes } of WRITES) {
        const heard = heardOf(store)
        await write(store)
        for (const change of changes) {
          assert.ok(
            heard.some((each) => JSON.stringify(each) === JSON.stringify(change)),
            `${by}: ${JSON.stringify(heard)}`,
          )
        }
      }
    })

    test('what a listener reads when it is told is what was written', async () => {
      await using opened = await engine.open()
      const { store } = opened
      await store.identities.insert(SCOPE, sampleIdentity(NAME))
      const seen: Promise<unknown>[] = []
      const stop = store.onChange(([change]) => {
        if (change?.kind === 'identities') seen.push(store.identities.find(SCOPE, NAME))
      })
      await store.identities.remove(SCOPE, NAME)
      stop()
      assert.ok(seen.length > 0)
      // The notice of the first write may have come late: the last that was told is of the second.
      assert.equal((await Promise.all(seen)).at(-1), undefined)
    })

    test('messages, jobs and outcomes are told to nobody', async () => {
      await using opened = await engine.open()
      const { store } = opened
      const heard = heardOf(store)
      const [job] = await store.messages.accept(sampleAcceptance('m1'))
      await store.messages.settle({
        scope: SCOPE,
        messageId: 'm1',
        jobId: job!.id,
        at: NOON,
        updates: [{ position: 0, status: 'delivered', reply: null }],
        events: [],
        attempt: null,
        counts: { bounces: 0, complaints: 0, rejects: 0 },
      })
      assert.deepEqual(
        heard.filter(({ kind }) => kind !== 'all'),
        [],
      )
    })
  })
}

async function twoNodes(): Promise<AsyncDisposable & { readonly a: Store; readonly b: Store }> {
  const database = await (await postgres()).schema()
  const [a, b] = await Promise.all([openNode(database), openNode(database)])
  return {
    a,
    b,
    async [Symbol.asyncDispose]() {
      await Promise.all([a.close(), b.close()])
    },
  }
}

describe('changes between nodes', () => {
  test('each write on one is heard of on the other, but not by an installation in another schema', async () => {
    await using nodes = await twoNodes()
    await using others = await twoNodes()
    const heard = heardOf(nodes.b)
    const heardElsewhere = heardOf(others.b)
    for (const { write } of WRITES) await write(nodes.a)
    const expected = WRITES.flatMap(({ changes }) => changes).map((change) => JSON.stringify(change))
    await until(
      async () => {
        await nodes.b.accounts.list()
        return heard.map((change) => JSON.stringify(change))
      },
      (texts) => expected.every((text) => texts.includes(text)),
    )
    // A notice of theirs comes after any of the others' would have.
    await others.a.keys.insert(sampleKey('AKIA9'))
    await hears(others.b, heardElsewhere, 'keys')
    assert.ok(!heardElsewhere.some(({ kind }) => kind === 'identities'))
  })

  test('a connection that breaks is made again, and everything is taken as changed', async () => {
    await using nodes = await twoNodes()
    const heard = heardOf(nodes.b)
    const { sql } = await postgres()
    await sql(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'sesame notices'`)
    await hears(nodes.b, heard, 'all')
    await nodes.a.keys.insert(sampleKey('AKIA1'))
    await hears(nodes.b, heard, 'keys')
  })

  test('a write that fails tells nobody else', async () => {
    await using nodes = await twoNodes()
    const heard = heardOf(nodes.b)
    await assert.rejects(nodes.a.keys.insert({ ...sampleKey('AKIA1'), createdAt: Number.NaN }))
    await nodes.a.keys.insert(sampleKey('AKIA2'))
    await hears(nodes.b, heard, 'keys')
    assert.deepEqual(
      heard.filter(({ kind }) => kind === 'keys').map(({ name }) => name),
      ['AKIA2'],
    )
  })
})

test('where notices do not get through, as behind a pooler, that is said once and all else works', async () => {
  await using pooler = await startPooler(await (await postgres()).schema())
  const log = keptLog()
  await using store = await openAt(pooler.url, { log })
  const heard = heardOf(store)
  await until(
    async () => {
      await store.accounts.list()
      await turn()
      return log.lines
    },
    (lines) => lines.some((line) => line.startsWith('LISTEN does not work')),
  )
  await store.keys.insert(sampleKey('AKIA1'))
  assert.deepEqual(heard, [{ kind: 'keys', account, name: 'AKIA1' }])
  assert.deepEqual(await store.keys.find('AKIA1'), sampleKey('AKIA1'))
  await store.close()
  assert.equal(log.lines.length, 1)
})
