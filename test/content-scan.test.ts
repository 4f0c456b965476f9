/** ClamAV and rspamd before delivery: what is bad is rejected, and what they cannot say is decided by a setting. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { GetSendStatisticsCommand } from '@aws-sdk/client-ses'
import { CreateEmailIdentityCommand, SendEmailCommand } from '@aws-sdk/client-sesv2'
import type { Config } from '../src/config/config.ts'
import { defaultConfig } from '../src/config/load.ts'
import { startApp, type TestApp } from './support/app.ts'
import { emptyDirectory } from './support/cli.ts'
import { BAD, type FakeClamd, startClamd, startRspamd } from './support/scanners.ts'
import { SCOPE } from './support/stores.ts'
import { eventsOf, startWorld } from './support/world.ts'

async function startCapture(config: Partial<Config>): Promise<TestApp> {
  const app = await startApp({ config })
  await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: 'example.com' }))
  return app
}

async function send(app: TestApp, to: readonly string[], text = 'Hello.'): Promise<string> {
  const { MessageId = '' } = await app.sesv2.send(
    new SendEmailCommand({
      FromEmailAddress: 'ann@example.com',
      Destination: { ToAddresses: [...to] },
      Content: { Simple: { Subject: { Data: 'Hi' }, Body: { Text: { Data: text } } } },
    }),
  )
  await app.idle()
  return MessageId
}

async function typesOf(app: TestApp, id: string): Promise<readonly string[]> {
  return (await eventsOf(app, id)).map(({ type }) => type)
}

async function statesOf(app: TestApp, id: string): Promise<readonly string[]> {
  return (await app.services.store.messages.recipients(SCOPE, id)).map(({ status }) => status)
}

function at({ port }: FakeClamd): Config['clamav'] {
  return { address: '127.0.0.1', port }
}

/** For a scanner that never answers. */
function impatient(): Partial<Config> {
  return { limits: { ...defaultConfig('local').limits, scanTimeoutMs: 50 } }
}

describe('ClamAV', () => {
  test('is shown each message as it was accepted, once whatever its destinations', async () => {
    await using clamd = await startClamd()
    await using app = await startCapture({ clamav: at(clamd) })
    const id = await send(
      app,
      ['bob@one.test', 'eve@two.test', 'success@simulator.amazonses.com'],
      'long '.repeat(60_000),
    )
    assert.deepEqual(await typesOf(app, id), ['Send', 'Delivery', 'Delivery', 'Delivery'])
    assert.equal(clamd.shown.length, 1)
    const raw = await app.services.store.messages.raw(SCOPE, id)
    assert.ok(raw !== undefined && raw.length > 300_000 && clamd.shown[0]!.equals(raw))
  })

  test('finds what is infected: one Reject, nobody gets it, and it counts', async () => {
    await using clamd = await startClamd()
    await using app = await startCapture({ clamav: at(clamd) })
    const to = ['bob@one.test', 'eve@two.test', 'success@simulator.amazonses.com']
    const id = await send(app, to, BAD)
    assert.deepEqual(await typesOf(app, id), ['Send', 'Reject'])
    const [, reject] = await eventsOf(app, id)
    assert.deepEqual(reject!.said, { reason: 'Bad content' })
    assert.deepEqual(await statesOf(app, id), ['rejected', 'rejected', 'rejected'])
    const [attempt] = await app.services.store.messages.attempts(SCOPE, id)
    assert.deepEqual([attempt!.transport, attempt!.transcript], ['scan', ['clamd: Test.Bad FOUND']])
    const { SendDataPoints } = await app.ses.send(new GetSendStatisticsCommand({}))
    assert.deepEqual(
      SendDataPoints?.map(({ DeliveryAttempts, Rejects }) => [DeliveryAttempts, Rejects]),
      [[2, 2]],
    )
    assert.deepEqual(await typesOf(app, await send(app, to)), ['Send', 'Delivery', 'Delivery', 'Delivery'])
  })

  test('may listen on a Unix socket', async (t) => {
    const address = join(await emptyDirectory(t), 'clamd.sock')
    await using clamd = await startClamd(address)
    await using app = await startCapture({ clamav: { address, port: 0 } })
    assert.deepEqual(await typesOf(app, await send(app, ['bob@one.test'], BAD)), ['Send', 'Reject'])
    assert.equal(clamd.shown.length, 1)
  })

  test('is not asked about mail of our own, nor about what is too long for it', async () => {
    await using clamd = await startClamd()
    const limits = { ...defaultConfig('local').limits, scanBytes: 2_000 }
    await using app = await startCapture({ clamav: at(clamd), autoVerify: false, limits })
    await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: 'new@one.test' }))
    await app.idle()
    const { messages } = await app.services.store.messages.page({}, { limit: 10 })
    const notice = messages.find(({ message }) => message.surface === 'system')
    assert.deepEqual(await typesOf(app, notice!.message.id), ['Send', 'Delivery'])
    await app.admin('POST', '/_sesame/accounts/000000000000/regions/us-east-1/identities/example.com/verify')
    const id = await send(app, ['bob@one.test'], `${BAD} `.repeat(200))
    assert.deepEqual(await typesOf(app, id), ['Send', 'Delivery'])
    assert.equal(clamd.shown.length, 0)
  })
})

