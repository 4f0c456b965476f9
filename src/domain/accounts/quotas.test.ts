import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fakeClock } from '../../../test/support/clock.ts'
import type { MovableClock } from '../../platform/platform.ts'
import type { AccountSettings } from '../../store/types.ts'
import type { Quotas } from '../context.ts'
import { createQuotas } from './quotas.ts'

const SCOPE = { account: '000000000000', region: 'us-east-1' }
const SANDBOX: AccountSettings = {
  productionAccess: false,
  max24HourSend: 200,
  maxSendRate: 1,
  enforcementStatus: 'HEALTHY',
  sendingEnabled: true,
  details: null,
  review: null,
  suppressedReasons: [],
  dedicatedIpAutoWarmup: false,
}
const FAST = { ...SANDBOX, maxSendRate: 10_000 }
const DAY_MS = 86_400_000

type Minute = { readonly at: number; readonly recipients: number }

function start(past: readonly Minute[] = []): { clock: MovableClock; quotas: Quotas; reads: () => number } {
  const clock = fakeClock()
  let reads = 0
  const store = {
    messages: {
      async sentPerMinute() {
        reads++
        return past
      },
    },
  }
  return { clock, quotas: createQuotas({ clock, store }), reads: () => reads }
}

const send = (quotas: Quotas, recipients = 1, settings = SANDBOX) =>
  quotas.reserve(SCOPE, settings, recipients, recipients)

describe('the maximum send rate', () => {
  test('at 1/s lets one recipient pass each second', async () => {
    const { clock, quotas } = start()
    assert.equal(await send(quotas), 'ok')
    assert.equal(await send(quotas), 'rate')
    clock.advance(999)
    assert.equal(await send(quotas), 'rate')
    clock.advance(1)
    assert.equal(await send(quotas), 'ok')
  })

  test('lets a message with five recipients pass at 1/s, and then nothing for five seconds', async () => {
    const { clock, quotas } = start()
    assert.equal(await send(quotas, 5), 'ok')
    clock.advance(4999)
    assert.equal(await send(quotas), 'rate')
    clock.advance(1)
    assert.equal(await send(quotas), 'ok')
  })

  test("holds one second's worth for a burst, and no more however long nothing is sent", async () => {
    const { clock, quotas } = start()
    const settings = { ...SANDBOX, maxSendRate: 3 }
    clock.advance(DAY_MS)
    const answers = []
    for (let i = 0; i < 4; i++) answers.push(await send(quotas, 1, settings))
    assert.deepEqual(answers, ['ok', 'ok', 'ok', 'rate'])
  })

  test('can be less than one a second', async () => {
    const { clock, quotas } = start()
    const settings = { ...SANDBOX, maxSendRate: 0.5 }
    assert.equal(await send(quotas, 1, settings), 'ok')
    clock.advance(1000)
    assert.equal(await send(quotas, 1, settings), 'rate')
    clock.advance(1000)
    assert.equal(await send(quotas, 1, settings), 'ok')
  })

  test('is taken by simulator mail as well, which does not count to the quota', async () => {
    const { quotas } = start()
    assert.equal(await quotas.reserve(SCOPE, SANDBOX, 1, 0), 'ok')
    assert.equal(await send(quotas), 'rate')
    assert.equal(await quotas.sentLast24Hours(SCOPE), 0)
  })

  test('is of each account and region by itself', async () => {
    const { quotas } = start()
    assert.equal(await send(quotas), 'ok')
    assert.equal(await quotas.reserve({ ...SCOPE, region: 'eu-west-1' }, SANDBOX, 1, 1), 'ok')
    assert.equal(await quotas.reserve({ ...SCOPE, account: '111111111111' }, SANDBOX, 1, 1), 'ok')
  })

  test('goes by new settings at once', async () => {
    const { clock, quotas } = start()
    assert.equal(await send(quotas, 50), 'ok')
    clock.advance(1000)
    assert.equal(await send(quotas, 1, FAST), 'ok')
  })
})

