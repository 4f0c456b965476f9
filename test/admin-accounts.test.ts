/** The admin API over real HTTP: accounts, keys, regions, identities. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CreateEmailIdentityCommand, GetAccountCommand, GetEmailIdentityCommand } from '@aws-sdk/client-sesv2'
import { call, get, type Listing } from './support/admin.ts'
import { startApp } from './support/app.ts'
import { FRIEND, SENDER } from './support/surfaces.ts'

type Account = { readonly accountId: string; readonly name: string; readonly email: string | null }
type Key = {
  readonly accessKeyId: string
  readonly userName: string
  readonly secretAccessKey: string
  readonly smtpPasswords: Readonly<Record<string, string>>
}
type Region = {
  readonly productionAccess: boolean
  readonly max24HourSend: number
  readonly maxSendRate: number
  readonly enforcementStatus: string
}

test('an account is made, named otherwise and listed', async () => {
  await using app = await startApp()
  const made = await call<Account>(app, 'POST', '/_sesame/accounts', {
    accountId: '123456789012',
    name: 'Shop',
    email: 'ops@example.com',
  })
  assert.equal(made.status, 201)
  assert.deepEqual([made.body.accountId, made.body.name, made.body.email], ['123456789012', 'Shop', 'ops@example.com'])
  assert.equal((await call(app, 'POST', '/_sesame/accounts', { accountId: '123456789012', name: 'x' })).status, 400)
  const random = await call<Account>(app, 'POST', '/_sesame/accounts', { name: 'Other' })
  assert.match(random.body.accountId, /^\d{12}$/)
  const patched = await call<Account>(app, 'PATCH', '/_sesame/accounts/123456789012', { name: 'Store', email: null })
  assert.deepEqual([patched.body.name, patched.body.email], ['Store', null])
  const { accounts } = await get<{ accounts: Account[] }>(app, '/_sesame/accounts')
  assert.deepEqual(
    accounts.map(({ accountId }) => accountId).toSorted(byText),
    ['000000000000', '123456789012', random.body.accountId].toSorted(byText),
  )
  assert.equal((await call(app, 'PATCH', '/_sesame/accounts/999999999999', { name: 'x' })).status, 404)
})

test('a key works over HTTP and SMTP, in every region, until it is deleted', async () => {
  await using app = await startApp()
  await call(app, 'POST', '/_sesame/accounts', { accountId: '123456789012', name: 'Shop' })
  const { status, body: key } = await call<Key>(app, 'POST', '/_sesame/accounts/123456789012/keys', {
    userName: 'mailer',
  })
  assert.equal(status, 201)
  const clients = app.clients('eu-west-1', { accessKeyId: key.accessKeyId, secretAccessKey: key.secretAccessKey })
  await clients.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: SENDER }))
  const smtp = app.smtp(key.accessKeyId, key.smtpPasswords['eu-west-1'])
  await smtp.sendMail({ from: SENDER, to: FRIEND, subject: 'Over SMTP', text: 'Hi' })
  const { messages } = await get<Listing>(app, '/_sesame/messages')
  assert.deepEqual(
    [messages[0]!.account, messages[0]!.region, messages[0]!.surface],
    ['123456789012', 'eu-west-1', 'smtp'],
  )
  const { keys } = await get<{ keys: Key[] }>(app, '/_sesame/accounts/123456789012/keys')
  assert.deepEqual(
    keys.map(({ accessKeyId, userName }) => [accessKeyId, userName]),
    [[key.accessKeyId, 'mailer']],
  )
  assert.doesNotMatch(JSON.stringify(keys), new RegExp(key.secretAccessKey.replace(/[+/]/g, '\\$&')))
  assert.equal((await call(app, 'DELETE', `/_sesame/accounts/123456789012/keys/${key.accessKeyId}`)).status, 204)
  await assert.rejects(clients.sesv2.send(new GetAccountCommand({})), { name: 'UnrecognizedClientException' })
  assert.equal((await call(app, 'DELETE', `/_sesame/accounts/123456789012/keys/${key.accessKeyId}`)).status, 404)
})

test('a policy bounds a key, given as JSON or as text; a bad one is refused', async () => {
  await using app = await startApp()
  const policy = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'ses:GetAccount', Resource: '*' }] }
  for (const given of [policy, JSON.stringify(policy)]) {
    const { body: key } = await call<Key>(app, 'POST', '/_sesame/accounts/000000000000/keys', { policy: given })
    const { sesv2 } = app.clients('us-east-1', { accessKeyId: key.accessKeyId, secretAccessKey: key.secretAccessKey })
    await sesv2.send(new GetAccountCommand({}))
    await assert.rejects(sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: SENDER })), {
      name: 'AccessDeniedException',
    })
  }
  assert.equal((await call(app, 'POST', '/_sesame/accounts/000000000000/keys', { policy: { Version: 7 } })).status, 400)
  assert.equal((await call(app, 'POST', '/_sesame/accounts/999999999999/keys', {})).status, 404)
})

test('a region of an account gets what reviewers and enforcement give it', async () => {
  await using app = await startApp({ profile: 'strict' })
  const path = '/_sesame/accounts/000000000000/regions/eu-west-1'
  assert.equal((await get<Region>(app, path)).productionAccess, false)
  const { status, body } = await call<Region>(app, 'PATCH', path, {
    productionAccess: true,
    max24HourSend: 5000,
    maxSendRate: 7.5,
    enforcementStatus: 'PROBATION',
  })
  assert.equal(status, 200)
  assert.deepEqual(
    [body.productionAccess, body.max24HourSend, body.maxSendRate, body.enforcementStatus],
    [true, 5000, 7.5, 'PROBATION'],
  )
  const account = await app.clients('eu-west-1').sesv2.send(new GetAccountCommand({}))
  assert.deepEqual(
    [account.ProductionAccessEnabled, account.EnforcementStatus, account.SendQuota?.Max24HourSend],
    [true, 'PROBATION', 5000],
  )
  assert.equal((await app.sesv2.send(new GetAccountCommand({}))).ProductionAccessEnabled, false)
  assert.equal((await call(app, 'PATCH', path, { maxSendRate: -1 })).status, 400)
  assert.equal((await call(app, 'PATCH', path, { enforcementStatus: 'SAD' })).status, 400)
  assert.equal((await call(app, 'PATCH', path, { reviewDecision: 'GRANTED' })).status, 400)
})

test('an identity is verified by decree', async () => {
  await using app = await startApp({ profile: 'strict' })
  await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: 'example.com' }))
  const { status, body } = await call(app, 'POST', verifyPath('example.com'))
  assert.deepEqual([status, body], [200, { identity: 'example.com', type: 'DOMAIN', verificationStatus: 'SUCCESS' }])
  const identity = await app.sesv2.send(new GetEmailIdentityCommand({ EmailIdentity: 'example.com' }))
  assert.equal(identity.VerifiedForSendingStatus, true)
  assert.equal((await call(app, 'POST', verifyPath('nobody%40example.com'))).status, 404)
})

function verifyPath(identity: string): string {
  return `/_sesame/accounts/000000000000/regions/us-east-1/identities/${identity}/verify`
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1
}
