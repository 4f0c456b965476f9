/** TLS by the policies of the other side: MTA-STS (RFC 8461) and DANE (RFC 7672). */
import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { describe, test } from 'node:test'
import { isInPolicy, readPolicy, stsId } from '../src/delivery/mta-sts.ts'
import { certificateFor, theAuthority } from './support/internet/certificates.ts'
import { Internet, privacy, reported, tellAll } from './support/internet/internet.ts'
import type { Behaviour } from './support/internet/mx.ts'
import { ENFORCE, policyHost, type PolicyHost } from './support/internet/policy-host.ts'

const HOST = 'mx.example.test'
const HOUR = 3_600_000
const OK = 'delivered 250 2.0.0 Ok: queued'
const GOOD = await certificateFor(HOST)
const EXPIRED = await certificateFor(HOST, 'expired')
const SELF_SIGNED = await certificateFor(HOST, 'selfSigned')
const OTHER_NAME = await certificateFor('other.test')

describe('MTA-STS', () => {
  const POLICY_HOST = '127.0.0.9'
  const MTA_STS = begun(certificateFor('mta-sts.example.test'))

  async function start(behaviour: Behaviour, policy = ENFORCE, certificate = MTA_STS) {
    const host = await policyHost(POLICY_HOST, await certificate, policy)
    const internet = await Internet.start({ httpsPort: host.port, limits: { messagesPerConnection: 1 } })
    const mx = await internet.domain('example.test', '127.0.0.2', behaviour)
    internet.zone['_mta-sts.example.test'] = { txt: ['v=STSv1; id=1;'] }
    internet.zone['mta-sts.example.test'] = { a: [POLICY_HOST] }
    return {
      internet,
      mx,
      host,
      async [Symbol.asyncDispose]() {
        await internet[Symbol.asyncDispose]()
        await host[Symbol.asyncDispose]()
      },
    }
  }

  const TESTING = ENFORCE.replace('enforce', 'testing')
  const untrusted = (why: string) =>
    `deferred 454 4.7.10 Certificate not trusted: ${why} (tls at starttls, destination)`
  const rows: readonly (readonly [
    name: string,
    policy: string,
    behaviour: Behaviour,
    outcome: string,
    privacy: string,
    report: string,
  ])[] = [
    [
      'enforced takes a good certificate',
      ENFORCE,
      { certificate: GOOD },
      OK,
      'TLSv1.3 verified by mta-sts',
      'sts success',
    ],
    [
      'enforced takes no expired one',
      ENFORCE,
      { certificate: EXPIRED },
      untrusted('CERT_HAS_EXPIRED'),
      'not delivered',
      'sts certificate-expired',
    ],
    [
      'enforced takes none that signed itself',
      ENFORCE,
      { certificate: SELF_SIGNED },
      untrusted('DEPTH_ZERO_SELF_SIGNED_CERT'),
      'not delivered',
      'sts certificate-not-trusted',
    ],
    [
      'enforced takes none of another name',
      ENFORCE,
      { certificate: OTHER_NAME },
      untrusted('ERR_TLS_CERT_ALTNAME_INVALID'),
      'not delivered',
      'sts certificate-host-mismatch',
    ],
    [
      'enforced takes no host without TLS',
      ENFORCE,
      {},
      'deferred 454 4.7.10 TLS is not offered (tls at starttls, destination)',
      'not delivered',
      'sts starttls-not-supported',
    ],
    [
      'enforced takes no host that is not listed',
      ENFORCE.replace('mx.example', 'mx.other'),
      { certificate: GOOD },
      `deferred 454 4.7.5 ${HOST}: the host is not in the MTA-STS policy (tls at lookup, destination)`,
      'not delivered',
      'sts validation-failure',
    ],
    [
      'enforced knows stars',
      ENFORCE.replace('mx.example', '*.example'),
      { certificate: GOOD },
      OK,
      'TLSv1.3 verified by mta-sts',
      'sts success',
    ],
    [
      'in testing takes an expired one, and reports it',
      TESTING,
      { certificate: EXPIRED },
      OK,
      'TLSv1.3',
      'sts certificate-expired',
    ],
    [
      'in testing takes a host without TLS, and reports it',
      TESTING,
      {},
      OK,
      'in the clear',
      'sts starttls-not-supported',
    ],
    [
      'in testing takes a host that is not listed, and reports it',
      TESTING.replace('mx.example', 'mx.other'),
      { certificate: GOOD },
      OK,
      'TLSv1.3',
      'sts validation-failure',
    ],
    [
      'in testing tells of a good certificate',
      TESTING,
      { certificate: GOOD },
      OK,
      'TLSv1.3 verified by mta-sts',
      'sts success',
    ],
    [
      'with mode none asks for nothing',
      'version: STSv1\nmode: none\nmax_age: 86400\n',
      { certificate: EXPIRED },
      OK,
      'TLSv1.3',
      'no-policy-found success',
    ],
  ]
  for (const [name, policy, behaviour, outcome, wanted, report] of rows) {
    test(name, async () => {
      await using world = await start(behaviour, policy)
      const result = await world.internet.deliver('bob@example.test')
      assert.deepEqual([tellAll(result), privacy(result), reported(result)], [[outcome], wanted, [report]])
      assert.deepEqual(world.host.asked, ['mta-sts.example.test /.well-known/mta-sts.txt'])
    })
  }

  const problems: readonly (readonly [name: string, change: (host: PolicyHost) => void, report: string])[] = [
    ['is not there', (host) => void (host.status = 404), 'sts sts-policy-fetch-error'],
    ['is elsewhere', (host) => void (host.status = 301), 'sts sts-policy-fetch-error'],
    ['is too long', (host) => void (host.policy = ENFORCE + 'x: y\n'.repeat(20_000)), 'sts sts-policy-fetch-error'],
    ['is a web page', (host) => void (host.contentType = 'text/html'), 'sts sts-policy-invalid'],
    ['is nonsense', (host) => void (host.policy = 'hello'), 'sts sts-policy-invalid'],
  ]
  for (const [name, change, report] of problems) {
    test(`that ${name} is no policy, is reported, and not asked for again at once`, async () => {
      await using world = await start({ certificate: EXPIRED })
      change(world.host)
      assert.deepEqual(reported(await world.internet.deliver('bob@example.test')), [report, 'no-policy-found success'])
      await world.internet.deliver('bob@example.test')
      assert.equal(world.host.asked.length, 1)
      world.internet.clock.advance(300_000)
      Object.assign(world.host, { status: 200, policy: ENFORCE, contentType: 'text/plain' })
      assert.match(tellAll(await world.internet.deliver('bob@example.test'))[0] ?? '', /CERT_HAS_EXPIRED/)
    })
  }

  test('from a host with a bad certificate is no policy', async () => {
    await using world = await start(
      { certificate: GOOD },
      ENFORCE,
      certificateFor('mta-sts.example.test', 'selfSigned'),
    )
    const result = await world.internet.deliver('bob@example.test')
    assert.deepEqual(reported(result), ['sts sts-webpki-invalid', 'no-policy-found success'])
  })

  test('from a private address is no policy', async () => {
    await using world = await start({ certificate: GOOD })
    // Only the policy host is at a private address: the rules of hosts forbid to ask it.
    Object.assign(world.internet.deps.rules, { allowPrivate: false })
    world.internet.zone['example.test'] = { mx: ['10 mx.example.test'] }
    const { policy, problem } = await world.internet.deps.stsPolicies!.find('example.test')
    assert.deepEqual([policy, problem?.type, world.host.asked], [undefined, 'sts-policy-fetch-error', []])
  })

  test('is kept for its time, and fetched anew with another id or after a day', async () => {
    await using world = await start({ certificate: EXPIRED })
    const { internet, host } = world
    const deliver = async () => tellAll(await internet.deliver('bob@example.test'))[0] === OK
    assert.equal(await deliver(), false)
    assert.equal(await deliver(), false)
    assert.equal(host.asked.length, 1)
    // Who takes away the record or the policy does not take away what we know.
    internet.zone['_mta-sts.example.test'] = 'servfail'
    assert.equal(await deliver(), false)
    delete internet.zone['_mta-sts.example.test']
    assert.equal(await deliver(), false)
    internet.zone['_mta-sts.example.test'] = { txt: ['v=STSv1; id=2'] }
    host.status = 500
    assert.equal(await deliver(), false)
    host.status = 200
    host.policy = TESTING
    internet.zone['_mta-sts.example.test'] = { txt: ['v=STSv1; id=3'] }
    assert.equal(await deliver(), true)
    assert.equal(host.asked.length, 3)
    host.policy = ENFORCE
    internet.clock.advance(24 * HOUR)
    assert.equal(await deliver(), false)
    internet.clock.advance(604_800_000)
    delete internet.zone['_mta-sts.example.test']
    assert.equal(await deliver(), true)
  })

  test('policies and records are read as the RFC says', () => {
    assert.equal(stsId(['v=STSv1; id=20260101T000000;']), '20260101T000000')
    assert.equal(stsId(['x', 'v=STSv1;id=a']), 'a')
    for (const records of [[], ['v=STSv1'], ['v=STSv1; id='], ['v=STSv2; id=1'], ['v=STSv1; id=1', 'v=STSv1; id=2']]) {
      assert.equal(stsId(records), undefined, records.join('|'))
    }
    const policy = readPolicy(
      '1',
      'version: STSv1\nmode: enforce\nmx: A.test\nmx: *.b.test\nmax_age: 99999999999\nfoo: bar\n',
    )
    assert.equal(policy, undefined)
    const good = readPolicy(
      '1',
      'version: STSv1\nmode: enforce\nmx: A.test\nmx: *.b.test\nmax_age: 9999999999\nmode: none\n',
    )!
    assert.deepEqual([good.mode, good.mx, good.maxAgeMs], ['enforce', ['a.test', '*.b.test'], 31_557_600_000])
    for (const [host, isIn] of [
      ['a.test', true],
      ['x.b.test', true],
      ['b.test', false],
      ['x.y.b.test', false],
      ['xa.test', false],
    ] as const) {
      assert.equal(isInPolicy(good, host), isIn, host)
    }
  })
})

