/** The admin API over real HTTP: clock, faults, reset, queue and figures. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { GetAccountCommand, PutAccountSendingAttributesCommand } from '@aws-sdk/client-sesv2'
import { FAILURES } from '../src/errors/catalogue.ts'
import { call, get, type Listing, read, send, startWithSender } from './support/admin.ts'
import { startApp } from './support/app.ts'
import { sendThrough } from './support/surfaces.ts'

type Rules = { readonly rules: readonly { readonly failure: string; readonly hits: number }[] }
type Time = { readonly now: string; readonly offsetSeconds: number }
type Accounts = { readonly accounts: readonly { readonly accountId: string }[] }

const EACH_SURFACE = ['v1', 'v2', 'smtp'] as const

describe('controls', () => {
  test("the clock moves SES's time, not that of signatures", async () => {
    await using app = await startWithSender()
    const before = app.clock.now()
    const { body } = await call<Time>(app, 'POST', '/_sesame/clock', { advanceSeconds: 86_400.5 })
    assert.deepEqual(body, { now: new Date(before + 86_400_500).toISOString(), offsetSeconds: 86_400.5 })
    const message = await read(app, await send(app))
    assert.equal(message.acceptedAt, body.now)
    assert.deepEqual(await get<Time>(app, '/_sesame/clock'), body)
    for (const advanceSeconds of [-1, 1e12, '5', undefined]) {
      assert.equal((await call(app, 'POST', '/_sesame/clock', { advanceSeconds })).status, 400)
    }
  })

  for (const surface of ['v1', 'v2', 'smtp'] as const) {
    test(`${surface}: the next two matching calls fail as the rule says`, async () => {
      await using app = await startWithSender()
      const rules = [{ service: surface, failure: 'SendingThrottled', times: 2 }]
      const { status, body } = await call<Rules>(app, 'PUT', '/_sesame/faults', { rules })
      assert.equal(status, 200)
      assert.equal(body.rules[0]!.failure, 'SendingThrottled')
      for (let calls = 0; calls < 2; calls++) {
        const verdict = await sendThrough(surface, app, {})
        assert.ok('refusal' in verdict)
        assert.match(verdict.refusal.message, /Maximum sending rate exceeded\./)
      }
      await send(app, {}, surface)
      assert.equal((await get<Rules>(app, '/_sesame/faults')).rules[0]!.hits, 2)
      assert.equal((await call(app, 'DELETE', '/_sesame/faults?id=rule-1')).status, 204)
      assert.equal((await call(app, 'DELETE', '/_sesame/faults?id=rule-1')).status, 404)
      assert.deepEqual(await get<Rules>(app, '/_sesame/faults'), { rules: [] })
    })
  }

  test('a fault may be any error of the catalogue, by the name that the client sees', async () => {
    await using app = await startWithSender()
    await call(app, 'PUT', '/_sesame/faults', {
      rules: [{ operation: 'SendEmail', failure: 'AccountSuspendedException', message: 'gone' }],
    })
    const verdict = await sendThrough('v2', app, {})
    assert.deepEqual(verdict, { refusal: { code: 'AccountSuspendedException', status: 400, message: 'gone' } })
    assert.equal((await call(app, 'PUT', '/_sesame/faults', { rules: [{ failure: 'Nonsense' }] })).status, 400)
    await call(app, 'DELETE', '/_sesame/faults')
    await send(app)
  })

  test('every error of the catalogue can be asked for, on every surface', async () => {
    await using app = await startWithSender()
    for (const [failure, { v1, v2, smtp }] of Object.entries(FAILURES)) {
      await call(app, 'PUT', '/_sesame/faults', { rules: [{ failure, message: 'as asked' }] })
      for (const [surface, [code, status]] of [
        ['v1 by sdk 2', v1],
        ['v2', v2],
      ] as const) {
        const verdict = await sendThrough(surface, app, {})
        assert.deepEqual(verdict, { refusal: { code, status, message: 'as asked' } }, `${surface}, ${failure}`)
      }
      const [code, prefix] = smtp
      const verdict = await sendThrough('smtp', app, {})
      assert.ok('refusal' in verdict, failure)
      const says = prefix === '' || prefix.endsWith(': ') ? `${prefix}as asked` : prefix
      assert.deepEqual(verdict.refusal, { code: String(code), status: code, message: says }, failure)
    }
    // Each was told as it was asked for; none was logged as a bug of ours.
    assert.deepEqual(app.errors, [])
  })

  test('a fault without words of its own says what SES says when it is really so', async () => {
    await using app = await startWithSender()
    const states = [
      ['AccountSendingPaused', { SendingEnabled: false }, { SendingEnabled: true }],
      ['SendingThrottled', { maxSendRate: 0.001 }, { maxSendRate: 1000 }],
    ] as const
    for (const [failure, bad, good] of states) {
      const set = async (state: typeof bad | typeof good) =>
        'SendingEnabled' in state
          ? await app.sesv2.send(new PutAccountSendingAttributesCommand(state))
          : await call(app, 'PATCH', '/_sesame/accounts/000000000000/regions/us-east-1', state)
      await send(app)
      await set(bad)
      await sendThrough('v2', app, {})
      const real = await Promise.all(EACH_SURFACE.map((surface) => sendThrough(surface, app, {})))
      await set(good)
      app.clock.advance(3600_000_000)
      await send(app)
      await call(app, 'PUT', '/_sesame/faults', { rules: [{ failure }] })
      const faked = await Promise.all(EACH_SURFACE.map((surface) => sendThrough(surface, app, {})))
      assert.deepEqual(faked, real)
      assert.ok(real.every((verdict) => 'refusal' in verdict))
      await call(app, 'DELETE', '/_sesame/faults')
    }
  })

  test('a delay holds a call up, and lets it pass', async () => {
    await using app = await startWithSender()
    await call(app, 'PUT', '/_sesame/faults', { rules: [{ delayMs: 1, times: 3 }] })
    for (const surface of EACH_SURFACE) await send(app, {}, surface)
    assert.equal((await get<Rules>(app, '/_sesame/faults')).rules[0]!.hits, 3)
  })

  test('the clock lets a quota and a rate that are used up be free again', async () => {
    await using app = await startWithSender({ config: { max24HourSend: 2, maxSendRate: 1 } })
    await send(app, { to: ['a@example.org', 'b@example.org'] })
    const refused = async () => {
      const verdict = await sendThrough('v1', app, {})
      return 'refusal' in verdict ? verdict.refusal.message : 'sent'
    }
    assert.equal(await refused(), 'Maximum sending rate exceeded.')
    await call(app, 'POST', '/_sesame/clock', { advanceSeconds: 2 })
    assert.equal(await refused(), 'Daily message quota exceeded.')
    await call(app, 'POST', '/_sesame/clock', { advanceSeconds: 86_400 })
    assert.equal(await refused(), 'sent')
  })

  test('a reset empties everything, and the test key still works', async () => {
    await using app = await startWithSender()
    await send(app)
    await call(app, 'POST', '/_sesame/clock', { advanceSeconds: 60 })
    await call(app, 'PUT', '/_sesame/faults', { rules: [{ failure: 'Throttled' }] })
    await call(app, 'POST', '/_sesame/accounts', { accountId: '123456789012', name: 'Shop' })
    assert.equal((await call(app, 'POST', '/_sesame/reset')).status, 204)
    assert.deepEqual((await get<Listing>(app, '/_sesame/messages')).messages, [])
    assert.deepEqual((await get<Rules>(app, '/_sesame/faults')).rules, [])
    assert.equal((await get<Time>(app, '/_sesame/clock')).offsetSeconds, 0)
    assert.deepEqual(
      (await get<Accounts>(app, '/_sesame/accounts')).accounts.map(({ accountId }) => accountId),
      ['000000000000'],
    )
    const verdict = await sendThrough('v2', app, {})
    assert.ok('refusal' in verdict, 'the identity is gone')
    assert.equal((await app.sesv2.send(new GetAccountCommand({}))).SendQuota?.SentLast24Hours, 0)
  })

  test('in production there are no controls, and the admin API asks for its token', async () => {
    const adminToken = 'open-sesame'
    await using app = await startApp({ profile: 'production', config: { adminToken, transport: 'capture' } })
    assert.equal((await call(app, 'GET', '/_sesame/accounts')).status, 401)
    const asAdmin = (method: string, path: string) =>
      fetch(app.url + path, { method, headers: { authorization: `Bearer ${adminToken}` } })
    assert.equal((await asAdmin('GET', '/_sesame/accounts')).status, 200)
    assert.equal((await asAdmin('GET', '/metrics')).status, 200)
    for (const [method, path] of [
      ['POST', '/_sesame/clock'],
      ['GET', '/_sesame/faults'],
      ['POST', '/_sesame/reset'],
      ['POST', '/_sesame/messages/x/outcomes'],
      ['GET', '/_aws/ses'],
      ['GET', '/store'],
      ['POST', '/moto-api/reset'],
    ] as const) {
      assert.equal((await asAdmin(method, path)).status, 404, `${method} ${path}`)
    }
  })
})

describe('the queue and the figures', () => {
  test('what is done is no longer in the queue', async () => {
    await using app = await startWithSender()
    await send(app)
    await app.idle()
    assert.deepEqual(await get(app, '/_sesame/queue?destination=Example.org&account=000000000000'), { jobs: [] })
  })

  test('health, readiness and metrics are told', async () => {
    await using app = await startWithSender()
    await send(app)
    await send(app, {}, 'v1')
    assert.equal((await call(app, 'GET', '/_sesame/health')).status, 200)
    assert.equal((await call(app, 'GET', '/_sesame/ready')).status, 200)
    const reply = await fetch(`${app.url}/metrics`)
    assert.equal(reply.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
    const text = await reply.text()
    assert.match(text, /^# TYPE sesame_messages_accepted_total counter$/m)
    assert.match(text, /^sesame_messages_accepted_total\{surface="v2"\} 1$/m)
    assert.match(text, /^sesame_messages_accepted_total\{surface="v1"\} 1$/m)
    assert.match(text, /^sesame_store_commits_total \d+$/m)
    for (const line of text.trimEnd().split('\n'))
      assert.match(line, /^(?:# (?:HELP|TYPE) |[a-z_]+(?:\{[^}]*\})? -?[\d.e+-]+$)/)
  })
})
