/** How connections are kept and used again. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Internet, tellAll } from './support/internet/internet.ts'
import type { Mx } from './support/internet/mx.ts'

const OK = 'delivered 250 2.0.0 Ok: queued'

/** Settles when the server has seen `count` connections go. */
async function closed(mx: Mx, count: number): Promise<void> {
  while (mx.heard.filter((line) => line === '(closed)').length < count) await setImmediate()
}

describe('a connection', () => {
  test('is used for the next message, without RSET', async () => {
    await using internet = await Internet.start()
    const mx = await internet.domain('example.test', '127.0.0.2')
    await internet.deliver('a@example.test')
    const second = await internet.deliver('b@example.test')
    assert.deepEqual(tellAll(second), [OK])
    assert.deepEqual(second.connections, { opened: 0, failed: 0, reused: 1 })
    assert.match(
      second.transcript[0] ?? '',
      /^\+0 \* kept connection to mx\.example\.test \[127\.0\.0\.2\]:\d+, 1 messages before$/,
    )
    assert.equal(mx.sessions, 1)
    assert.doesNotMatch(mx.heard.join(), /RSET/)
  })

  for (const extensions of [['PIPELINING'], []]) {
    const how = extensions.join() || 'one by one'
    test(`is reset after a transaction that came to nothing (${how})`, async () => {
      await using internet = await Internet.start()
      const mx = await internet.domain('example.test', '127.0.0.2', { extensions, rcpt: '550 5.1.1 No' })
      await internet.deliver('a@example.test')
      mx.behaviour = { extensions }
      assert.deepEqual(tellAll(await internet.deliver('b@example.test')), [OK])
      assert.equal(mx.sessions, 1)
      assert.match(mx.heard.join(), /RSET,MAIL/)
    })

    test(`that cannot be reset is replaced (${how})`, async () => {
      await using internet = await Internet.start()
      const mx = await internet.domain('example.test', '127.0.0.2', { extensions, rcpt: '550 5.1.1 No' })
      await internet.deliver('a@example.test')
      mx.behaviour = { extensions, rset: '500 What?' }
      assert.deepEqual(tellAll(await internet.deliver('b@example.test')), [OK])
      assert.equal(mx.sessions, 2)
    })
  }

  test('is shared by domains with the same hosts, not by others, other names of ours and other needs of TLS', async () => {
    await using internet = await Internet.start()
    internet.zone['one.test'] = { mx: ['10 a.test', '20 b.test'] }
    internet.zone['two.test'] = { mx: ['5 A.test', '6 b.test'] }
    internet.zone['three.test'] = { mx: ['10 a.test'] }
    const mx = await internet.mx('127.0.0.2', {}, 'a.test')
    await internet.deliver('x@one.test')
    await internet.deliver('x@two.test')
    assert.equal(mx.sessions, 1)
    await internet.deliver('x@three.test')
    assert.equal(mx.sessions, 2)
    await internet.deliver('x@one.test', { egress: { addresses: [], name: 'other.sesame.test' } })
    assert.equal(mx.sessions, 3)
    const [required] = tellAll(await internet.deliver('x@one.test', { tlsPolicy: 'REQUIRE' }))
    assert.match(required ?? '', /^bounced 554 5.7.10/)
  })

  test('that the server ended while it was idle is forgotten', async () => {
    await using internet = await Internet.start()
    const mx = await internet.domain('example.test', '127.0.0.2')
    await internet.deliver('a@example.test')
    assert.equal(internet.deps.connections.size, 1)
    mx.hangUp()
    while (internet.deps.connections.size > 0) await setImmediate()
    assert.deepEqual(tellAll(await internet.deliver('b@example.test')), [OK])
  })

  for (const answer of ['drop', 'reset', '421 4.4.2 Idle for too long']) {
    test(`that ends when it is used again (${answer}) is no failure of the host`, async () => {
      await using internet = await Internet.start({ limits: { addresses: 1, sessions: 1 } })
      const mx = await internet.domain('example.test', '127.0.0.2')
      await internet.deliver('a@example.test')
      mx.behaviour = { mail: (_, { number }) => (number === 1 ? answer : undefined) }
      const second = await internet.deliver('b@example.test')
      assert.deepEqual(tellAll(second), [OK])
      assert.deepEqual(second.connections, { opened: 1, failed: 0, reused: 1 })
    })
  }

  test('is closed after its number of messages', async () => {
    await using internet = await Internet.start({ limits: { messagesPerConnection: 2 } })
    const mx = await internet.domain('example.test', '127.0.0.2')
    for (let count = 0; count < 5; count++) await internet.deliver('a@example.test')
    assert.deepEqual(
      mx.mails.map(({ session }) => session),
      [1, 1, 2, 2, 3],
    )
    await closed(mx, 2)
    assert.equal(mx.heard.filter((line) => line === 'QUIT').length, 2)
  })

  test('is closed after as many messages as the server allows', async () => {
    await using internet = await Internet.start()
    const mx = await internet.domain('example.test', '127.0.0.2', { extensions: ['LIMITS MAILMAX=1'] })
    for (let count = 0; count < 3; count++) await internet.deliver('a@example.test')
    assert.equal(mx.sessions, 3)
  })

  test('is closed when it is old, and when it is idle', async () => {
    await using internet = await Internet.start({ limits: { connectionIdleMs: 240_000 } })
    const mx = await internet.domain('example.test', '127.0.0.2')
    await internet.deliver('a@example.test')
    internet.clock.advance(200_000)
    await internet.deliver('a@example.test')
    internet.clock.advance(200_000)
    await internet.deliver('a@example.test')
    assert.equal(mx.sessions, 1)
    assert.equal(internet.deps.connections.size, 0)
    await internet.deliver('a@example.test')
    assert.equal(mx.sessions, 2)
    internet.clock.advance(240_000)
    assert.equal(internet.deps.connections.size, 0)
    await closed(mx, 2)
  })

  test('is one of so many that are kept', async () => {
    await using internet = await Internet.start({ limits: { idlePerLane: 3 } })
    const mx = await internet.domain('example.test', '127.0.0.2')
    const all = await Promise.all(Array.from({ length: 6 }, (_, index) => internet.deliver(`r${index}@example.test`)))
    assert.deepEqual(
      all.flatMap(tellAll),
      Array.from({ length: 6 }, () => OK),
    )
    assert.equal(mx.sessions, 6)
    assert.equal(internet.deps.connections.size, 3)
  })

  test('to a host that is only second best is not kept', async () => {
    await using internet = await Internet.start()
    internet.zone['example.test'] = { mx: ['10 a.test', '20 b.test'] }
    internet.zone['a.test'] = { a: ['127.0.0.2'] }
    const second = await internet.mx('127.0.0.3', {}, 'b.test')
    assert.deepEqual(tellAll(await internet.deliver('a@example.test')), [OK])
    assert.equal(internet.deps.connections.size, 0)
    await internet.mx('127.0.0.2')
    assert.deepEqual(tellAll(await internet.deliver('a@example.test')), [OK])
    assert.equal(second.mails.length, 1)
  })
})
