/** Where DKIM keys come from: made here, brought by the owner, or taken over from another region. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { CreateEmailIdentityCommand, PutEmailIdentityDkimSigningAttributesCommand } from '@aws-sdk/client-sesv2'
import { dkimSigners } from '../src/domain/identities/dkim.ts'
import { resolveIdentity } from '../src/domain/identities/resolution.ts'
import { startApp, type TestApp } from './support/app.ts'
import { until } from './support/until.ts'
import {
  DOMAIN,
  ADDRESS,
  HOST,
  MINUTE,
  HOUR,
  type MutableZone,
  startStrict,
  get,
  create,
  putSigning,
  untilStates,
  untilLooked,
  publish,
} from './support/proving.ts'

/** Waits until the domain has a key that signs. */
async function untilSigned({ services: { store, config } }: TestApp): Promise<void> {
  await until(
    async () => (await store.identities.find({ account: config.accountId, region: 'us-east-1' }, DOMAIN))?.dkim.keys,
    (keys) => keys?.some(({ state }) => state === 'active') === true,
  )
}

describe('the key length of Easy DKIM', () => {
  const length = (NextSigningKeyLength: 'RSA_1024_BIT' | 'RSA_2048_BIT') =>
    ({ SigningAttributesOrigin: 'AWS_SES', SigningAttributes: { NextSigningKeyLength } }) as const

  test('may go down at once, and up again after a day; the domain stays verified meanwhile', async () => {
    const zone: MutableZone = {}
    await using app = await startStrict(zone)
    const { DkimAttributes } = await create(app)
    await publish(app, zone)
    app.clock.advance(MINUTE)
    await untilStates(app, 'SUCCESS', 'SUCCESS')
    await untilSigned(app)
    await assert.rejects(putSigning(app, length('RSA_2048_BIT')), {
      name: 'BadRequestException',
      message: 'The DKIM signing key length is already RSA_2048_BIT.',
    })
    const { DkimStatus, DkimTokens, SigningHostedZone } = await putSigning(app, length('RSA_1024_BIT'))
    assert.deepEqual([DkimStatus, SigningHostedZone], ['PENDING', `dkim.${HOST}`])
    assert.deepEqual(DkimTokens, DkimAttributes?.Tokens)
    const { VerificationStatus, DkimAttributes: waiting } = await get(app)
    assert.deepEqual(
      [VerificationStatus, waiting?.CurrentSigningKeyLength, waiting?.NextSigningKeyLength],
      ['SUCCESS', 'RSA_2048_BIT', 'RSA_1024_BIT'],
    )
    await assert.rejects(putSigning(app, length('RSA_2048_BIT')), {
      name: 'BadRequestException',
      message: 'The DKIM signing key length can be changed at most once in 24 hours.',
    })
    app.clock.advance(24 * HOUR)
    await putSigning(app, length('RSA_2048_BIT'))
  })

  test('is chosen with the identity', async () => {
    await using app = await startStrict({})
    const made = await create(app, { DkimSigningAttributes: { NextSigningKeyLength: 'RSA_1024_BIT' } })
    assert.equal(made.DkimAttributes?.CurrentSigningKeyLength, 'RSA_1024_BIT')
    const { store, config } = app.services
    const key = await until(
      async () => {
        await get(app)
        return (await store.identities.find({ account: config.accountId, region: 'us-east-1' }, DOMAIN))?.dkim
      },
      (dkim) => dkim?.keys.length === 1,
    )
    assert.ok(key)
    await putSigning(app, length('RSA_2048_BIT'))
  })
})

