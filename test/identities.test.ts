/** Identities through both APIs: one identity, two vocabularies. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import {
  DeleteIdentityCommand,
  DeleteVerifiedEmailAddressCommand,
  GetIdentityDkimAttributesCommand,
  GetIdentityNotificationAttributesCommand,
  GetIdentityVerificationAttributesCommand,
  ListIdentitiesCommand,
  ListVerifiedEmailAddressesCommand,
  VerifyDomainDkimCommand,
  VerifyDomainIdentityCommand,
  VerifyEmailAddressCommand,
  VerifyEmailIdentityCommand,
} from '@aws-sdk/client-ses'
import {
  CreateEmailIdentityCommand,
  DeleteEmailIdentityCommand,
  GetEmailIdentityCommand,
  ListEmailIdentitiesCommand,
} from '@aws-sdk/client-sesv2'
import { startApp, type TestApp } from './support/app.ts'

const DOMAIN = 'example.com'
const ADDRESS = 'ann@example.com'
const NOBODY = 'ghost.example.com'

async function get(app: TestApp, name: string) {
  const { $metadata: _, ...identity } = await app.sesv2.send(new GetEmailIdentityCommand({ EmailIdentity: name }))
  return identity
}

async function create(app: TestApp, name: string, more: { ConfigurationSetName?: string } = {}) {
  const { $metadata: _, ...made } = await app.sesv2.send(
    new CreateEmailIdentityCommand({ EmailIdentity: name, ...more }),
  )
  return made
}

async function statusOf(app: TestApp, name: string) {
  const { VerificationAttributes } = await app.ses.send(
    new GetIdentityVerificationAttributesCommand({ Identities: [name] }),
  )
  return VerificationAttributes?.[name]
}

async function dkimOf(app: TestApp, name: string) {
  const { DkimAttributes } = await app.ses.send(new GetIdentityDkimAttributesCommand({ Identities: [name] }))
  return DkimAttributes?.[name]
}

describe('an address', () => {
  test('that v1 verifies, v2 reads, and the local profile takes at once', async () => {
    await using app = await startApp()
    await app.ses.send(new VerifyEmailIdentityCommand({ EmailAddress: 'Ann@EXAMPLE.com' }))
    const { VerificationInfo, ...identity } = await get(app, 'Ann@example.com')
    assert.deepEqual(identity, {
      IdentityType: 'EMAIL_ADDRESS',
      FeedbackForwardingStatus: true,
      VerifiedForSendingStatus: true,
      DkimAttributes: {
        SigningEnabled: false,
        Status: 'NOT_STARTED',
        SigningAttributesOrigin: 'AWS_SES',
        NextSigningKeyLength: 'RSA_1024_BIT',
      },
      MailFromAttributes: { BehaviorOnMxFailure: 'USE_DEFAULT_VALUE' },
      Policies: {},
      Tags: [],
      VerificationStatus: 'SUCCESS',
    })
    assert.deepEqual(VerificationInfo?.LastSuccessTimestamp, new Date(app.clock.now()))
    await assert.rejects(get(app, 'ann@example.com'), { name: 'NotFoundException' })
  })

  test('that v2 creates, v1 reads', async () => {
    await using app = await startApp()
    assert.deepEqual(await create(app, ADDRESS), { IdentityType: 'EMAIL_ADDRESS', VerifiedForSendingStatus: true })
    assert.deepEqual(await statusOf(app, ADDRESS), { VerificationStatus: 'Success' })
    const listed = await app.ses.send(new ListVerifiedEmailAddressesCommand({}))
    assert.deepEqual(listed.VerifiedEmailAddresses, [ADDRESS])
  })

  test('waits for its link where verification is real', async () => {
    await using app = await startApp({ profile: 'strict' })
    assert.deepEqual(await create(app, ADDRESS), { IdentityType: 'EMAIL_ADDRESS', VerifiedForSendingStatus: false })
    const { VerificationStatus, VerifiedForSendingStatus, VerificationInfo } = await get(app, ADDRESS)
    assert.deepEqual([VerificationStatus, VerifiedForSendingStatus, VerificationInfo], ['PENDING', false, {}])
    assert.deepEqual((await app.ses.send(new ListVerifiedEmailAddressesCommand({}))).VerifiedEmailAddresses, [])
  })

  test('that is none is refused by both APIs in the same words', async () => {
    await using app = await startApp()
    const message = 'Invalid email address<fake_email>.'
    const v1 = { name: 'InvalidParameterValue', message }
    for (const command of [VerifyEmailIdentityCommand, VerifyEmailAddressCommand]) {
      await assert.rejects(app.ses.send(new command({ EmailAddress: 'fake_email' })), v1)
    }
    await assert.rejects(create(app, 'a@b@c'), {
      name: 'BadRequestException',
      message: 'Invalid email address<a@b@c>.',
    })
    await assert.rejects(create(app, 'Ann <ann@example.com>'), { name: 'BadRequestException' })
  })

  test('has no DKIM keys of its own', async () => {
    await using app = await startApp()
    const signing = { NextSigningKeyLength: 'RSA_1024_BIT' } as const
    await assert.rejects(
      app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: ADDRESS, DkimSigningAttributes: signing })),
      { name: 'BadRequestException', message: 'The EmailIdentity value must be a valid domain.' },
    )
  })
})

describe('a domain', () => {
  test('that v2 creates comes with Easy DKIM, and is looked for behind the answer', async () => {
    await using app = await startApp({ profile: 'strict', config: { hostname: 'ses.example.net' } })
    const made = await create(app, 'Example.COM')
    const tokens = made.DkimAttributes?.Tokens ?? []
    assert.deepEqual(made, {
      IdentityType: 'DOMAIN',
      VerifiedForSendingStatus: false,
      DkimAttributes: {
        SigningEnabled: true,
        Status: 'NOT_STARTED',
        Tokens: tokens,
        SigningHostedZone: 'dkim.ses.example.net',
        SigningAttributesOrigin: 'AWS_SES',
        NextSigningKeyLength: 'RSA_2048_BIT',
        CurrentSigningKeyLength: 'RSA_2048_BIT',
        LastKeyGenerationTimestamp: new Date(app.clock.now()),
      },
    })
    assert.equal(new Set(tokens).size, 3)
    for (const token of tokens) assert.match(token, /^[a-z0-9]{32}$/)
    const { DkimAttributes, VerificationStatus } = await get(app, DOMAIN)
    assert.deepEqual([DkimAttributes?.Status, VerificationStatus], ['PENDING', 'PENDING'])
    assert.deepEqual(await dkimOf(app, DOMAIN), {
      DkimEnabled: true,
      DkimVerificationStatus: 'Pending',
      DkimTokens: tokens,
    })
  })

  test('is verified, and its DKIM with it, at once in the local profile', async () => {
    await using app = await startApp()
    const made = await create(app, DOMAIN)
    assert.deepEqual([made.VerifiedForSendingStatus, made.DkimAttributes?.Status], [true, 'SUCCESS'])
    app.clock.advance(100 * 24 * 3_600_000)
    assert.equal((await get(app, DOMAIN)).VerificationStatus, 'SUCCESS')
  })

  test('has one token for its TXT record, and three for DKIM, the same at each call', async () => {
    await using app = await startApp({ profile: 'strict' })
    const verify = async () =>
      (await app.ses.send(new VerifyDomainIdentityCommand({ Domain: DOMAIN }))).VerificationToken
    const token = await verify()
    assert.match(token ?? '', /^[A-Za-z0-9+/]{43}=$/)
    assert.equal(await verify(), token)
    assert.deepEqual(await statusOf(app, DOMAIN), { VerificationStatus: 'Pending', VerificationToken: token })
    assert.deepEqual(await dkimOf(app, DOMAIN), { DkimEnabled: false, DkimVerificationStatus: 'NotStarted' })

    const dkim = async () => (await app.ses.send(new VerifyDomainDkimCommand({ Domain: DOMAIN }))).DkimTokens
    const tokens = await dkim()
    assert.equal(tokens?.length, 3)
    assert.deepEqual(await dkim(), tokens)
    assert.equal((await dkimOf(app, DOMAIN))?.DkimVerificationStatus, 'Pending')
    assert.equal(await verify(), token)
  })

  test('is made by VerifyDomainDkim too', async () => {
    await using app = await startApp({ profile: 'strict' })
    await app.ses.send(new VerifyDomainDkimCommand({ Domain: DOMAIN }))
    assert.deepEqual((await get(app, DOMAIN)).IdentityType, 'DOMAIN')
  })

  test('that can be none is refused', async () => {
    await using app = await startApp()
    const refused = { name: 'InvalidParameterValue', message: 'Invalid domain name foo.example.com..' }
    await assert.rejects(app.ses.send(new VerifyDomainIdentityCommand({ Domain: 'foo.example.com.' })), refused)
    await assert.rejects(app.ses.send(new VerifyDomainDkimCommand({ Domain: ADDRESS })), {
      name: 'InvalidParameterValue',
      message: 'Invalid domain name ann@example.com.',
    })
    for (const bad of ['localhost', 'exa mple.com', `${'a'.repeat(64)}.com`, 'bücher.example']) {
      await assert.rejects(create(app, bad), { name: 'BadRequestException', message: `Invalid domain name ${bad}.` })
    }
  })
})

describe('an identity', () => {
  test('is created once in v2, and verified any number of times in v1', async () => {
    await using app = await startApp()
    await create(app, DOMAIN)
    await assert.rejects(create(app, 'EXAMPLE.com'), {
      name: 'AlreadyExistsException',
      message: 'Email identity EXAMPLE.com already exist.',
    })
    await app.ses.send(new VerifyDomainIdentityCommand({ Domain: DOMAIN }))
  })

  test('is not created with a configuration set that does not exist', async () => {
    await using app = await startApp()
    await assert.rejects(create(app, DOMAIN, { ConfigurationSetName: 'none' }), {
      name: 'NotFoundException',
      message: 'Configuration set <none> does not exist.',
    })
    await assert.rejects(get(app, DOMAIN), {
      name: 'NotFoundException',
      message: 'Email identity <example.com> does not exist.',
    })
  })

  test('is deleted with everything; v1 does not mind one that is not there, v2 does', async () => {
    await using app = await startApp()
    await create(app, DOMAIN)
    await app.ses.send(new DeleteIdentityCommand({ Identity: 'EXAMPLE.COM' }))
    await app.ses.send(new DeleteIdentityCommand({ Identity: DOMAIN }))
    await assert.rejects(app.sesv2.send(new DeleteEmailIdentityCommand({ EmailIdentity: DOMAIN })), {
      name: 'NotFoundException',
      message: 'Email identity example.com does not exist.',
    })
    await create(app, DOMAIN)
    await app.sesv2.send(new DeleteEmailIdentityCommand({ EmailIdentity: DOMAIN }))
    assert.equal(await statusOf(app, DOMAIN), undefined)
  })

  test('that is a domain is not deleted by the call for addresses', async () => {
    await using app = await startApp()
    await create(app, DOMAIN)
    await create(app, ADDRESS)
    for (const EmailAddress of [DOMAIN, ADDRESS]) {
      await app.ses.send(new DeleteVerifiedEmailAddressCommand({ EmailAddress }))
    }
    assert.deepEqual((await app.ses.send(new ListIdentitiesCommand({}))).Identities, [DOMAIN])
  })

  test('is there for its account and region only', async () => {
    await using app = await startApp()
    await create(app, DOMAIN)
    const elsewhere = app.clients('eu-west-1')
    assert.deepEqual((await elsewhere.ses.send(new ListIdentitiesCommand({}))).Identities, [])
    const { body } = await app.admin('POST', '/_sesame/accounts', { name: 'other', accountId: '111122223333' })
    assert.ok(body)
    const key = await app.admin('POST', '/_sesame/accounts/111122223333/keys', {})
    const { accessKeyId, secretAccessKey } = key.body as { accessKeyId: string; secretAccessKey: string }
    const other = app.clients('us-east-1', { accessKeyId, secretAccessKey })
    assert.deepEqual((await other.ses.send(new ListIdentitiesCommand({}))).Identities, [])
    await assert.rejects(other.sesv2.send(new GetEmailIdentityCommand({ EmailIdentity: DOMAIN })), {
      name: 'NotFoundException',
    })
  })
})

describe('listing', () => {
  const NAMES = ['a.example.com', 'b.example.com', 'c.example.com', 'ann@example.com', 'bob@example.com']

  async function startWith(names: readonly string[], profile: 'local' | 'strict' = 'local') {
    const app = await startApp({ profile })
    for (const name of names) await create(app, name)
    return app
  }

  test('goes by name, page by page, in v1', async () => {
    await using app = await startWith(NAMES)
    const first = await app.ses.send(new ListIdentitiesCommand({ MaxItems: 3 }))
    const second = await app.ses.send(new ListIdentitiesCommand({ MaxItems: 3, NextToken: first.NextToken }))
    assert.deepEqual([...(first.Identities ?? []), ...(second.Identities ?? [])], NAMES.toSorted())
    assert.equal(second.NextToken, undefined)
    const domains = await app.ses.send(new ListIdentitiesCommand({ IdentityType: 'Domain', MaxItems: 3 }))
    assert.deepEqual([domains.Identities, domains.NextToken], [NAMES.slice(0, 3), undefined])
    const addresses = await app.ses.send(new ListIdentitiesCommand({ IdentityType: 'EmailAddress' }))
    assert.deepEqual(addresses.Identities, NAMES.slice(3))
  })

  test('filters in v2', async () => {
    await using app = await startWith(NAMES)
    const list = async (Filter: Record<string, string>) => {
      const { EmailIdentities } = await app.sesv2.send(new ListEmailIdentitiesCommand({ Filter }))
      return EmailIdentities?.map(({ IdentityName }) => IdentityName)
    }
    assert.deepEqual(await list({ IDENTITY_TYPE: 'EMAIL_ADDRESS' }), NAMES.slice(3))
    assert.deepEqual(await list({ IDENTITY_NAME_CONTAINS: 'B' }), ['b.example.com', 'bob@example.com'])
    assert.deepEqual(await list({ VERIFICATION_STATUS: 'PENDING' }), [])
    assert.equal((await list({ VERIFICATION_STATUS: 'SUCCESS', IDENTITY_TYPE: 'DOMAIN' }))?.length, 3)
  })

  test('says in v2 what each is good for', async () => {
    await using app = await startWith([ADDRESS], 'strict')
    const { EmailIdentities, NextToken } = await app.sesv2.send(new ListEmailIdentitiesCommand({ PageSize: 1 }))
    assert.deepEqual(EmailIdentities, [
      { IdentityType: 'EMAIL_ADDRESS', IdentityName: ADDRESS, SendingEnabled: false, VerificationStatus: 'PENDING' },
    ])
    assert.equal(NextToken, undefined)
  })

  test('refuses tokens that are not its own, and sizes out of bounds', async () => {
    await using app = await startApp()
    await assert.rejects(app.ses.send(new ListIdentitiesCommand({ NextToken: '?' })), { name: 'InvalidParameterValue' })
    await assert.rejects(app.sesv2.send(new ListEmailIdentitiesCommand({ NextToken: '?' })), {
      name: 'BadRequestException',
      message: 'invalid nextToken ?',
    })
    await assert.rejects(app.sesv2.send(new ListEmailIdentitiesCommand({ PageSize: 1001 })), {
      name: 'BadRequestException',
      message: 'The page size must be between 0 and 1000',
    })
    await assert.rejects(
      app.ses.send(new ListIdentitiesCommand({ IdentityType: 'Planet' as 'Domain' })),
      /Value at 'identityType' failed to satisfy constraint: Member must satisfy enum value set/,
    )
  })
})

describe('attributes of several', () => {
  test('leave out what does not exist, and keep the spelling that was asked for', async () => {
    await using app = await startApp()
    await create(app, DOMAIN)
    const Identities = ['EXAMPLE.com', NOBODY, DOMAIN]
    const found = ['EXAMPLE.com', DOMAIN]
    const verification = await app.ses.send(new GetIdentityVerificationAttributesCommand({ Identities }))
    assert.deepEqual(Object.keys(verification.VerificationAttributes ?? {}), found)
    const notifications = await app.ses.send(new GetIdentityNotificationAttributesCommand({ Identities }))
    assert.deepEqual(notifications.NotificationAttributes?.[DOMAIN], {
      ForwardingEnabled: true,
      HeadersInBounceNotificationsEnabled: false,
      HeadersInComplaintNotificationsEnabled: false,
      HeadersInDeliveryNotificationsEnabled: false,
    })
    assert.equal(Object.keys(notifications.NotificationAttributes ?? {}).length, 2)
    const arn = `arn:aws:ses:us-east-1:${app.services.config.accountId}:identity/${DOMAIN}`
    const foreign = arn.replace('us-east-1', 'eu-west-1')
    const byArn = await app.ses.send(new GetIdentityNotificationAttributesCommand({ Identities: [arn, foreign] }))
    assert.deepEqual(Object.keys(byArn.NotificationAttributes ?? {}), [arn])
  })

  test('are for a hundred at most', async () => {
    await using app = await startApp()
    const Identities = Array.from({ length: 101 }, (_, index) => `d${index}.example.com`)
    await assert.rejects(app.ses.send(new GetIdentityDkimAttributesCommand({ Identities })), {
      name: 'ValidationError',
      message:
        "1 validation error detected: Value at 'identities' failed to satisfy constraint: Member must have length less than or equal to 100",
    })
  })
})
