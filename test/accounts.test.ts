/** Accounts, their keys, and what they may do in a region, through the APIs and the admin API. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import {
  GetAccountSendingEnabledCommand,
  GetSendQuotaCommand,
  GetSendStatisticsCommand,
  UpdateAccountSendingEnabledCommand,
  VerifyEmailIdentityCommand,
} from '@aws-sdk/client-ses'
import {
  CreateEmailIdentityCommand,
  GetAccountCommand,
  PutAccountDedicatedIpWarmupAttributesCommand,
  PutAccountDetailsCommand,
  type PutAccountDetailsCommandInput,
  PutAccountSendingAttributesCommand,
  PutAccountSuppressionAttributesCommand,
} from '@aws-sdk/client-sesv2'
import { putAccountDetails } from '../src/domain/accounts/details.ts'
import { smtpPassword } from '../src/domain/accounts/smtp-passwords.ts'
import { type Credentials, startApp, type TestApp } from './support/app.ts'
import { SENDER, sendThrough } from './support/surfaces.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const ACCOUNT = '000000000000'
const REGION = `/_sesame/accounts/${ACCOUNT}/regions/us-east-1`
const DETAILS: PutAccountDetailsCommandInput = {
  MailType: 'TRANSACTIONAL',
  WebsiteURL: 'https://www.example.com/shop',
  ContactLanguage: 'EN',
  UseCaseDescription: 'Receipts.',
  AdditionalContactEmailAddresses: ['ops@example.com'],
  ProductionAccessEnabled: true,
}

type NewKey = Credentials & { readonly smtpPasswords: Record<string, string>; readonly sessionToken?: string }

async function newKey(app: TestApp, body: object = {}, account = ACCOUNT): Promise<NewKey> {
  const reply = await app.admin('POST', `/_sesame/accounts/${account}/keys`, body)
  const { accessKeyId, secretAccessKey, ...rest } = reply.body as NewKey
  return { accessKeyId, secretAccessKey, ...rest }
}

describe('what an account may do', () => {
  test('in the local profile: production access, no quota, 1000 a second', async () => {
    await using app = await startApp()
    const { $metadata, ...account } = await app.sesv2.send(new GetAccountCommand({}))
    assert.equal($metadata.httpStatusCode, 200)
    assert.deepEqual(account, {
      DedicatedIpAutoWarmupEnabled: false,
      EnforcementStatus: 'HEALTHY',
      ProductionAccessEnabled: true,
      SendQuota: { Max24HourSend: -1, MaxSendRate: 1000, SentLast24Hours: 0 },
      SendingEnabled: true,
      SuppressionAttributes: { SuppressedReasons: ['BOUNCE', 'COMPLAINT'] },
    })
  })

  test('in the strict profile: the sandbox, on both APIs', async () => {
    await using app = await startApp({ profile: 'strict' })
    const account = await app.sesv2.send(new GetAccountCommand({}))
    assert.equal(account.ProductionAccessEnabled, false)
    assert.deepEqual(account.SendQuota, { Max24HourSend: 200, MaxSendRate: 1, SentLast24Hours: 0 })
    const { $metadata: _, ...quota } = await app.ses.send(new GetSendQuotaCommand({}))
    assert.deepEqual(quota, { Max24HourSend: 200, MaxSendRate: 1, SentLast24Hours: 0 })
  })

  test('is of each region by itself, and is set by the operator', async () => {
    await using app = await startApp({ profile: 'strict' })
    const reply = await app.admin('PATCH', REGION, { productionAccess: true, max24HourSend: 500, maxSendRate: 2.5 })
    assert.equal(reply.status, 200)
    const here = await app.sesv2.send(new GetAccountCommand({}))
    assert.equal(here.ProductionAccessEnabled, true)
    assert.deepEqual(here.SendQuota, { Max24HourSend: 500, MaxSendRate: 2.5, SentLast24Hours: 0 })
    const there = await app.clients('eu-west-1').sesv2.send(new GetAccountCommand({}))
    assert.equal(there.ProductionAccessEnabled, false)
  })

  test('cannot be set to what makes no sense', async () => {
    await using app = await startApp()
    for (const body of [{ max24HourSend: -2 }, { max24HourSend: 1.5 }, { maxSendRate: 0 }]) {
      assert.equal((await app.admin('PATCH', REGION, body)).status, 400, JSON.stringify(body))
    }
    assert.equal((await app.admin('PATCH', `/_sesame/accounts/${ACCOUNT}/regions/nowhere`, {})).status, 400)
    assert.equal((await app.admin('PATCH', '/_sesame/accounts/999999999999/regions/us-east-1', {})).status, 404)
  })
})

describe("the account's switches", () => {
  test('sending is switched off and on through either API, in one region', async () => {
    await using app = await startApp()
    const isEnabled = async () => (await app.ses.send(new GetAccountSendingEnabledCommand({}))).Enabled
    await app.sesv2.send(new PutAccountSendingAttributesCommand({ SendingEnabled: false }))
    assert.equal(await isEnabled(), false)
    await app.ses.send(new UpdateAccountSendingEnabledCommand({ Enabled: true }))
    assert.equal((await app.sesv2.send(new GetAccountCommand({}))).SendingEnabled, true)
    await app.ses.send(new UpdateAccountSendingEnabledCommand({}))
    assert.equal(await isEnabled(), false)
    assert.equal((await app.clients('eu-west-1').sesv2.send(new GetAccountCommand({}))).SendingEnabled, true)
    await app.sesv2.send(new PutAccountSendingAttributesCommand({ SendingEnabled: true }))
    await app.sesv2.send(new PutAccountSendingAttributesCommand({}))
    assert.equal(await isEnabled(), false)
  })

  test('reasons for suppression and IP warm-up are kept', async () => {
    await using app = await startApp()
    await app.sesv2.send(new PutAccountSuppressionAttributesCommand({ SuppressedReasons: ['COMPLAINT'] }))
    await app.sesv2.send(new PutAccountDedicatedIpWarmupAttributesCommand({ AutoWarmupEnabled: true }))
    const account = await app.sesv2.send(new GetAccountCommand({}))
    assert.deepEqual(account.SuppressionAttributes, { SuppressedReasons: ['COMPLAINT'] })
    assert.equal(account.DedicatedIpAutoWarmupEnabled, true)
    await app.sesv2.send(new PutAccountSuppressionAttributesCommand({}))
    const after = await app.sesv2.send(new GetAccountCommand({}))
    assert.deepEqual(after.SuppressionAttributes, { SuppressedReasons: [] })
  })

  test('a pause by enforcement is told by mail, and not undone by the owner', async () => {
    await using app = await startApp()
    await app.admin('PATCH', `/_sesame/accounts/${ACCOUNT}`, { email: 'owner@example.com' })
    await app.admin('PATCH', REGION, { enforcementStatus: 'SHUTDOWN' })
    await app.sesv2.send(new PutAccountSendingAttributesCommand({ SendingEnabled: true }))
    const account = await app.sesv2.send(new GetAccountCommand({}))
    assert.equal(account.EnforcementStatus, 'SHUTDOWN')
    assert.equal(account.SendingEnabled, false)
    const notices = await app.services.store.messages.list({ to: 'owner@example.com' }, { limit: 10 })
    assert.equal(notices.length, 1)
    assert.match(notices[0]!.message.commonHeaders.subject!, /Sending is paused/)
    await app.admin('PATCH', REGION, { enforcementStatus: 'SHUTDOWN' })
    assert.equal((await app.services.store.messages.list({ to: 'owner@example.com' }, { limit: 10 })).length, 1)
    assert.equal((await app.sesv2.send(new GetAccountCommand({}))).SendQuota?.SentLast24Hours, 0)
  })
})

describe('asking for production access', () => {
  test('starts a review, which locks the details until it is decided', async () => {
    await using app = await startApp({ profile: 'strict' })
    await app.sesv2.send(new PutAccountDetailsCommand(DETAILS))
    const { Details } = await app.sesv2.send(new GetAccountCommand({}))
    assert.equal(Details?.WebsiteURL, DETAILS.WebsiteURL)
    assert.equal(Details?.MailType, 'TRANSACTIONAL')
    assert.deepEqual(Details?.AdditionalContactEmailAddresses, ['ops@example.com'])
    assert.equal(Details?.ReviewDetails?.Status, 'PENDING')
    assert.match(Details?.ReviewDetails?.CaseId ?? '', /^\d{15}$/)
    await assert.rejects(app.sesv2.send(new PutAccountDetailsCommand(DETAILS)), (error: Error) => {
      assert.equal(error.name, 'ConflictException')
      return true
    })
  })

  test('twice at the same time starts one review', async () => {
    await using app = await startApp({ profile: 'strict' })
    const { services } = app
    const request = {
      mailType: 'MARKETING',
      websiteUrl: 'https://www.example.com',
      contactLanguage: undefined,
      useCaseDescription: undefined,
      additionalContacts: undefined,
      productionAccess: true,
    } as const
    const scope = { account: ACCOUNT, region: 'us-east-1' }
    const asked = await Promise.allSettled([1, 2, 3].map(() => putAccountDetails(services, scope, request)))
    assert.equal(asked.filter(({ status }) => status === 'fulfilled').length, 1)
  })

  test('that is granted ends the sandbox', async () => {
    await using app = await startApp({ profile: 'strict' })
    await app.sesv2.send(new PutAccountDetailsCommand(DETAILS))
    assert.equal((await app.admin('PATCH', REGION, { reviewDecision: 'GRANTED' })).status, 200)
    const account = await app.sesv2.send(new GetAccountCommand({}))
    assert.equal(account.ProductionAccessEnabled, true)
    assert.equal(account.Details?.ReviewDetails?.Status, 'GRANTED')
    assert.equal(account.SendQuota?.Max24HourSend, 50_000)
    await app.sesv2.send(new PutAccountDetailsCommand({ ...DETAILS, MailType: 'MARKETING' }))
    const after = await app.sesv2.send(new GetAccountCommand({}))
    assert.equal(after.Details?.MailType, 'MARKETING')
    assert.equal(after.Details?.ReviewDetails?.Status, 'GRANTED')
  })

  test('that is denied can be asked again', async () => {
    await using app = await startApp({ profile: 'strict' })
    assert.equal((await app.admin('PATCH', REGION, { reviewDecision: 'DENIED' })).status, 400)
    await app.sesv2.send(new PutAccountDetailsCommand(DETAILS))
    await app.admin('PATCH', REGION, { reviewDecision: 'DENIED' })
    const account = await app.sesv2.send(new GetAccountCommand({}))
    assert.equal(account.ProductionAccessEnabled, false)
    assert.equal(account.Details?.ReviewDetails?.Status, 'DENIED')
    await app.sesv2.send(new PutAccountDetailsCommand(DETAILS))
  })

  const refused: readonly (readonly [change: object, message: string])[] = [
    [{ WebsiteURL: 'not a url' }, 'Url contains invalid format'],
    [{ WebsiteURL: 'https://shop.invalid' }, 'Url contains invalid format'],
    [{ WebsiteURL: 'ftp://example.com' }, 'Url contains invalid format'],
    [
      { WebsiteURL: '' },
      "1 validation error detected: Value at 'websiteURL' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ],
    [
      { MailType: 'SPAM' },
      "1 validation error detected: Value at 'mailType' failed to satisfy constraint: Member must satisfy enum value set: [MARKETING, TRANSACTIONAL]",
    ],
    [
      { AdditionalContactEmailAddresses: [] },
      "1 validation error detected: Value at 'additionalContactEmailAddresses' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ],
  ]
  for (const [change, message] of refused) {
    test(`is refused with ${JSON.stringify(change)}`, async () => {
      await using app = await startApp({ profile: 'strict' })
      const command = new PutAccountDetailsCommand({ ...DETAILS, ...change })
      await assert.rejects(app.sesv2.send(command), { name: 'BadRequestException', message })
      assert.equal((await app.sesv2.send(new GetAccountCommand({}))).Details, undefined)
    })
  }
})

describe('quota and statistics', () => {
  test('count recipients, by 24 hours and by quarters of an hour', async () => {
    await using app = await startApp()
    await app.ses.send(new VerifyEmailIdentityCommand({ EmailAddress: SENDER }))
    await sendThrough('v2', app, { to: ['a@example.org', 'b@example.org'] })
    await sendThrough('v1', app, { to: ['success@simulator.amazonses.com'] })
    const sent = async () => (await app.ses.send(new GetSendQuotaCommand({}))).SentLast24Hours
    assert.equal(await sent(), 2)
    const { SendDataPoints } = await app.ses.send(new GetSendStatisticsCommand({}))
    assert.deepEqual(SendDataPoints, [
      { Timestamp: new Date(app.clock.now()), DeliveryAttempts: 2, Bounces: 0, Complaints: 0, Rejects: 0 },
    ])
    app.clock.advance(86_400_000)
    assert.equal(await sent(), 0)
    app.clock.advance(14 * 86_400_000)
    assert.deepEqual((await app.ses.send(new GetSendStatisticsCommand({}))).SendDataPoints ?? [], [])
  })

  test('have a point for each quarter of an hour in which anything was sent, for two weeks', async () => {
    await using app = await startApp()
    await app.ses.send(new VerifyEmailIdentityCommand({ EmailAddress: SENDER }))
    const start = app.clock.now()
    const points = async () => {
      const { SendDataPoints = [] } = await app.ses.send(new GetSendStatisticsCommand({}))
      return SendDataPoints.map((point) => [(point.Timestamp!.getTime() - start) / MINUTE, point.DeliveryAttempts])
    }
    const sendAfter = async (minutes: number) => {
      app.clock.advance(minutes * MINUTE)
      await sendThrough('v2', app, {})
    }
    // At 0, 14, 15 and 45 minutes; the test's clock starts at noon.
    for (const minutes of [0, 14, 1, 30]) await sendAfter(minutes)
    const all = [
      [0, 2],
      [15, 1],
      [45, 1],
    ]
    assert.deepEqual(await points(), all)
    app.clock.advance(14 * DAY - 45 * MINUTE)
    assert.deepEqual(await points(), all)
    app.clock.advance(15 * MINUTE)
    assert.deepEqual(await points(), all.slice(1))
  })

  test('are known again after a restart of the counters', async () => {
    await using app = await startApp()
    await app.ses.send(new VerifyEmailIdentityCommand({ EmailAddress: SENDER }))
    await sendThrough('v2', app, {})
    app.services.quotas.reset()
    assert.equal((await app.ses.send(new GetSendQuotaCommand({}))).SentLast24Hours, 1)
  })
})

describe('accounts and keys', () => {
  test('the default account is there from the start', async () => {
    await using app = await startApp()
    const { body } = await app.admin('GET', '/_sesame/accounts')
    const { accounts } = body as { accounts: { accountId: string; name: string }[] }
    assert.deepEqual(
      accounts.map(({ accountId, name }) => [accountId, name]),
      [[ACCOUNT, 'default']],
    )
  })

  test('a key sends and sees for its own account only', async () => {
    await using app = await startApp()
    await app.admin('POST', '/_sesame/accounts', { accountId: '111111111111', name: 'shop' })
    const key = await newKey(app, { userName: 'ann' }, '111111111111')
    assert.match(key.accessKeyId, /^AKIA[A-Z2-7]{16}$/)
    assert.equal(key.secretAccessKey.length, 40)
    const shop = app.clients('us-east-1', key)
    await shop.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: SENDER }))
    assert.ok('messageId' in (await sendThrough('v2', app, {}, shop)))
    const refused = await sendThrough('v2', app, {})
    assert.ok('refusal' in refused && refused.refusal.code === 'MessageRejected')
    assert.equal((await app.ses.send(new GetSendQuotaCommand({}))).SentLast24Hours, 0)
    assert.equal((await shop.ses.send(new GetSendQuotaCommand({}))).SentLast24Hours, 1)
  })

  test('a wrong secret, an unknown key and a deleted key are refused as SES does', async () => {
    await using app = await startApp()
    const key = await newKey(app)
    const call = (credentials: Credentials) =>
      app.clients('us-east-1', credentials).sesv2.send(new GetAccountCommand({}))
    await call(key)
    await assert.rejects(call({ ...key, secretAccessKey: 'x' }), { name: 'InvalidSignatureException' })
    await assert.rejects(call({ ...key, accessKeyId: 'AKIAXXXXXXXXXXXXXXXX' }), { name: 'UnrecognizedClientException' })
    assert.equal((await app.admin('DELETE', `/_sesame/accounts/${ACCOUNT}/keys/${key.accessKeyId}`)).status, 204)
    await assert.rejects(call(key), { name: 'UnrecognizedClientException' })
  })

  test('temporary credentials need their session token', async () => {
    await using app = await startApp()
    const key = await newKey(app, { durationSeconds: 900 })
    assert.match(key.accessKeyId, /^ASIA/)
    const call = (credentials: Credentials) =>
      app.clients('us-east-1', credentials).sesv2.send(new GetAccountCommand({}))
    await call(key)
    await assert.rejects(call({ accessKeyId: key.accessKeyId, secretAccessKey: key.secretAccessKey }))
    const password = smtpPassword(key.secretAccessKey, 'us-east-1')
    await assert.rejects(app.smtp(key.accessKeyId, password).verify(), /535/)
  })

  test('accounts and keys that cannot be are refused', async () => {
    await using app = await startApp()
    const statusOf = async (path: string, body: object) => (await app.admin('POST', path, body)).status
    assert.equal(await statusOf('/_sesame/accounts', { accountId: '12', name: 'short' }), 400)
    assert.equal(await statusOf('/_sesame/accounts', { accountId: ACCOUNT, name: 'again' }), 400)
    assert.equal(await statusOf('/_sesame/accounts', { name: '' }), 400)
    assert.equal(await statusOf('/_sesame/accounts', { name: 'a', email: 'nobody' }), 400)
    assert.equal(await statusOf('/_sesame/accounts/999999999999/keys', {}), 404)
    const keys = `/_sesame/accounts/${ACCOUNT}/keys`
    assert.equal(await statusOf(keys, { userName: 'a b' }), 400)
    assert.equal(await statusOf(keys, { policy: '{"Statement":[]}' }), 400)
    assert.equal(await statusOf(keys, { durationSeconds: 1 }), 400)
  })

  test('an account id that is not given is made up', async () => {
    await using app = await startApp()
    const { body } = await app.admin('POST', '/_sesame/accounts', { name: 'new', email: 'new@example.com' })
    const { accountId } = body as { accountId: string }
    assert.match(accountId, /^\d{12}$/)
    await newKey(app, {}, accountId)
  })

  test('there is no test key outside of local and strict', async () => {
    await using app = await startApp({ config: { profile: 'production' } })
    await assert.rejects(app.sesv2.send(new GetAccountCommand({})), { name: 'UnrecognizedClientException' })
  })

  test('with any credentials every key is taken, and a key of 12 digits names the account', async () => {
    await using app = await startApp({ config: { anyCredentials: true } })
    const any = app.clients('us-east-1', { accessKeyId: 'whatever', secretAccessKey: 'x' })
    await any.ses.send(new UpdateAccountSendingEnabledCommand({ Enabled: false }))
    assert.equal((await app.sesv2.send(new GetAccountCommand({}))).SendingEnabled, false)
    const other = app.clients('us-east-1', { accessKeyId: '222222222222', secretAccessKey: 'x' })
    assert.equal((await other.sesv2.send(new GetAccountCommand({}))).SendingEnabled, true)
    const { body } = await app.admin('GET', '/_sesame/accounts')
    const { accounts } = body as { accounts: { accountId: string }[] }
    assert.ok(accounts.some(({ accountId }) => accountId === '222222222222'))
  })
})

describe('SMTP credentials', () => {
  const message = { envelope: { from: SENDER, to: ['friend@example.org'] }, raw: `From: ${SENDER}\r\n\r\nhi` }

  test('the region is the one that the password was derived for', async () => {
    await using app = await startApp({ profile: 'strict', config: { autoVerify: true, productionAccess: true } })
    const key = await newKey(app, { userName: 'ann' })
    assert.equal(key.smtpPasswords['eu-west-1'], smtpPassword(key.secretAccessKey, 'eu-west-1'))
    const ireland = app.clients('eu-west-1')
    await ireland.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: SENDER }))
    await app.smtp(key.accessKeyId, key.smtpPasswords['eu-west-1']).sendMail(message)
    await assert.rejects(app.smtp(key.accessKeyId, key.smtpPasswords['us-east-1']).sendMail(message), /US-EAST-1/)
    await assert.rejects(
      app.smtp(key.accessKeyId, key.secretAccessKey).verify(),
      /535 Authentication Credentials Invalid/,
    )
    await assert.rejects(app.smtp('nobody', 'x').verify(), /535 Authentication Credentials Invalid/)
  })

  test('locally the bare secret will do', async () => {
    await using app = await startApp()
    await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: SENDER }))
    await app.smtp('test', 'test').sendMail(message)
    await app.smtp('test', smtpPassword('test', 'us-east-1')).sendMail(message)
    await assert.rejects(app.smtp('test', 'wrong').verify(), /535/)
  })
})
