/** How identities are proved: by a link in a mail, and by records in a real DNS that changes as time goes on. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import {
  GetIdentityVerificationAttributesCommand,
  VerifyDomainDkimCommand,
  VerifyDomainIdentityCommand,
  VerifyEmailIdentityCommand,
} from '@aws-sdk/client-ses'
import {
  CreateEmailIdentityCommand,
  type CreateEmailIdentityCommandInput,
  GetEmailIdentityCommand,
  PutEmailIdentityDkimSigningAttributesCommand,
  type PutEmailIdentityDkimSigningAttributesCommandInput,
  PutEmailIdentityMailFromAttributesCommand,
} from '@aws-sdk/client-sesv2'
import { simpleParser } from 'mailparser'
import { recordsOf } from '../src/domain/identities/records.ts'
import { dkimSigner } from '../src/domain/identities/dkim.ts'
import { resolveIdentity } from '../src/domain/identities/resolution.ts'
import { startApp, type TestApp } from './support/app.ts'
import { type Zone, dnsServer } from './support/dns.ts'
import { until } from './support/until.ts'

const DOMAIN = 'example.com'
const ADDRESS = 'ann@example.com'
const HOST = 'ses.example.net'
const OWNER = 'owner@example.net'
const MINUTE = 60_000
const HOUR = 60 * MINUTE

type MutableZone = Record<string, { txt?: string[]; cname?: string; mx?: string[] } | 'servfail'>

/** A server whose identities must be proved, with a DNS server of its own that answers from `zone`. */
async function startStrict(zone: Zone): Promise<TestApp> {
  const dns = await dnsServer(zone)
  const app = await startApp({ profile: 'strict', config: { dns: dns.address, hostname: HOST } })
  return {
    ...app,
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await dns[Symbol.asyncDispose]()
    },
  }
}

async function get(app: TestApp, name = DOMAIN) {
  return await app.sesv2.send(new GetEmailIdentityCommand({ EmailIdentity: name }))
}

async function create(app: TestApp, more: Partial<CreateEmailIdentityCommandInput> = {}) {
  return await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: DOMAIN, ...more }))
}

async function putSigning(
  app: TestApp,
  input: Pick<PutEmailIdentityDkimSigningAttributesCommandInput, 'SigningAttributesOrigin' | 'SigningAttributes'>,
) {
  return await app.sesv2.send(new PutEmailIdentityDkimSigningAttributesCommand({ EmailIdentity: DOMAIN, ...input }))
}

async function setMailFrom(app: TestApp, MailFromDomain: string) {
  await app.sesv2.send(new PutEmailIdentityMailFromAttributesCommand({ EmailIdentity: DOMAIN, MailFromDomain }))
}

/** Asks until verification, DKIM and MAIL FROM are in these states. */
async function untilStates(app: TestApp, verification: string, dkim?: string, mailFrom?: string) {
  const wanted = [verification, dkim, mailFrom]
  return await until(
    () => get(app),
    ({ VerificationStatus, DkimAttributes, MailFromAttributes }) => {
      const states = [VerificationStatus, DkimAttributes?.Status, MailFromAttributes?.MailFromDomainStatus]
      return wanted.every((state, index) => state === undefined || state === states[index])
    },
  )
}

/** Asks until the records were looked for after the clock's present time. */
async function untilLooked(app: TestApp) {
  const now = app.clock.now()
  return await until(
    () => get(app),
    ({ VerificationInfo }) => (VerificationInfo?.LastCheckedTimestamp?.getTime() ?? 0) >= now,
  )
}

/** Publishes every record of the owner, as docs/dns.md says. */
async function publish(app: TestApp, zone: MutableZone, region = 'us-east-1') {
  const { accountId } = app.services.config
  const identity = await app.services.store.identities.find({ account: accountId, region }, DOMAIN)
  for (const { name, type, value, publishedBy } of recordsOf(identity!, region, HOST)) {
    if (publishedBy !== 'owner') continue
    const old = zone[name]
    const records = old === undefined || old === 'servfail' ? {} : old
    if (type === 'CNAME') records.cname = value
    if (type === 'TXT') records.txt = [...(records.txt ?? []), value]
    if (type === 'MX') records.mx = [...(records.mx ?? []), value]
    zone[name] = records
  }
}

