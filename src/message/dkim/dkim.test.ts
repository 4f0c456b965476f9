import assert from 'node:assert/strict'
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { describe, test } from 'node:test'
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import fc from 'fast-check'
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'
import { relaxedBodyHash, relaxedField, splitSection } from './canonical.ts'
import { characterStrings, keyRecord, readSigner } from './keys.ts'
import type { Signer } from './keys.ts'
import { prepare } from './prepare.ts'
import { sign, signMessage, signatureOf, validityFrom } from './sign.ts'

const NOON = Date.UTC(2026, 0, 15, 12)
const VALIDITY = validityFrom(NOON)

const RSA = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
const ED = generateKeyPairSync('ed25519').privateKey

function signerOf(key: typeof RSA, more: { selector: string; coversFeedbackId?: boolean }): Signer {
  const pem = key.export({ type: 'pkcs8', format: 'pem' })
  const signer = readSigner({ domain: 'example.com', pem, ...more })
  assert.ok(signer.ok)
  return signer.value
}

const SIGNERS = [signerOf(RSA, { selector: 'rsa' }), signerOf(ED, { selector: 'ed', coversFeedbackId: true })]

/** What mailauth says of each signature. */
async function verdicts(message: Uint8Array, curTime = NOON): Promise<string[]> {
  const records = new Map(SIGNERS.map(({ selector, key }) => [`${selector}._domainkey.example.com`, keyRecord(key)]))
  const resolver = async (name: string) => await Promise.resolve([characterStrings(records.get(name) ?? '')])
  const { results } = await dkimVerify(Buffer.from(message), { resolver, curTime: new Date(curTime) })
  return results.map(({ status }) => status.result)
}

function signed(message: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(signMessage(message, SIGNERS, VALIDITY), 'latin1'), message])
}

const MESSAGE = [
  'Received: from a by b;',
  '\tThu, 15 Jan 2026 12:00:00 +0000',
  'Date: Thu, 15 Jan 2026 12:00:00 +0000',
  'From:  Ann \t <ann@example.com> ',
  'To: bob@example.org,',
  '  carl@example.org',
  'Message-ID: <1@example.com>',
  'Subject : Hello  =?utf-8?q?w=C3=B6rld?=',
  'MIME-Version: 1.0',
  'Content-Type: text/plain; charset=utf-8',
  'List-Unsubscribe: <https://example.com/u>',
  'List-Unsubscribe-Post: List-Unsubscribe=One-Click',
  'X-Other: not signed',
  'Feedback-ID: 1.us-east-1.abc=:AmazonSES',
  '',
  'Hello \t world  ',
  '',
  ' . ',
  '',
  '',
].join('\r\n')

describe('the vectors of RFC 8463, appendix A', () => {
  const message = Buffer.from(
    [
      'From: Joe SixPack <joe@football.example.com>',
      'To: Suzie Q <suzie@shopping.example.net>',
      'Subject: Is dinner ready?',
      'Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)',
      'Message-ID: <20030712040037.46341.5F8J@football.example.com>',
      '',
      'Hi.',
      '',
      'We lost the game.  Are you hungry yet?',
      '',
      'Joe.',
      '',
    ].join('\r\n'),
  )
  const bodyHash = '2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8='
  const { fields, bodyStart } = splitSection(message)

  /** The octets that the signature covers: the five fields, and the signature's own as the RFC prints it. */
  function inputOf(own: readonly string[]): string {
    return [...fields, own.join('\r\n')].map(relaxedField).join('\r\n')
  }

  test('the body hash', () => {
    assert.equal(relaxedBodyHash(message.subarray(bodyStart)), bodyHash)
  })

  test('the Ed25519 signature (A.2, A.3)', () => {
    const key = createPrivateKey({
      key: { kty: 'OKP', crv: 'Ed25519', d: SEED, x: PUBLIC },
      format: 'jwk',
    })
    assert.equal(keyRecord(key), 'v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=')
    const own = [
      'DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;',
      ' d=football.example.com; i=@football.example.com;',
      ' q=dns/txt; s=brisbane; t=1528637909; h=from : to :',
      ' subject : date : message-id : from : subject : date;',
      ` bh=${bodyHash};`,
      ' b=',
    ]
    assert.equal(
      signatureOf(inputOf(own), { algorithm: 'ed25519-sha256', key }),
      '/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==',
    )
  })

  test('the RSA signature (A.3), with a key in PKCS#1', () => {
    const signer = readSigner({ domain: 'football.example.com', selector: 'test', pem: RFC_8463_RSA })
    assert.ok(signer.ok)
    const own = [
      'DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;',
      ' d=football.example.com; i=@football.example.com;',
      ' q=dns/txt; s=test; t=1528637909; h=from : to : subject :',
      ' date : message-id : from : subject : date;',
      ` bh=${bodyHash};`,
      ' b=',
    ]
    assert.equal(
      signatureOf(inputOf(own), signer.value),
      'F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2JzdA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=',
    )
  })
})

