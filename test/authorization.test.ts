/** What keys may do by their IAM policies, and with other accounts' identities by the policies of those. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { GetSendQuotaCommand, SendEmailCommand, VerifyEmailIdentityCommand } from '@aws-sdk/client-ses'
import {
  CreateConfigurationSetCommand,
  CreateEmailIdentityCommand,
  GetAccountCommand,
  GetEmailIdentityCommand,
  PutEmailIdentityConfigurationSetAttributesCommand,
  SendEmailCommand as SendEmailV2Command,
} from '@aws-sdk/client-sesv2'
import { type AppOptions, type Clients, startApp, type TestApp } from './support/app.ts'
import { FRIEND, SENDER, sendThrough, SURFACES } from './support/surfaces.ts'

const OWNER = '000000000000'
const DELEGATE = '111122223333'
const DOMAIN = 'example.com'
const DOMAIN_ARN = `arn:aws:ses:us-east-1:${OWNER}:identity/${DOMAIN}`
const ANN = `arn:aws:iam::${OWNER}:user/ann`

type Statement = Record<string, unknown>
type User = Clients & { readonly smtp: ReturnType<TestApp['smtp']> }

const allow = (members: Statement): Statement => ({ Effect: 'Allow', Action: 'ses:*', Resource: '*', ...members })
const deny = (members: Statement): Statement => ({ ...allow(members), Effect: 'Deny' })

/** A key of user ann with these statements as its policy. */
async function userOf(app: TestApp, statements: readonly Statement[], account = OWNER): Promise<User> {
  const policy = { Version: '2012-10-17', Statement: statements }
  const { body } = await app.admin('POST', `/_sesame/accounts/${account}/keys`, { userName: 'ann', policy })
  const key = body as { accessKeyId: string; secretAccessKey: string; smtpPasswords: Record<string, string> }
  return { ...app.clients('us-east-1', key), smtp: app.smtp(key.accessKeyId, key.smtpPasswords['us-east-1']) }
}

async function startWithDomain(options: AppOptions = {}): Promise<TestApp> {
  const app = await startApp(options)
  await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: DOMAIN }))
  return app
}

describe('calls that do not send', () => {
  test('need an allow in the policy, where the key has one', async () => {
    await using app = await startApp()
    const user = await userOf(app, [allow({ Action: 'ses:Get*' })])
    await user.ses.send(new GetSendQuotaCommand({}))
    await user.sesv2.send(new GetAccountCommand({}))
    await assert.rejects(user.ses.send(new VerifyEmailIdentityCommand({ EmailAddress: SENDER })), {
      name: 'AccessDenied',
      message: `User: ${ANN} is not authorized to perform: ses:VerifyEmailIdentity because no identity-based policy allows the ses:VerifyEmailIdentity action`,
    })
    await assert.rejects(user.sesv2.send(new CreateConfigurationSetCommand({ ConfigurationSetName: 'a' })), {
      name: 'AccessDeniedException',
      message: `User: ${ANN} is not authorized to perform: ses:CreateConfigurationSet on resource: * because no identity-based policy allows the ses:CreateConfigurationSet action`,
    })
  })

  test('are stopped by an explicit deny', async () => {
    await using app = await startApp()
    const user = await userOf(app, [allow({}), deny({ Action: 'ses:GetAccount' })])
    await assert.rejects(user.sesv2.send(new GetAccountCommand({})), {
      message: `User: ${ANN} is not authorized to perform: ses:GetAccount on resource: * with an explicit deny in an identity-based policy`,
    })
  })

  test('of v2 are bounded to resources', async () => {
    await using app = await startWithDomain()
    const user = await userOf(app, [allow({ Resource: DOMAIN_ARN })])
    await user.sesv2.send(new GetEmailIdentityCommand({ EmailIdentity: DOMAIN }))
    await assert.rejects(user.sesv2.send(new GetEmailIdentityCommand({ EmailIdentity: 'other.example' })), {
      message: `User: ${ANN} is not authorized to perform: ses:GetEmailIdentity on resource: arn:aws:ses:us-east-1:${OWNER}:identity/other.example because no identity-based policy allows the ses:GetEmailIdentity action`,
    })
    await assert.rejects(user.sesv2.send(new GetAccountCommand({})), { name: 'AccessDeniedException' })
    await assert.rejects(user.ses.send(new GetSendQuotaCommand({})), { name: 'AccessDenied' })
  })

  test('are told apart by the version of the API', async () => {
    await using app = await startApp()
    const user = await userOf(app, [allow({ Condition: { StringEquals: { 'ses:ApiVersion': '2' } } })])
    await user.sesv2.send(new GetAccountCommand({}))
    await assert.rejects(user.ses.send(new GetSendQuotaCommand({})), { name: 'AccessDenied' })
  })
})

