/** The send limits as every engine holds them: counted by the one process on SQLite, shared by nodes on PostgreSQL. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { createQuotas } from '../src/domain/accounts/quotas.ts'
import { createSharedQuotas } from '../src/domain/accounts/shared-quotas.ts'
import type { Quotas } from '../src/domain/context.ts'
import type { MovableClock } from '../src/platform/platform.ts'
import type { Store } from '../src/store/store.ts'
import type { AccountSettings } from '../src/store/types.ts'
import { fakeClock } from './support/clock.ts'
import { ENGINES, SCOPE, SETTINGS, keptLog, sampleAcceptance } from './support/stores.ts'

const SANDBOX = SETTINGS
const FAST: AccountSettings = { ...SETTINGS, maxSendRate: 1e6 }
const DAY_MS = 86_400_000

type Sender = AsyncDisposable & {
  readonly clock: MovableClock
  readonly quotas: Quotas
  readonly store: Store
  /** A whole acceptance. */
  readonly send: (recipients: number, settings?: AccountSettings) => Promise<'ok' | 'rate' | 'quota'>
}

async function start(engine: (typeof ENGINES)[number]): Promise<Sender> {
  const { store, [Symbol.asyncDispose]: dispose } = await engine.open()
  const clock = fakeClock()
  const { limits } = store
  const quotas =
    limits === undefined
      ? createQuotas({ clock, store })
      : createSharedQuotas({ clock, wallClock: fakeClock(), log: keptLog(), store, limits, node: 'a' })
  let sent = 0
  return {
    clock,
    quotas,
    store,
    async send(recipients, settings = SANDBOX) {
      const verdict = await quotas.reserve(SCOPE, settings, recipients, recipients)
      if (verdict !== 'ok') return verdict
      await accept(store, `m${(sent += 1)}`, clock.now(), recipients)
      await quotas.confirm(SCOPE, recipients)
      return verdict
    },
    async [Symbol.asyncDispose]() {
      await quotas.close()
      await dispose()
    },
  }
}

async function accept(store: Store, id: string, at: number, recipients: number): Promise<void> {
  const to = Array.from({ length: Math.min(recipients, 50) }, (_, index) => `${index}@example.org`)
  await store.messages.accept(sampleAcceptance(id, { at, to, counted: recipients }))
}

