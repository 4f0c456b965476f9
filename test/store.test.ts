/** The contract of the store, on every engine: accounts, keys, identities, configuration sets. Messages: store-messages.test.ts. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import {
  ELSEWHERE,
  ENGINES,
  NOON,
  SCOPE,
  SETTINGS,
  SOMEBODY_ELSE,
  sampleAcceptance,
  sampleIdentity,
  sampleKey,
  sampleSet,
} from './support/stores.ts'

const ACCOUNT = { id: SCOPE.account, name: 'default', email: null, createdAt: NOON }

function trues(answers: readonly boolean[]): number {
  return answers.filter(Boolean).length
}

for (const engine of ENGINES) {
  describe(`accounts and keys on ${engine.name}`, () => {
    test('an account is found as it was inserted, and its id is taken once', async () => {
      await using opened = await engine.open()
      const { accounts } = opened.store
      const rivals = ['a', 'b', 'c', 'd'].map((name) => accounts.insert({ ...ACCOUNT, name }))
      const answers = await Promise.all(rivals)
      assert.equal(trues(answers), 1)
      const winner = ['a', 'b', 'c', 'd'][answers.indexOf(true)]
      assert.deepEqual(await accounts.find(ACCOUNT.id), { ...ACCOUNT, name: winner })
      assert.equal(await accounts.find('999999999999'), undefined)
    })

    test('an update changes the members given, and tells when there is no such account', async () => {
      await using opened = await engine.open()
      const { accounts } = opened.store
      await accounts.insert(ACCOUNT)
      assert.equal(await accounts.update(ACCOUNT.id, { email: 'owner@example.com' }), true)
      assert.equal(await accounts.update(ACCOUNT.id, { name: 'renamed' }), true)
      assert.equal(await accounts.update('999999999999', { name: 'nobody' }), false)
      assert.deepEqual(await accounts.find(ACCOUNT.id), { ...ACCOUNT, name: 'renamed', email: 'owner@example.com' })
      assert.equal(await accounts.update(ACCOUNT.id, { email: null }), true)
      assert.equal((await accounts.find(ACCOUNT.id))?.email, null)
    })

    test('accounts are listed by id', async () => {
      await using opened = await engine.open()
      const { accounts } = opened.store
      for (const id of ['300000000000', '100000000000', '200000000000']) await accounts.insert({ ...ACCOUNT, id })
      assert.deepEqual(
        (await accounts.list()).map(({ id }) => id),
        ['100000000000', '200000000000', '300000000000'],
      )
    })

    test('settings are of one region, and start from the defaults given', async () => {
      await using opened = await engine.open()
      const { accounts } = opened.store
      assert.equal(await accounts.settings(SCOPE), undefined)
      const patched = await accounts.patchSettings(SCOPE, SETTINGS, { sendingEnabled: false })
      assert.deepEqual(patched, { ...SETTINGS, sendingEnabled: false })
      assert.deepEqual(await accounts.settings(SCOPE), patched)
      assert.equal(await accounts.settings(ELSEWHERE), undefined)
      const again = await accounts.patchSettings(SCOPE, { ...SETTINGS, maxSendRate: 99 }, { max24HourSend: 50_000 })
      assert.deepEqual(again, { ...SETTINGS, sendingEnabled: false, max24HourSend: 50_000 })
    })

    test('patches of the settings at the same time are all kept', async () => {
      await using opened = await engine.open()
      const { accounts } = opened.store
      await Promise.all([
        accounts.patchSettings(SCOPE, SETTINGS, { sendingEnabled: false }),
        accounts.patchSettings(SCOPE, SETTINGS, { productionAccess: true }),
        accounts.patchSettings(SCOPE, SETTINGS, { maxSendRate: 14 }),
        accounts.patchSettings(SCOPE, SETTINGS, { suppressedReasons: [] }),
      ])
      const expected = {
        ...SETTINGS,
        sendingEnabled: false,
        productionAccess: true,
        maxSendRate: 14,
        suppressedReasons: [],
      }
      assert.deepEqual(await accounts.settings(SCOPE), expected)
    })

    test('the regions of an account are those with settings or identities', async () => {
      await using opened = await engine.open()
      const { accounts, identities } = opened.store
      await accounts.patchSettings({ ...SCOPE, region: 'us-west-2' }, SETTINGS, {})
      await identities.insert(ELSEWHERE, sampleIdentity('example.com'))
      await identities.insert({ ...SCOPE, region: 'us-west-2' }, sampleIdentity('example.com'))
      await identities.insert({ ...SOMEBODY_ELSE, region: 'sa-east-1' }, sampleIdentity('example.com'))
      assert.deepEqual(await accounts.regions(SCOPE.account), ['eu-west-1', 'us-west-2'])
    })

    test('an access key is found by its id alone, which is taken once', async () => {
      await using opened = await engine.open()
      const { keys } = opened.store
      const temporary = {
        ...sampleKey('ASIA1'),
        policy: '{}',
        active: false,
        sessionToken: 'session',
        expiresAt: NOON + 1,
      }
      assert.equal(await keys.insert(temporary), true)
      assert.deepEqual(await keys.find('ASIA1'), temporary)
      assert.equal(await keys.insert(sampleKey('ASIA1', SOMEBODY_ELSE.account)), false)
      assert.equal(trues(await Promise.all([1, 2, 3].map(() => keys.insert(sampleKey('AKIA2'))))), 1)
      assert.equal(await keys.find('AKIA3'), undefined)
    })

    test('keys are listed and removed by their account', async () => {
      await using opened = await engine.open()
      const { keys } = opened.store
      for (const id of ['B', 'A', 'C']) await keys.insert(sampleKey(id))
      await keys.insert(sampleKey('D', SOMEBODY_ELSE.account))
      assert.deepEqual(
        (await keys.list(SCOPE.account)).map(({ id }) => id),
        ['A', 'B', 'C'],
      )
      assert.equal(await keys.remove(SOMEBODY_ELSE.account, 'A'), false)
      assert.equal(await keys.remove(SCOPE.account, 'A'), true)
      assert.equal(await keys.remove(SCOPE.account, 'A'), false)
      assert.deepEqual(
        (await keys.list(SCOPE.account)).map(({ id }) => id),
        ['B', 'C'],
      )
    })
  })

  describe(`identities on ${engine.name}`, () => {
    test('a name is taken once in an account and region', async () => {
      await using opened = await engine.open()
      const { identities } = opened.store
      const rivals = [1, 2, 3, 4].map((createdAt) =>
        identities.insert(SCOPE, sampleIdentity('example.com', { createdAt })),
      )
      const answers = await Promise.all(rivals)
      assert.equal(trues(answers), 1)
      assert.equal((await identities.find(SCOPE, 'example.com'))?.createdAt, answers.indexOf(true) + 1)
      assert.equal(await identities.insert(ELSEWHERE, sampleIdentity('example.com')), true)
      assert.equal(await identities.insert(SOMEBODY_ELSE, sampleIdentity('example.com')), true)
      assert.equal(await identities.find(SCOPE, 'EXAMPLE.com'), undefined)
    })

    test('those of many names that exist are found, each once', async () => {
      await using opened = await engine.open()
      const { identities } = opened.store
      const names = Array.from({ length: 40 }, (_, index) => `d${index}.example`)
      await Promise.all(names.map((name) => identities.insert(SCOPE, sampleIdentity(name))))
      const wanted = ['missing.example', ...names.slice(3, 38), 'd7.example', 'd7.example']
      const found = await identities.findMany(SCOPE, wanted)
      assert.deepEqual(found.map(({ name }) => name).toSorted(), names.slice(3, 38).toSorted())
      assert.deepEqual(await identities.findMany(SCOPE, []), [])
      assert.deepEqual(await identities.findMany(ELSEWHERE, wanted), [])
    })

    test('a patch replaces the members given and answers with the whole', async () => {
      await using opened = await engine.open()
      const { identities } = opened.store
      const identity = sampleIdentity('example.com')
      await identities.insert(SCOPE, identity)
      const patch = { tags: [{ key: 'a', value: 'b' }], configurationSet: 'set' }
      assert.deepEqual(await identities.patch(SCOPE, 'example.com', patch), { ...identity, ...patch })
      assert.deepEqual(await identities.find(SCOPE, 'example.com'), { ...identity, ...patch })
      assert.equal(await identities.patch(ELSEWHERE, 'example.com', patch), undefined)
    })

    test('patches at the same time are all kept', async () => {
      await using opened = await engine.open()
      const { identities } = opened.store
      const identity = sampleIdentity('example.com')
      await identities.insert(SCOPE, identity)
      const patches = [
        { tags: [{ key: 'a', value: 'b' }] },
        { configurationSet: 'set' },
        { feedback: { forwardingEnabled: false } },
      ]
      await Promise.all(patches.map((patch) => identities.patch(SCOPE, 'example.com', patch)))
      assert.deepEqual(await identities.find(SCOPE, 'example.com'), Object.assign({}, identity, ...patches))
    })

    test('a listing goes page by page in the order of names, of one kind or of all', async () => {
      await using opened = await engine.open()
      const { identities } = opened.store
      for (const name of ['c.example', 'a@c.example', 'a.example', 'b.example', 'z@c.example']) {
        await identities.insert(SCOPE, sampleIdentity(name))
      }
      await identities.insert(ELSEWHERE, sampleIdentity('d.example'))
      const first = await identities.list(SCOPE, undefined, { limit: 3 })
      assert.deepEqual(
        first.items.map(({ name }) => name),
        ['a.example', 'a@c.example', 'b.example'],
      )
      const second = await identities.list(SCOPE, undefined, { limit: 3, after: first.next })
      assert.deepEqual(
        second.items.map(({ name }) => name),
        ['c.example', 'z@c.example'],
      )
      assert.equal(second.next, undefined)
      const domains = await identities.list(SCOPE, 'DOMAIN', { limit: 3 })
      assert.deepEqual(
        domains.items.map(({ name }) => name),
        ['a.example', 'b.example', 'c.example'],
      )
      assert.equal(domains.next, undefined)
      assert.equal((await identities.list(SCOPE, 'EMAIL_ADDRESS', { limit: 1 })).next, 'a@c.example')
      assert.equal(await identities.count(SCOPE), 5)
      assert.equal(await identities.count(SOMEBODY_ELSE), 0)
    })

    test('checks that are due come from all accounts, the longest overdue first', async () => {
      await using opened = await engine.open()
      const { identities } = opened.store
      assert.equal(await identities.nextDue(), undefined)
      await identities.insert(SCOPE, sampleIdentity('never.example'))
      await identities.insert(SCOPE, sampleIdentity('b.example', { nextCheckAt: NOON }))
      await identities.insert(SOMEBODY_ELSE, sampleIdentity('a.example', { nextCheckAt: NOON - 5 }))
      await identities.insert(ELSEWHERE, sampleIdentity('later.example', { nextCheckAt: NOON + 1 }))
      const due = await identities.due(NOON, 10)
      assert.deepEqual(
        due.map(({ scope, identity }) => [scope, identity.name]),
        [
          [SOMEBODY_ELSE, 'a.example'],
          [SCOPE, 'b.example'],
        ],
      )
      assert.equal((await identities.due(NOON, 1)).length, 1)
      assert.equal(await identities.nextDue(), NOON - 5)
      await identities.patch(SOMEBODY_ELSE, 'a.example', { nextCheckAt: null })
      assert.equal(await identities.nextDue(), NOON)
    })

    test('policies are inserted once, replaced, listed by name and removed', async () => {
      await using opened = await engine.open()
      const { identities } = opened.store
      await identities.insert(SCOPE, sampleIdentity('example.com'))
      const policy = { identity: 'example.com', name: 'p', policy: '{}' }
      assert.equal(trues(await Promise.all([1, 2, 3].map(() => identities.insertPolicy(SCOPE, policy)))), 1)
      await identities.putPolicy(SCOPE, { ...policy, policy: '{"a":1}' })
      await identities.putPolicy(SCOPE, { ...policy, name: 'o' })
      assert.deepEqual(await identities.policies(SCOPE, 'example.com'), [
        { ...policy, name: 'o' },
        { ...policy, policy: '{"a":1}' },
      ])
      assert.deepEqual(await identities.policies(ELSEWHERE, 'example.com'), [])
      assert.equal(await identities.removePolicy(SCOPE, 'example.com', 'p'), true)
      assert.equal(await identities.removePolicy(SCOPE, 'example.com', 'p'), false)
    })

    test('an identity takes its policies with it, and none can come after', async () => {
      await using opened = await engine.open()
      const { identities } = opened.store
      const policy = { identity: 'example.com', name: 'p', policy: '{}' }
      await identities.insert(SCOPE, sampleIdentity('example.com'))
      await identities.putPolicy(SCOPE, policy)
      assert.equal(await identities.remove(SCOPE, 'example.com'), true)
      assert.equal(await identities.remove(SCOPE, 'example.com'), false)
      await identities.putPolicy(SCOPE, policy)
      assert.equal(await identities.insertPolicy(SCOPE, policy), false)
      await identities.insert(SCOPE, sampleIdentity('example.com'))
      assert.deepEqual(await identities.policies(SCOPE, 'example.com'), [])
    })
  })

  describe(`configuration sets on ${engine.name}`, () => {
    test('a name is taken once in an account and region, and free again after removal', async () => {
      await using opened = await engine.open()
      const { configurationSets } = opened.store
      assert.equal(trues(await Promise.all([1, 2, 3].map(() => configurationSets.insert(SCOPE, sampleSet('set'))))), 1)
      assert.deepEqual(await configurationSets.find(SCOPE, 'set'), sampleSet('set'))
      assert.equal(await configurationSets.insert(ELSEWHERE, sampleSet('set')), true)
      assert.equal(await configurationSets.remove(SCOPE, 'set'), true)
      assert.equal(await configurationSets.remove(SCOPE, 'set'), false)
      assert.equal(await configurationSets.find(SCOPE, 'set'), undefined)
      assert.equal(await configurationSets.insert(SCOPE, sampleSet('set')), true)
    })

    test('patches at the same time are all kept, and one of nothing answers so', async () => {
      await using opened = await engine.open()
      const { configurationSets } = opened.store
      await configurationSets.insert(SCOPE, sampleSet('set'))
      const patches = [{ sendingEnabled: false }, { archiveArn: 'arn' }, { tags: [{ key: 'a', value: 'b' }] }]
      await Promise.all(patches.map((patch) => configurationSets.patch(SCOPE, 'set', patch)))
      assert.deepEqual(await configurationSets.find(SCOPE, 'set'), Object.assign({}, sampleSet('set'), ...patches))
      assert.equal(await configurationSets.patch(SCOPE, 'none', { archiveArn: 'arn' }), undefined)
    })

    test('a listing goes page by page in the order of names', async () => {
      await using opened = await engine.open()
      const { configurationSets } = opened.store
      for (const name of ['c', 'a', 'b']) await configurationSets.insert(SCOPE, sampleSet(name))
      const first = await configurationSets.list(SCOPE, { limit: 2 })
      assert.deepEqual([first.items.map(({ name }) => name), first.next], [['a', 'b'], 'b'])
      const second = await configurationSets.list(SCOPE, { limit: 2, after: 'b' })
      assert.deepEqual([second.items.map(({ name }) => name), second.next], [['c'], undefined])
      assert.equal(await configurationSets.count(SCOPE), 3)
    })
  })

  describe(`reset on ${engine.name}`, () => {
    test('empties everything, and later messages still come behind earlier ones', async () => {
      await using opened = await engine.open()
      const { store } = opened
      await store.accounts.insert(ACCOUNT)
      await store.accounts.patchSettings(SCOPE, SETTINGS, {})
      await store.keys.insert(sampleKey('AKIA1'))
      await store.identities.insert(SCOPE, sampleIdentity('example.com'))
      await store.configurationSets.insert(SCOPE, sampleSet('set'))
      const [job] = await store.messages.accept(sampleAcceptance('m1'))
      const seq = (await store.messages.find('m1'))!.seq
      await store.reset()
      assert.deepEqual(await store.accounts.list(), [])
      assert.deepEqual(await store.accounts.regions(SCOPE.account), [])
      assert.equal(await store.keys.find('AKIA1'), undefined)
      assert.equal(await store.identities.count(SCOPE), 0)
      assert.equal(await store.configurationSets.count(SCOPE), 0)
      assert.deepEqual(await store.messages.list({}, { limit: 10 }), [])
      assert.deepEqual(await store.messages.unfinishedJobs(0, 10), [])
      assert.deepEqual(await store.messages.sentPerMinute(SCOPE, 0), [])
      const [next] = await store.messages.accept(sampleAcceptance('m1'))
      assert.ok(next!.id > job!.id)
      assert.ok((await store.messages.find('m1'))!.seq > seq)
    })
  })
}
