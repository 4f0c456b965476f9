/** What operators do with mail that waits: over the admin API, and with `sesame queue`. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { DeleteEmailIdentityCommand } from '@aws-sdk/client-sesv2'
import { startApp } from './support/app.ts'
import { sesame } from './support/cli.ts'
import { fakeDns } from './support/dns.ts'
import { emptyDatabase, openShared } from './support/nodes.ts'
import { NOON } from './support/stores.ts'
import { until } from './support/until.ts'
import { SENDER_DOMAIN, startWorld, WORLD_SENDER, type World } from './support/world.ts'

const GREYLISTED = '451 4.7.1 Greylisted, try again later'

async function typesOf(world: World, id: string): Promise<readonly string[]> {
  return (await world.events(id)).map(({ type }) => type)
}

async function act(world: World, action: string, body: object): Promise<unknown> {
  const reply = await world.app.admin('POST', `/_sesame/queue/${action}`, body)
  assert.equal(reply.status, 200, JSON.stringify(reply.body))
  return reply.body
}

describe('holding mail back', () => {
  test('of a destination, an account, a message or all, until it is resumed; other mail goes on', async () => {
    await using world = await startWorld()
    const one = await world.domain('one.test', '127.0.0.2')
    const two = await world.domain('two.test', '127.0.0.3')
    assert.deepEqual(await act(world, 'suspend', { destination: 'One.test' }), { isNew: true })
    assert.deepEqual(await act(world, 'suspend', { destination: 'one.test' }), { isNew: false })
    await world.send(['bob@one.test', 'eve@two.test'])
    await world.app.idle()
    assert.deepEqual([one.mails.length, two.mails.length], [0, 1])
    await world.pass(60)
    assert.equal(one.mails.length, 0)
    const { body } = await world.app.admin('GET', '/_sesame/queue/suspensions')
    assert.deepEqual(body, {
      suspensions: [{ destination: 'one.test', since: new Date(NOON).toISOString() }],
    })
    assert.deepEqual(await act(world, 'resume', { destination: 'one.test' }), { wasSuspended: true, jobs: 1 })
    await world.app.idle()
    assert.equal(one.mails.length, 1)
    assert.deepEqual(await act(world, 'resume', { destination: 'one.test' }), { wasSuspended: false, jobs: 0 })

    for (const selection of [{ account: '000000000000' }, { all: true }]) {
      await act(world, 'suspend', selection)
      const id = await world.send(['bob@one.test'])
      await world.app.idle()
      assert.deepEqual(await typesOf(world, id), ['Send'])
      await act(world, 'resume', selection)
      await world.app.idle()
      assert.deepEqual(await typesOf(world, id), ['Send', 'Delivery'])
    }
  })

  test('outlives a restart', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'sesame-queue-'))
    const database = `sqlite:${join(dir, 'kept.db')}`
    let id = ''
    {
      await using world = await startWorld({ database })
      await world.domain('one.test', '127.0.0.2')
      await act(world, 'suspend', { destination: 'one.test' })
      id = await world.send(['bob@one.test'])
      await world.app.idle()
      // Each world makes it anew.
      await world.app.sesv2.send(new DeleteEmailIdentityCommand({ EmailIdentity: SENDER_DOMAIN }))
    }
    {
      await using world = await startWorld({ database })
      const one = await world.domain('one.test', '127.0.0.2')
      await world.pass(30)
      assert.deepEqual([one.mails.length, await typesOf(world, id)], [0, ['Send']])
      await act(world, 'resume', { destination: 'one.test' })
      await world.app.idle()
      assert.equal(one.mails.length, 1)
    }
    await rm(dir, { recursive: true })
  })

  test('is heard of on other nodes', async () => {
    const database = await emptyDatabase()
    await using here = await openShared(database)
    await using there = await openShared(database)
    const heard: string[] = []
    there.onChange((changes) => heard.push(...changes.map(({ kind }) => kind)))
    assert.ok(await here.suspensions.put({ kind: 'destination', value: 'one.test', since: NOON }))
    assert.equal(await here.suspensions.put({ kind: 'destination', value: 'one.test', since: NOON }), false)
    await until(
      async () => heard,
      (kinds) => kinds.includes('suspensions'),
    )
    assert.deepEqual(await there.suspensions.list(), [{ kind: 'destination', value: 'one.test', since: NOON }])
    assert.ok(await there.suspensions.remove('destination', 'one.test'))
    assert.deepEqual(await here.suspensions.list(), [])
  })

  test('holds on every node, whoever was told', async () => {
    const database = await emptyDatabase()
    await using world = await startWorld({ database })
    const one = await world.domain('one.test', '127.0.0.2')
    await using other = await startApp({ config: world.app.services.config, dns: fakeDns(world.zone) })
    const suspended = await other.admin('POST', '/_sesame/queue/suspend', { destination: 'one.test' })
    assert.deepEqual(suspended.body, { isNew: true })
    // Written by one, and heard by the other within a moment.
    const id = await until(
      async () => {
        const sent = await world.send(['bob@one.test'])
        await world.app.idle()
        return (await typesOf(world, sent)).length === 1 ? sent : ''
      },
      (sent) => sent !== '',
    )
    const before = one.mails.length
    await other.idle()
    assert.equal(one.mails.length, before)
    const resumed = await world.app.admin('POST', '/_sesame/queue/resume', { destination: 'one.test' })
    assert.deepEqual(resumed.body, { wasSuspended: true, jobs: 1 })
    await until(
      async () => {
        await Promise.all([world.app.idle(), other.idle()])
        return await typesOf(world, id)
      },
      (types) => types.includes('Delivery'),
    )
    assert.equal(one.mails.length, before + 1)
  })

  test('asks which mail is meant', async () => {
    await using world = await startWorld()
    for (const body of [{}, { all: true, account: '000000000000' }, { account: '1', destination: 'one.test' }]) {
      const { status } = await world.app.admin('POST', '/_sesame/queue/suspend', body)
      assert.equal(status, 400, JSON.stringify(body))
    }
  })
})

describe('a retry', () => {
  test('comes at once for what waits for its time', async () => {
    await using world = await startWorld()
    const one = await world.domain('one.test', '127.0.0.2', { rcpt: GREYLISTED })
    const two = await world.domain('two.test', '127.0.0.3', { rcpt: GREYLISTED })
    await world.send(['bob@one.test', 'eve@two.test'])
    await world.app.idle()
    one.behaviour = {}
    two.behaviour = {}
    assert.deepEqual(await act(world, 'retry', { destination: 'one.test' }), { jobs: 1 })
    await world.app.idle()
    assert.deepEqual([one.mails.length, two.mails.length], [1, 0])
  })

  test('ends the pause of a site that turned us away', async () => {
    await using world = await startWorld()
    const one = await world.domain('one.test', '127.0.0.2', { greeting: '421 4.3.2 Not now' })
    await world.send(['bob@one.test'])
    await world.app.idle()
    const { body } = await world.app.admin('GET', '/_sesame/queue/sites')
    assert.match(JSON.stringify(body), /"site":"mx\.one\.test".*"pausedUntil":"2026/)
    one.behaviour = {}
    await act(world, 'retry', { all: true })
    await world.app.idle()
    assert.equal(one.mails.length, 1)
  })
})

describe('dropping', () => {
  test('tells the sender as of mail that expired, and suppresses nobody', async () => {
    await using world = await startWorld()
    await world.domain('one.test', '127.0.0.2', { rcpt: GREYLISTED })
    const home = await world.domain(SENDER_DOMAIN, '127.0.0.4')
    const id = await world.send(['bob@one.test'])
    await world.app.idle()
    assert.deepEqual(await act(world, 'drop', { message: id }), { dropped: 1, underWay: 0 })
    await world.app.idle()
    const [bounce] = (await world.events(id)).filter(({ type }) => type === 'Bounce')
    assert.deepEqual([bounce!.said['bounceType'], bounce!.said['bounceSubType']], ['Transient', 'General'])
    assert.deepEqual(bounce!.said['bouncedRecipients'], [
      {
        emailAddress: 'bob@one.test',
        action: 'failed',
        status: '4.4.7',
        diagnosticCode: 'smtp; 550 4.4.7 Message dropped from the queue by the operator',
      },
    ])
    assert.deepEqual(
      home.mails.map(({ recipients }) => recipients),
      [[WORLD_SENDER]],
    )
    await world.pass(900)
    assert.equal((await typesOf(world, id)).filter((type) => type === 'Bounce').length, 1)
  })

  test('is silent when that is asked for, and leaves other mail alone', async () => {
    await using world = await startWorld()
    const one = await world.domain('one.test', '127.0.0.2')
    const home = await world.domain(SENDER_DOMAIN, '127.0.0.4')
    await act(world, 'suspend', { all: true })
    const ids = [await world.send(['bob@one.test']), await world.send(['bob@one.test'])]
    await world.app.idle()
    assert.deepEqual(await act(world, 'drop', { message: ids[0], silent: true }), { dropped: 1, underWay: 0 })
    await act(world, 'resume', { all: true })
    await world.app.idle()
    assert.deepEqual([await typesOf(world, ids[0]!), await typesOf(world, ids[1]!)], [['Send'], ['Send', 'Delivery']])
    assert.deepEqual([one.mails.length, home.mails.length], [1, 0])
  })

  test('leaves what is under way', async () => {
    await using world = await startWorld()
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>()
    const one = await world.domain('one.test', '127.0.0.2', {
      mail: () => {
        ask()
        return 'stall'
      },
    })
    const id = await world.send(['bob@one.test'])
    await asked
    assert.deepEqual(await act(world, 'drop', { all: true }), { dropped: 0, underWay: 1 })
    assert.deepEqual(await typesOf(world, id), ['Send'])
    await one[Symbol.asyncDispose]()
  })
})

describe('sesame queue', () => {
  test('shows what waits, holds it back, lets it go and drops it', async () => {
    await using world = await startWorld()
    const one = await world.domain('one.test', '127.0.0.2')
    const queue = (...args: string[]) => sesame(['queue', ...args, '--url', world.app.url])
    assert.equal((await queue()).out, 'Nothing waits.\n')
    assert.equal((await queue('suspend', '--destination', 'one.test')).out, 'Suspended.\n')
    const ids = [await world.send(['bob@one.test']), await world.send(['bob@one.test'])]
    await world.app.idle()
    const shown = (await queue('list')).out
    assert.match(shown, /^destination one\.test +suspended since 2026-/m)
    for (const id of ids) assert.match(shown, new RegExp(`^${id} +one\\.test, 0 attempts, due 2026-`, 'm'))
    assert.equal((await queue('drop', '--message', ids[0]!, '--silent')).out, '1 jobs dropped.\n')
    assert.equal((await queue('resume', '--destination', 'one.test')).out, 'Resumed. 1 jobs go on now.\n')
    await world.app.idle()
    assert.equal(one.mails.length, 1)
    assert.equal((await queue('retry', '--all', '--json')).out, '{"jobs":0}\n')
    assert.equal((await queue('drop')).code, 2)
    assert.equal((await queue('explode')).code, 2)
  })

  test('works on the store where no server runs', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'sesame-queue-'))
    const here = ['--data-dir', dir]
    assert.equal((await sesame(['queue', 'suspend', '--all', ...here])).out, 'Suspended.\n')
    assert.match((await sesame(['queue', ...here])).out, /^everything +suspended since/m)
    await rm(dir, { recursive: true })
  })
})