describe('DANE', () => {
  const spki = (pem: string) => {
    const key = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' })
    return createHash('sha256').update(key).digest('hex')
  }
  const whole = (pem: string) => createHash('sha512').update(new X509Certificate(pem).raw).digest('hex')
  const WRONG = '00'.repeat(32)
  const mismatch = 'deferred 454 4.7.10 Certificate not trusted: no TLSA record matches (tls at starttls, destination)'
  const noTls = 'deferred 454 4.7.10 TLS is not offered (tls at starttls, destination)'
  const verified = 'TLSv1.3 verified by dane'

  async function start(behaviour: Behaviour, tlsa: (port: number) => object, isSigned = { mx: true, a: true }) {
    const internet = await Internet.start()
    await internet.mx('127.0.0.2', behaviour)
    internet.zone['example.test'] = { mx: [`10 ${HOST}`], isSigned: isSigned.mx }
    internet.zone[HOST] = { a: ['127.0.0.2'], isSigned: isSigned.a }
    Object.assign(internet.zone, { [`_${internet.deps.port}._tcp.${HOST}`]: tlsa(internet.deps.port) })
    return internet
  }

  const AUTHORITY = begun(theAuthority())
  const rows: readonly (readonly [
    name: string,
    behaviour: Behaviour,
    tlsa: (authority: string) => string[],
    outcome: string,
    privacy: string,
  ])[] = [
    [
      '3 1 1 takes the certificate that it names',
      { certificate: SELF_SIGNED },
      () => [`3 1 1 ${spki(SELF_SIGNED.cert)}`],
      OK,
      verified,
    ],
    [
      '3 1 1 takes it expired and for another name',
      { certificate: EXPIRED },
      () => [`3 1 1 ${WRONG}`, `3 1 1 ${spki(EXPIRED.cert)}`],
      OK,
      verified,
    ],
    ['3 0 2 takes it', { certificate: GOOD }, () => [`3 0 2 ${whole(GOOD.cert)}`], OK, verified],
    [
      '3 0 0 takes it',
      { certificate: GOOD },
      () => [`3 0 0 ${new X509Certificate(GOOD.cert).raw.toString('hex')}`],
      OK,
      verified,
    ],
    ['3 1 1 takes no other', { certificate: GOOD }, () => [`3 1 1 ${WRONG}`], mismatch, 'not delivered'],
    [
      '3 1 1 of the authority takes nothing',
      { certificate: GOOD },
      (authority) => [`3 1 1 ${spki(authority)}`],
      mismatch,
      'not delivered',
    ],
    [
      '2 1 1 takes what its authority signed',
      { certificate: GOOD },
      (authority) => [`2 1 1 ${spki(authority)}`],
      OK,
      verified,
    ],
    [
      '2 1 1 takes none for another name',
      { certificate: OTHER_NAME },
      (authority) => [`2 1 1 ${spki(authority)}`],
      mismatch,
      'not delivered',
    ],
    [
      '2 1 1 takes none that expired',
      { certificate: EXPIRED },
      (authority) => [`2 1 1 ${spki(authority)}`],
      mismatch,
      'not delivered',
    ],
    [
      '2 1 1 takes none that the authority did not sign',
      { certificate: { ...SELF_SIGNED, cert: `${SELF_SIGNED.cert}\n` } },
      (authority) => [`2 1 1 ${spki(authority)}`],
      mismatch,
      'not delivered',
    ],
    ['takes no host without TLS', {}, () => [`3 1 1 ${spki(GOOD.cert)}`], noTls, 'not delivered'],
    [
      'of kinds that SMTP has no use for asks for TLS only',
      { certificate: SELF_SIGNED },
      () => [`1 1 1 ${WRONG}`, `3 1 9 ${WRONG}`],
      OK,
      'TLSv1.3',
    ],
    [
      'of kinds that SMTP has no use for takes no host without TLS',
      {},
      () => [`1 1 1 ${WRONG}`],
      noTls,
      'not delivered',
    ],
  ]
  for (const [name, behaviour, tlsa, outcome, wanted] of rows) {
    test(name, async () => {
      const { cert } = await AUTHORITY
      await using internet = await start(behaviour, () => ({ tlsa: tlsa(cert), isSigned: true }))
      const result = await internet.deliver('bob@example.test')
      assert.deepEqual([tellAll(result), privacy(result)], [[outcome], wanted], result.transcript.join('\n'))
    })
  }

  for (const [name, isSigned, isTlsaSigned] of [
    ['without DNSSEC for the MX records', { mx: false, a: true }, true],
    ['without DNSSEC for the address', { mx: true, a: false }, true],
    ['without DNSSEC for the TLSA records', { mx: true, a: true }, false],
  ] as const) {
    test(`${name} asks for nothing`, async () => {
      const tlsa = () => ({ tlsa: [`3 1 1 ${WRONG}`], isSigned: isTlsaSigned })
      await using internet = await start({ certificate: SELF_SIGNED }, tlsa, isSigned)
      const result = await internet.deliver('bob@example.test')
      assert.deepEqual([tellAll(result), reported(result)], [[OK], ['no-policy-found success']])
    })
  }

  test('that nobody can look up makes the host unusable for now', async () => {
    await using internet = await start({ certificate: GOOD }, () => ({}))
    internet.zone[`_${internet.deps.port}._tcp.${HOST}`] = 'servfail'
    const result = await internet.deliver('bob@example.test')
    assert.deepEqual(tellAll(result), [
      `deferred 454 4.7.5 Unable to lookup the TLSA records of ${HOST} (dns at lookup, destination)`,
    ])
    assert.deepEqual(reported(result), ['tlsa dnssec-invalid'])
  })

  test('that denies its existence asks for nothing', async () => {
    await using internet = await start({}, () => ({ isSigned: true }))
    assert.deepEqual(tellAll(await internet.deliver('bob@example.test')), [OK])
  })
})

/** Begun now, awaited where it is needed. */
function begun<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}