describe('sending', () => {
  // The older SDK makes its own client, with the account's key.
  for (const surface of SURFACES.filter((each) => !each.endsWith('sdk 2'))) {
    const action = surface.includes('raw') || surface === 'smtp' ? 'ses:SendRawEmail' : 'ses:SendEmail'
    test(`through ${surface} needs ${action} on the identity`, async () => {
      await using app = await startWithDomain()
      const forbidden = await userOf(app, [allow({ Action: 'ses:Get*' })])
      const refused = await sendThrough(surface, withSmtp(app, forbidden), {}, forbidden)
      assert.ok('refusal' in refused)
      const text = `User \`${ANN}' is not authorized to perform \`${action}' on resource \`${DOMAIN_ARN}'`
      assert.ok(refused.refusal.message.includes(text), refused.refusal.message)
      assert.equal(refused.refusal.status, surface === 'smtp' ? 554 : 403)
      const allowed = await userOf(app, [allow({ Action: action, Resource: DOMAIN_ARN })])
      assert.ok('messageId' in (await sendThrough(surface, withSmtp(app, allowed), {}, allowed)))
    })
  }

  const conditions: readonly (readonly [condition: Statement, passes: boolean])[] = [
    [{ StringEquals: { 'ses:FromAddress': SENDER } }, true],
    [{ StringEquals: { 'ses:FromAddress': 'other@example.com' } }, false],
    [{ StringLike: { 'ses:FromDisplayName': 'Sales*' } }, true],
    [{ StringLike: { 'ses:FromDisplayName': 'Marketing' } }, false],
    [{ 'ForAllValues:StringLike': { 'ses:Recipients': '*@example.org' } }, true],
    [{ 'ForAllValues:StringLike': { 'ses:Recipients': '*@example.net' } }, false],
    [{ StringEquals: { 'ses:FeedbackAddress': 'bounces@example.com' } }, true],
    [{ Bool: { 'aws:SecureTransport': 'true' } }, false],
    [{ IpAddress: { 'aws:SourceIp': '127.0.0.0/8' } }, true],
    [{ DateGreaterThan: { 'aws:CurrentTime': '2018-08-31T12:00Z' } }, true],
    [{ StringEquals: { 'aws:username': 'ann' } }, true],
  ]
  for (const [condition, passes] of conditions) {
    test(`${passes ? 'passes' : 'is stopped'} on condition of ${JSON.stringify(condition)}`, async () => {
      await using app = await startWithDomain()
      const user = await userOf(app, [allow({ Action: 'ses:Send*', Condition: condition })])
      const mail = { from: `Sales Team <${SENDER}>`, to: [FRIEND], returnPath: 'bounces@example.com' }
      const verdict = await sendThrough('v2', app, mail, user)
      assert.equal('messageId' in verdict, passes, JSON.stringify(verdict))
    })
  }

  test('is stopped by a deny that only some messages meet', async () => {
    await using app = await startWithDomain()
    const user = await userOf(app, [
      allow({}),
      deny({ Action: 'ses:SendEmail', Condition: { StringNotEquals: { 'ses:FromAddress': SENDER } } }),
    ])
    assert.ok('messageId' in (await sendThrough('v2', app, {}, user)))
    const refused = await sendThrough('v2', app, { from: 'other@example.com' }, user)
    assert.ok('refusal' in refused && refused.refusal.code === 'AccessDeniedException')
  })

  test('needs the configuration set as well', async () => {
    await using app = await startWithDomain()
    await app.sesv2.send(new CreateConfigurationSetCommand({ ConfigurationSetName: 'orders' }))
    const user = await userOf(app, [allow({ Action: 'ses:SendEmail', Resource: DOMAIN_ARN })])
    const refused = await sendThrough('v2', app, { configurationSet: 'orders' }, user)
    assert.ok('refusal' in refused)
    assert.ok(
      refused.refusal.message.endsWith(`on resource \`arn:aws:ses:us-east-1:${OWNER}:configuration-set/orders'`),
    )
  })

  test('with an own identity is granted and forbidden by the policies of that identity too', async () => {
    await using app = await startWithDomain()
    const user = await userOf(app, [allow({ Action: 'ses:Get*' })])
    await setPolicy(app, [{ Effect: 'Allow', Action: 'ses:SendEmail', Principal: { AWS: ANN } }])
    assert.ok('messageId' in (await sendThrough('v2', app, {}, user)))
    await setPolicy(app, [{ Effect: 'Deny', Action: 'ses:SendEmail', Principal: '*' }])
    const refused = await sendThrough('v2', app, {})
    assert.ok('refusal' in refused && refused.refusal.code === 'AccessDeniedException')
  })
})