const SEED = 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A'
const PUBLIC = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'
const RFC_8463_RSA = `-----BEGIN RSA PRIVATE KEY-----
MIICXQIBAAKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi
Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqM
KrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB
AoGAH0cxOhFZDgzXWhDhnAJDw5s4roOXN4OhjiXa8W7Y3rhX3FJqmJSPuC8N9vQm
6SVbaLAE4SG5mLMueHlh4KXffEpuLEiNp9Ss3O4YfLiQpbRqE7Tm5SxKjvvQoZZe
zHorimOaChRL2it47iuWxzxSiRMv4c+j70GiWdxXnxe4UoECQQDzJB/0U58W7RZy
6enGVj2kWF732CoWFZWzi1FicudrBFoy63QwcowpoCazKtvZGMNlPWnC7x/6o8Gc
uSe0ga2xAkEA8C7PipPm1/1fTRQvj1o/dDmZp243044ZNyxjg+/OPN0oWCbXIGxy
WvmZbXriOWoSALJTjExEgraHEgnXssuk7QJBALl5ICsYMu6hMxO73gnfNayNgPxd
WFV6Z7ULnKyV7HSVYF0hgYOHjeYe9gaMtiJYoo0zGN+L3AAtNP9huqkWlzECQE1a
licIeVlo1e+qJ6Mgqr0Q7Aa7falZ448ccbSFYEPD6oFxiOl9Y9se9iYHZKKfIcst
o7DUw1/hz2Ck4N5JrgUCQQCyKveNvjzkkd8HjYs0SwM0fPjK16//5qDZ2UiDGnOe
uEzxBDAr518Z8VFbR41in3W4Y3yCDgQlLlcETrS+zYcL
-----END RSA PRIVATE KEY-----
`

describe('a signed message', () => {
  test('passes at mailauth, with both signatures', async () => {
    assert.deepEqual(await verdicts(signed(Buffer.from(MESSAGE))), ['pass', 'pass'])
  })

  test('fails when it is changed, or when a field that must be single is added', async () => {
    const message = signed(Buffer.from(MESSAGE)).toString()
    const changed = (from: string, to: string) => verdicts(Buffer.from(message.replace(from, to)))
    assert.deepEqual(await changed('Hello \t world', 'Hello, world'), ['neutral', 'neutral'])
    assert.deepEqual(await changed('Subject : Hello', 'Subject : Hallo'), ['fail', 'fail'])
    for (const name of ['From', 'Cc', 'Reply-To', 'Subject', 'List-Unsubscribe', 'Content-Transfer-Encoding']) {
      assert.deepEqual(await verdicts(Buffer.from(`${name}: x\r\n${message}`)), ['fail', 'fail'], name)
    }
    // Only one of the two covers Feedback-ID.
    assert.deepEqual(await changed('AmazonSES', 'Other'), ['pass', 'fail'])
  })

  test('passes when what is not signed changes, as on the way through a list', async () => {
    const message = signed(Buffer.from(MESSAGE)).toString()
    assert.deepEqual(await verdicts(Buffer.from(`List-Id: <x>\r\nX-New: x\r\n${message}`)), ['pass', 'pass'])
  })

  test('is good for seven days', async () => {
    const message = signed(Buffer.from(MESSAGE))
    const day = 24 * 3600 * 1000
    assert.deepEqual(await verdicts(message, NOON + 7 * day - 1000), ['pass', 'pass'])
    assert.equal((await verdicts(message, NOON + 7 * day + 2000)).includes('pass'), false)
  })

  test('has a field of lines that fit, with the tags that SES writes', () => {
    const [field = ''] = splitSection(signed(Buffer.from(MESSAGE))).fields
    for (const line of field.split('\r\n')) assert.ok(line.length <= 78, line)
    const tags = field.replaceAll(/\s+/g, '').replace('DKIM-Signature:', '').split(';')
    assert.deepEqual(
      tags.map((tag) => tag.slice(0, tag.indexOf('='))),
      ['v', 'a', 'q', 'c', 's', 'd', 't', 'x', 'h', 'bh', 'b'],
    )
    assert.deepEqual(tags.slice(6, 8), ['t=1768478400', 'x=1769083200'])
  })

  test('is signed by another thread as by this one', () => {
    const message = Buffer.from(MESSAGE)
    const { port1, port2 } = new MessageChannel()
    port1.postMessage({ prepared: prepare(message), signer: SIGNERS[0] })
    const received = receiveMessageOnPort(port2) as {
      message: { prepared: ReturnType<typeof prepare>; signer: Signer }
    }
    port1.close()
    const { prepared, signer } = received.message
    assert.equal(sign(prepared, signer, VALIDITY), signMessage(message, SIGNERS.slice(0, 1), VALIDITY))
  })

  test('with no signer gets nothing', () => {
    assert.equal(signMessage(Buffer.from(MESSAGE), [], VALIDITY), '')
  })
})