function empty(zone: MutableZone) {
  for (const name of Object.keys(zone)) delete zone[name]
}

/** Mail that was accepted for an address, the newest first. */
async function mailTo(app: TestApp, to: string) {
  const found = await app.services.store.messages.list({ to }, { limit: 10 })
  return await Promise.all(
    found.map(async ({ scope, message }) => {
      const raw = await app.services.store.messages.raw(scope, message.id)
      return await simpleParser(Buffer.from(raw!))
    }),
  )
}

describe('an address', () => {
  const status = async (app: TestApp) => {
    const { VerificationAttributes } = await app.ses.send(
      new GetIdentityVerificationAttributesCommand({ Identities: [ADDRESS] }),
    )
    return VerificationAttributes?.[ADDRESS]?.VerificationStatus
  }
  const verify = (app: TestApp) => app.ses.send(new VerifyEmailIdentityCommand({ EmailAddress: ADDRESS }))
  const open = async (app: TestApp, link: string) => (await fetch(app.url + link)).status

  async function newestLink(app: TestApp) {
    const [mail] = await mailTo(app, ADDRESS)
    const [link] = /https?:\/\/\S+\/verify\?token=\S+/.exec(mail?.text ?? '') ?? []
    return new URL(link!).pathname + new URL(link!).search
  }

  test('is proved by the link in the mail', async () => {
    await using app = await startApp({ profile: 'strict' })
    await verify(app)
    assert.equal(await status(app), 'Pending')
    const [mail] = await mailTo(app, ADDRESS)
    assert.equal(
      mail?.subject,
      'Amazon Web Services – Email Address Verification Request in region US East (N. Virginia)',
    )
    const link = await newestLink(app)
    assert.equal(await open(app, link), 200)
    assert.equal(await status(app), 'Success')
    assert.equal(await open(app, link), 200)
    app.clock.advance(400 * 24 * HOUR)
    assert.equal((await get(app, ADDRESS)).VerificationStatus, 'SUCCESS')
  })

  test('is not proved by any other link', async () => {
    await using app = await startApp({ profile: 'strict' })
    await verify(app)
    const link = await newestLink(app)
    const [path, token = ''] = link.split('token=')
    const [whose = '', secret = ''] = token.split('.')
    const forged = Buffer.from(JSON.stringify([app.services.config.accountId, 'us-east-1', 'bob@example.com']))
    const bad = [
      '',
      'x',
      '.',
      whose,
      `${whose}.`,
      `${whose}.${secret.slice(1)}x`,
      `${forged.toString('base64url')}.${secret}`,
    ]
    for (const each of [
      ...bad,
      'A'.repeat(5000),
      `${token}.`,
      `${Buffer.from('{}').toString('base64url')}.${secret}`,
    ]) {
      assert.equal(await open(app, `${path}token=${each}`), 404)
    }
    assert.equal(await status(app), 'Pending')
  })

  test('has failed after 24 hours, and may begin again', async () => {
    await using app = await startApp({ profile: 'strict' })
    await verify(app)
    const old = await newestLink(app)
    app.clock.advance(24 * HOUR)
    await until(
      () => status(app),
      (state) => state === 'Failed',
    )
    assert.equal(await open(app, old), 410)
    await verify(app)
    assert.equal((await mailTo(app, ADDRESS)).length, 2)
    assert.equal(await open(app, old), 404)
    assert.equal(await open(app, await newestLink(app)), 200)
    assert.equal(await status(app), 'Success')
  })

  test('gets another 24 hours with another mail, and its first link stays good', async () => {
    await using app = await startApp({ profile: 'strict' })
    await verify(app)
    const link = await newestLink(app)
    app.clock.advance(20 * HOUR)
    await verify(app)
    app.clock.advance(20 * HOUR)
    assert.equal(await status(app), 'Pending')
    assert.equal(await open(app, link), 200)
    await verify(app)
    assert.equal((await mailTo(app, ADDRESS)).length, 2)
    assert.equal(await status(app), 'Success')
  })

  test('is marked as verified through the admin API, for good', async () => {
    await using app = await startApp({ profile: 'strict' })
    await verify(app)
    const { accountId } = app.services.config
    const path = `/_sesame/accounts/${accountId}/regions/us-east-1/identities/${encodeURIComponent(ADDRESS)}/verify`
    assert.equal((await app.admin('POST', path)).status, 200)
    app.clock.advance(100 * 24 * HOUR)
    assert.equal(await status(app), 'Success')
  })
})

