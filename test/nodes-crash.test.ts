/** Nodes that are killed, paused, or whose database restarts, under load: every accepted message is delivered, once. */
import { describe, test, type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { CreateEmailIdentityCommand, SendEmailCommand, SESv2Client } from '@aws-sdk/client-sesv2'
import { movableClock, realClock } from '../src/platform/clock.ts'
import { startApp, TEST_KEY, type TestApp } from './support/app.ts'
import { ANY_PORTS, emptyDirectory, serve } from './support/cli.ts'
import { emptyDatabase, lapse, openShared, type SharedStore } from './support/nodes.ts'
import { postgres } from './support/postgres.ts'
import { SCOPE } from './support/stores.ts'
import { FRIEND, SENDER } from './support/surfaces.ts'
import { until } from './support/until.ts'

const AT_ONCE = 4
const ENOUGH = 25
/** Many recipients in many domains: jobs that take a moment. */
const TO = Array.from({ length: 5 }, (_, index) => `friend@d${index}.example.org`)

const MESSAGE = {
  FromEmailAddress: SENDER,
  Destination: { ToAddresses: [FRIEND, ...TO] },
  Content: { Simple: { Subject: { Data: 'x' }, Body: { Text: { Data: 'y' } } } },
}

function clientOf(url: string): SESv2Client {
  return new SESv2Client({ endpoint: url, region: 'us-east-1', credentials: TEST_KEY, maxAttempts: 1 })
}

const DATABASE_WAS_AWAY =
  /the database cannot write|the database does not answer|upkeep of the store failed|could not be|job failed|checks of identities/

/** Sends until told to stop, whatever becomes of it; gives the ids of what was accepted. */
function sendOn(url: string) {
  const client = clientOf(url)
  const accepted: string[] = []
  const over = new AbortController()
  const sender = async () => {
    while (!over.signal.aborted) {
      try {
        const { MessageId } = await client.send(new SendEmailCommand(MESSAGE))
        accepted.push(MessageId!)
      } catch {
        await new Promise<void>((resolve) => void setImmediate(resolve))
      }
    }
  }
  const senders = Promise.all(Array.from({ length: AT_ONCE }, sender))
  return {
    accepted,
    stop: async (): Promise<readonly string[]> => {
      over.abort()
      await senders
      client.destroy()
      return accepted
    },
  }
}

async function createSender(url: string): Promise<void> {
  const client = clientOf(url)
  await client.send(new CreateEmailIdentityCommand({ EmailIdentity: SENDER }))
  client.destroy()
}

/** The messages that tell of each of their recipients' delivery exactly once, and of nothing else. */
async function assertDeliveredOnce(store: SharedStore, ids: readonly string[]): Promise<void> {
  const expected = [...Array.from({ length: MESSAGE.Destination.ToAddresses.length }, () => 'Delivery'), 'Send']
  for (const id of ids) {
    const events = await store.messages.events(SCOPE, id)
    assert.deepEqual(events.map(({ type }) => type).toSorted(), expected, id)
    const recipients = await store.messages.recipients(SCOPE, id)
    assert.ok(
      recipients.every(({ status }) => status === 'delivered'),
      id,
    )
  }
}

/**
 * Another node, whose clocks move as fast as it keeps up, until nothing is left to deliver and the process that died is
 * given up: which need not be one, when it had delivered all that it had.
 */
async function deliverRest(store: SharedStore, database: string, dead: number): Promise<void> {
  const wallClock = movableClock(realClock())
  // SES's time is real here too: the jobs are due in the time of the process that made them.
  const clock = movableClock(realClock())
  await using app = await startApp({ config: { database, roles: new Set(['delivery']) }, clock, wallClock })
  await until(
    async () => {
      wallClock.advance(2_000)
      const isListed = (await store.nodes.list()).some(({ pid }) => pid === dead)
      await app.idle()
      return { isListed, jobs: (await store.messages.unfinishedJobs(0, 1)).length }
    },
    ({ isListed, jobs }) => !isListed && jobs === 0,
  )
}

/** A node that accepts and one that delivers, under load. */
async function startPair(t: TestContext) {
  const database = await emptyDatabase()
  const store = await openShared(database)
  const start = async (roles: string) =>
    await serve([...ANY_PORTS, '--database', database, '--roles', roles, '--data-dir', await emptyDirectory(t)])
  const acceptor = await start('api')
  const deliverer = await start('delivery')
  await createSender(acceptor.url)
  const sending = sendOn(acceptor.url)
  await until(
    async () => (await store.nodes.list(), sending.accepted.length),
    (count) => count >= ENOUGH,
  )
  return {
    database,
    store,
    acceptor,
    deliverer,
    sending,
    async [Symbol.asyncDispose]() {
      await sending.stop()
      await deliverer[Symbol.asyncDispose]()
      await acceptor[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}

async function nodeOf(store: SharedStore, pid: number): Promise<number> {
  const node = (await store.nodes.list()).find((each) => each.pid === pid)
  assert.ok(node, `no node ${pid}`)
  return node.id
}

describe('a node', () => {
  test('that is killed under load: another delivers what it had', async (t) => {
    await using pair = await startPair(t)
    const { database, store, acceptor, deliverer: victim, sending } = pair
    victim.kill('SIGKILL')
    await victim.ended
    const accepted = await sending.stop()
    await lapse(store.nodes, await nodeOf(store, victim.pid))
    await deliverRest(store, database, victim.pid)
    await assertDeliveredOnce(store, accepted)
    // Its own lease may have lapsed meanwhile, on a slow machine: then it comes back.
    await until(
      async () => (await store.nodes.list()).map(({ pid }) => pid),
      (pids) => pids.length === 1 && pids[0] === acceptor.pid,
    )
  })

  test('that is paused for longer than its lease: nothing is settled twice, and it comes back', async (t) => {
    await using pair = await startPair(t)
    const { database, store, acceptor, deliverer: paused, sending } = pair
    paused.kill('SIGSTOP')
    const before = await nodeOf(store, paused.pid)
    await lapse(store.nodes, before)
    await store.nodes.giveBack()
    const early = await sending.stop()
    await deliverRest(store, database, paused.pid)
    await assertDeliveredOnce(store, early)
    assert.equal(await nodeOf(store, paused.pid).catch(() => undefined), undefined)

    paused.kill('SIGCONT')
    const back = await until(
      async () => (await store.nodes.list()).find(({ pid }) => pid === paused.pid)?.id,
      (id) => id !== undefined,
    )
    assert.notEqual(back, before)
    const again = sendOn(acceptor.url)
    await until(
      async () => (await store.nodes.list(), again.accepted.length),
      (count) => count >= ENOUGH,
    )
    const late = await again.stop()
    await until(
      async () => (await store.messages.unfinishedJobs(0, 1)).length,
      (left) => left === 0,
    )
    paused.kill('SIGTERM')
    assert.equal((await paused.ended).code, 0)
    // What it still wrote as the node that it no longer was.
    await store.nodes.giveBack()
    await assertDeliveredOnce(store, [...early, ...late])
  })

  test('whose database restarts under load goes on, and so do the others', async (t) => {
    const server = await postgres()
    const database = await emptyDatabase()
    const clocks = [movableClock(realClock()), movableClock(realClock())]
    const start = (wallClock: (typeof clocks)[number]) =>
      startApp({ config: { database }, wallClock, clock: movableClock(realClock()) })
    const apps: readonly TestApp[] = await Promise.all(clocks.map(start))
    await createSender(apps[0]!.url)
    const sending = apps.map(({ url }) => sendOn(url))
    t.after(async () => {
      await Promise.all(sending.map(({ stop }) => stop()))
      // That the database was away is what they log; anything else would be a bug.
      const others = apps.flatMap(({ errors }) => errors.filter((line) => !DATABASE_WAS_AWAY.test(line)))
      for (const app of apps) {
        ;(app.errors as string[]).length = 0
        await app[Symbol.asyncDispose]()
      }
      assert.deepEqual(others, [])
    })
    const reach = (more: number) => {
      const goals = sending.map(({ accepted }) => accepted.length + more)
      return until(
        async () => {
          await fetch(`${apps[0]!.url}/_sesame/health`)
          return sending.every(({ accepted }, index) => accepted.length >= goals[index]!)
        },
        (isReached) => isReached,
      )
    }
    await reach(ENOUGH)
    await server.stop('immediate')
    await server.start()
    await reach(ENOUGH)
    const accepted = (await Promise.all(sending.map((each) => each.stop()))).flat()
    await using store = await openShared(database)
    await until(
      async () => {
        for (const { clock } of apps) clock.advance(1_000)
        await store.nodes.list()
        return (await store.messages.unfinishedJobs(0, 1)).length
      },
      (left) => left === 0,
    )
    await assertDeliveredOnce(store, accepted)
    // Their leases may have lapsed meanwhile, on a slow machine.
    await until(
      () => store.nodes.list(),
      (nodes) => nodes.length === apps.length && nodes.every(({ isLive }) => isLive),
    )
  })
})