const WHITE = fc.constantFrom(' ', '\t', '  ', '\r\n ', '\r\n\t ')
const VALUE = fc
  .array(fc.oneof(fc.constantFrom('a', 'B', '=?utf-8?q?x?=', '<a@b.example>', 'ö', ';', ':'), WHITE), { maxLength: 8 })
  .map((pieces) => pieces.join(''))
const FIELD = fc
  .tuple(
    fc.constantFrom(
      'From',
      'to',
      'CC',
      'Subject',
      'Received',
      'X-A',
      'List-Id',
      'list-id',
      'Content-Type',
      'Feedback-ID',
    ),
    VALUE,
  )
  .map(([name, value]) => `${name}: ${value}x\r\n`)
const BODY = fc
  .array(fc.constantFrom('a', 'ö', ' ', '\t', '\r\n', '\r\n\r\n', '.', 'bcd', '='), { maxLength: 40 })
  .map((pieces) => pieces.join(''))

describe('any message', () => {
  const anyMessage = fc
    .tuple(fc.array(FIELD, { maxLength: 8 }), BODY)
    .map(([fields, body]) => Buffer.from(`From: <a@example.com>\r\n${fields.join('')}\r\n${body}`))

  test('passes at mailauth', async () => {
    await fc.assert(
      fc.asyncProperty(anyMessage, async (message) => {
        assert.deepEqual(await verdicts(signed(message)), ['pass', 'pass'])
      }),
      { numRuns: 150 },
    )
  })

  test('has the body hash of the rules as RFC 6376 words them', async () => {
    const { hash } = await import('node:crypto')
    const byTheRules = (body: string) => {
      const lines = body.replaceAll(/[ \t]+(?=\r\n|$)/g, '').replaceAll(/[ \t]+/g, ' ')
      const ended = lines.replace(/(?:\r\n)+$/, '')
      return hash('sha256', ended === '' ? '' : `${ended}\r\n`, 'base64')
    }
    fc.assert(
      fc.property(BODY, (body) => assert.equal(relaxedBodyHash(Buffer.from(body)), byTheRules(body))),
      { numRuns: 1000 },
    )
    const long = `${'x'.repeat(16_383)} \t y\r\n`.repeat(5)
    assert.equal(relaxedBodyHash(Buffer.from(long)), byTheRules(long))
  })

  test('never throws, whatever the octets are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => {
        assert.match(signMessage(octets, SIGNERS, VALIDITY), /^DKIM-Signature: v=1/)
      }),
    )
  })
})

describe('a key', () => {
  test('is told why it cannot be one', () => {
    const pem = RSA.export({ type: 'pkcs8', format: 'pem' })
    const short = generateKeyPairSync('rsa', { modulusLength: 768 }).privateKey
    const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    const error = (fields: { domain?: string; selector?: string; pem?: string }) => {
      const read = readSigner({ domain: 'example.com', selector: 's', pem, ...fields })
      return read.ok ? null : read.error
    }
    assert.equal(error({}), null)
    assert.equal(error({ domain: 'a..b' }), 'the domain is not a DNS name')
    assert.equal(error({ selector: 'a\r\nX: y' }), 'the selector is not a DNS name')
    assert.equal(error({ pem: 'x' }), 'the key is no private key in PEM')
    assert.equal(error({ pem: short.export({ type: 'pkcs1', format: 'pem' }) }), 'the key is too short')
    assert.equal(error({ pem: curve.export({ type: 'pkcs8', format: 'pem' }) }), 'the key is neither RSA nor Ed25519')
  })

  test('has a record of character-strings that fit', () => {
    const record = keyRecord(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey)
    assert.match(record, /^v=DKIM1; k=rsa; p=MIIB[A-Za-z0-9+/]+=*$/)
    const strings = characterStrings(record)
    assert.deepEqual([strings.length, strings.join('')], [2, record])
    assert.ok(strings.every(({ length }) => length <= 255))
  })
})