describe("the owner's DKIM key", () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const DomainSigningPrivateKey = privateKey.export({ type: 'pkcs1', format: 'der' }).toString('base64')
  const DomainSigningSelector = 'shop-2026'
  const own = { DomainSigningPrivateKey, DomainSigningSelector }

  test('proves the domain by one TXT record, and signs for its addresses', async () => {
    const zone: MutableZone = {}
    await using app = await startStrict(zone)
    const made = await create(app, { DkimSigningAttributes: own })
    assert.deepEqual(made.DkimAttributes, {
      SigningEnabled: true,
      Status: 'NOT_STARTED',
      Tokens: [DomainSigningSelector],
      SigningAttributesOrigin: 'EXTERNAL',
    })
    await publish(app, zone)
    assert.deepEqual(Object.keys(zone), ['shop-2026._domainkey.example.com'])
    app.clock.advance(MINUTE)
    await untilStates(app, 'SUCCESS', 'SUCCESS')
    const scope = { account: app.services.config.accountId, region: 'us-east-1' }
    const { identity } = await resolveIdentity(app.services.store.cached, scope, {
      localPart: 'ann',
      domain: 'shop.example.com',
    })
    const { domain, keys } = await dkimSigners(app.services, scope, identity!)
    assert.deepEqual([domain, keys.map(({ selector }) => selector)], [DOMAIN, [DomainSigningSelector]])
    assert.equal(keys[0]?.pem, privateKey.export({ type: 'pkcs8', format: 'pem' }))
  })

  test('takes the place of Easy DKIM, and gives it back', async () => {
    const zone: MutableZone = {}
    await using app = await startStrict(zone)
    const { DkimAttributes } = await create(app)
    const taken = await putSigning(app, { SigningAttributesOrigin: 'EXTERNAL', SigningAttributes: own })
    assert.deepEqual(
      [taken.DkimStatus, taken.DkimTokens, taken.SigningHostedZone],
      ['PENDING', [DomainSigningSelector], undefined],
    )
    await publish(app, zone)
    app.clock.advance(MINUTE)
    await untilStates(app, 'SUCCESS', 'SUCCESS')
    await putSigning(app, { SigningAttributesOrigin: 'EXTERNAL', SigningAttributes: own })
    assert.equal((await get(app)).DkimAttributes?.Status, 'SUCCESS')
    const given = await putSigning(app, { SigningAttributesOrigin: 'AWS_SES' })
    assert.equal(given.DkimTokens?.length, 3)
    assert.notDeepEqual(given.DkimTokens, DkimAttributes?.Tokens)
  })

  test('must be an RSA key, with a selector, and for a domain', async () => {
    await using app = await startApp()
    const refused = async (SigningAttributes: object, message: string | RegExp) =>
      await assert.rejects(putSigning(app, { SigningAttributesOrigin: 'EXTERNAL', SigningAttributes }), {
        name: 'BadRequestException',
        message,
      })
    const unknown = putSigning(app, { SigningAttributesOrigin: 'EXTERNAL', SigningAttributes: own })
    await assert.rejects(unknown, {
      name: 'NotFoundException',
      message: 'Email identity <example.com> does not exist.',
    })
    await create(app)
    await refused({}, 'EXTERNAL needs DomainSigningSelector and DomainSigningPrivateKey.')
    await refused(
      { ...own, DomainSigningPrivateKey: 'AAAA' },
      'DomainSigningPrivateKey is not valid: it must be a base64-encoded RSA private key.',
    )
    await refused({ ...own, DomainSigningPrivateKey: '-' }, /'signingAttributes.domainSigningPrivateKey' failed/)
    await refused({ ...own, DomainSigningSelector: 'a.b' }, /'signingAttributes.domainSigningSelector' failed/)
    await assert.rejects(putSigning(app, { SigningAttributesOrigin: 'AWS_SES', SigningAttributes: own }), {
      message: 'DomainSigningSelector and DomainSigningPrivateKey do not go with AWS_SES.',
    })
    await assert.rejects(
      app.sesv2.send(
        new PutEmailIdentityDkimSigningAttributesCommand({
          EmailIdentity: ADDRESS,
          SigningAttributesOrigin: 'AWS_SES',
        }),
      ),
      { name: 'BadRequestException', message: 'The EmailIdentity value must be a valid domain.' },
    )
  })
})

describe('DKIM taken over from another region', () => {
  const origin = { DomainSigningAttributesOrigin: 'AWS_SES_EU_WEST_1' } as const

  test('has the same tokens and keys, and needs no more records', async () => {
    const zone: MutableZone = {}
    await using app = await startStrict(zone)
    const primary = await app.clients('eu-west-1').sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: DOMAIN }))
    await publish(app, zone, 'eu-west-1')
    const made = await create(app, { DkimSigningAttributes: origin })
    assert.deepEqual(made.DkimAttributes?.Tokens, primary.DkimAttributes?.Tokens)
    assert.equal(made.DkimAttributes?.SigningAttributesOrigin, 'AWS_SES_EU_WEST_1')
    app.clock.advance(MINUTE)
    await untilStates(app, 'SUCCESS', 'SUCCESS')
    const signerIn = async (region: string) => {
      const scope = { account: app.services.config.accountId, region }
      const identity = await app.services.store.identities.find(scope, DOMAIN)
      return (await dkimSigners(app.services, scope, identity!)).keys[0]?.pem
    }
    await until(
      async () => {
        await get(app)
        return await signerIn('eu-west-1')
      },
      (signer) => signer !== undefined,
    )
    assert.deepEqual(await signerIn('us-east-1'), await signerIn('eu-west-1'))
  })

  test('waits for a domain that can be taken over, and says what is wrong with it', async () => {
    const zone: MutableZone = {}
    await using app = await startStrict(zone)
    await create(app, { DkimSigningAttributes: origin })
    const without = await untilLooked(app)
    assert.equal(without.VerificationInfo?.ErrorType, 'REPLICATION_PRIMARY_NOT_FOUND')
    await app.clients('eu-west-1').sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: DOMAIN }))
    await publish(app, zone, 'eu-west-1')
    app.clock.advance(MINUTE)
    await untilStates(app, 'SUCCESS', 'SUCCESS')
  })

  test('is not of the same region', async () => {
    await using app = await startStrict({})
    await create(app, { DkimSigningAttributes: { DomainSigningAttributesOrigin: 'AWS_SES_US_EAST_1' } })
    assert.equal((await untilLooked(app)).VerificationInfo?.ErrorType, 'REPLICATION_PRIMARY_INVALID_REGION')
  })
})
