/** What each send reads is kept in memory: no read of the database when nothing changed, no old answer when it did. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { UpdateAccountSendingEnabledCommand } from '@aws-sdk/client-ses'
import {
  CreateConfigurationSetCommand,
  CreateEmailIdentityCommand,
  CreateEmailIdentityPolicyCommand,
  DeleteEmailIdentityCommand,
  GetAccountCommand,
  PutConfigurationSetSendingOptionsCommand,
} from '@aws-sdk/client-sesv2'
import type { Clock } from '../src/platform/platform.ts'
import { startApp } from './support/app.ts'
import type { Credentials, TestApp } from './support/app.ts'
import { postgres } from './support/postgres.ts'
import { FRIEND, SENDER, SURFACES, sendThrough } from './support/surfaces.ts'
import type { Verdict } from './support/surfaces.ts'
import { until } from './support/until.ts'

const ACCOUNT = '000000000000'
const ACCEPTING = { roles: new Set(['api', 'smtp'] as const) }

test('a send whose sender was seen before reads nothing from the database, on every surface', async () => {
  await using app = await startApp({ config: ACCEPTING })
  await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: 'example.com' }))
  await app.sesv2.send(new CreateConfigurationSetCommand({ ConfigurationSetName: 'set' }))
  for (const surface of SURFACES) {
    const mail = { configurationSet: 'set' }
    assert.ok('messageId' in (await sendThrough(surface, app, mail)), surface)
    const { reads } = app.services.store.metrics()
    assert.ok('messageId' in (await sendThrough(surface, app, mail)), surface)
    assert.equal(app.services.store.metrics().reads, reads, surface)
  }
})

/** Time stands still on it: nothing that is kept ever grows too old, so what is seen was told. */
function still(): Clock {
  const start = Date.now()
  return { now: () => start, after: () => () => {} }
}

async function twoNodes(): Promise<AsyncDisposable & { readonly a: TestApp; readonly b: TestApp }> {
  const config = { ...ACCEPTING, database: await (await postgres()).schema() }
  const a = await startApp({ config, wallClock: still() })
  const b = await startApp({ config, wallClock: still() })
  let isHeard = false
  b.services.store.onChange(() => (isHeard = true))
  // Until B hears of A.
  await until(
    async () => {
      await a.services.store.accounts.update(ACCOUNT, { name: 'default' })
      return isHeard
    },
    (heard) => heard,
  )
  return {
    a,
    b,
    async [Symbol.asyncDispose]() {
      await a[Symbol.asyncDispose]()
      await b[Symbol.asyncDispose]()
    },
  }
}

function codeOf(verdict: Verdict): string {
  return 'refusal' in verdict ? `${verdict.refusal.code}: ${verdict.refusal.message}` : 'accepted'
}

function acceptedId(verdict: Verdict): string {
  if ('refusal' in verdict) throw new Error(verdict.refusal.message)
  return verdict.messageId
}

