import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { answerPreflight, corsHeaders, mayCallAws, routeAccess } from './origin.ts'

const CONFIG = {
  hostname: 'mail.example.com',
  publicUrl: 'https://links.example.com:8443',
  controls: true,
  adminToken: 'the admin token',
  corsOrigins: ['https://app.example.com'],
}

function caller(headers: Record<string, string>, sourceIp = '127.0.0.1', localIp = '127.0.0.1') {
  return { headers: new Map(Object.entries({ host: 'localhost:8005', ...headers })), sourceIp, localIp }
}

function granted(
  access: 'public' | 'admin' | 'controls',
  from: ReturnType<typeof caller>,
  config: Partial<typeof CONFIG> = {},
): string {
  const result = routeAccess(access, from, { ...CONFIG, ...config })
  return result.kind === 'refused' ? String(result.status) : result.kind
}

const ELSEWHERE = '203.0.113.7'

describe('routes of the admin API', () => {
  test('are open to programs on this machine where controls are on', () => {
    assert.equal(granted('admin', caller({})), 'granted')
    assert.equal(granted('controls', caller({}, '::1')), 'granted')
    assert.equal(granted('admin', caller({}), { controls: false }), '401')
    assert.equal(granted('controls', caller({}), { controls: false }), 'hidden')
  })

  test('are open to nobody else without the token', () => {
    assert.equal(granted('admin', caller({}, ELSEWHERE)), '401')
    assert.equal(granted('admin', caller({ authorization: 'Bearer the admin token' }, ELSEWHERE)), 'granted')
    assert.equal(
      granted('admin', caller({ authorization: 'bearer the admin token' }, ELSEWHERE), { controls: false }),
      'granted',
    )
    assert.equal(granted('admin', caller({ authorization: 'Bearer the admin toke' }, ELSEWHERE)), '401')
    assert.equal(granted('admin', caller({ authorization: 'Bearer wrong' })), '401')
    assert.equal(
      granted('controls', caller({ authorization: 'Bearer the admin token' }), { controls: false }),
      'hidden',
    )
    assert.equal(granted('public', caller({}, ELSEWHERE), { controls: false }), 'granted')
  })

  test('refuse what a proxy on this machine passes on', () => {
    for (const header of ['forwarded', 'x-forwarded-for', 'via'])
      assert.equal(granted('admin', caller({ [header]: 'x' })), '401')
  })

  test('know our names and addresses, and refuse others (DNS rebinding)', () => {
    for (const host of [
      'localhost',
      'LOCALHOST:1',
      '127.0.0.1:8005',
      '[::1]:8005',
      'mail.example.com',
      'links.example.com',
    ]) {
      assert.equal(granted('admin', caller({ host })), 'granted', host)
    }
    assert.equal(granted('admin', caller({ host: '192.0.2.1:8005' }, '127.0.0.1', '192.0.2.1')), 'granted')
    for (const host of ['', 'attacker.example', 'localhost.attacker.example', '192.0.2.1', 'localhost@x', '[::2]']) {
      assert.equal(granted('admin', caller({ host })), '403', host)
    }
  })

  test('refuse pages of other origins', () => {
    assert.equal(granted('admin', caller({ origin: 'http://localhost:8005' })), 'granted')
    for (const origin of [
      'http://localhost:3000',
      'https://app.example.com',
      'null',
      'http://attacker.example',
      'http://localhost:8005@x',
    ]) {
      assert.equal(granted('admin', caller({ origin })), '403', origin)
    }
    assert.equal(granted('admin', caller({ 'sec-fetch-site': 'cross-site' })), '403')
    assert.equal(granted('admin', caller({ 'sec-fetch-site': 'same-site' })), '403')
    assert.equal(granted('admin', caller({ 'sec-fetch-site': 'same-origin' })), 'granted')
    assert.equal(granted('admin', caller({ 'sec-fetch-site': 'none' })), 'granted')
  })
})

describe('AWS calls', () => {
  test('come from programs, our own pages and configured origins', () => {
    assert.ok(mayCallAws(caller({}, ELSEWHERE), CONFIG))
    assert.ok(mayCallAws(caller({ host: 'ses.internal' }, ELSEWHERE), CONFIG))
    assert.ok(mayCallAws(caller({ origin: 'http://localhost:8005' }), CONFIG))
    assert.ok(mayCallAws(caller({ origin: 'https://app.example.com', 'sec-fetch-site': 'cross-site' }), CONFIG))
  })

  test('do not come from other pages, not even without a preflight', () => {
    assert.ok(!mayCallAws(caller({ origin: 'http://attacker.example' }), CONFIG))
    assert.ok(!mayCallAws(caller({ origin: 'null' }), CONFIG))
    assert.ok(!mayCallAws(caller({ 'sec-fetch-site': 'cross-site' }), CONFIG))
    assert.ok(!mayCallAws(caller({ host: 'attacker.example', 'sec-fetch-site': 'same-origin' }), CONFIG))
    assert.ok(!mayCallAws(caller({ origin: 'https://app.example.com' }), { ...CONFIG, corsOrigins: [] }))
  })

  test('preflights are answered for configured origins only', () => {
    const preflight = (origin: string) => ({
      ...caller({
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,x-amz-date',
      }),
      method: 'OPTIONS',
    })
    const answer = answerPreflight(preflight('https://app.example.com'), CONFIG)
    assert.equal(answer?.status, 204)
    assert.equal(answer.headers['Access-Control-Allow-Origin'], 'https://app.example.com')
    assert.equal(answer.headers['Access-Control-Allow-Headers'], 'authorization,x-amz-date')
    assert.equal(answerPreflight(preflight('https://other.example.com'), CONFIG), undefined)
    assert.deepEqual(corsHeaders(caller({ origin: 'https://other.example.com' }), CONFIG), {})
  })
})
