/** Addresses of ours that are new get a limit for each day and site; what is more leaves from others, or waits. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { CreateConfigurationSetCommand, DeleteEmailIdentityCommand } from '@aws-sdk/client-sesv2'
import type { Config } from '../src/config/config.ts'
import { DEFAULT_SHAPING } from '../src/config/shaping.ts'
import { sesame } from './support/cli.ts'
import { emptyDatabase, openShared } from './support/nodes.ts'
import { ENGINES, NOON } from './support/stores.ts'
import { SENDER_DOMAIN, startWorld, type World } from './support/world.ts'

const TODAY = Math.floor(NOON / 86_400_000)
const NEW = { address: '127.0.0.11', name: 'new.sesame.test', pool: 'ses-shared-pool', since: TODAY }
const OLD = { address: '127.0.0.12', name: 'old.sesame.test', pool: 'ses-shared-pool' }
const NEWS = { address: '127.0.0.13', name: 'news.sesame.test', pool: 'news', since: TODAY }

function settings(egress: Config['egress'], firstDay = 2, lastDay = 8): Partial<Config> {
  return { egress, limitsBySite: { ...DEFAULT_SHAPING, warmup: { days: 3, firstDay, lastDay } } }
}

async function sendMany(world: World, count: number, to: string, set?: string): Promise<readonly string[]> {
  const ids: string[] = []
  for (let each = 0; each < count; each++) {
    ids.push(await world.send([to], set === undefined ? {} : { set }))
    await world.app.idle()
  }
  return ids
}

type Address = { readonly address: string; readonly sites: readonly object[] }

async function shown(world: World): Promise<readonly Address[]> {
  const { status, body } = await world.app.admin('GET', '/_sesame/queue/warmup')
  assert.equal(status, 200)
  return (body as { readonly addresses: readonly Address[] }).addresses
}

describe('an address that is warmed up', () => {
  test('takes so much for each site and day; the rest waits for the next, and nobody is told', async () => {
    await using world = await startWorld(settings([NEW]))
    const one = await world.domain('one.test', '127.0.0.2')
    const two = await world.domain('two.test', '127.0.0.3')
    const ids = await sendMany(world, 5, 'bob@one.test')
    await sendMany(world, 1, 'eve@two.test')
    assert.deepEqual([one.mails.length, two.mails.length], [2, 1])
    assert.deepEqual(await shown(world), [
      {
        address: '127.0.0.11',
        name: 'new.sesame.test',
        pool: 'ses-shared-pool',
        status: 'IN_PROGRESS',
        percentage: 0,
        day: 1,
        days: 3,
        limit: 2,
        sites: [
          { site: 'mx.one.test', taken: 2 },
          { site: 'mx.two.test', taken: 1 },
        ],
      },
    ])
    const { body } = await world.app.admin('GET', '/_sesame/queue')
    const { jobs } = body as { readonly jobs: readonly { readonly attempts: number; readonly dueAt: string }[] }
    assert.deepEqual(
      jobs.map(({ attempts, dueAt }) => [attempts, dueAt.slice(0, 14)]),
      [0, 0, 0].map((attempts) => [attempts, '2026-01-16T00:']),
    )
    const types = async () => (await Promise.all(ids.map(world.events))).map((events) => events.map(({ type }) => type))
    assert.deepEqual((await types())[4], ['Send'])
    // Nothing changes that day, also when it is asked for.
    await world.app.admin('POST', '/_sesame/queue/retry', { all: true })
    await world.app.idle()
    assert.equal(one.mails.length, 2)

    await world.pass(12 * 60 + 10)
    assert.equal(one.mails.length, 5)
    assert.deepEqual(
      await types(),
      ids.map(() => ['Send', 'Delivery']),
    )
    assert.deepEqual((await shown(world))[0]?.sites, [{ site: 'mx.one.test', taken: 3 }])
  })

  test('leaves the rest to an address of its pool that is warm, and to no other pool', async () => {
    await using world = await startWorld(settings([NEW, OLD, NEWS]))
    const one = await world.domain('one.test', '127.0.0.2')
    const set = 'news'
    await world.app.sesv2.send(
      new CreateConfigurationSetCommand({ ConfigurationSetName: set, DeliveryOptions: { SendingPoolName: 'news' } }),
    )
    await sendMany(world, 3, 'bob@one.test', set)
    await sendMany(world, 20, 'bob@one.test')
    const from = Map.groupBy(one.mails, ({ helo }) => helo)
    const counts = [NEWS, NEW, OLD].map(({ name }) => from.get(name)?.length)
    assert.deepEqual(counts, [2, 2, 18])
    assert.equal((await sesame(['queue', 'warmup', '--url', world.app.url])).out, SHOWN)
  })

  test('does not count what its site was not offered', async () => {
    await using world = await startWorld(settings([NEW]))
    world.zone['mx.gone.test'] = { a: ['127.0.0.9'] }
    world.zone['gone.test'] = { mx: ['10 mx.gone.test'] }
    await sendMany(world, 1, 'bob@gone.test')
    for (let each = 0; each < 3; each++) {
      await world.app.admin('POST', '/_sesame/queue/retry', { all: true })
      await world.app.idle()
    }
    const queued = await world.app.admin('GET', '/_sesame/queue')
    assert.match(JSON.stringify(queued.body), /"attempts":4/)
  })

  test('has mail expire as SES does when there is no room to the end of its life', async () => {
    await using world = await startWorld(settings([NEW], 1, 1))
    const one = await world.domain('one.test', '127.0.0.2')
    await world.domain(SENDER_DOMAIN, '127.0.0.4')
    const ids = await sendMany(world, 3, 'bob@one.test')
    await world.pass(12 * 60 + 10)
    assert.equal(one.mails.length, 2)
    await world.pass(3 * 60)
    const events = (await Promise.all(ids.map(world.events))).flat()
    const [bounce] = events.filter(({ type }) => type === 'Bounce')
    assert.deepEqual([bounce?.said['bounceType'], bounce?.said['bounceSubType']], ['Transient', 'General'])
    assert.match(JSON.stringify(bounce?.said['bouncedRecipients']), /expired.*Daily limit of the sending addresses/)
    assert.equal(events.filter(({ type }) => type === 'DeliveryDelay').length, 0)
  })

  test('counts over a restart, with what it held and did not use given back', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'sesame-warmup-'))
    const config = { database: `sqlite:${join(dir, 'kept.db')}`, ...settings([NEW], 160, 160) }
    for (const [sent, taken] of [
      [3, 11],
      [2, 14],
    ] as const) {
      await using world = await startWorld(config)
      await world.domain('one.test', '127.0.0.2')
      await sendMany(world, sent, 'bob@one.test')
      // A block of 10 more than was asked for.
      assert.deepEqual((await shown(world))[0]?.sites, [{ site: 'mx.one.test', taken }])
      // Each world makes it anew.
      await world.app.sesv2.send(new DeleteEmailIdentityCommand({ EmailIdentity: SENDER_DOMAIN }))
    }
    await rm(dir, { recursive: true })
  })
})

const SHOWN = `127.0.0.11 (ses-shared-pool)  day 1 of 3, 2 recipients a day and site
  mx.one.test                 2 today
127.0.0.13 (news)             day 1 of 3, 2 recipients a day and site
  mx.one.test                 2 today
`

describe('what is taken of a day', () => {
  for (const engine of ENGINES) {
    test(`ends at the limit, and comes back (${engine.name})`, async () => {
      await using opened = await engine.open()
      const { warmup } = opened.store
      const key = { day: 1, address: '192.0.2.1', site: 'google' }
      const take = (want: number, site = 'google') => warmup.take({ ...key, site, limit: 10, want })
      assert.deepEqual([await take(4), await take(4), await take(4), await take(1)], [4, 4, 2, 0])
      assert.equal(await take(4, 'yahoo'), 4)
      await warmup.give({ ...key, count: 3 })
      assert.deepEqual([await take(4), await take(4)], [3, 0])
      assert.deepEqual(await warmup.counts(1, key.address, 1), [{ address: key.address, site: 'google', taken: 10 }])
      await warmup.forget(2)
      assert.deepEqual(await warmup.counts(1, key.address, 9), [])
    })
  }

  test('is that of all nodes together', async () => {
    const database = await emptyDatabase()
    await using here = await openShared(database)
    await using there = await openShared(database)
    const asked = { day: 1, address: '192.0.2.1', site: 'google', limit: 100, want: 3 }
    const taken = await Promise.all(
      Array.from({ length: 60 }, async (_, each) => (each % 2 === 0 ? here : there).warmup.take(asked)),
    )
    assert.equal(
      taken.reduce((sum, each) => sum + each, 0),
      100,
    )
  })
})
