/** Signatures through the front door: good ones made by AWS's own signer, and each fault with SES's answer on both APIs. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { GetSendQuotaCommand, SESClient } from '@aws-sdk/client-ses'
import { ListSuppressedDestinationsCommand, SESv2Client, SendEmailCommand } from '@aws-sdk/client-sesv2'
import { generate } from 'selfsigned'
import type { HttpOptions } from './support/http.ts'
import { KEYS, startHttp } from './support/http.ts'
import type { Fault } from './support/signature-faults.ts'
import { CODES, FAULTS } from './support/signature-faults.ts'
import { NOW, PLAIN, exchange, hashOf, presign, sign, signWithDateHeader } from './support/signing.ts'

for (const api of ['v1', 'v2'] as const) {
  describe(`what is wrong with a signature, on ${api}`, () => {
    for (const { name, make, told, message, options } of FAULTS) {
      test(name, async () => {
        await using http = await startHttp({ now: () => NOW, ...options })
        const answer = await exchange(http, await make(http, PLAIN[api]))
        assert.deepEqual([answer.code, answer.status], [...CODES[told][api]])
        const expected = typeof message === 'object' && !(message instanceof RegExp) ? message[api] : message
        if (expected instanceof RegExp) assert.match(answer.message ?? '', expected)
        else assert.equal(answer.message, expected)
        assert.match(String(answer.headers['x-amzn-requestid']), /^[0-9a-f]{8}-[0-9a-f]{4}-4/)
        if (api === 'v1')
          assert.match(answer.text, new RegExp(`<RequestId>${String(answer.headers['x-amzn-requestid'])}<`))
        assert.deepEqual(http.calls, [])
      })
    }
  })

  describe(`good signatures, on ${api}`, () => {
    const good: readonly [name: string, make: Fault['make'], options?: HttpOptions][] = [
      ['in the header', sign],
      ['almost five minutes old', (http, plain) => sign(http, plain, { at: NOW - 299_000 })],
      ['almost five minutes ahead', (http, plain) => sign(http, plain, { at: NOW + 299_000 })],
      ['in the URL', presign],
      [
        'in the URL, six days old',
        (http, plain) => presign(http, plain, { at: NOW - 6 * 86_400_000, expiresIn: 604_800 }),
      ],
      [
        'of a temporary key',
        (http, plain) => sign(http, plain, { keys: { ...KEYS, sessionToken: 'the token' } }),
        { credential: { sessionToken: 'the token', expiresAt: NOW + 1 } },
      ],
      [
        'of a temporary key, in the URL',
        (http, plain) => presign(http, plain, { keys: { ...KEYS, sessionToken: 'the/token+=' } }),
        { credential: { sessionToken: 'the/token+=' } },
      ],
      [
        'with the hash of the body beside it',
        (http, plain) => sign(http, plain, { headers: { 'x-amz-content-sha256': hashOf(plain) } }),
      ],
      [
        'with parameters of any order and sign',
        (http, plain) => sign(http, plain, { query: { z: '1', A: "it's (a) *star* ~!", 'b c': '+/=&ü' } }),
      ],
      ['with a header of many spaces', (http, plain) => sign(http, plain, { headers: { 'x-amz-note': '  a   b  ' } })],
      [
        'over a compressed body',
        (http, plain) =>
          sign(http, {
            ...plain,
            headers: { ...plain.headers, 'content-encoding': 'gzip' },
            body: gzipSync(plain.body),
          }),
      ],
      ['in GovCloud', (http, plain) => sign(http, plain, { region: 'us-gov-west-1' })],
    ]
    for (const [name, make, options] of good) {
      test(name, async () => {
        await using http = await startHttp({ now: () => NOW, ...options })
        const answer = await exchange(http, await make(http, PLAIN[api]))
        assert.equal(answer.status, 200, answer.text)
        assert.equal(http.calls.length, 1)
        assert.equal(http.calls[0]?.call.service, api)
        assert.equal(http.calls[0]?.call.principal, KEYS.accessKeyId)
      })
    }

    test('over TLS a body may go unsigned, since nobody can change it there', async () => {
      const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], { keyType: 'ec' })
      await using http = await startHttp({ now: () => NOW, tls: { cert, key } })
      const answer = await exchange(
        http,
        await sign(http, PLAIN[api], { headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } }),
      )
      assert.equal(answer.status, 200, answer.text)
      assert.match(http.calls[0]?.call.tlsVersion ?? '', /^TLSv1\.[23]$/)
    })
  })
}

describe('signatures of the SDK', () => {
  test('the region of the scope is the region of the call', async () => {
    await using http = await startHttp({ invoke: async () => ({}) })
    await http.ses.send(new GetSendQuotaCommand())
    assert.equal(http.calls[0]?.call.region, 'eu-west-1')
    assert.match(http.calls[0]?.call.userAgent, /aws-sdk-js/)
    assert.equal(http.calls[0]?.call.tlsVersion, null)
    assert.equal(http.calls[0]?.call.sourceIp, '127.0.0.1')
  })

  test('a parameter that is given twice is signed twice', async () => {
    await using http = await startHttp({ invoke: async () => ({}) })
    await http.sesv2.send(new ListSuppressedDestinationsCommand({ Reasons: ['COMPLAINT', 'BOUNCE'] }))
    assert.deepEqual(http.calls[0]?.input, { Reasons: ['COMPLAINT', 'BOUNCE'] })
  })

  test('a date in the Date header will do, which the signer of the SDK never uses', async () => {
    await using http = await startHttp({ now: () => NOW })
    const answer = await exchange(http, signWithDateHeader(http, PLAIN.v1, NOW))
    assert.equal(answer.status, 200, answer.text)
    const old = await exchange(http, signWithDateHeader(http, PLAIN.v1, NOW - 3_600_000))
    assert.match(old.message ?? '', /^Signature expired: 20260131T225930Z/)
  })

  test('a renewed secret counts at once', async () => {
    const credential = { secret: KEYS.secretAccessKey }
    await using http = await startHttp({ now: () => NOW, credential })
    assert.equal((await exchange(http, await sign(http, PLAIN.v1))).status, 200)
    credential.secret = 'renewed'
    assert.equal((await exchange(http, await sign(http, PLAIN.v1))).status, 403)
    const keys = { ...KEYS, secretAccessKey: 'renewed' }
    assert.equal((await exchange(http, await sign(http, PLAIN.v1, { keys }))).status, 200)
  })

  test('a multi-region endpoint, which is signed otherwise, is refused with words on it', async () => {
    await using http = await startHttp()
    const answer = await exchange(http, {
      ...PLAIN.v2,
      headers: { ...PLAIN.v2.headers, authorization: 'AWS4-ECDSA-P256-SHA256 Credential=x/20260131/ses/aws4_request' },
    })
    assert.equal(answer.status, 501)
    assert.match(answer.message ?? '', /EndpointId/)
  })

  test('the SDK tells a wrong secret as its exception', async () => {
    await using http = await startHttp()
    const settings = {
      endpoint: http.url,
      region: 'us-east-1',
      credentials: { ...KEYS, secretAccessKey: 'x' },
      maxAttempts: 1,
    }
    const clients = [new SESClient(settings), new SESv2Client(settings)] as const
    await assert.rejects(clients[0].send(new GetSendQuotaCommand()), { name: 'SignatureDoesNotMatch' })
    const command = new SendEmailCommand({ Content: { Raw: { Data: new Uint8Array(200_000) } } })
    await assert.rejects(clients[1].send(command), { name: 'InvalidSignatureException' })
    for (const client of clients) client.destroy()
  })
})

describe('what goes before a signature', () => {
  test('an operation that is not there is told to anyone', async () => {
    await using http = await startHttp()
    const action = await exchange(http, { ...PLAIN.v1, body: 'Action=Nonsense&Version=2010-12-01' })
    assert.deepEqual([action.code, action.status], ['InvalidAction', 400])
    const path = await exchange(http, { ...PLAIN.v2, path: '/v2/email/nonsense' })
    assert.deepEqual([path.code, path.status, path.text], ['UnknownOperationException', 404, '{"message":null}'])
  })

  test('nothing else of the body is', async () => {
    await using http = await startHttp()
    for (const [headers, body] of [
      [{}, 'Action=SendEmail&Source=%ff'],
      [{ 'content-encoding': 'gzip' }, gzipSync('Action=Nonsense')],
    ] as const) {
      const answer = await exchange(http, { ...PLAIN.v1, headers: { ...PLAIN.v1.headers, ...headers }, body })
      assert.equal(answer.code, 'MissingAuthenticationToken')
    }
  })

  test('a large body of an unknown caller is not kept, and the fault still told', async () => {
    await using http = await startHttp()
    const answer = await exchange(http, { ...PLAIN.v1, body: `Action=GetSendQuota&X=${'x'.repeat(5_000_000)}` })
    assert.equal(answer.code, 'MissingAuthenticationToken')
  })
})