describe('rspamd', () => {
  test('is told whose mail it is and for whom, and only its `reject` holds mail back', async () => {
    await using rspamd = await startRspamd()
    await using app = await startCapture({ rspamd: rspamd.url })
    const id = await send(app, ['bob@one.test', 'eve@one.test'])
    const [shown] = rspamd.shown
    assert.equal(shown!.path, 'POST /checkv2')
    const { rcpt, user, from, 'queue-id': queueId } = shown!.headers
    assert.deepEqual([rcpt, user, queueId], ['bob@one.test, eve@one.test', '000000000000', id])
    assert.match(String(from), new RegExp(`^${id}@`))
    assert.ok(shown!.body.equals((await app.services.store.messages.raw(SCOPE, id))!))
    for (const action of ['add header', 'greylist', 'soft reject', 'rewrite subject']) {
      rspamd.action = action
      assert.deepEqual(await typesOf(app, await send(app, ['bob@one.test'])), ['Send', 'Delivery'], action)
    }
    const bad = await send(app, ['bob@one.test', 'eve@one.test'], BAD)
    assert.deepEqual(await typesOf(app, bad), ['Send', 'Reject'])
    const [attempt] = await app.services.store.messages.attempts(SCOPE, bad)
    assert.deepEqual(attempt!.transcript, ['rspamd: reject (15.5)'])
  })

  test('has the last word beside ClamAV, whichever of them is away', async () => {
    await using clamd = await startClamd()
    await using rspamd = await startRspamd()
    await using app = await startCapture({ clamav: at(clamd), rspamd: rspamd.url })
    assert.deepEqual(await typesOf(app, await send(app, ['bob@one.test'])), ['Send', 'Delivery'])
    clamd.answer = 'drop'
    assert.deepEqual(await typesOf(app, await send(app, ['bob@one.test'], BAD)), ['Send', 'Reject'])
    assert.deepEqual(await typesOf(app, await send(app, ['bob@one.test'])), ['Send', 'DeliveryDelay'])
    clamd.answer = undefined
    rspamd.status = 500
    assert.deepEqual(await typesOf(app, await send(app, ['bob@one.test'], BAD)), ['Send', 'Reject'])
    assert.deepEqual(await typesOf(app, await send(app, ['bob@one.test'])), ['Send', 'DeliveryDelay'])
  })
})