describe('a domain of v1', () => {
  test('is proved by its TXT record, as soon as it is there', async () => {
    const zone: MutableZone = {}
    await using app = await startStrict(zone)
    const { VerificationToken } = await app.ses.send(new VerifyDomainIdentityCommand({ Domain: DOMAIN }))
    const missing = await untilLooked(app)
    assert.equal(missing.VerificationInfo?.ErrorType, 'HOST_NOT_FOUND')
    zone['_amazonses.example.com'] = { txt: ['something else', VerificationToken!] }
    app.clock.advance(MINUTE)
    const found = await untilStates(app, 'SUCCESS', 'NOT_STARTED')
    assert.deepEqual(
      [found.VerifiedForSendingStatus, found.VerificationInfo],
      [true, { LastCheckedTimestamp: new Date(app.clock.now()), LastSuccessTimestamp: new Date(app.clock.now()) }],
    )
  })

  test('is proved by DKIM as well', async () => {
    const zone: MutableZone = {}
    await using app = await startStrict(zone)
    await app.ses.send(new VerifyDomainIdentityCommand({ Domain: DOMAIN }))
    await app.ses.send(new VerifyDomainDkimCommand({ Domain: DOMAIN }))
    await publish(app, zone)
    delete zone['_amazonses.example.com']
    app.clock.advance(MINUTE)
    await untilStates(app, 'SUCCESS', 'SUCCESS')
  })

  test('has failed after 72 hours, and may begin again with the same token', async () => {
    const zone: MutableZone = {}
    await using app = await startStrict(zone)
    const verify = async () =>
      (await app.ses.send(new VerifyDomainIdentityCommand({ Domain: DOMAIN }))).VerificationToken
    const token = await verify()
    await untilLooked(app)
    app.clock.advance(72 * HOUR)
    await untilStates(app, 'FAILED')
    zone['_amazonses.example.com'] = { txt: [token!] }
    app.clock.advance(72 * HOUR)
    assert.equal((await get(app)).VerificationStatus, 'FAILED')
    assert.equal(await verify(), token)
    await untilStates(app, 'SUCCESS')
  })
})