describe("sending with another account's identity", () => {
  /** What the delegate gets when he sends with the owner's ARN, having these statements in the identity's policy. */
  async function delegated(
    statements: readonly Statement[],
    arn = DOMAIN_ARN,
    own: readonly Statement[] = [allow({})],
    prepare = async (_app: TestApp) => {},
  ) {
    await using app = await startWithDomain()
    await prepare(app)
    await app.admin('POST', '/_sesame/accounts', { accountId: DELEGATE, name: 'delegate' })
    if (statements.length > 0) await setPolicy(app, statements)
    const { sesv2, ses } = await userOf(app, own, DELEGATE)
    try {
      await sesv2.send(
        new SendEmailV2Command({
          FromEmailAddress: SENDER,
          FromEmailAddressIdentityArn: arn,
          Destination: { ToAddresses: [FRIEND] },
          Content: { Simple: { Subject: { Data: 'Hi' }, Body: { Text: { Data: 'Hi' } } } },
        }),
      )
      await ses.send(
        new SendEmailCommand({
          Source: SENDER,
          SourceArn: arn,
          Destination: { ToAddresses: [FRIEND] },
          Message: { Subject: { Data: 'Hi' }, Body: { Text: { Data: 'Hi' } } },
        }),
      )
      return 'sent'
    } catch (error) {
      assert.ok(error instanceof Error)
      return `${error.name}: ${error.message}`
    }
  }

  const BY_ACCOUNT = { Effect: 'Allow', Action: ['ses:SendEmail', 'ses:SendRawEmail'], Principal: { AWS: [DELEGATE] } }
  const REFUSED = `AccessDeniedException: User \`arn:aws:iam::${DELEGATE}:user/ann' is not authorized to perform \`ses:SendEmail' on resource \`${DOMAIN_ARN}'`

  test('is allowed to the account that the policy names', async () => {
    assert.equal(await delegated([BY_ACCOUNT]), 'sent')
  })

  test("does not take the owner's default configuration set, which the delegate has not", async () => {
    const prepare = async ({ sesv2 }: TestApp) => {
      await sesv2.send(new CreateConfigurationSetCommand({ ConfigurationSetName: 'orders' }))
      const put = { EmailIdentity: DOMAIN, ConfigurationSetName: 'orders' }
      await sesv2.send(new PutEmailIdentityConfigurationSetAttributesCommand(put))
    }
    assert.equal(await delegated([BY_ACCOUNT], DOMAIN_ARN, [allow({})], prepare), 'sent')
  })

  test('is allowed to the user that the policy names', async () => {
    assert.equal(await delegated([{ ...BY_ACCOUNT, Principal: { AWS: `arn:aws:iam::${DELEGATE}:user/ann` } }]), 'sent')
  })

  test('is refused without a policy, and with one for somebody else', async () => {
    assert.equal(await delegated([]), REFUSED)
    assert.equal(await delegated([{ ...BY_ACCOUNT, Principal: { AWS: '999999999999' } }]), REFUSED)
  })

  test('is refused where the condition is not met', async () => {
    const Condition = { StringLike: { 'ses:FromAddress': 'marketing+*@example.com' } }
    assert.equal(await delegated([{ ...BY_ACCOUNT, Condition }]), REFUSED)
  })

  test("is refused where the delegate's own policy does not allow it", async () => {
    assert.equal(await delegated([BY_ACCOUNT], DOMAIN_ARN, [allow({ Action: 'ses:Get*' })]), REFUSED)
  })

  test('is refused with an ARN that is none', async () => {
    for (const arn of ['example.com', 'arn:aws:ses:us-east-1:12:identity/example.com', 'arn:aws:s3:::example.com']) {
      assert.equal(await delegated([BY_ACCOUNT], arn), `BadRequestException: Invalid ARN <${arn}>.`)
    }
  })
})

async function setPolicy(app: TestApp, statements: readonly Statement[]): Promise<void> {
  const policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: statements.map((each) => ({ Resource: DOMAIN_ARN, ...each })),
  })
  await app.services.store.identities.putPolicy(
    { account: OWNER, region: 'us-east-1' },
    { identity: DOMAIN, name: 'p', policy },
  )
}

/** The app as its SMTP looks to the user. */
function withSmtp(app: TestApp, user: User): TestApp {
  return { ...app, smtp: () => user.smtp }
}
