/** Mail that operators have leave from another egress pool. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Config } from '../src/config/config.ts'
import { DEFAULT_SHAPING } from '../src/config/shaping.ts'
import { sesame } from './support/cli.ts'
import { emptyDatabase } from './support/nodes.ts'
import { until } from './support/until.ts'
import { startWorld, type World } from './support/world.ts'

const SHARED = { address: '127.0.0.11', name: 'shared.sesame.test', pool: 'ses-shared-pool' }
const NEWS = { address: '127.0.0.13', name: 'news.sesame.test', pool: 'news' }
const POOLS: Partial<Config> = { egress: [SHARED, NEWS] }
const GREYLISTED = '451 4.7.1 Greylisted, try again later'

async function act(world: World, action: string, body: object): Promise<unknown> {
  const reply = await world.app.admin('POST', `/_sesame/queue/${action}`, body)
  assert.equal(reply.status, 200, JSON.stringify(reply.body))
  return reply.body
}

describe('moving', () => {
  for (const engine of ['SQLite', 'PostgreSQL']) {
    test(`has mail leave from another pool from its next attempt on, until it is moved again (${engine})`, async () => {
      const database = engine === 'SQLite' ? {} : { database: await emptyDatabase() }
      await using world = await startWorld({ ...POOLS, ...database })
      const one = await world.domain('one.test', '127.0.0.2', { rcpt: GREYLISTED })
      const two = await world.domain('two.test', '127.0.0.3', { rcpt: GREYLISTED })
      const id = await world.send(['bob@one.test', 'eve@two.test'])
      await world.app.idle()
      assert.deepEqual(await act(world, 'move', { destination: 'one.test', pool: 'news' }), { moved: 1, underWay: 0 })
      await world.app.idle()
      const { body } = await world.app.admin('GET', '/_sesame/queue?destination=one.test')
      assert.match(JSON.stringify(body), /"attempts":1.*"pool":"news"/)
      // It is kept over attempts that fail.
      await world.pass(3)
      one.behaviour = {}
      two.behaviour = {}
      await world.pass(10)
      assert.deepEqual([one.mails[0]?.helo, two.mails[0]?.helo], [NEWS.name, SHARED.name])
      const message = await world.app.admin('GET', `/_sesame/messages/${id}`)
      assert.equal(JSON.stringify(message.body).split('moved to the pool news by the operator').length, 2)

      two.behaviour = { rcpt: GREYLISTED }
      const again = await world.send(['eve@two.test'])
      await world.app.idle()
      await act(world, 'move', { account: '000000000000', pool: 'news' })
      await act(world, 'move', { message: again, pool: 'ses-shared-pool' })
      two.behaviour = {}
      await act(world, 'retry', { all: true })
      await world.app.idle()
      assert.deepEqual(
        two.mails.map(({ helo }) => helo),
        [SHARED.name, SHARED.name],
      )
    })
  }

  test('takes hold of what is about to begin, and leaves what is under way', async () => {
    const limitsBySite = { ...DEFAULT_SHAPING, default: { maxConnections: 1, maxRatePerMinute: undefined } }
    await using world = await startWorld({ ...POOLS, limitsBySite })
    const one = await world.domain('one.test', '127.0.0.2', { dot: '' })
    const ids = [
      await world.send(['bob@one.test']),
      await world.send(['bob@one.test']),
      await world.send(['x@one.test']),
    ]
    await until(
      async () => one.heard.includes('DATA'),
      (isThere) => isThere,
    )
    assert.deepEqual(await act(world, 'move', { all: true, pool: 'news' }), { moved: ids.length, underWay: 1 })
    one.behaviour = {}
    // Its attempt fails, and its next one leaves from the other pool.
    one.hangUp()
    await world.app.idle()
    await act(world, 'retry', { all: true })
    await world.app.idle()
    assert.deepEqual(
      one.mails.map(({ helo }) => helo),
      ids.map(() => NEWS.name),
    )
  })

  test('is refused to a pool that there is not', async () => {
    await using world = await startWorld(POOLS)
    for (const body of [{ all: true }, { all: true, pool: 'nwes' }, { pool: 'news' }]) {
      const { status } = await world.app.admin('POST', '/_sesame/queue/move', body)
      assert.equal(status, 400, JSON.stringify(body))
    }
    const queue = (...args: string[]) => sesame(['queue', ...args, '--url', world.app.url])
    assert.match((await queue('move', '--all', '--pool', 'nwes')).err, /no pool nwes. There are ses-shared-pool, news/)
    assert.match((await queue('move', '--all')).err, /say where to/)
    assert.equal((await queue('move', '--all', '--pool', 'news')).out, '0 jobs moved.\n')
  })
})
