/** Limits of a site hold for all nodes on a database together. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SendEmailCommand } from '@aws-sdk/client-sesv2'
import { DEFAULT_SHAPING } from '../src/config/shaping.ts'
import type { MovableClock } from '../src/platform/platform.ts'
import { startApp, type TestApp } from './support/app.ts'
import { fakeClock } from './support/clock.ts'
import { fakeDns } from './support/dns.ts'
import type { Mx } from './support/internet/mx.ts'
import { emptyDatabase } from './support/nodes.ts'
import { until } from './support/until.ts'
import { startWorld, WORLD_SENDER } from './support/world.ts'

const MAILS = 20
const HEARTBEAT_MS = 2_000

/** Nodes whose leases are renewed when we say so, and whose connections grow no older. */
type Node = { readonly app: TestApp; readonly wallClock: MovableClock }

async function send({ app }: Node, count: number): Promise<void> {
  const mail = new SendEmailCommand({
    FromEmailAddress: WORLD_SENDER,
    Destination: { ToAddresses: ['bob@one.test'] },
    Content: { Simple: { Subject: { Data: 'Hi' }, Body: { Text: { Data: 'Hello.' } } } },
  })
  await Promise.all(Array.from({ length: count }, async () => app.sesv2.send(mail)))
}

async function metric({ app }: Node, name: string): Promise<number> {
  const text = await (await fetch(`${app.url}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1])
}

async function knows(node: Node, nodes: number): Promise<void> {
  node.wallClock.advance(HEARTBEAT_MS)
  await until(
    async () => metric(node, 'sesame_nodes_live'),
    (live) => live === nodes,
  )
}

/** Jobs that run on each of the nodes; of those that wait it does not matter which of them claimed them. */
async function untilRunning(running: readonly (readonly [Node, number])[], ready: number): Promise<void> {
  const counts = async (name: string) => Promise.all(running.map(async ([node]) => metric(node, name)))
  await until(
    async () => [await counts('sesame_jobs_running'), await counts('sesame_jobs_ready')] as const,
    ([run, wait]) =>
      run.every((count, index) => count === running[index]?.[1]) && wait.reduce((sum, each) => sum + each, 0) === ready,
  )
}

type Held = Disposable & {
  readonly most: () => number
  /** Messages that have come and are not answered for. */
  readonly waiting: () => number
  readonly release: () => void
}

/** Counts the connections that a host has while there are messages, which it does not answer for before `release`. */
function hold(mx: Mx): Held {
  let most = 0
  let waiting = 0
  const dot = () => {
    waiting += 1
    return ''
  }
  const mail = () => {
    most = Math.max(most, mx.open)
    return undefined
  }
  mx.behaviour = { mail, dot }
  return {
    most: () => most,
    waiting: () => waiting,
    release() {
      mx.behaviour = { mail }
      mx.drip('250 2.0.0 Ok: queued\r\n')
    },
    // Whatever fails, nobody shall wait for it any more.
    [Symbol.dispose]() {
      mx.behaviour = {}
      mx.hangUp()
    },
  }
}

test('two nodes have as many connections to a site as one has, and the one that is left has them all', async () => {
  const limitsBySite = { ...DEFAULT_SHAPING, default: { maxConnections: 5, maxRatePerMinute: undefined } }
  const wallClock = fakeClock(Date.now())
  await using world = await startWorld({ database: await emptyDatabase(), limitsBySite }, { wallClock })
  const here: Node = { app: world.app, wallClock }
  const mx = await world.domain('one.test', '127.0.0.2')
  {
    const otherClock = fakeClock(Date.now())
    await using app = await startApp({
      config: world.app.services.config,
      dns: fakeDns(world.zone),
      wallClock: otherClock,
    })
    const there: Node = { app, wallClock: otherClock }
    await knows(here, 2)
    using held = hold(mx)
    await Promise.all([send(here, MAILS), send(there, MAILS)])
    // A connection more for the one that was here first.
    await untilRunning(
      [
        [here, 3],
        [there, 2],
      ],
      2 * MAILS - 5,
    )
    await until(
      async () => held.waiting(),
      (waiting) => waiting === 5,
    )
    held.release()
    await Promise.all([here.app.idle(), there.app.idle()])
    assert.equal(held.most(), 5)
    assert.deepEqual((await app.admin('GET', '/_sesame/queue')).body, { jobs: [] })
  }
  using held = hold(mx)
  await send(here, MAILS)
  await untilRunning([[here, 3]], MAILS - 3)
  await knows(here, 1)
  await untilRunning([[here, 5]], MAILS - 5)
  await until(
    async () => held.waiting(),
    (waiting) => waiting === 5,
  )
  held.release()
  await here.app.idle()
  assert.equal(held.most(), 5)
})
