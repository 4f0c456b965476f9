/** The settings of identities, through both APIs. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import {
  GetIdentityDkimAttributesCommand,
  GetIdentityMailFromDomainAttributesCommand,
  GetIdentityNotificationAttributesCommand,
  SetIdentityDkimEnabledCommand,
  SetIdentityFeedbackForwardingEnabledCommand,
  SetIdentityMailFromDomainCommand,
  VerifyDomainIdentityCommand,
} from '@aws-sdk/client-ses'
import {
  CreateConfigurationSetCommand,
  CreateEmailIdentityCommand,
  GetEmailIdentityCommand,
  PutEmailIdentityConfigurationSetAttributesCommand,
  PutEmailIdentityDkimAttributesCommand,
  PutEmailIdentityFeedbackAttributesCommand,
  PutEmailIdentityMailFromAttributesCommand,
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

async function dkimOf(app: TestApp, name: string) {
  const { DkimAttributes } = await app.ses.send(new GetIdentityDkimAttributesCommand({ Identities: [name] }))
  return DkimAttributes?.[name]
}

describe('signing', () => {
  test('is switched on either API, whatever became of the records', async () => {
    await using app = await startApp({ profile: 'strict' })
    await create(app, DOMAIN)
    await app.ses.send(new SetIdentityDkimEnabledCommand({ Identity: DOMAIN, DkimEnabled: false }))
    assert.equal((await get(app, DOMAIN)).DkimAttributes?.SigningEnabled, false)
    await app.sesv2.send(new PutEmailIdentityDkimAttributesCommand({ EmailIdentity: DOMAIN, SigningEnabled: true }))
    assert.deepEqual((await dkimOf(app, DOMAIN))?.DkimEnabled, true)
    await app.sesv2.send(new PutEmailIdentityDkimAttributesCommand({ EmailIdentity: DOMAIN }))
    assert.deepEqual((await dkimOf(app, DOMAIN))?.DkimEnabled, false)
  })

  test('of an address is that of its domain, unless the address has its own say', async () => {
    await using app = await startApp()
    await create(app, DOMAIN)
    await create(app, ADDRESS)
    const domain = await dkimOf(app, DOMAIN)
    assert.deepEqual(await dkimOf(app, ADDRESS), domain)
    await app.sesv2.send(new PutEmailIdentityDkimAttributesCommand({ EmailIdentity: ADDRESS, SigningEnabled: false }))
    assert.deepEqual(await dkimOf(app, ADDRESS), { ...domain, DkimEnabled: false })
    assert.deepEqual(await dkimOf(app, DOMAIN), domain)
    await app.ses.send(new SetIdentityDkimEnabledCommand({ Identity: `x@${DOMAIN}`, DkimEnabled: false }))
    assert.deepEqual(await dkimOf(app, DOMAIN), domain)
  })

  test('needs a domain that has DKIM', async () => {
    await using app = await startApp()
    const message = `Domain ${NOBODY} is not verified for DKIM signing.`
    for (const name of [NOBODY, `ann@${NOBODY}`]) {
      await assert.rejects(app.ses.send(new SetIdentityDkimEnabledCommand({ Identity: name, DkimEnabled: true })), {
        name: 'InvalidParameterValue',
        message,
      })
      await assert.rejects(
        app.sesv2.send(new PutEmailIdentityDkimAttributesCommand({ EmailIdentity: name, SigningEnabled: true })),
        { name: 'BadRequestException', message },
      )
    }
    await app.ses.send(new VerifyDomainIdentityCommand({ Domain: DOMAIN }))
    await assert.rejects(app.ses.send(new SetIdentityDkimEnabledCommand({ Identity: DOMAIN, DkimEnabled: true })), {
      message: `Domain ${DOMAIN} is not verified for DKIM signing.`,
    })
  })
})

describe('feedback forwarding', () => {
  test('is one setting of both APIs', async () => {
    await using app = await startApp()
    await create(app, DOMAIN)
    await app.ses.send(new SetIdentityFeedbackForwardingEnabledCommand({ Identity: DOMAIN, ForwardingEnabled: false }))
    assert.equal((await get(app, DOMAIN)).FeedbackForwardingStatus, false)
    await app.sesv2.send(
      new PutEmailIdentityFeedbackAttributesCommand({ EmailIdentity: DOMAIN, EmailForwardingEnabled: true }),
    )
    const { NotificationAttributes } = await app.ses.send(
      new GetIdentityNotificationAttributesCommand({ Identities: [DOMAIN] }),
    )
    assert.equal(NotificationAttributes?.[DOMAIN]?.ForwardingEnabled, true)
  })

  test('needs an identity', async () => {
    await using app = await startApp()
    const message = `Identity ${NOBODY} is invalid. Must be a verified email address or domain.`
    await assert.rejects(
      app.ses.send(new SetIdentityFeedbackForwardingEnabledCommand({ Identity: NOBODY, ForwardingEnabled: true })),
      { name: 'InvalidParameterValue', message },
    )
    await assert.rejects(app.sesv2.send(new PutEmailIdentityFeedbackAttributesCommand({ EmailIdentity: NOBODY })), {
      name: 'BadRequestException',
      message,
    })
  })
})

describe('the default configuration set', () => {
  test('is set with the identity or later, and cleared by leaving it out', async () => {
    await using app = await startApp()
    await app.sesv2.send(new CreateConfigurationSetCommand({ ConfigurationSetName: 'orders' }))
    await create(app, DOMAIN, { ConfigurationSetName: 'orders' })
    assert.equal((await get(app, DOMAIN)).ConfigurationSetName, 'orders')
    const put = async (ConfigurationSetName?: string, EmailIdentity = DOMAIN) =>
      await app.sesv2.send(
        new PutEmailIdentityConfigurationSetAttributesCommand({ EmailIdentity, ConfigurationSetName }),
      )
    await put()
    assert.equal((await get(app, DOMAIN)).ConfigurationSetName, undefined)
    await put('orders')
    assert.equal((await get(app, DOMAIN)).ConfigurationSetName, 'orders')
    await assert.rejects(put('none'), {
      name: 'NotFoundException',
      message: 'Configuration set <none> does not exist.',
    })
    await assert.rejects(put('orders', NOBODY), {
      name: 'NotFoundException',
      message: `Identity <${NOBODY}> does not exist.`,
    })
  })
})

describe('a MAIL FROM domain', () => {
  test('is set in v1 and read in v2, and the other way round', async () => {
    await using app = await startApp()
    await create(app, DOMAIN)
    await app.ses.send(
      new SetIdentityMailFromDomainCommand({
        Identity: DOMAIN,
        MailFromDomain: 'Bounce.Example.com',
        BehaviorOnMXFailure: 'RejectMessage',
      }),
    )
    assert.deepEqual((await get(app, DOMAIN)).MailFromAttributes, {
      MailFromDomain: 'bounce.example.com',
      MailFromDomainStatus: 'SUCCESS',
      BehaviorOnMxFailure: 'REJECT_MESSAGE',
    })
    await app.sesv2.send(
      new PutEmailIdentityMailFromAttributesCommand({ EmailIdentity: DOMAIN, MailFromDomain: 'm.example.com' }),
    )
    const attributes = async () => {
      const answer = await app.ses.send(new GetIdentityMailFromDomainAttributesCommand({ Identities: [DOMAIN] }))
      return answer.MailFromDomainAttributes?.[DOMAIN]
    }
    assert.deepEqual(await attributes(), {
      MailFromDomain: 'm.example.com',
      MailFromDomainStatus: 'Success',
      BehaviorOnMXFailure: 'RejectMessage',
    })
    await app.ses.send(new SetIdentityMailFromDomainCommand({ Identity: DOMAIN }))
    assert.deepEqual((await get(app, DOMAIN)).MailFromAttributes, { BehaviorOnMxFailure: 'USE_DEFAULT_VALUE' })
    assert.deepEqual(await attributes(), { BehaviorOnMXFailure: 'UseDefaultValue' })
  })

  test('lies below the domain of the identity', async () => {
    await using app = await startApp()
    await create(app, DOMAIN)
    await create(app, 'bob@shop.example.org')
    const refused = async (identity: string, domain: string) => {
      const message = `Provided MAIL-FROM domain <${domain}> is not subdomain of the domain of the identity <${identity}>.`
      await assert.rejects(
        app.ses.send(new SetIdentityMailFromDomainCommand({ Identity: identity, MailFromDomain: domain })),
        { name: 'InvalidParameterValue', message },
      )
      await assert.rejects(
        app.sesv2.send(
          new PutEmailIdentityMailFromAttributesCommand({ EmailIdentity: identity, MailFromDomain: domain }),
        ),
        { name: 'BadRequestException', message },
      )
    }
    await refused(DOMAIN, DOMAIN)
    await refused(DOMAIN, 'mail.example.org')
    await refused('bob@shop.example.org', 'mail.example.org')
    await app.ses.send(
      new SetIdentityMailFromDomainCommand({
        Identity: 'bob@shop.example.org',
        MailFromDomain: 'mail.shop.example.org',
      }),
    )
  })

  test('needs an identity, and a behavior that there is', async () => {
    await using app = await startApp()
    const message = `Identity <${NOBODY}> does not exist.`
    await assert.rejects(
      app.ses.send(new SetIdentityMailFromDomainCommand({ Identity: NOBODY, MailFromDomain: `m.${NOBODY}` })),
      { name: 'InvalidParameterValue', message },
    )
    await assert.rejects(
      app.sesv2.send(
        new PutEmailIdentityMailFromAttributesCommand({ EmailIdentity: NOBODY, MailFromDomain: `m.${NOBODY}` }),
      ),
      { name: 'BadRequestException', message },
    )
    await create(app, DOMAIN)
    await assert.rejects(
      app.ses.send(
        new SetIdentityMailFromDomainCommand({ Identity: DOMAIN, BehaviorOnMXFailure: 'Panic' as 'RejectMessage' }),
      ),
      {
        name: 'ValidationError',
        message:
          "1 validation error detected: Value at 'behaviorOnMXFailure' failed to satisfy constraint: Member must satisfy enum value set: [RejectMessage, UseDefaultValue]",
      },
    )
  })
})
