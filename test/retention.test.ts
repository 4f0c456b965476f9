/** Retention by the running server, on its own clock, which the admin API moves. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { CreateEmailIdentityCommand, SendEmailCommand } from '@aws-sdk/client-sesv2'
import { startApp, type TestApp } from './support/app.ts'
import { postgres } from './support/postgres.ts'
import { until } from './support/until.ts'

const DAY_SECONDS = 86_400
const SENDER = 'sender@example.com'

async function send(app: TestApp, to = 'friend@example.org'): Promise<string> {
  const message = {
    FromEmailAddress: SENDER,
    Destination: { ToAddresses: [to] },
    Content: { Simple: { Subject: { Data: 'x' }, Body: { Text: { Data: 'y' } } } },
  }
  const { MessageId } = await app.sesv2.send(new SendEmailCommand(message))
  await app.idle()
  return MessageId!
}

async function advance(app: TestApp, days: number): Promise<void> {
  const { status } = await app.admin('POST', '/_sesame/clock', { advanceSeconds: days * DAY_SECONDS })
  assert.equal(status, 200)
}

async function ids(app: TestApp): Promise<string[]> {
  const { body } = await app.admin('GET', '/_sesame/messages?limit=1000')
  return (body as { messages: { messageId: string }[] }).messages.map(({ messageId }) => messageId)
}

/** A minute later, so that upkeep has another try where somebody stood in its way. */
async function idsLater(app: TestApp): Promise<string[]> {
  await advance(app, 1 / 1440)
  return ids(app)
}

async function assertGone(app: TestApp, id: string): Promise<void> {
  for (const path of ['', '/raw', '/events']) {
    const { status, body } = await app.admin('GET', `/_sesame/messages/${id}${path}`)
    assert.equal(status, 404)
    assert.match(JSON.stringify(body), /There is no message/)
  }
}

const ENGINES = [
  { name: 'SQLite', database: async () => ({}) },
  { name: 'PostgreSQL', database: async () => ({ database: await (await postgres()).schema() }) },
]

for (const engine of ENGINES) {
  describe(`a server on ${engine.name}`, () => {
    test('removes mail when it is too old, as if it had never been', async () => {
      await using app = await startApp({ config: { ...(await engine.database()), retentionDays: 30 } })
      await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: SENDER }))
      const first = await send(app)
      await advance(app, 7)
      const second = await send(app)
      // On PostgreSQL a day goes as a whole.
      await advance(app, 24)
      await until(
        () => idsLater(app),
        (left) => !left.includes(first),
      )
      await assertGone(app, first)
      assert.deepEqual(await ids(app), [second])
      await advance(app, 7)
      await until(
        () => idsLater(app),
        (left) => left.length === 0,
      )
      await assertGone(app, second)
    })

    test('keeps so many messages, and all where there is no bound', async () => {
      const none = { retentionDays: 0, retentionMessages: 0, retentionBytes: 0 }
      const database = await engine.database()
      {
        await using app = await startApp({ config: { ...database, ...none, retentionMessages: 2 } })
        await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: SENDER }))
        const sent = [await send(app), await send(app), await send(app), await send(app)]
        await advance(app, 1 / 24)
        await until(
          () => idsLater(app),
          (left) => left.length === 2,
        )
        assert.deepEqual(await ids(app), sent.slice(2).toReversed())
        const metrics = async () => (await fetch(`${app.url}/metrics`)).text()
        await until(metrics, (text) => /^sesame_messages_held 2$/m.test(text))
        assert.match(await metrics(), /^sesame_messages_held_bytes \d+$/m)
      }
      await using app = await startApp({ config: { ...none } })
      await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: SENDER }))
      const kept = await send(app)
      await advance(app, 3_000)
      await advance(app, 1)
      assert.deepEqual(await ids(app), [kept])
    })
  })
}