describe('over the network', () => {
  test('nothing bad leaves, and suppressed recipients of it are told of by its Reject', async () => {
    await using clamd = await startClamd()
    await using world = await startWorld({ clamav: at(clamd) })
    const one = await world.domain('one.test', '127.0.0.2')
    const two = await world.domain('two.test', '127.0.0.3')
    const suppressed = {
      address: 'bob@one.test',
      reason: 'BOUNCE',
      updatedAt: 0,
      messageId: null,
      feedbackId: null,
    } as const
    await world.app.services.store.suppressions.put(SCOPE, suppressed)
    const bad = await send(world.app, ['bob@one.test', 'eve@two.test'], BAD)
    assert.deepEqual(await typesOf(world.app, bad), ['Send', 'Reject'])
    assert.deepEqual([one.sessions, two.sessions], [0, 0])
    const good = await send(world.app, ['eve@two.test'])
    assert.deepEqual(await typesOf(world.app, good), ['Send', 'Delivery'])
    assert.equal(two.mails.length, 1)
    assert.equal(clamd.shown.length, 2)
  })

  test('mail waits for a scanner that is away, its sender is told, and it expires as any other', async () => {
    await using clamd = await startClamd()
    await using world = await startWorld({ clamav: at(clamd) })
    const one = await world.domain('one.test', '127.0.0.2')
    const home = await world.domain('example.com', '127.0.0.4')
    clamd.answer = 'drop'
    const late = await send(world.app, ['bob@one.test'])
    const [, delay] = await eventsOf(world.app, late)
    assert.equal(delay!.said['delayType'], 'InternalFailure')
    assert.deepEqual(delay!.said['delayedRecipients'], [
      {
        emailAddress: 'bob@one.test',
        status: '4.3.0',
        diagnosticCode: 'smtp; 451 4.3.0 Content cannot be scanned now',
      },
    ])
    clamd.answer = undefined
    await world.pass(3)
    assert.deepEqual(await typesOf(world.app, late), ['Send', 'DeliveryDelay', 'Delivery'])
    assert.equal(one.mails.length, 1)
    clamd.answer = 'drop'
    const lost = await send(world.app, ['bob@one.test'])
    for (let hours = 0; hours < 14; hours++) await world.pass(60)
    await world.pass(1)
    const bounce = (await eventsOf(world.app, lost)).find(({ type }) => type === 'Bounce')
    assert.deepEqual([bounce!.said['bounceType'], bounce!.said['bounceSubType']], ['Transient', 'General'])
    assert.match(
      JSON.stringify(bounce!.said),
      /unable to deliver in 840 minutes\.<451 4\.3\.0 Content cannot be scanned now>/,
    )
    assert.equal(one.mails.length, 1)
    assert.equal(home.mails.length, 1)
  })
})

describe('a scanner that gives no answer', () => {
  const AWAY = ['drop', 'hang', 'early', 'stream: lstat() failed: ERROR\0', 'garbage\0', 'x'.repeat(5_000)]

  test('defers mail whatever is wrong with it', async () => {
    await using clamd = await startClamd()
    await using rspamd = await startRspamd()
    await using byClamd = await startCapture({ clamav: at(clamd), ...impatient() })
    await using byRspamd = await startCapture({ rspamd: rspamd.url, ...impatient() })
    for (const answer of AWAY) {
      clamd.answer = answer
      assert.deepEqual(await typesOf(byClamd, await send(byClamd, ['bob@one.test'])), ['Send', 'DeliveryDelay'], answer)
    }
    for (const answer of ['', '{', 'null', '{"action":7}', '{"action":"unheard of"}', 'x'.repeat(2 * 1024 * 1024)]) {
      rspamd.answer = answer
      const types = await typesOf(byRspamd, await send(byRspamd, ['bob@one.test']))
      assert.deepEqual(types, ['Send', 'DeliveryDelay'], answer.slice(0, 40))
    }
    rspamd.answer = undefined
    rspamd.status = 404
    assert.deepEqual(await typesOf(byRspamd, await send(byRspamd, ['bob@one.test'])), ['Send', 'DeliveryDelay'])
  })

  test('defers mail while nobody listens, and with it what several senders send at once', async () => {
    const clamd = await startClamd()
    const clamav = at(clamd)
    await clamd[Symbol.asyncDispose]()
    await using app = await startCapture({ clamav })
    const ids = await Promise.all(Array.from({ length: 30 }, (_, index) => send(app, [`bob@${index}.test`])))
    for (const id of ids) assert.deepEqual(await statesOf(app, id), ['delayed'])
  })

  test('lets mail pass where that is configured', async () => {
    await using clamd = await startClamd()
    await using app = await startCapture({ clamav: at(clamd), scanUnavailable: 'deliver' })
    clamd.answer = 'drop'
    assert.deepEqual(await typesOf(app, await send(app, ['bob@one.test'], BAD)), ['Send', 'Delivery'])
    clamd.answer = undefined
    assert.deepEqual(await typesOf(app, await send(app, ['bob@one.test'], BAD)), ['Send', 'Reject'])
  })
})
