/** Receiving on a machine of its own: a process with the role `inbound` beside others that send, on one database. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { startApp } from './support/app.ts'
import { emptyDatabase } from './support/nodes.ts'
import { bring, dsn, senderIn } from './support/reports.ts'
import { until } from './support/until.ts'
import { SENDER_DOMAIN, startWorld, WORLD_SENDER } from './support/world.ts'

test('a process that only receives tells of a bounce of mail that another sent', async () => {
  const database = await emptyDatabase()
  const hostname = 'out.sesame.test'
  await using inbound = await startApp({
    config: { database, hostname, transport: 'direct', roles: new Set(['inbound']) },
  })
  await using world = await startWorld({ database, roles: new Set(['api', 'delivery']) })
  const one = await world.domain('one.test', '127.0.0.2')
  const home = await world.domain(SENDER_DOMAIN, '127.0.0.4')
  const id = await world.send(['bob@one.test'])
  await world.app.idle()
  const report = dsn({ recipient: 'bob@one.test' })
  assert.match(await bring(inbound.inboundPort, senderIn(one.mails[0]!.sender), report), /^250 /)
  const types = (await world.events(id)).map(({ type }) => type)
  assert.deepEqual(types, ['Send', 'Delivery', 'Bounce'])
  world.app.clock.advance(1_000)
  await until(
    async () => home.mails.map(({ recipients }) => recipients),
    (mails) => mails.length > 0,
  )
  assert.deepEqual(home.mails[0]!.recipients, [WORLD_SENDER])
})
