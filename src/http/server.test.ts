/** The HTTP port from outside: what it does with good and bad requests, bodies, routes and its own end. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { SendEmailCommand, SendRawEmailCommand } from '@aws-sdk/client-ses'
import { CreateEmailIdentityCommand, GetAccountCommand } from '@aws-sdk/client-sesv2'
import type { HttpOptions, TestHttp } from '../../test/support/http.ts'
import { startHttp } from '../../test/support/http.ts'
import type { Sent } from '../../test/support/signing.ts'
import { NOW, PLAIN, exchange, presign, sign } from '../../test/support/signing.ts'
import { defaultConfig } from '../config/load.ts'
import { fail } from '../errors/fail.ts'

const { limits } = defaultConfig('local')

function start(options: HttpOptions = {}): Promise<TestHttp> {
  return startHttp({ now: () => NOW, ...options })
}

function unsigned(method: string, path: string, headers: Record<string, string> = {}): Sent {
  return { method, path, headers, body: '' }
}

/** Writes to a bare socket and gives what comes until the server ends it, each chunk by itself. */
async function dialogue(http: TestHttp, text: string): Promise<readonly string[]> {
  const socket = connect(http.port, '127.0.0.1')
  const chunks: string[] = []
  socket.setEncoding('latin1').on('data', (chunk: string) => chunks.push(chunk))
  socket.write(text)
  await new Promise((resolve) => socket.once('close', resolve))
  return chunks
}