for (const engine of ENGINES) {
  describe(`the maximum send rate on ${engine.name}`, () => {
    test('at 1/s lets one recipient pass each second', async () => {
      await using sender = await start(engine)
      assert.equal(await sender.send(1), 'ok')
      assert.equal(await sender.send(1), 'rate')
      sender.clock.advance(999)
      assert.equal(await sender.send(1), 'rate')
      sender.clock.advance(1)
      assert.equal(await sender.send(1), 'ok')
    })

    test('lets a message with five recipients pass at 1/s, and then nothing for five seconds', async () => {
      await using sender = await start(engine)
      assert.equal(await sender.send(5), 'ok')
      for (let second = 1; second < 5; second++) {
        sender.clock.advance(1000)
        assert.equal(await sender.send(1), 'rate')
      }
      sender.clock.advance(1000)
      assert.equal(await sender.send(1), 'ok')
    })

    test("holds one second's worth for a burst, and no more however long nothing is sent", async () => {
      await using sender = await start(engine)
      const settings = { ...FAST, max24HourSend: -1, maxSendRate: 50 }
      for (let burst = 0; burst < 3; burst++) {
        const answers = await Promise.all(Array.from({ length: 60 }, () => sender.send(1, settings)))
        assert.equal(answers.filter((answer) => answer === 'ok').length, 50)
        sender.clock.advance(DAY_MS)
      }
    })

    test('can be less than one a second', async () => {
      await using sender = await start(engine)
      const settings = { ...SANDBOX, maxSendRate: 0.5 }
      assert.equal(await sender.send(1, settings), 'ok')
      sender.clock.advance(1000)
      assert.equal(await sender.send(1, settings), 'rate')
      sender.clock.advance(1000)
      assert.equal(await sender.send(1, settings), 'ok')
    })

    test('goes by new settings at once, up and down', async () => {
      await using sender = await start(engine)
      assert.equal(await sender.send(50), 'ok')
      sender.clock.advance(1000)
      assert.equal(await sender.send(1, { ...SANDBOX, maxSendRate: 10_000 }), 'ok')
      assert.equal(await sender.send(1), 'ok')
      assert.equal(await sender.send(1), 'rate')
    })

    test('goes on within a second when the clock was set back', async () => {
      await using sender = await start(engine)
      sender.clock.advance(DAY_MS)
      assert.equal(await sender.send(1), 'ok')
      assert.equal(await sender.send(1), 'rate')
      sender.clock.reset()
      await sender.send(1)
      sender.clock.advance(1000)
      assert.equal(await sender.send(1), 'ok')
    })
  })

  describe(`the daily quota on ${engine.name}`, () => {
    test('is met exactly, and overrun only by the last message', async () => {
      await using sender = await start(engine)
      for (let sent = 0; sent < 199; sent++) assert.equal(await sender.send(1, FAST), 'ok')
      assert.equal(await sender.send(50, FAST), 'ok')
      assert.equal(await sender.send(1, FAST), 'quota')
      assert.equal(await sender.quotas.sentLast24Hours(SCOPE), 249)
    })

    test('is met exactly by many at the same time', async () => {
      await using sender = await start(engine)
      const answers = await Promise.all(Array.from({ length: 300 }, () => sender.send(1, FAST)))
      assert.equal(answers.filter((answer) => answer === 'ok').length, 200)
      assert.equal(answers.filter((answer) => answer === 'quota').length, 100)
      assert.equal(await sender.quotas.sentLast24Hours(SCOPE), 200)
    })

    test('comes back minute by minute, 24 hours after it was used', async () => {
      await using sender = await start(engine)
      await sender.send(150, FAST)
      sender.clock.advance(60_000)
      await sender.send(50, FAST)
      sender.clock.advance(DAY_MS - 61_000)
      assert.equal(await sender.send(1, FAST), 'quota')
      sender.clock.advance(1000)
      assert.equal(await sender.quotas.sentLast24Hours(SCOPE), 50)
      assert.equal(await sender.send(1, FAST), 'ok')
      sender.clock.advance(60_000)
      assert.equal(await sender.quotas.sentLast24Hours(SCOPE), 1)
    })

    test('is unlimited at -1, nothing at 0, and goes by new settings at once', async () => {
      await using sender = await start(engine)
      assert.equal(await sender.send(1000, { ...FAST, max24HourSend: -1 }), 'ok')
      assert.equal(await sender.send(1, { ...FAST, max24HourSend: 0 }), 'quota')
      assert.equal(await sender.send(1, { ...FAST, max24HourSend: 1000 }), 'quota')
      assert.equal(await sender.send(1, { ...FAST, max24HourSend: 1001 }), 'ok')
      assert.equal(await sender.send(1, { ...FAST, max24HourSend: 1001 }), 'quota')
      assert.equal(await sender.send(1, { ...FAST, max24HourSend: 50_000 }), 'ok')
      // What was taken under the higher limit does not outlive it.
      assert.equal(await sender.send(1, { ...FAST, max24HourSend: 500 }), 'quota')
    })

    test('does not stop simulator mail, which takes from the rate', async () => {
      await using sender = await start(engine)
      const settings = { ...SANDBOX, max24HourSend: 0 }
      assert.equal(await sender.quotas.reserve(SCOPE, settings, 1, 0), 'ok')
      assert.equal(await sender.quotas.reserve(SCOPE, settings, 1, 0), 'rate')
      assert.equal(await sender.quotas.sentLast24Hours(SCOPE), 0)
    })

    test('takes nothing from the rate when it refuses', async () => {
      await using sender = await start(engine)
      assert.equal(await sender.send(1, { ...SANDBOX, max24HourSend: 0 }), 'quota')
      assert.equal(await sender.send(1), 'ok')
      assert.equal(await sender.send(1), 'rate')
    })

    test('starts from what was accepted before', async () => {
      await using sender = await start(engine)
      const now = sender.clock.now()
      await accept(sender.store, 'old', now - DAY_MS, 1000)
      await accept(sender.store, 'young', now - DAY_MS + 60_000, 30)
      await accept(sender.store, 'new', now, 4)
      assert.equal(await sender.quotas.sentLast24Hours(SCOPE), 34)
      assert.equal(await sender.send(1, { ...FAST, max24HourSend: 34 }), 'quota')
      assert.equal(await sender.send(1, { ...FAST, max24HourSend: 35 }), 'ok')
    })
  })

  describe(`a failed acceptance on ${engine.name}`, () => {
    test('gives back what it took from rate and quota', async () => {
      await using sender = await start(engine)
      const settings = { ...SANDBOX, max24HourSend: 1 }
      assert.equal(await sender.quotas.reserve(SCOPE, settings, 3, 3), 'ok')
      assert.equal(await sender.send(1, settings), 'rate')
      sender.quotas.release(SCOPE, 3, 3)
      assert.equal(await sender.quotas.sentLast24Hours(SCOPE), 0)
      assert.equal(await sender.send(1, settings), 'ok')
      sender.clock.advance(1000)
      assert.equal(await sender.send(1, settings), 'quota')
    })

    test('of a scope that was never counted changes nothing', async () => {
      await using sender = await start(engine)
      sender.quotas.release(SCOPE, 5, 5)
      assert.equal(await sender.quotas.sentLast24Hours(SCOPE), 0)
    })
  })

  test(`a reset on ${engine.name} forgets rate and quota`, async () => {
    await using sender = await start(engine)
    const settings = { ...SANDBOX, max24HourSend: 5 }
    assert.equal(await sender.send(5, settings), 'ok')
    await sender.store.reset()
    sender.quotas.reset()
    assert.equal(await sender.quotas.sentLast24Hours(SCOPE), 0)
    assert.equal(await sender.send(5, settings), 'ok')
    assert.equal(await sender.send(1, settings), 'rate')
  })
}
