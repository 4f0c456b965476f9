/** Nodes that are killed, paused, or whose database restarts, under load: every accepted message is delivered, once. */
import { describe, test } from 'node:test'
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

/** Another node, whose clocks move as fast as it keeps up, until nothing is left to deliver. */
async function deliverRest(store: SharedStore, database: string): Promise<void> {
  const wallClock = movableClock(realClock())
  // SES's time is real here too: the jobs are due in the time of the process that made them.
  const clock = movableClock(realClock())
  await using app = await startApp({ config: { database, roles: new Set(['delivery']) }, clock, wallClock })
  await until(
    async () => {
      wallClock.advance(2_000)
      await store.nodes.list()
      await app.idle()
      return (await store.messages.unfinishedJobs(0, 1)).length
    },
    (left) => left === 0,
  )
}

describe('a node', () => {
  test('that is killed under load: another delivers what it had', async (t) => {
    const database = await emptyDatabase()
    await using store = await openShared(database)
    await using victim = await serve([...ANY_PORTS, '--database', database, '--data-dir', await emptyDirectory(t)])
    await createSender(victim.url)
    const sending = sendOn(victim.url)
    await until(
      async () => (await store.nodes.list(), sending.accepted.length),
      (count) => count >= ENOUGH,
    )
    victim.kill('SIGKILL')
    await victim.ended
    const accepted = await sending.stop()
    const [node] = await store.nodes.list()
    assert.equal(node?.pid, victim.pid)
    await lapse(store.nodes, node.id)
    await deliverRest(store, database)
    await assertDeliveredOnce(store, accepted)
    assert.deepEqual(await store.nodes.list(), [])
  })

  test('that is paused for longer than its lease: nothing is settled twice, and it comes back', async (t) => {
    const database = await emptyDatabase()
    await using store = await openShared(database)
    await using paused = await serve([...ANY_PORTS, '--database', database, '--data-dir', await emptyDirectory(t)])
    await createSender(paused.url)
    const sending = sendOn(paused.url)
    await until(
      async () => (await store.nodes.list(), sending.accepted.length),
      (count) => count >= ENOUGH,
    )
    paused.kill('SIGSTOP')
    const [node] = await store.nodes.list()
    assert.equal(node?.pid, paused.pid)
    await lapse(store.nodes, node.id)
    await deliverRest(store, database)
    assert.deepEqual(await store.nodes.list(), [])

    paused.kill('SIGCONT')
    const count = sending.accepted.length
    const back = await until(
      () => store.nodes.list(),
      (nodes) => nodes.length === 1,
    )
    assert.ok(back[0]!.pid === paused.pid && back[0]!.id !== node.id)
    await until(
      async () => (await store.nodes.list(), sending.accepted.length),
      (now) => now >= count + ENOUGH,
    )
    const accepted = await sending.stop()
    paused.kill('SIGTERM')
    assert.equal((await paused.ended).code, 0)
    // What it still wrote as the node that it no longer was.
    await store.nodes.giveBack()
    await deliverRest(store, database)
    await assertDeliveredOnce(store, accepted)
  })

  test('whose database restarts under load goes on, and so do the others', async () => {
    const server = await postgres()
    const database = await emptyDatabase()
    const clocks = [movableClock(realClock()), movableClock(realClock())]
    const start = (wallClock: (typeof clocks)[number]) =>
      startApp({ config: { database }, wallClock, clock: movableClock(realClock()) })
    const apps: readonly TestApp[] = await Promise.all(clocks.map(start))
    await createSender(apps[0]!.url)
    const sending = apps.map(({ url }) => sendOn(url))
    const reach = (more: number) => {
      const goals = sending.map(({ accepted }) => accepted.length + more)
      return until(
        async () => {
          await new Promise<void>((resolve) => void setImmediate(resolve))
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
    assert.deepEqual(
      (await store.nodes.list()).map(({ isLive }) => isLive),
      [true, true],
    )
    for (const app of apps) {
      // That the database was away is what they log; anything else would be a bug.
      const others = app.errors.filter(
        (line) => !/the database cannot write|could not be|job failed|checks of identities/.test(line),
      )
      assert.deepEqual(others, [])
      ;(app.errors as string[]).length = 0
      await app[Symbol.asyncDispose]()
    }
  })
})
