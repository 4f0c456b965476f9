/** TLS on the way out, opportunistic and required, and the smarthost. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { certificateFor } from './support/internet/certificates.ts'
import { Internet, privacy, reported, tellAll } from './support/internet/internet.ts'
import type { Behaviour } from './support/internet/mx.ts'

const HOST = 'mx.example.test'
const HOUR = 3_600_000
const OK = 'delivered 250 2.0.0 Ok: queued'
const GOOD = await certificateFor(HOST)
const EXPIRED = await certificateFor(HOST, 'expired')
const SELF_SIGNED = await certificateFor(HOST, 'selfSigned')
const OTHER_NAME = await certificateFor('other.test')

describe('opportunistic TLS', () => {
  const rows: readonly (readonly [name: string, behaviour: Behaviour, privacy: string, sessions: number])[] = [
    ['is used where it is offered', { certificate: GOOD }, 'TLSv1.3', 1],
    ['takes a certificate that has expired', { certificate: EXPIRED }, 'TLSv1.3', 1],
    ['takes a certificate that signed itself', { certificate: SELF_SIGNED }, 'TLSv1.3', 1],
    ['takes a certificate for another name', { certificate: OTHER_NAME }, 'TLSv1.3', 1],
    ['takes TLS 1.2', { certificate: GOOD, maxTlsVersion: 'TLSv1.2' }, 'TLSv1.2', 1],
    ['is not used where it is not offered', {}, 'in the clear', 1],
    [
      'goes on in the clear when it is put off',
      { certificate: GOOD, starttls: '454 4.7.0 Not now' },
      'in the clear',
      1,
    ],
    ['goes on in the clear when it is refused', { certificate: GOOD, starttls: '502 5.5.1 What?' }, 'in the clear', 1],
    ['begins anew in the clear when the server hangs up', { certificate: GOOD, starttls: 'drop' }, 'in the clear', 2],
    [
      'begins anew in the clear after 421',
      { certificate: GOOD, starttls: ['421 4.3.0 Bye', 'drop'] },
      'in the clear',
      2,
    ],
    [
      'begins anew in the clear when what follows is no TLS',
      { certificate: GOOD, starttls: ['220 Go', 'garbage'] },
      'in the clear',
      2,
    ],
    [
      'begins anew in the clear when somebody slips in a reply before it',
      { certificate: GOOD, starttls: 'raw:220 Go\r\n250-mx.test\r\n250 AUTH' },
      'in the clear',
      2,
    ],
    [
      'begins anew in the clear when the server does not like us in TLS',
      { certificate: GOOD, ehlo: (_, { isSecure }) => (isSecure ? 'drop' : undefined) },
      'in the clear',
      2,
    ],
  ]
  for (const [name, behaviour, wanted, sessions] of rows) {
    test(name, async () => {
      await using internet = await Internet.start()
      const mx = await internet.domain('example.test', '127.0.0.2', behaviour)
      const result = await internet.deliver('bob@example.test')
      assert.deepEqual([tellAll(result), privacy(result)], [[OK], wanted], result.transcript.join('\n'))
      assert.equal(mx.sessions, sessions)
    })
  }

  test('is not tried again for an hour where it is broken', async () => {
    await using internet = await Internet.start({ limits: { messagesPerConnection: 1 } })
    const mx = await internet.domain('example.test', '127.0.0.2', {
      certificate: GOOD,
      starttls: ['220 Go', 'garbage'],
    })
    assert.deepEqual(reported(await internet.deliver('bob@example.test')), ['no-policy-found validation-failure'])
    mx.behaviour = { certificate: GOOD }
    assert.equal(privacy(await internet.deliver('bob@example.test')), 'in the clear')
    assert.equal(mx.sessions, 3)
    internet.clock.advance(HOUR)
    assert.equal(privacy(await internet.deliver('bob@example.test')), 'TLSv1.3')
  })

  test('is not taken for broken where nothing works', async () => {
    await using internet = await Internet.start()
    const mx = await internet.domain('example.test', '127.0.0.2', {
      certificate: GOOD,
      starttls: 'drop',
      mail: 'drop',
      greeting: (_, { number }) => (number === 2 ? 'drop' : undefined),
    })
    assert.match(tellAll(await internet.deliver('bob@example.test'))[0] ?? '', /^deferred/)
    mx.behaviour = { certificate: GOOD }
    assert.equal(privacy(await internet.deliver('bob@example.test')), 'TLSv1.3')
  })

  for (const maxTlsVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`takes up the session of before (${maxTlsVersion})`, async () => {
      await using internet = await Internet.start({ limits: { messagesPerConnection: 1 } })
      await internet.domain('example.test', '127.0.0.2', { certificate: GOOD, maxTlsVersion })
      assert.doesNotMatch((await internet.deliver('bob@example.test')).transcript.join('\n'), /resumed/)
      assert.match((await internet.deliver('bob@example.test')).transcript.join('\n'), /, resumed$/m)
    })
  }
})

describe('TLS that the sender requires', () => {
  const deferred = (text: string) => `deferred 454 4.7.10 ${text} (tls at starttls, destination)`
  const rows: readonly (readonly [name: string, behaviour: Behaviour, outcome: string | RegExp])[] = [
    ['is used', { certificate: EXPIRED }, OK],
    ['bounces what it cannot be had for', {}, 'bounced 554 5.7.10 TLS is not offered (tls at starttls, destination)'],
    ['waits when it is put off', { certificate: GOOD, starttls: '454 4.7.0 Not now' }, deferred('Not now')],
    [
      'waits when it is broken',
      { certificate: GOOD, starttls: ['220 Go', 'garbage'] },
      /^deferred 454 4\.7\.10 TLS handshake failed: \w+ \(tls at starttls, destination\)$/,
    ],
    [
      'bounces where there is only HELO',
      { certificate: GOOD, ehlo: '502 What?' },
      'bounced 554 5.7.10 TLS is not offered (tls at starttls, destination)',
    ],
  ]
  for (const [name, behaviour, outcome] of rows) {
    test(name, async () => {
      await using internet = await Internet.start()
      const mx = await internet.domain('example.test', '127.0.0.2', behaviour)
      const [told = ''] = tellAll(await internet.deliver('bob@example.test', { tlsPolicy: 'REQUIRE' }))
      if (typeof outcome === 'string') assert.equal(told, outcome)
      else assert.match(told, outcome)
      assert.equal(
        mx.mails.every(({ isSecure }) => isSecure),
        true,
      )
    })
  }

  test('does not care that it was broken lately', async () => {
    await using internet = await Internet.start({ limits: { messagesPerConnection: 1 } })
    const mx = await internet.domain('example.test', '127.0.0.2', {
      certificate: GOOD,
      starttls: ['220 Go', 'garbage'],
    })
    await internet.deliver('bob@example.test')
    mx.behaviour = { certificate: GOOD }
    assert.equal(privacy(await internet.deliver('bob@example.test', { tlsPolicy: 'REQUIRE' })), 'TLSv1.3')
  })
})

describe('a smarthost', () => {
  const credentials = { user: 'ann', password: 's3cret' }
  const plain = Buffer.from('\0ann\0s3cret').toString('base64')

  test('is reached in TLS from the start, with a certificate that is good for its name', async () => {
    await using internet = await Internet.start()
    const mx = await internet.mx('127.0.0.2', { certificate: GOOD, isTlsFromStart: true }, HOST)
    const result = await internet.handOver({ host: HOST, tls: 'tls' })
    assert.deepEqual(
      [tellAll(result), privacy(result), result.transport],
      [[OK], 'TLSv1.3 verified by pkix', 'smarthost'],
    )
    mx.behaviour = { certificate: EXPIRED, isTlsFromStart: true }
    internet.deps.connections.close()
    assert.match(tellAll(await internet.handOver({ host: HOST, tls: 'tls' }))[0] ?? '', /^deferred .*CERT_HAS_EXPIRED/)
    assert.deepEqual(tellAll(await internet.handOver({ host: HOST, tls: 'tls-unverified' })), [OK])
  })

  test('is logged in to with PLAIN, and with LOGIN where there is only that', async () => {
    await using internet = await Internet.start({ limits: { messagesPerConnection: 1 } })
    const mx = await internet.mx('127.0.0.2', { certificate: GOOD, extensions: ['AUTH PLAIN LOGIN'] }, HOST)
    const first = await internet.handOver({ host: HOST, tls: 'starttls', credentials })
    assert.deepEqual(tellAll(first), [OK])
    assert.ok(mx.heard.includes(`AUTH PLAIN ${plain}`))
    assert.doesNotMatch(first.transcript.join('\n'), new RegExp(plain))
    assert.match(first.transcript.join('\n'), /C: AUTH PLAIN \*\*\*/)
    mx.behaviour = {
      certificate: GOOD,
      extensions: ['AUTH=LOGIN'],
      auth: '334 VXNlcm5hbWU6',
      more: (line) => (line === 'YW5u' ? '334 UGFzc3dvcmQ6' : line === 'czNjcmV0' ? '235 Welcome' : undefined),
    }
    const second = await internet.handOver({ host: HOST, tls: 'starttls', credentials })
    assert.deepEqual(tellAll(second), [OK])
    assert.doesNotMatch(second.transcript.join('\n'), /YW5u|czNjcmV0/)
  })

  test('that refuses the password keeps the mail waiting', async () => {
    await using internet = await Internet.start()
    await internet.mx('127.0.0.2', { certificate: GOOD, extensions: ['AUTH PLAIN'], auth: '535 5.7.8 No' }, HOST)
    assert.deepEqual(tellAll(await internet.handOver({ host: HOST, tls: 'starttls', credentials })), [
      'deferred 535 5.7.8 No (reply at auth, ours)',
    ])
  })

  test('gets no password in the clear where TLS was cut out', async () => {
    await using internet = await Internet.start()
    const mx = await internet.mx('127.0.0.2', { extensions: ['AUTH PLAIN'] }, HOST)
    for (const tls of ['optional', 'starttls', 'starttls-unverified'] as const) {
      assert.match(tellAll(await internet.handOver({ host: HOST, tls, credentials }))[0] ?? '', /TLS is not offered/)
    }
    assert.doesNotMatch(mx.heard.join(), /AUTH/)
    assert.deepEqual(tellAll(await internet.handOver({ host: HOST, tls: 'none', credentials })), [OK])
  })

  test('may be an address, and private', async () => {
    await using internet = await Internet.start({ rules: { allowPrivate: false } })
    const mx = await internet.mx('127.0.0.2')
    assert.deepEqual(tellAll(await internet.handOver({ host: '127.0.0.2' })), [OK])
    assert.equal(mx.mails.length, 1)
  })
})
