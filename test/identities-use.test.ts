/** Which identity mail is sent from, through each door, and how many there can be. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { VerifyDomainIdentityCommand } from '@aws-sdk/client-ses'
import {
  CreateConfigurationSetCommand,
  CreateEmailIdentityCommand,
  DeleteConfigurationSetCommand,
  PutEmailIdentityConfigurationSetAttributesCommand,
  PutEmailIdentityMailFromAttributesCommand,
} from '@aws-sdk/client-sesv2'
import { blankSet } from '../src/domain/configuration-sets.ts'
import { blankIdentity } from '../src/domain/identities/identity.ts'
import { startApp, type TestApp } from './support/app.ts'
import { sendThrough, SURFACES } from './support/surfaces.ts'

const SIMULATOR = 'success@simulator.amazonses.com'

/** Makes identities, and verifies those that are to be. */
async function startWith(names: Readonly<Record<string, 'verified' | 'pending'>>): Promise<TestApp> {
  const app = await startApp({ profile: 'strict', config: { maxSendRate: 1000 } })
  const { accountId } = app.services.config
  for (const [EmailIdentity, state] of Object.entries(names)) {
    await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity }))
    const path = `/_sesame/accounts/${accountId}/regions/us-east-1/identities/${encodeURIComponent(EmailIdentity)}/verify`
    if (state === 'verified') assert.equal((await app.admin('POST', path)).status, 200)
  }
  return app
}

type Mail = { readonly sourceArn?: string; readonly tags: Record<string, string[]> }

/** What the Send event of a message says. */
async function sent(app: TestApp, from: string, configurationSet?: string): Promise<Mail> {
  const verdict = await sendThrough('v2', app, { from, to: [SIMULATOR], ...(configurationSet && { configurationSet }) })
  assert.ok('messageId' in verdict, JSON.stringify(verdict))
  const { body } = await app.admin('GET', `/_sesame/messages/${verdict.messageId}/events`)
  const { events } = body as { events: { eventType: string; mail: Mail }[] }
  return events.find(({ eventType }) => eventType === 'Send')!.mail
}

describe('mail', () => {
  for (const surface of SURFACES) {
    test(`through ${surface} is from an address, its labels, a domain or what lies below`, async () => {
      await using app = await startWith({ 'ann@example.com': 'verified', 'example.org': 'verified' })
      const isTaken = async (from: string) =>
        'messageId' in (await sendThrough(surface, app, { from, to: [SIMULATOR] }))
      for (const from of ['ann@example.com', 'ann+news@example.com', 'bob@example.org', 'bob@a.b.example.org']) {
        assert.equal(await isTaken(from), true, from)
      }
      for (const from of ['bob@example.com', 'anna@example.com', 'ann@a.example.com', 'bob@badexample.org']) {
        assert.equal(await isTaken(from), false, from)
      }
    })
  }

  test('is from the most granular identity that is verified', async () => {
    await using app = await startWith({
      'example.com': 'verified',
      'shop.example.com': 'verified',
      'ann@shop.example.com': 'verified',
      'bob@shop.example.com': 'pending',
    })
    const identityOf = async (from: string) => (await sent(app, from)).sourceArn?.split(':identity/')[1]
    assert.equal(await identityOf('ann+x@shop.example.com'), 'ann@shop.example.com')
    assert.equal(await identityOf('bob@shop.example.com'), 'shop.example.com')
    assert.equal(await identityOf('eve@www.shop.example.com'), 'shop.example.com')
    assert.equal(await identityOf('eve@example.com'), 'example.com')
  })
})

describe('the default configuration set', () => {
  test("is that of the identity that the mail is from, and gives way to the call's", async () => {
    await using app = await startWith({
      'example.com': 'verified',
      'ann@example.com': 'verified',
      'bob@example.com': 'pending',
    })
    const sets = { 'example.com': 'of-domain', 'ann@example.com': 'of-ann', 'bob@example.com': 'of-bob' }
    for (const [EmailIdentity, ConfigurationSetName] of Object.entries(sets)) {
      await app.sesv2.send(new CreateConfigurationSetCommand({ ConfigurationSetName }))
      await app.sesv2.send(
        new PutEmailIdentityConfigurationSetAttributesCommand({ EmailIdentity, ConfigurationSetName }),
      )
    }
    const setOf = async (from: string, named?: string) => (await sent(app, from, named)).tags['ses:configuration-set']
    assert.deepEqual(await setOf('eve@example.com'), ['of-domain'])
    assert.deepEqual(await setOf('ann@example.com'), ['of-ann'])
    assert.deepEqual(await setOf('bob@example.com'), ['of-domain'], 'an address that is not verified has no say')
    assert.deepEqual(await setOf('ann@example.com', 'of-bob'), ['of-bob'])
  })

  test('that is gone fails the send', async () => {
    await using app = await startWith({ 'example.com': 'verified' })
    await app.sesv2.send(new CreateConfigurationSetCommand({ ConfigurationSetName: 'gone' }))
    const put = { EmailIdentity: 'example.com', ConfigurationSetName: 'gone' }
    await app.sesv2.send(new PutEmailIdentityConfigurationSetAttributesCommand(put))
    await app.sesv2.send(new DeleteConfigurationSetCommand({ ConfigurationSetName: 'gone' }))
    const mail = { from: 'eve@example.com', to: [SIMULATOR] }
    const message = 'Configuration set <gone> does not exist.'
    assert.deepEqual(await sendThrough('v2', app, mail), {
      refusal: { code: 'BadRequestException', status: 400, message },
    })
    assert.deepEqual(await sendThrough('v1', app, mail), {
      refusal: { code: 'InvalidParameterValue', status: 400, message },
    })
  })
})

