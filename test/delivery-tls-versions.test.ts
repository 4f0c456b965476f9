/** Which versions of TLS mail goes out in: old ones where plain text would do too, and nowhere else. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { certificateFor } from './support/internet/certificates.ts'
import { Internet, privacy, reported, tellAll } from './support/internet/internet.ts'
import { ENFORCE, policyHost } from './support/internet/policy-host.ts'
import { startWorld } from './support/world.ts'

const HOST = 'mx.example.test'
const OK = 'delivered 250 2.0.0 Ok: queued'
const GOOD = await certificateFor(HOST)
const POLICY_HOST = '127.0.0.9'
const MTA_STS = await certificateFor('mta-sts.example.test')
/** What OpenSSL says when the other side has only older versions. */
const TOO_OLD =
  /^deferred 454 4\.7\.10 TLS handshake failed: ERR_SSL_(?:TLSV1_ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL) /

const VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const

describe('TLS that is not demanded', () => {
  for (const maxTlsVersion of VERSIONS) {
    test(`is ${maxTlsVersion} where the server has no better one`, async () => {
      await using internet = await Internet.start()
      const mx = await internet.domain('example.test', '127.0.0.2', { certificate: GOOD, maxTlsVersion })
      const result = await internet.deliver('bob@example.test')
      assert.deepEqual([tellAll(result), privacy(result), mx.sessions], [[OK], maxTlsVersion, 1])
    })
  }

  test('may be held to a version, and then old ones lead to plain text', async () => {
    await using internet = await Internet.start({ minTlsVersions: { opportunistic: 'TLSv1.2' } })
    for (const [domain, address, maxTlsVersion, wanted] of [
      ['one.test', '127.0.0.2', 'TLSv1.1', 'in the clear'],
      ['two.test', '127.0.0.3', 'TLSv1.2', 'TLSv1.2'],
    ] as const) {
      await internet.domain(domain, address, { certificate: GOOD, maxTlsVersion })
      const result = await internet.deliver(`bob@${domain}`)
      assert.deepEqual([tellAll(result), privacy(result)], [[OK], wanted])
    }
  })
})

describe('TLS that is demanded', () => {
  for (const [demanded, maxTlsVersion, isGood] of [
    ['TLSv1.2', 'TLSv1.1', false],
    ['TLSv1.2', 'TLSv1.2', true],
    ['TLSv1.3', 'TLSv1.2', false],
    ['TLSv1.3', 'TLSv1.3', true],
  ] as const) {
    test(`of ${demanded} is ${isGood ? '' : 'not '}had from a server that speaks ${maxTlsVersion}`, async () => {
      await using internet = await Internet.start({ minTlsVersions: { demanded } })
      const mx = await internet.domain('example.test', '127.0.0.2', { certificate: GOOD, maxTlsVersion })
      const result = await internet.deliver('bob@example.test', { tlsPolicy: 'REQUIRE' })
      if (isGood) assert.equal(privacy(result), maxTlsVersion)
      else assert.match(tellAll(result)[0] ?? '', TOO_OLD)
      assert.equal(mx.mails.length, isGood ? 1 : 0)
    })
  }

  test('is not made up for by a session, or a connection, of mail that did not demand it', async () => {
    await using internet = await Internet.start()
    const mx = await internet.domain('example.test', '127.0.0.2', { certificate: GOOD, maxTlsVersion: 'TLSv1.1' })
    assert.equal(privacy(await internet.deliver('bob@example.test')), 'TLSv1.1')
    assert.match(tellAll(await internet.deliver('bob@example.test', { tlsPolicy: 'REQUIRE' }))[0] ?? '', TOO_OLD)
    assert.equal(mx.mails.length, 1)
  })

  for (const [mode, outcome, report] of [
    ['enforce', TOO_OLD, 'sts validation-failure'],
    ['testing', /^delivered /, 'sts validation-failure'],
  ] as const) {
    test(`by MTA-STS in mode ${mode}: an old version is a failure`, async () => {
      await using host = await policyHost(POLICY_HOST, MTA_STS, ENFORCE.replace('enforce', mode))
      await using internet = await Internet.start({ httpsPort: host.port })
      await internet.domain('example.test', '127.0.0.2', { certificate: GOOD, maxTlsVersion: 'TLSv1.1' })
      internet.zone['_mta-sts.example.test'] = { txt: ['v=STSv1; id=1;'] }
      internet.zone['mta-sts.example.test'] = { a: [POLICY_HOST] }
      const result = await internet.deliver('bob@example.test')
      assert.match(tellAll(result)[0] ?? '', outcome)
      assert.deepEqual(reported(result), [report])
    })
  }
})

test('a report about TLS is delivered whatever policies say, and shares no connection with other mail', async () => {
  await using host = await policyHost(POLICY_HOST, MTA_STS)
  await using internet = await Internet.start({ httpsPort: host.port })
  const mx = await internet.domain('example.test', '127.0.0.2', {})
  internet.zone['_mta-sts.example.test'] = { txt: ['v=STSv1; id=1;'] }
  internet.zone['mta-sts.example.test'] = { a: [POLICY_HOST] }
  assert.match(tellAll(await internet.deliver('bob@example.test'))[0] ?? '', /TLS is not offered/)
  const result = await internet.deliver('bob@example.test', { tlsPolicy: 'ANY' })
  assert.deepEqual([tellAll(result), privacy(result), mx.mails.length], [[OK], 'in the clear', 1])
  assert.match(tellAll(await internet.deliver('bob@example.test'))[0] ?? '', /TLS is not offered/)
})

for (const [config, wanted] of [
  [{}, ['TLSv1.1']],
  [{ opportunisticTlsMinVersion: 'TLSv1.2' }, undefined],
] as const) {
  test(`the server with ${JSON.stringify(config)} delivers in ${wanted?.[0] ?? 'plain text'} where there is only TLS 1.1`, async () => {
    await using world = await startWorld(config)
    await world.domain('one.test', '127.0.0.2', { certificate: GOOD, maxTlsVersion: 'TLSv1.1' })
    const id = await world.send(['bob@one.test'])
    await world.app.idle()
    const { type, mail } = (await world.events(id)).at(-1)!
    const tags = mail['tags'] as Readonly<Record<string, unknown>>
    assert.deepEqual([type, tags['ses:outgoing-tls-version']], ['Delivery', wanted])
  })
}
