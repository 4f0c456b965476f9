/** Clients that are broken, slow or hostile, on bare sockets: each is answered or ended, and the next caller is served. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, test } from 'node:test'
import type { HttpOptions, TestHttp } from '../../test/support/http.ts'
import { startHttp } from '../../test/support/http.ts'
import { NOW, PLAIN, exchange, sign } from '../../test/support/signing.ts'
import { defaultConfig } from '../config/load.ts'
import { realPlatform } from '../platform/real.ts'
import { createHttpServer } from './server.ts'
import type { Route } from './types.ts'

const { limits } = defaultConfig('local')
const HEALTH = { method: 'GET', path: '/hello', headers: {}, body: '' }

function start(bounds: Partial<typeof limits> = {}, options: HttpOptions = {}): Promise<TestHttp> {
  return startHttp({ now: () => NOW, config: { limits: { ...limits, ...bounds } }, ...options })
}

/** Writes octets (latin1) and gives all that comes until the server ends the connection. */
async function say(http: TestHttp, octets: string): Promise<string> {
  const socket = connect(http.port, '127.0.0.1')
  let said = ''
  socket.on('data', (chunk: Buffer) => (said += chunk.toString('latin1'))).on('error', () => {})
  socket.write(Buffer.from(octets, 'latin1'))
  await once(socket, 'close')
  return said
}

const HOST = 'Host: localhost\r\n'
const POST = `POST / HTTP/1.1\r\n${HOST}`

describe('what is no HTTP', () => {
  for (const [name, octets, answer] of [
    ['two lengths', `${POST}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`, '400'],
    ['a length beside chunks', `${POST}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, '400'],
    ['a length below nought', `${POST}Content-Length: -1\r\n\r\n`, '400'],
    ['a length beyond all numbers', `${POST}Content-Length: ${'9'.repeat(30)}\r\n\r\n`, '400'],
    ['another transfer coding', `${POST}Transfer-Encoding: identity\r\n\r\nAction=X`, '400'],
    ['a chunk without a size', `${POST}Transfer-Encoding: chunked\r\n\r\nzz\r\nabc`, '400'],
    [
      'a chunk with more extension than data',
      `${POST}Transfer-Encoding: chunked\r\n\r\n1;${'a'.repeat(20_000)}`,
      '413',
    ],
    ['lines that end with LF alone', `GET /hello HTTP/1.1\n${HOST}\n`, '400'],
    ['a folded header', `GET /hello HTTP/1.1\r\n${HOST}X: a\r\n b\r\n\r\n`, '400'],
    ['NUL in a header', `GET /hello HTTP/1.1\r\n${HOST}X: a\0b\r\n\r\n`, '400'],
    ['NUL in the path', `GET /\0 HTTP/1.1\r\n${HOST}\r\n`, '400'],
    ['no Host', 'GET /hello HTTP/1.1\r\n\r\n', '400'],
    ['a method of its own', `FOO /hello HTTP/1.1\r\n${HOST}\r\n`, '400'],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '400'],
    ['TLS', `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03${'\x07'.repeat(500)}`, '400'],
    ['a long path', `GET /${'x'.repeat(70_000)} HTTP/1.1\r\n${HOST}\r\n`, '431'],
    ['very many headers', `GET /hello HTTP/1.1\r\n${HOST}${'a: b\r\n'.repeat(20_000)}\r\n`, '431'],
  ] as const) {
    test(`${name} is answered ${answer}`, async () => {
      await using http = await start()
      assert.match(await say(http, octets), new RegExp(`^HTTP/1\\.1 ${answer} `))
      assert.equal((await exchange(http, HEALTH)).status, 200)
      assert.deepEqual(http.errors, [])
    })
  }
})

describe('slow clients', () => {
  test('half a head is waited for no longer than its time', async () => {
    await using http = await start({ httpHeadersTimeoutMs: 50 })
    assert.match(await say(http, `${POST}Content-Length: 9\r\n`), /^HTTP\/1\.1 408 /)
  })

  test('half a body is waited for no longer than the time of a request, which may be less than that of a head', async () => {
    await using http = await start({ httpRequestTimeoutMs: 50 })
    assert.match(await say(http, `${POST}Content-Length: 9\r\n\r\nhalf`), /^HTTP\/1\.1 408 /)
    assert.deepEqual(http.calls, [])
  })

  test('one that never reads its answer is ended', async () => {
    const ended = Promise.withResolvers<void>()
    const large: Route = {
      method: 'GET',
      path: '/large',
      access: 'public',
      async handle({ signal }) {
        signal.addEventListener('abort', () => ended.resolve())
        return { status: 200, body: Buffer.alloc(64 * 1024 * 1024) }
      },
    }
    await using http = await start({ httpIdleTimeoutMs: 50 }, { routes: [large] })
    const socket: Socket = connect(http.port, '127.0.0.1')
    socket.on('error', () => {}).pause()
    socket.write(`GET /large HTTP/1.1\r\n${HOST}\r\n`)
    await ended.promise
    socket.destroy()
  })
})

test('a server that could not be made can be closed all the same', async () => {
  const { wallClock, random, log } = realPlatform({ dns: undefined, logLevel: 'error', writeLog: () => {} })
  const server = createHttpServer({
    config: defaultConfig('local'),
    wallClock,
    random,
    log,
    dispatcher: () => assert.fail('nothing is asked'),
    tls: { cert: 'no certificate', key: 'no key' },
  })
  await assert.rejects(server.listen('127.0.0.1', 0))
  await server.close()
})

describe('large calls that are signed', () => {
  const json = (body: string) => ({ ...PLAIN.v2, body })
  const form = (body: string) => ({ ...PLAIN.v1, body })

  test('deep JSON, floods of elements and of parameters, and long names are refused before anything is built', async () => {
    await using http = await start()
    for (const body of ['['.repeat(100_000), '{"a":'.repeat(50_000), `[${'{},'.repeat(1_000_001)}1]`]) {
      const answer = await exchange(http, await sign(http, json(body)))
      assert.deepEqual([answer.code, answer.status, answer.message], ['SerializationException', 400, null])
    }
    for (const body of ['a=1&'.repeat(100_000), `Action=GetSendQuota&${'a'.repeat(600)}=1`, `a${'.a'.repeat(20)}=1`]) {
      const answer = await exchange(http, await sign(http, form(body)))
      assert.deepEqual([answer.code, answer.status], ['MalformedQueryString', 400])
    }
    assert.deepEqual([http.calls, http.errors], [[], []])
  })
})
