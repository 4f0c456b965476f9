/** The whole server on PostgreSQL instead of SQLite. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { CreateEmailIdentityCommand, GetAccountCommand, GetEmailIdentityCommand } from '@aws-sdk/client-sesv2'
import { startApp } from './support/app.ts'
import { postgres } from './support/postgres.ts'
import { SENDER, sendThrough } from './support/surfaces.ts'

describe('on PostgreSQL', () => {
  test('mail is accepted through every API, settled, and there after a restart', async () => {
    const config = { database: await (await postgres()).schema() }
    const ids: string[] = []
    {
      await using app = await startApp({ config })
      await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: SENDER }))
      for (const surface of ['v1', 'v2 raw', 'smtp'] as const) {
        const verdict = await sendThrough(surface, app, {})
        assert.ok('messageId' in verdict, JSON.stringify(verdict))
        ids.push(verdict.messageId)
      }
      await app.idle()
    }
    await using app = await startApp({ config })
    assert.equal(
      (await app.sesv2.send(new GetEmailIdentityCommand({ EmailIdentity: SENDER }))).VerifiedForSendingStatus,
      true,
    )
    assert.equal((await app.sesv2.send(new GetAccountCommand({}))).SendQuota?.SentLast24Hours, 3)
    for (const id of ids) {
      const { body } = await app.admin('GET', `/_sesame/messages/${id}`)
      const { recipients, events } = body as { recipients: { status: string }[]; events: { eventType: string }[] }
      assert.deepEqual(
        recipients.map(({ status }) => status),
        ['delivered'],
      )
      assert.deepEqual(
        events.map(({ eventType }) => eventType),
        ['Send', 'Delivery'],
      )
    }
  })
})
