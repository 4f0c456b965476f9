/** How identities are proved: by a link in a mail, and by records in a real DNS that changes as time goes on. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import {
  GetIdentityVerificationAttributesCommand,
  VerifyDomainDkimCommand,
  VerifyDomainIdentityCommand,
  VerifyEmailIdentityCommand,
} from '@aws-sdk/client-ses'
import { startApp, type TestApp } from './support/app.ts'
import { until } from './support/until.ts'
import {
  DOMAIN,
  ADDRESS,
  HOST,
  OWNER,
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
  empty,
  mailTo,
} from './support/proving.ts'

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
