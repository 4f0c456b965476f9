/** The suppression list in use: who gets no mail, what his sender is told, and who is put there. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { GetSendStatisticsCommand } from '@aws-sdk/client-ses'
import {
  CreateConfigurationSetCommand,
  CreateEmailIdentityCommand,
  GetAccountCommand,
  PutAccountSuppressionAttributesCommand,
  SendEmailCommand,
} from '@aws-sdk/client-sesv2'
import type { SuppressionReason } from '../src/store/types.ts'
import { startApp, type TestApp } from './support/app.ts'
import { postgres } from './support/postgres.ts'
import { SCOPE } from './support/stores.ts'
import { eventsOf, startWorld, type World } from './support/world.ts'

// SES's text, as recorded.
const DIAGNOSTIC =
  'Amazon SES did not send the message to this address because it is on the suppression list for your account. For more information about removing addresses from the suppression list, see the Amazon SES Developer Guide at https://docs.aws.amazon.com/ses/latest/dg/sending-email-suppression-list.html'
const SENDER = 'ann@example.com'

async function startCapture(config: NonNullable<Parameters<typeof startApp>[0]>['config'] = {}): Promise<TestApp> {
  const app = await startApp({ config })
  await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: 'example.com' }))
  return app
}

async function send(app: TestApp, to: readonly string[], set?: string): Promise<string> {
  const { MessageId = '' } = await app.sesv2.send(
    new SendEmailCommand({
      FromEmailAddress: SENDER,
      Destination: { ToAddresses: [...to] },
      Content: { Simple: { Subject: { Data: 'Hi' }, Body: { Text: { Data: 'Hello.' } } } },
      ConfigurationSetName: set,
    }),
  )
  return MessageId
}

async function suppress(app: TestApp, address: string, reason: SuppressionReason = 'BOUNCE'): Promise<void> {
  const updatedAt = app.clock.now()
  await app.services.store.suppressions.put(SCOPE, { address, reason, updatedAt, messageId: null, feedbackId: null })
}

async function listed(app: TestApp) {
  return (await app.services.store.suppressions.list(SCOPE, {}, { limit: 100 })).items
}

async function typesOf(app: TestApp, id: string): Promise<readonly string[]> {
  return (await eventsOf(app, id)).map(({ type }) => type)
}

async function makeSet(app: TestApp, name: string, reasons: SuppressionReason[] | undefined): Promise<void> {
  await app.sesv2.send(
    new CreateConfigurationSetCommand({
      ConfigurationSetName: name,
      ...(reasons === undefined ? {} : { SuppressionOptions: { SuppressedReasons: reasons } }),
    }),
  )
}

describe('mail to somebody on the suppression list', () => {
  test('is accepted and bounces in SES’s words; the others get theirs', async () => {
    await using app = await startCapture()
    await suppress(app, 'bob@one.test')
    const id = await send(app, ['Bob <bob@ONE.test>', 'joe@one.test'])
    assert.deepEqual(await typesOf(app, id), ['Send', 'Bounce', 'Delivery'])
    const [, bounce, delivery] = await eventsOf(app, id)
    const { feedbackId, timestamp, ...said } = bounce!.said
    assert.match(String(feedbackId), /^[0-9a-f]{16}-/)
    assert.equal(timestamp, new Date(app.clock.now()).toISOString())
    assert.deepEqual(said, {
      bounceType: 'Permanent',
      bounceSubType: 'OnAccountSuppressionList',
      bouncedRecipients: [
        { emailAddress: 'Bob <bob@ONE.test>', action: 'failed', status: '5.1.1', diagnosticCode: DIAGNOSTIC },
      ],
      reportingMTA: 'dns; amazonses.com',
    })
    assert.deepEqual(delivery!.said['recipients'], ['joe@one.test'])
    const recipients = await app.services.store.messages.recipients(SCOPE, id)
    assert.deepEqual(
      recipients.map(({ status }) => status),
      ['bounced', 'delivered'],
    )
  })

  test('is told of by a complaint where that was the reason, one event a reason', async () => {
    await using app = await startCapture()
    await suppress(app, 'bob@one.test')
    await suppress(app, 'tim@two.test')
    await suppress(app, 'eve@two.test', 'COMPLAINT')
    const id = await send(app, ['bob@one.test', 'eve@two.test', 'tim@two.test'])
    const [, bounce, complaint, ...more] = await eventsOf(app, id)
    assert.deepEqual([bounce!.type, complaint!.type, more], ['Bounce', 'Complaint', []])
    assert.deepEqual(
      (bounce!.said['bouncedRecipients'] as { emailAddress: string }[]).map(({ emailAddress }) => emailAddress),
      ['bob@one.test', 'tim@two.test'],
    )
    const { feedbackId: _, ...said } = complaint!.said
    assert.deepEqual(said, {
      complaintSubType: 'OnAccountSuppressionList',
      complainedRecipients: [{ emailAddress: 'eve@two.test' }],
      timestamp: new Date(app.clock.now()).toISOString(),
    })
    // Nothing was attempted.
    assert.deepEqual(await app.services.store.messages.attempts(SCOPE, id), [])
  })

  test('counts to the quota, and neither as a bounce nor as a complaint', async () => {
    await using app = await startCapture()
    await suppress(app, 'bob@one.test')
    await suppress(app, 'eve@one.test', 'COMPLAINT')
    await send(app, ['bob@one.test', 'eve@one.test'])
    const { SendQuota } = await app.sesv2.send(new GetAccountCommand({}))
    assert.equal(SendQuota?.SentLast24Hours, 2)
    const { SendDataPoints } = await app.ses.send(new GetSendStatisticsCommand({}))
    assert.deepEqual(
      SendDataPoints?.map(({ DeliveryAttempts, Bounces, Complaints }) => [DeliveryAttempts, Bounces, Complaints]),
      [[2, 0, 0]],
    )
  })

  test('is held back by the domain in any case and the local part as typed, in one account and region', async () => {
    await using app = await startCapture()
    await suppress(app, 'Bob@one.test')
    assert.deepEqual(await typesOf(app, await send(app, ['Bob@One.Test'])), ['Send', 'Bounce'])
    assert.deepEqual(await typesOf(app, await send(app, ['bob@one.test'])), ['Send', 'Delivery'])
    const { sesv2 } = app.clients('eu-west-1')
    await sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: 'example.com' }))
    assert.deepEqual(await typesOf(app, await send({ ...app, sesv2 }, ['Bob@one.test'])), ['Send', 'Delivery'])
  })

  test('is held back for the reasons of its set, or else of the account', async () => {
    await using app = await startCapture()
    await suppress(app, 'bob@one.test')
    await suppress(app, 'eve@one.test', 'COMPLAINT')
    await makeSet(app, 'none', [])
    await makeSet(app, 'complaints', ['COMPLAINT'])
    await makeSet(app, 'follows', undefined)
    const held = async (set?: string) =>
      (await typesOf(app, await send(app, ['bob@one.test', 'eve@one.test'], set))).slice(1)
    assert.deepEqual(await held(), ['Bounce', 'Complaint'])
    assert.deepEqual(await held('none'), ['Delivery'])
    assert.deepEqual(await held('complaints'), ['Complaint', 'Delivery'])
    assert.deepEqual(await held('follows'), ['Bounce', 'Complaint'])
    await app.sesv2.send(new PutAccountSuppressionAttributesCommand({ SuppressedReasons: ['BOUNCE'] }))
    assert.deepEqual(await held('follows'), ['Bounce', 'Delivery'])
    assert.deepEqual(await held('complaints'), ['Complaint', 'Delivery'])
    await app.sesv2.send(new PutAccountSuppressionAttributesCommand({ SuppressedReasons: [] }))
    assert.deepEqual(await held(), ['Delivery'])
  })

  test('goes through at the mailbox simulator, and where it is ours', async () => {
    await using app = await startCapture({ autoVerify: false })
    const address = 'success@simulator.amazonses.com'
    await suppress(app, address)
    await suppress(app, 'new@one.test')
    await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: 'new@one.test' }))
    const { messages } = await app.services.store.messages.page({}, { limit: 10 })
    const notice = messages.find(({ message }) => message.surface === 'system')
    assert.deepEqual(await typesOf(app, notice!.message.id), ['Send', 'Delivery'])
    await app.admin('POST', '/_sesame/accounts/000000000000/regions/us-east-1/identities/example.com/verify')
    assert.deepEqual(await typesOf(app, await send(app, [address])), ['Send', 'Delivery'])
  })

  test('is asked for only where there is a list', async () => {
    await using app = await startCapture()
    const reads = async () => {
      const before = app.services.store.metrics().reads
      await send(app, ['joe@one.test'])
      return app.services.store.metrics().reads - before
    }
    await reads()
    assert.equal(await reads(), 0)
    await suppress(app, 'bob@one.test')
    await reads()
    assert.equal(await reads(), 1)
  })

  test('is held back also by the process that delivers what another has accepted', async () => {
    const database = await (await postgres()).schema()
    await using accepting = await startCapture({ database, roles: new Set(['api'] as const) })
    await suppress(accepting, 'bob@one.test')
    const id = await send(accepting, ['bob@one.test', 'joe@one.test'])
    const other = await send(accepting, ['bob@one.test'])
    assert.deepEqual(await typesOf(accepting, id), ['Send'])
    await using delivering = await startApp({ config: { database, roles: new Set(['delivery'] as const) } })
    await delivering.idle()
    assert.deepEqual(await typesOf(accepting, id), ['Send', 'Bounce', 'Delivery'])
    assert.deepEqual(await typesOf(accepting, other), ['Send', 'Bounce'])
    assert.deepEqual(await accepting.services.store.messages.attempts(SCOPE, other), [])
  })
})

describe('over the network', () => {
  test('who is on the list is not asked for, also when he came there while his mail waited', async () => {
    await using world = await startWorld()
    const one = await world.domain('one.test', '127.0.0.2')
    await suppress(world.app, 'bob@one.test')
    const id = await world.send(['bob@one.test', 'joe@one.test'])
    const alone = await world.send(['bob@one.test'])
    await world.app.idle()
    assert.deepEqual(
      one.mails.map(({ recipients }) => recipients),
      [['joe@one.test']],
    )
    assert.deepEqual(await typesOf(world.app, id), ['Send', 'Bounce', 'Delivery'])
    assert.deepEqual(await typesOf(world.app, alone), ['Send', 'Bounce'])
    one.behaviour = { rcpt: '451 4.7.1 Greylisted, try again later' }
    const late = await world.send(['eve@one.test'])
    await world.app.idle()
    await suppress(world.app, 'eve@one.test', 'COMPLAINT')
    one.behaviour = {}
    await world.pass(3)
    assert.deepEqual(await typesOf(world.app, late), ['Send', 'DeliveryDelay', 'Complaint'])
    assert.equal(one.mails.length, 1)
  })

  test('a refusal puts its recipient there when it speaks of him, with what it was told by', async () => {
    await using world = await startWorld()
    await world.domain('one.test', '127.0.0.2', { rcpt: '550 5.1.1 no such user' })
    await world.domain('two.test', '127.0.0.3', { rcpt: '550 5.7.1 Your address is on our blocklist' })
    const id = await world.send(['Bob@ONE.test', 'eve@two.test'])
    await world.app.idle()
    const bounces = (await world.events(id)).filter(({ type }) => type === 'Bounce')
    assert.equal(bounces.length, 2)
    const told = bounces.find(({ said }) => JSON.stringify(said).includes('no such user'))
    assert.deepEqual(await listed(world.app), [
      {
        address: 'Bob@one.test',
        reason: 'BOUNCE',
        updatedAt: world.app.clock.now(),
        messageId: id,
        feedbackId: told!.said['feedbackId'],
      },
    ])
    const again = await world.send(['Bob@one.test'])
    await world.app.idle()
    const [, bounce] = await world.events(again)
    assert.equal(bounce!.said['bounceSubType'], 'OnAccountSuppressionList')
  })

  test('and not where the set or the account does without, nor for mail of ours, nor for the simulator', async () => {
    await using world: World = await startWorld()
    await world.domain('one.test', '127.0.0.2', { rcpt: '550 5.1.1 no such user' })
    // The notice of a bounce cannot be delivered either.
    await world.domain('example.com', '127.0.0.4', { rcpt: '550 5.1.1 no such user' })
    await makeSet(world.app, 'complaints', ['COMPLAINT'])
    await world.send(['bob@one.test'], { set: 'complaints' })
    await world.send(['bounce@simulator.amazonses.com', 'suppressionlist@simulator.amazonses.com'])
    await world.send(['complaint@simulator.amazonses.com'])
    await world.app.idle()
    await world.app.sesv2.send(new PutAccountSuppressionAttributesCommand({ SuppressedReasons: [] }))
    await world.send(['bob@one.test'])
    await world.app.idle()
    assert.deepEqual(await listed(world.app), [])
  })
})

describe('an outcome that is reported', () => {
  async function report(app: TestApp, recipient: string, outcome: Readonly<Record<string, string>>): Promise<void> {
    const id = await send(app, [recipient])
    const { status } = await app.admin('POST', `/_sesame/messages/${id}/outcomes`, { recipient, ...outcome })
    assert.equal(status, 201)
  }

  test('puts the address there for a hard bounce and for a complaint', async () => {
    await using app = await startCapture()
    await report(app, 'hard@one.test', { outcome: 'bounce' })
    await report(app, 'spam@one.test', { outcome: 'complaint' })
    await report(app, 'soft@one.test', { outcome: 'bounce', bounceType: 'Transient' })
    await report(app, 'fine@one.test', { outcome: 'complaint', complaintFeedbackType: 'not-spam' })
    await report(app, 'held@one.test', { outcome: 'bounce', bounceSubType: 'OnAccountSuppressionList' })
    await report(app, 'late@one.test', { outcome: 'delay' })
    await report(app, 'success@simulator.amazonses.com', { outcome: 'bounce' })
    await report(app, 'success@simulator.amazonses.com', { outcome: 'complaint' })
    assert.deepEqual(
      (await listed(app)).map(({ address, reason }) => [address, reason]),
      [
        ['hard@one.test', 'BOUNCE'],
        ['spam@one.test', 'COMPLAINT'],
      ],
    )
    assert.deepEqual(await typesOf(app, await send(app, ['hard@one.test'])), ['Send', 'Bounce'])
    assert.deepEqual(await typesOf(app, await send(app, ['spam@one.test'])), ['Send', 'Complaint'])
  })

  test('and does not where the account does without', async () => {
    await using app = await startCapture()
    await app.sesv2.send(new PutAccountSuppressionAttributesCommand({ SuppressedReasons: ['COMPLAINT'] }))
    await report(app, 'hard@one.test', { outcome: 'bounce' })
    assert.deepEqual(await listed(app), [])
  })
})