describe('the daily quota', () => {
  test('is refused once it is used up, whatever the rate', async () => {
    const { quotas } = start()
    for (let i = 0; i < 4; i++) assert.equal(await send(quotas, 50, FAST), 'ok')
    assert.equal(await quotas.sentLast24Hours(SCOPE), 200)
    assert.equal(await send(quotas, 1, FAST), 'quota')
  })

  test('may be overrun by the last message', async () => {
    const { quotas } = start()
    assert.equal(await send(quotas, 199, FAST), 'ok')
    assert.equal(await send(quotas, 50, FAST), 'ok')
    assert.equal(await send(quotas, 1, FAST), 'quota')
  })

  test('comes back minute by minute, 24 hours after it was used', async () => {
    const { clock, quotas } = start()
    await send(quotas, 150, FAST)
    clock.advance(60_000)
    await send(quotas, 50, FAST)
    clock.advance(DAY_MS - 61_000)
    assert.equal(await send(quotas, 1, FAST), 'quota')
    clock.advance(1000)
    assert.equal(await quotas.sentLast24Hours(SCOPE), 50)
    clock.advance(60_000)
    assert.equal(await quotas.sentLast24Hours(SCOPE), 0)
  })

  test('is unlimited at -1 and nothing at 0', async () => {
    const { quotas } = start()
    assert.equal(await send(quotas, 100_000, { ...FAST, max24HourSend: -1, maxSendRate: 1e9 }), 'ok')
    assert.equal(await send(quotas, 1, { ...FAST, max24HourSend: 0, maxSendRate: 1e9 }), 'quota')
  })

  test('does not stop simulator mail', async () => {
    const { quotas } = start()
    assert.equal(await quotas.reserve(SCOPE, { ...FAST, max24HourSend: 0 }, 1, 0), 'ok')
  })

  test('starts from what the store knows, read once', async () => {
    const now = fakeClock().now()
    const { quotas, reads } = start([
      { at: now - DAY_MS, recipients: 1000 },
      { at: now - DAY_MS + 60_000, recipients: 30 },
      { at: now, recipients: 4 },
    ])
    assert.deepEqual(await Promise.all([quotas.sentLast24Hours(SCOPE), quotas.sentLast24Hours(SCOPE)]), [34, 34])
    assert.equal(reads(), 1)
  })

  test('is read again after a reset, and when the clock was set back', async () => {
    const { clock, quotas, reads } = start()
    await send(quotas)
    quotas.reset()
    await send(quotas)
    assert.equal(reads(), 2)
    clock.advance(DAY_MS)
    await send(quotas)
    clock.reset()
    assert.equal(await quotas.sentLast24Hours(SCOPE), 0)
    assert.equal(reads(), 3)
  })
})

describe('a failed acceptance', () => {
  test('gives back what it took from rate and quota', async () => {
    const { quotas } = start()
    assert.equal(await send(quotas, 3), 'ok')
    quotas.release(SCOPE, 3, 3)
    assert.equal(await quotas.sentLast24Hours(SCOPE), 0)
    assert.equal(await send(quotas), 'ok')
  })

  test('gives back to the minute before, when it took that long', async () => {
    const { clock, quotas } = start()
    await send(quotas, 2)
    clock.advance(60_000)
    await send(quotas, 1)
    quotas.release(SCOPE, 2, 2)
    assert.equal(await quotas.sentLast24Hours(SCOPE), 1)
  })

  test('of a scope that was never counted changes nothing', async () => {
    const { quotas } = start()
    quotas.release(SCOPE, 5, 5)
    assert.equal(await quotas.sentLast24Hours(SCOPE), 0)
  })
})

test('when the store cannot be read, the next call tries again', async () => {
  let attempts = 0
  const store = {
    messages: {
      async sentPerMinute() {
        if (++attempts === 1) throw new Error('disk')
        return []
      },
    },
  }
  const quotas = createQuotas({ clock: fakeClock(), store })
  await assert.rejects(quotas.sentLast24Hours(SCOPE), /disk/)
  assert.equal(await quotas.sentLast24Hours(SCOPE), 0)
})
