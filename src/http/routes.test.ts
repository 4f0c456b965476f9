/** The routes that are no AWS API, from outside. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import type { HttpOptions, TestHttp } from '../../test/support/http.ts'
import { startHttp } from '../../test/support/http.ts'
import type { Sent } from '../../test/support/signing.ts'
import { exchange } from '../../test/support/signing.ts'
import { fail } from '../errors/fail.ts'
import type { Route } from './types.ts'

function start(options: HttpOptions = {}): Promise<TestHttp> {
  return startHttp(options)
}

function unsigned(method: string, path: string, headers: Record<string, string> = {}): Sent {
  return { method, path, headers, body: '' }
}

const ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/_sesame/messages/:id',
    access: 'admin',
    handle: async ({ params }) => ({ status: 200, body: params }),
  },
  {
    method: 'GET',
    path: '/_sesame/messages/wait',
    access: 'admin',
    handle: async ({ query }) => ({ status: 200, body: { waited: query.get('for') } }),
  },
  {
    method: 'POST',
    path: '/_sesame/clock',
    access: 'controls',
    handle: async ({ body }) => ({ status: 200, body: JSON.parse(body.toString()) as object }),
  },
  {
    method: 'GET',
    path: '/links/:token',
    access: 'public',
    handle: async () => ({ status: 200, headers: { 'content-type': 'text/html' }, body: '<p>' }),
  },
  {
    method: 'POST',
    path: '/links/:token',
    access: 'public',
    handle: async ({ body }) => ({ status: 200, body: String(body.length) }),
  },
  {
    method: 'GET',
    path: '/console/*',
    access: 'public',
    handle: async ({ params }) => ({ status: 200, body: `file ${params['*']}` }),
  },
  { method: 'GET', path: '/missing', access: 'public', handle: async () => fail('NotFound', 'No such thing.') },
  { method: 'GET', path: '/bug', access: 'public', handle: async () => Promise.reject(new Error('oops')) },
]

describe('routes', () => {
  test('paths, parameters, queries and bodies', async () => {
    await using http = await start({ routes: ROUTES })
    const get = async (path: string) => (await exchange(http, unsigned('GET', path))).text
    assert.equal(await get('/_sesame/messages/a%2Fb%20c'), '{"id":"a/b c"}')
    assert.equal(await get('/_sesame/messages/wait?for=x%20y'), '{"waited":"x y"}')
    assert.equal(await get('/console/assets/app.js'), 'file assets/app.js')
    assert.equal(await get('/console/'), 'file ')
    assert.equal(await get('/links/x'), '<p>')
    const posted = await exchange(http, { ...unsigned('POST', '/_sesame/clock'), body: '{"advanceSeconds":1}' })
    assert.equal(posted.text, '{"advanceSeconds":1}')
    assert.equal(posted.headers['content-type'], 'application/json')
    assert.equal(posted.headers['x-content-type-options'], 'nosniff')
  })

  test('HEAD is GET without a body', async () => {
    await using http = await start({ routes: ROUTES })
    const answer = await exchange(http, unsigned('HEAD', '/links/x'))
    assert.deepEqual([answer.status, answer.text, answer.headers['content-length']], [200, '', '3'])
  })

  test('what is not there, is there for other methods, or is hidden', async () => {
    await using http = await start({ routes: ROUTES, config: { controls: false } })
    const status = async (method: string, path: string) => (await exchange(http, unsigned(method, path))).status
    assert.equal(await status('GET', '/nothing'), 404)
    assert.equal(await status('GET', '/links/'), 404)
    assert.equal(await status('GET', '/links/%zz'), 404)
    assert.equal(await status('GET', `/${'a/'.repeat(5000)}`), 404)
    assert.equal(await status('POST', '/_sesame/clock'), 404)
    const other = await exchange(http, unsigned('DELETE', '/links/x'))
    assert.deepEqual([other.status, other.headers.allow], [405, 'GET, POST, HEAD'])
    assert.equal(JSON.parse(other.text).error.code, 'MethodNotAllowedException')
  })

  test('the admin API needs its token where it is not open', async () => {
    await using http = await start({ routes: ROUTES, config: { controls: false, adminToken: 'secret' } })
    const answer = await exchange(http, unsigned('GET', '/_sesame/messages/x'))
    assert.deepEqual([answer.status, answer.headers['www-authenticate']], [401, 'Bearer'])
    const known = await exchange(http, unsigned('GET', '/_sesame/messages/x', { authorization: 'Bearer secret' }))
    assert.equal(known.status, 200)
  })

  test('failures are JSON, and a bug is logged', async () => {
    await using http = await start({ routes: ROUTES })
    const missing = await exchange(http, unsigned('GET', '/missing'))
    assert.deepEqual(
      [missing.status, JSON.parse(missing.text)],
      [404, { error: { code: 'NotFoundException', message: 'No such thing.' } }],
    )
    const bug = await exchange(http, unsigned('GET', '/bug'))
    assert.deepEqual([bug.status, bug.text.includes('oops')], [500, false])
    assert.deepEqual(http.errors, ['a request failed Error: oops'])
  })

  test('what anyone may post is small', async () => {
    await using http = await start({ routes: ROUTES })
    assert.equal((await exchange(http, { ...unsigned('POST', '/links/x'), body: 'x'.repeat(70_000) })).status, 413)
  })

  test('a route learns that its client went away', async () => {
    const { promise: gone, resolve } = Promise.withResolvers<void>()
    const { promise: reached, resolve: reach } = Promise.withResolvers<void>()
    const waiting: Route = {
      method: 'GET',
      path: '/wait',
      access: 'public',
      handle: async ({ signal }) => {
        signal.addEventListener('abort', () => resolve())
        reach()
        await gone
        return { status: 200 }
      },
    }
    await using http = await start({ routes: [waiting] })
    const socket = connect(http.port, '127.0.0.1')
    socket.write('GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await reached
    socket.destroy()
    await gone
  })
})