describe('a change on one node is seen by the other as soon as it is told', () => {
  test('a paused account, a paused configuration set, a policy, a deleted identity', async () => {
    await using nodes = await twoNodes()
    const { a, b } = nodes
    await a.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: SENDER }))
    await a.sesv2.send(new CreateConfigurationSetCommand({ ConfigurationSetName: 'set' }))
    const send = async () => codeOf(await sendThrough('v2', b, { configurationSet: 'set' }))
    const becomes = async (expected: RegExp) => void (await until(send, (code) => expected.test(code)))
    await becomes(/^accepted$/)

    await a.ses.send(new UpdateAccountSendingEnabledCommand({ Enabled: false }))
    await becomes(/Account sending is disabled/)
    await a.ses.send(new UpdateAccountSendingEnabledCommand({ Enabled: true }))
    await becomes(/^accepted$/)

    const options = { ConfigurationSetName: 'set', SendingEnabled: false }
    await a.sesv2.send(new PutConfigurationSetSendingOptionsCommand(options))
    await becomes(/Sending is paused for configuration set set/)
    await a.sesv2.send(new PutConfigurationSetSendingOptionsCommand({ ...options, SendingEnabled: true }))
    await becomes(/^accepted$/)

    const statement = {
      Effect: 'Deny',
      Principal: '*',
      Action: 'ses:SendEmail',
      Resource: `arn:aws:ses:us-east-1:${ACCOUNT}:identity/${SENDER}`,
    }
    const policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
    await a.sesv2.send(
      new CreateEmailIdentityPolicyCommand({ EmailIdentity: SENDER, PolicyName: 'deny', Policy: policy }),
    )
    await becomes(/is not authorized to perform/)

    await a.sesv2.send(new DeleteEmailIdentityCommand({ EmailIdentity: SENDER }))
    await becomes(/Email address is not verified/)
    await a.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: 'example.com' }))
    await becomes(/^accepted$/)
  })

  test('a key that is revoked', async () => {
    await using nodes = await twoNodes()
    const { a, b } = nodes
    await a.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: SENDER }))
    const { body } = await a.admin('POST', `/_sesame/accounts/${ACCOUNT}/keys`, {})
    const { accessKeyId, secretAccessKey } = body as Credentials
    const clients = b.clients('us-east-1', { accessKeyId, secretAccessKey })
    const send = async () => codeOf(await sendThrough('v2', b, { to: [FRIEND] }, clients))
    await until(send, (code) => code === 'accepted')
    await a.admin('DELETE', `/_sesame/accounts/${ACCOUNT}/keys/${accessKeyId}`)
    await until(send, (code) => /UnrecognizedClient|InvalidClientTokenId/.test(code))
  })

  test('a limit that is raised or lowered, and what all nodes have sent', async () => {
    await using nodes = await twoNodes()
    const { a, b } = nodes
    await a.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: SENDER }))
    const limit = async (max24HourSend: number) => {
      const path = `/_sesame/accounts/${ACCOUNT}/regions/us-east-1`
      assert.equal((await a.admin('PATCH', path, { max24HourSend })).status, 200)
    }
    const send = async (app: TestApp) => codeOf(await sendThrough('v2', app, {}))
    const known = async (app: TestApp) => (await app.sesv2.send(new GetAccountCommand({}))).SendQuota
    await until(
      () => send(b),
      (code) => code === 'accepted',
    )
    await limit(3)
    await until(
      async () => b.services.store.cached.accounts.settings({ account: ACCOUNT, region: 'us-east-1' }),
      (settings) => settings?.max24HourSend === 3,
    )
    assert.equal(await send(a), 'accepted')
    await until(
      () => send(b),
      (code) => /Daily message quota exceeded/.test(code),
    )
    assert.match(await send(a), /Daily message quota exceeded/)
    for (const app of [a, b]) {
      const { Max24HourSend, SentLast24Hours } = (await known(app)) ?? {}
      assert.deepEqual([Max24HourSend, SentLast24Hours], [3, 3])
    }
    await limit(4)
    await until(
      () => send(b),
      (code) => code === 'accepted',
    )
    assert.match(await send(a), /Daily message quota exceeded/)
  })

  test('an address on a suppression list that was empty', async () => {
    await using nodes = await twoNodes()
    const { a, b } = nodes
    const scope = { account: ACCOUNT, region: 'us-east-1' }
    const find = async () => b.services.store.cached.suppressions.findMany(scope, [FRIEND])
    assert.deepEqual(await find(), [])
    await a.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: SENDER }))
    const id = acceptedId(await sendThrough('v2', a, {}))
    const entry = { address: FRIEND, reason: 'BOUNCE', updatedAt: 0, messageId: id, feedbackId: null } as const
    const counts = { bounces: 0, complaints: 0, rejects: 0 }
    await a.services.store.messages.settle({
      scope,
      messageId: id,
      jobId: null,
      at: 0,
      updates: [],
      events: [],
      attempt: null,
      counts,
      suppress: [entry],
    })
    await until(find, (found) => found.length === 1)
    await a.services.store.suppressions.remove(scope, FRIEND)
    await until(find, (found) => found.length === 0)
  })

  test('a reset', async () => {
    await using nodes = await twoNodes()
    const { a, b } = nodes
    await a.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: SENDER }))
    const send = async () => codeOf(await sendThrough('smtp', b, {}))
    await until(send, (code) => code === 'accepted')
    await a.admin('POST', '/_sesame/reset')
    await until(send, (code) => /not verified/.test(code))
  })
})