describe('a domain of v2', () => {
  test('is proved by its three CNAMEs', async () => {
    const zone: MutableZone = {}
    await using app = await startStrict(zone)
    const { DkimAttributes } = await create(app)
    const [first, ...others] = DkimAttributes?.Tokens ?? []
    for (const token of others) zone[`${token}._domainkey.${DOMAIN}`] = { cname: `${token}.dkim.${HOST}` }
    app.clock.advance(MINUTE)
    const missing = await untilLooked(app)
    assert.deepEqual([missing.VerificationStatus, missing.DkimAttributes?.Status], ['PENDING', 'PENDING'])
    zone[`${first}._domainkey.${DOMAIN}`] = { cname: 'elsewhere.example.org' }
    app.clock.advance(MINUTE)
    assert.equal((await untilLooked(app)).VerificationInfo?.ErrorType, 'INVALID_VALUE')
    zone[`${first}._domainkey.${DOMAIN}`] = { cname: `${first}.dkim.${HOST}` }
    app.clock.advance(HOUR)
    const found = await untilStates(app, 'SUCCESS', 'SUCCESS')
    assert.equal(found.VerifiedForSendingStatus, true)
  })

  test('is not failed sooner for want of an answer, and says why nothing is known', async () => {
    const zone: MutableZone = {}
    await using app = await startStrict(zone)
    const { DkimAttributes } = await create(app)
    for (const token of DkimAttributes?.Tokens ?? []) zone[`${token}._domainkey.${DOMAIN}`] = 'servfail'
    app.clock.advance(71 * HOUR)
    const unknown = await untilLooked(app)
    assert.deepEqual([unknown.VerificationStatus, unknown.VerificationInfo?.ErrorType], ['PENDING', 'DNS_SERVER_ERROR'])
    await publish(app, zone)
    app.clock.advance(HOUR)
    await untilStates(app, 'SUCCESS', 'SUCCESS')
  })

  test('whose records vanish is revoked after 72 hours, with mails to the owner of the account', async () => {
    const zone: MutableZone = {}
    await using app = await startStrict(zone)
    await app.services.store.accounts.update(app.services.config.accountId, { email: OWNER })
    await create(app)
    await publish(app, zone)
    app.clock.advance(MINUTE)
    await untilStates(app, 'SUCCESS', 'SUCCESS')
    for (const name of Object.keys(zone)) zone[name] = 'servfail'
    app.clock.advance(24 * HOUR)
    const silent = await untilLooked(app)
    assert.equal(silent.VerificationStatus, 'SUCCESS')
    empty(zone)
    app.clock.advance(24 * HOUR)
    const missing = await untilStates(app, 'TEMPORARY_FAILURE', 'TEMPORARY_FAILURE')
    assert.deepEqual([missing.VerifiedForSendingStatus, missing.VerificationInfo?.ErrorType], [true, 'HOST_NOT_FOUND'])
    app.clock.advance(72 * HOUR)
    const revoked = await untilStates(app, 'FAILED', 'FAILED')
    assert.equal(revoked.VerifiedForSendingStatus, false)
    const mails = await until(
      () => mailTo(app, OWNER),
      ({ length }) => length === 6,
    )
    const place = `for ${DOMAIN} in US East (N. Virginia) region`
    assert.deepEqual(
      new Set(mails.map(({ subject }) => subject)),
      new Set([
        `Domain verification SUCCESS ${place}`,
        `DKIM setup SUCCESS ${place}`,
        `Domain verification REVOCATION PENDING ${place}`,
        `DKIM setup REVOCATION PENDING ${place}`,
        `Domain verification FAILED ${place}`,
        `DKIM setup FAILED ${place}`,
      ]),
    )
  })

  test('whose records come back in time has lost nothing', async () => {
    const zone: MutableZone = {}
    await using app = await startStrict(zone)
    await create(app)
    await publish(app, zone)
    app.clock.advance(MINUTE)
    await untilStates(app, 'SUCCESS', 'SUCCESS')
    const published = { ...zone }
    empty(zone)
    app.clock.advance(24 * HOUR)
    await untilStates(app, 'TEMPORARY_FAILURE', 'TEMPORARY_FAILURE')
    Object.assign(zone, published)
    app.clock.advance(71 * HOUR)
    await untilStates(app, 'SUCCESS', 'SUCCESS')
  })

  test('may begin again after a failure', async () => {
    const zone: MutableZone = {}
    await using app = await startStrict(zone)
    await create(app)
    await untilLooked(app)
    app.clock.advance(72 * HOUR)
    await untilStates(app, 'FAILED', 'FAILED')
    await publish(app, zone)
    const { DkimStatus } = await putSigning(app, { SigningAttributesOrigin: 'AWS_SES' })
    assert.equal(DkimStatus, 'PENDING')
    await untilStates(app, 'SUCCESS', 'SUCCESS')
  })
})

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
    await assert.rejects(putSigning(app, length('RSA_2048_BIT')), {
      name: 'BadRequestException',
      message: 'The DKIM signing key length is already RSA_2048_BIT.',
    })
    const { DkimStatus, DkimTokens, SigningHostedZone } = await putSigning(app, length('RSA_1024_BIT'))
    assert.deepEqual([DkimStatus, SigningHostedZone], ['PENDING', `dkim.${HOST}`])
    assert.equal(
      DkimTokens?.some((token) => DkimAttributes?.Tokens?.includes(token)),
      false,
    )
    const waiting = await get(app)
    assert.deepEqual(
      [waiting.VerificationStatus, waiting.DkimAttributes?.CurrentSigningKeyLength],
      ['SUCCESS', 'RSA_1024_BIT'],
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
      async () => (await store.identities.find({ account: config.accountId, region: 'us-east-1' }, DOMAIN))?.dkim,
      (dkim) => dkim?.privateKeys.length === 1,
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
    const { identity } = await resolveIdentity(app.services, scope, { localPart: 'ann', domain: 'shop.example.com' })
    const signer = await dkimSigner(app.services, scope, identity!)
    assert.deepEqual([signer?.domain, signer?.selector], [DOMAIN, DomainSigningSelector])
    assert.equal(signer?.privateKey, privateKey.export({ type: 'pkcs8', format: 'pem' }))
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
      return await dkimSigner(app.services, scope, identity!)
    }
    await until(
      () => signerIn('eu-west-1'),
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

describe('a MAIL FROM domain', () => {
  const NAME = 'mail.example.com'
  const OURS = `10 feedback-smtp.us-east-1.${HOST}`
  const mx = (zone: MutableZone, ...records: string[]) => {
    zone[NAME] = { mx: records }
  }

  async function startVerified(zone: MutableZone) {
    const app = await startStrict(zone)
    await app.services.store.accounts.update(app.services.config.accountId, { email: OWNER })
    await create(app)
    await publish(app, zone)
    app.clock.advance(MINUTE)
    await untilStates(app, 'SUCCESS', 'SUCCESS')
    return app
  }

  test('works with exactly one MX record, fails for a while without, and is given up after 72 hours', async () => {
    const zone: MutableZone = {}
    await using app = await startVerified(zone)
    mx(zone, OURS, '20 mx.example.com')
    await setMailFrom(app, NAME)
    await untilStates(app, 'SUCCESS', 'SUCCESS', 'PENDING')
    mx(zone, OURS)
    app.clock.advance(MINUTE)
    await untilStates(app, 'SUCCESS', 'SUCCESS', 'SUCCESS')
    mx(zone, '10 elsewhere.example.com')
    app.clock.advance(24 * HOUR)
    await untilStates(app, 'SUCCESS', 'SUCCESS', 'TEMPORARY_FAILURE')
    app.clock.advance(72 * HOUR)
    await untilStates(app, 'SUCCESS', 'SUCCESS', 'FAILED')
    const subjects = async () => (await mailTo(app, OWNER)).map(({ subject }) => subject)
    const place = `for ${DOMAIN} in US East (N. Virginia) region`
    await until(subjects, (all) =>
      ['SUCCESS', 'REVOCATION PENDING', 'FAILED'].every((state) =>
        all.includes(`Custom MAIL FROM domain setup ${state} ${place}`),
      ),
    )
    mx(zone, OURS)
    await setMailFrom(app, NAME)
    await untilStates(app, 'SUCCESS', 'SUCCESS', 'SUCCESS')
  })

  test('has failed when its record is not there for 72 hours', async () => {
    const zone: MutableZone = {}
    await using app = await startVerified(zone)
    await setMailFrom(app, NAME)
    app.clock.advance(72 * HOUR)
    await untilStates(app, 'SUCCESS', 'SUCCESS', 'FAILED')
  })
})

describe('an address that is used', () => {
  const scope = { account: '000000000000', region: 'us-east-1' }
  const resolve = async (app: TestApp, localPart: string, domain: string) =>
    await resolveIdentity(app.services, scope, { localPart, domain })

  test('stands for the most granular identity that is verified', async () => {
    await using app = await startApp({ config: { accountId: scope.account } })
    const names = ['ann@a.b.example.com', 'b.example.com', 'example.com']
    for (const EmailIdentity of names) await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity }))
    const nameOf = async (localPart: string, domain: string) => {
      const found = await resolve(app, localPart, domain)
      return found.identity?.name ?? null
    }
    assert.equal(await nameOf('ann', 'A.B.example.com'), 'ann@a.b.example.com')
    assert.equal(await nameOf('ann+label', 'a.b.example.com'), 'ann@a.b.example.com')
    assert.equal(await nameOf('Ann', 'a.b.example.com'), 'b.example.com')
    assert.equal(await nameOf('bob', 'x.y.EXAMPLE.COM'), 'example.com')
    assert.equal(await nameOf('bob', 'example.org'), null)
    assert.equal(await nameOf('bob', 'notexample.com'), null)
  })

  test('stands for none while none is verified, and the nearest one is known', async () => {
    await using app = await startApp({ profile: 'strict', config: { accountId: scope.account } })
    await create(app)
    const found = await resolve(app, 'ann', 'shop.example.com')
    assert.equal(found.identity, undefined)
    assert.equal(found.identity === undefined ? found.nearest?.name : '', DOMAIN)
  })
})