describe('a MAIL FROM domain', () => {
  const put = async (
    app: TestApp,
    EmailIdentity: string,
    MailFromDomain: string,
    BehaviorOnMxFailure?: 'REJECT_MESSAGE',
  ) =>
    await app.sesv2.send(
      new PutEmailIdentityMailFromAttributesCommand({ EmailIdentity, MailFromDomain, BehaviorOnMxFailure }),
    )
  const envelopeDomain = async (app: TestApp, from: string) => {
    const verdict = await sendThrough('v2', app, { from, to: [SIMULATOR] })
    if ('refusal' in verdict) return verdict.refusal.code
    const { body } = await app.admin('GET', `/_sesame/messages/${verdict.messageId}`)
    const [id, domain] = (body as { returnPath: string }).returnPath.split('@')
    assert.equal(id, verdict.messageId)
    return domain
  }

  test('is in the envelope of mail from its identity, from what lies below, and from addresses without their own', async () => {
    await using app = await startApp()
    for (const EmailIdentity of ['example.com', 'ann@example.com', 'bob@a.example.com', 'example.org']) {
      await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity }))
    }
    await put(app, 'example.com', 'bounce.example.com', 'REJECT_MESSAGE')
    await put(app, 'ann@example.com', 'ann.example.com')
    assert.equal(await envelopeDomain(app, 'eve@example.com'), 'bounce.example.com')
    assert.equal(await envelopeDomain(app, 'eve@x.example.com'), 'bounce.example.com')
    assert.equal(await envelopeDomain(app, 'bob@a.example.com'), 'bounce.example.com')
    assert.equal(await envelopeDomain(app, 'ann+x@example.com'), 'ann.example.com')
    assert.equal(await envelopeDomain(app, 'eve@example.org'), 'amazonses.com')
  })

  test("without its record is not used: SES's own is, or the mail is rejected", async () => {
    await using app = await startWith({ 'example.com': 'verified' })
    await put(app, 'example.com', 'bounce.example.com')
    assert.equal(await envelopeDomain(app, 'eve@example.com'), 'amazonses.com')
    await put(app, 'example.com', 'bounce.example.com', 'REJECT_MESSAGE')
    assert.equal(await envelopeDomain(app, 'eve@example.com'), 'MailFromDomainNotVerifiedException')
  })
})

/** As many at once as may wait for the store, others' writes beside them. */
async function inPortions(names: readonly string[], insert: (name: string) => Promise<unknown>): Promise<void> {
  const PORTION = 2_500
  for (let start = 0; start < names.length; start += PORTION) {
    await Promise.all(names.slice(start, start + PORTION).map(insert))
  }
}

describe('an account has 10,000 at most in a region', () => {
  const MOST = 10_000

  test('identities', async () => {
    await using app = await startApp()
    const scope = { account: app.services.config.accountId, region: 'us-east-1' }
    const { identities } = app.services.store
    const names = Array.from({ length: MOST }, (_, index) => `n${index}.example.com`)
    await inPortions(names, (name) =>
      identities.insert(scope, blankIdentity(app.services, { name, kind: 'DOMAIN', domain: name }, name)),
    )
    await assert.rejects(app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: 'one-more.example.com' })), {
      name: 'LimitExceededException',
    })
    await assert.rejects(app.ses.send(new VerifyDomainIdentityCommand({ Domain: 'one-more.example.com' })), {
      name: 'LimitExceededException',
    })
    await app.ses.send(new VerifyDomainIdentityCommand({ Domain: 'n1.example.com' }))
    await app.clients('eu-west-1').sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: 'one-more.example.com' }))
  })

  test('configuration sets', async () => {
    await using app = await startApp()
    const scope = { account: app.services.config.accountId, region: 'us-east-1' }
    const { configurationSets } = app.services.store
    const names = Array.from({ length: MOST }, (_, index) => `n${index}`)
    await inPortions(names, (name) =>
      configurationSets.insert(scope, { ...blankSet(name, true), createdAt: app.clock.now() }),
    )
    await assert.rejects(app.sesv2.send(new CreateConfigurationSetCommand({ ConfigurationSetName: 'one-more' })), {
      name: 'LimitExceededException',
    })
  })
})