describe('requests', () => {
  test('what is no HTTP is answered, and the next caller served', async () => {
    await using http = await start()
    assert.match((await dialogue(http, 'EHLO there\r\n\r\n')).join(''), /^HTTP\/1\.1 400 Bad Request\r\n/)
    const long = `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`
    assert.match((await dialogue(http, long)).join(''), /^HTTP\/1\.1 431 /)
    assert.match(
      (await dialogue(http, 'GET nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).join(''),
      /^HTTP\/1\.1 400 /,
    )
    assert.equal((await exchange(http, unsigned('GET', '/hello'))).status, 200)
    assert.deepEqual(http.errors, [])
  })

  test('head and body of an answer leave in one segment, and one connection serves many requests', async () => {
    await using http = await start()
    const request = (connection: string) =>
      `GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: ${connection}\r\n\r\n`
    const chunks = await dialogue(http, request('keep-alive') + request('close'))
    assert.equal(chunks.join('').match(/HTTP\/1\.1 200 OK/g)?.length, 2)
    assert.match(chunks[0]!, /\r\n\r\n\{"status":"ok"\}/)
  })

  test('a URL in place of a path is taken by its path', async () => {
    await using http = await start()
    const answer = await dialogue(
      http,
      `GET http://localhost/hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    )
    assert.match(answer.join(''), /^HTTP\/1\.1 200 /)
  })

  test('a client that waits for our word is given it, or told at once that its body is too large', async () => {
    await using http = await start()
    const sent = await sign(http, PLAIN.v1)
    const lines = Object.entries(sent.headers).map(([name, value]) => `${name}: ${value}\r\n`)
    const head = (length: number) =>
      `POST / HTTP/1.1\r\n${lines.join('')}Content-Length: ${length}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n`
    const good = await dialogue(http, head(PLAIN.v1.body.length) + String(PLAIN.v1.body))
    assert.match(good.join(''), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/)
    assert.match((await dialogue(http, head(1_000_000_000))).join(''), /^HTTP\/1\.1 413 /)
  })
})

describe('the root', () => {
  test('a browser is shown the console', async () => {
    await using http = await start()
    const answer = await exchange(http, unsigned('GET', '/', { accept: 'text/html,*/*' }))
    assert.deepEqual([answer.status, answer.headers.location], [302, '/console/'])
    const call = await exchange(http, unsigned('GET', '/?Action=GetSendQuota', { accept: 'text/html' }))
    assert.equal(call.code, 'MissingAuthenticationToken')
  })

  test('anything else that is no call learns what AWS says there', async () => {
    await using http = await start()
    for (const method of ['GET', 'HEAD', 'PUT', 'OPTIONS']) {
      const answer = await exchange(http, unsigned(method, '/'))
      assert.deepEqual(
        [answer.status, answer.text.trim()],
        [404, method === 'HEAD' ? '' : '<UnknownOperationException/>'],
        method,
      )
    }
  })
})

describe('v1 calls', () => {
  const cases: readonly [body: string, code: string, status: number, message: string | RegExp][] = [
    ['Version=2010-12-01', 'MissingAction', 400, 'The request is missing an action or a required parameter.'],
    ['Action=&Version=2010-12-01', 'MissingAction', 400, /./],
    ['Action=Nope&Version=2010-12-01', 'InvalidAction', 400, 'Could not find operation Nope for version 2010-12-01'],
    ['Action=Nope', 'InvalidAction', 400, 'Could not find operation Nope for version NO_VERSION_SPECIFIED'],
    ['Action=__proto__', 'InvalidAction', 400, 'Could not find operation __proto__ for version NO_VERSION_SPECIFIED'],
    [
      'Action=GetSendQuota&Version=2011-01-01',
      'InvalidAction',
      400,
      'Could not find operation GetSendQuota for version 2011-01-01',
    ],
    ['Action=Publish&Version=2010-03-31', 'NotImplemented', 501, /The operation Publish of Amazon SNS/],
    ['Action=SendEmail&Source=%', 'MalformedQueryString', 400, /./],
    [
      'Action=GetSendQuota&AWSAccessKeyId=x&SignatureVersion=2&Signature=x',
      'InvalidClientTokenId',
      403,
      /Signature Version 4/,
    ],
    ['Action=SendEmail&Source.x=1', 'MalformedInput', 400, 'Start of structure or map found where not expected.'],
    [
      'Action=DeleteIdentity',
      'ValidationError',
      400,
      "1 validation error detected: Value at 'identity' failed to satisfy constraint: Member must not be null",
    ],
  ]
  for (const [body, code, status, message] of cases) {
    test(body, async () => {
      await using http = await start()
      const answer = await exchange(http, await sign(http, { ...PLAIN.v1, body }))
      assert.deepEqual([answer.code, answer.status], [code, status])
      if (typeof message === 'string') assert.equal(answer.message, message)
      else assert.match(answer.message ?? '', message)
      assert.equal(answer.headers['content-type'], 'text/xml')
    })
  }

  test('may come by GET, with all in the URL', async () => {
    await using http = await start()
    const plain = { method: 'GET', path: '/', headers: {}, body: '' }
    const query = { Action: 'VerifyEmailIdentity', EmailAddress: 'a+b@example.com' }
    assert.equal((await exchange(http, await presign(http, plain, { query }))).status, 200)
    assert.equal((await exchange(http, await sign(http, plain, { query }))).status, 200)
    const input = { EmailAddress: 'a+b@example.com' }
    assert.deepEqual(
      http.calls.map((arrived) => arrived.input),
      [input, input],
    )
  })

  test('a body that says it is something else has no parameters', async () => {
    await using http = await start()
    const answer = await exchange(
      http,
      await sign(http, { ...PLAIN.v1, headers: { 'content-type': 'application/json' } }),
    )
    assert.equal(answer.code, 'MissingAction')
  })
})

describe('v2 calls', () => {
  test('of earlier clients are at other paths, with members in the query string', async () => {
    await using http = await start()
    const get = { ...unsigned('GET', '/v2/email/identities'), headers: {} }
    assert.equal(
      (await exchange(http, await sign(http, get, { query: { PageSize: '7', NextToken: 'x=' } }))).status,
      200,
    )
    assert.deepEqual(http.calls[0]?.call.operation, 'ListEmailIdentities')
    assert.deepEqual(http.calls[0]?.input, { PageSize: 7, NextToken: 'x=' })
    const path = '/v1/email/identities/a%40example.com/dkim/signing'
    const put = { ...PLAIN.v2, path, body: '{"SigningAttributesOrigin":"AWS_SES"}' }
    assert.equal((await exchange(http, await sign(http, put))).status, 200)
    assert.deepEqual(http.calls[1]?.input, { EmailIdentity: 'a@example.com', SigningAttributesOrigin: 'AWS_SES' })
  })

  test('a query parameter that is required is told in words of its own, without a message', async () => {
    await using http = await start()
    const answer = await exchange(http, await sign(http, unsigned('GET', '/v2/email/tags')))
    assert.deepEqual([answer.code, answer.status, answer.text], ['ValidationException', 400, '{"message":null}'])
  })

  test('what stands in a path may be any text', async () => {
    await using http = await start()
    const bad = await exchange(http, await sign(http, unsigned('GET', '/v2/email/identities/%ff')))
    assert.deepEqual([bad.code, bad.status], ['SerializationException', 400])
    const odd = await exchange(http, await sign(http, unsigned('GET', '/v2/email/identities/a+b%2Fc%20d')))
    assert.equal(odd.status, 200)
    assert.deepEqual(http.calls[0]?.input, { EmailIdentity: 'a+b/c d' })
  })
})

describe('failures', () => {
  test('permission is asked before the body is looked at', async () => {
    await using http = await start({ authorize: ({ operation }) => fail('AccessDenied', `no ${operation}`) })
    const v1 = await exchange(http, await sign(http, { ...PLAIN.v1, body: 'Action=SendEmail&Source.x=1' }))
    assert.deepEqual([v1.code, v1.status, v1.message], ['AccessDenied', 403, 'no SendEmail'])
    const v2 = await exchange(http, await sign(http, { ...PLAIN.v2, body: '{' }))
    assert.deepEqual([v2.code, v2.status, v2.message], ['AccessDeniedException', 403, 'no PutSuppressedDestination'])
  })

  test('of a bug the caller learns nothing, and the operator all', async () => {
    await using http = await start({
      invoke: async () => {
        throw new Error('the database is on fire')
      },
    })
    const v1 = await exchange(http, await sign(http, PLAIN.v1))
    assert.deepEqual([v1.code, v1.status, v1.message], ['InternalFailure', 500, 'An internal failure has occurred.'])
    assert.match(v1.text, /<Type>Receiver<\/Type>/)
    const v2 = await exchange(http, await sign(http, PLAIN.v2))
    assert.deepEqual([v2.code, v2.status], ['InternalServiceErrorException', 500])
    assert.equal(v2.text, '{"message":"An internal failure has occurred."}')
    assert.deepEqual(http.errors, Array(2).fill('a call failed Error: the database is on fire'))
  })

  test('an output that is not of the model is a bug', async () => {
    await using http = await start({ invoke: async () => ({ SentLast24Hours: 'many' }) })
    assert.equal((await exchange(http, await sign(http, PLAIN.v1))).status, 500)
    assert.match(http.errors.join(), /TypeError/)
  })

  test('before it is ready, and when it is about to end, it is unavailable', async () => {
    await using http = await start({ ready: () => false })
    const v1 = await exchange(http, await sign(http, PLAIN.v1))
    assert.deepEqual([v1.code, v1.status], ['ServiceUnavailable', 503])
  })
})

describe('bodies', () => {
  test('as large as SES takes them arrive whole on either API', async () => {
    await using http = await startHttp()
    const raw = Buffer.alloc(limits.v1MessageBytes, 'a+/\u00ff')
    await http.ses.send(new SendRawEmailCommand({ RawMessage: { Data: raw } }))
    assert.deepEqual(http.calls[0]?.input, { RawMessage: { Data: raw } })
    const Message = { Subject: { Data: '%'.repeat(1_000_000) }, Body: { Text: { Data: 'x' } } }
    const Destination = { ToAddresses: ['a@example.com'] }
    await http.ses.send(new SendEmailCommand({ Source: 'b@example.com', Destination, Message }))
    assert.equal(http.calls.length, 2)
  })

  test('larger ones are refused', async () => {
    await using http = await start({ config: { limits: { ...limits, v1MessageBytes: 1000, messageBytes: 1000 } } })
    const v1 = await exchange(
      http,
      await sign(http, { ...PLAIN.v1, body: `Action=GetSendQuota&X=${'x'.repeat(100_000)}` }),
    )
    assert.deepEqual([v1.code, v1.status], ['RequestEntityTooLarge', 413])
    const v2 = await exchange(http, await sign(http, { ...PLAIN.v2, body: ' '.repeat(2_000_000) }))
    assert.deepEqual([v2.code, v2.status], ['RequestEntityTooLargeException', 413])
  })

  test('may be compressed in each of the ways of HTTP', async () => {
    await using http = await start()
    const compressed = async (coding: string, body: Uint8Array) =>
      exchange(
        http,
        await sign(http, { ...PLAIN.v2, headers: { ...PLAIN.v2.headers, 'content-encoding': coding }, body }),
      )
    for (const [coding, compress] of [
      ['gzip', gzipSync],
      ['GZIP', gzipSync],
      ['deflate', deflateSync],
      ['deflate', deflateRawSync],
    ] as const) {
      assert.equal((await compressed(coding, compress(PLAIN.v2.body))).status, 200, coding)
    }
    assert.equal((await compressed('identity', Buffer.from(PLAIN.v2.body))).status, 200)
    assert.equal((await compressed('br', Buffer.from('x'))).message, 'Unsupported content encoding: br')
    const broken = await compressed('gzip', Buffer.from('no gzip'))
    assert.deepEqual([broken.code, broken.message], ['SerializationException', null])
  })

  test('a small one that would inflate to more than the limit is refused', async () => {
    await using http = await start({ config: { limits: { ...limits, messageBytes: 1000 } } })
    const bomb = gzipSync(Buffer.alloc(50_000_000))
    const sent = { ...PLAIN.v2, headers: { ...PLAIN.v2.headers, 'content-encoding': 'gzip' }, body: bomb }
    assert.equal((await exchange(http, await sign(http, sent))).status, 413)
    assert.equal(
      (await exchange(http, sent)).code,
      'MissingAuthenticationTokenException',
      'nothing unsigned is inflated',
    )
  })
})

describe('browsers', () => {
  test('a page of a foreign origin cannot call, configured ones can', async () => {
    await using http = await start({ config: { corsOrigins: ['https://app.example.com'] } })
    const sent = await sign(http, PLAIN.v2)
    const from = (origin: string) => exchange(http, { ...sent, headers: { ...sent.headers, origin } })
    const foreign = await from('https://attacker.example')
    assert.deepEqual([foreign.code, foreign.status], ['AccessDeniedException', 403])
    assert.equal(foreign.headers['access-control-allow-origin'], undefined)
    const good = await from('https://app.example.com')
    assert.deepEqual([good.status, good.headers['access-control-allow-origin']], [200, 'https://app.example.com'])
    const preflight = { 'access-control-request-method': 'POST', origin: 'https://app.example.com' }
    assert.equal((await exchange(http, unsigned('OPTIONS', '/v2/email/account', preflight))).status, 204)
    const other = await exchange(
      http,
      unsigned('OPTIONS', '/v2/email/account', { ...preflight, origin: 'https://x.example' }),
    )
    assert.equal(other.headers['access-control-allow-origin'], undefined)
  })
})

describe('the end', () => {
  test('calls under way are answered, and no more are taken', async () => {
    const { promise: finish, resolve } = Promise.withResolvers<void>()
    const { promise: reached, resolve: reach } = Promise.withResolvers<void>()
    await using http = await startHttp({
      invoke: async () => {
        reach()
        await finish
        return {}
      },
    })
    const call = http.sesv2.send(new GetAccountCommand())
    await reached
    const closed = http.server.close()
    resolve()
    assert.equal((await call).$metadata.httpStatusCode, 200)
    await closed
    await assert.rejects(
      http.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: 'a@example.com' })),
      /ECONNREFUSED/,
    )
  })

  test('a client that goes away in the middle of its body leaves nothing behind', async () => {
    await using http = await start()
    const socket = connect(http.port, '127.0.0.1')
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nAction=')
    await new Promise((resolve) => socket.once('connect', resolve))
    socket.destroy()
    assert.equal((await exchange(http, unsigned('GET', '/hello'))).status, 200)
    assert.deepEqual(http.errors, [])
  })
})
