import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseFaultRules } from '../src/domain/fault-rules.ts'
import { createFaults, failureNamed, type FaultCall } from '../src/domain/faults.ts'
import { FAILURES, isFailure } from '../src/errors/catalogue.ts'
import { SesError } from '../src/errors/fail.ts'

const SEND: FaultCall = { service: 'v2', operation: 'SendEmail', account: '000000000000', region: 'us-east-1' }

function faultsOf(...rules: object[]) {
  const faults = createFaults()
  faults.replace(parseFaultRules({ rules }))
  return faults
}

function failures(faults: ReturnType<typeof createFaults>, calls: number, call = SEND): string {
  return Array.from({ length: calls }, () => (faults.strike(call)?.error ? 'x' : '.')).join('')
}

test('without rules no call is hit', () => {
  assert.equal(createFaults().strike(SEND), undefined)
})

test('the next N matching calls fail, and no other', () => {
  const faults = faultsOf({ service: 'v2', operation: 'SendEmail', failure: 'Throttled', times: 2 })
  assert.equal(faults.strike({ ...SEND, service: 'v1' }), undefined)
  assert.equal(faults.strike({ ...SEND, operation: 'GetAccount' }), undefined)
  assert.equal(failures(faults, 5), 'xx...')
  assert.equal(faults.list()[0]!.hits, 2)
})

test('a rule may be for one account and one region', () => {
  const faults = faultsOf({ account: '111111111111', region: 'eu-west-1', failure: 'InternalFailure' })
  assert.equal(faults.strike(SEND), undefined)
  assert.equal(faults.strike({ ...SEND, account: '111111111111' }), undefined)
  assert.ok(faults.strike({ ...SEND, account: '111111111111', region: 'eu-west-1' })?.error)
})

test('a percentage hits about so many calls, and the same ones for the same seed', () => {
  const rule = { failure: 'ServiceUnavailable', percent: 25, seed: 7 }
  const first = failures(faultsOf(rule), 2000)
  assert.equal(failures(faultsOf(rule), 2000), first)
  assert.notEqual(failures(faultsOf({ ...rule, seed: 8 }), 2000), first)
  const share = first.replaceAll('.', '').length / 2000
  assert.ok(share > 0.2 && share < 0.3, String(share))
  assert.equal(failures(faultsOf({ failure: 'Throttled', percent: 0 }), 50), '.'.repeat(50))
  assert.equal(failures(faultsOf({ failure: 'Throttled', percent: 100 }), 50), 'x'.repeat(50))
})

test('delays add up, and the first failure ends the call', () => {
  const faults = faultsOf(
    { delayMs: 100 },
    { delayMs: 50, failure: 'MessageRejected', message: 'no' },
    { failure: 'Throttled' },
  )
  const { delayMs, error } = faults.strike(SEND)!
  assert.equal(delayMs, 150)
  assert.ok(error instanceof SesError)
  assert.deepEqual([error.failure, error.text], ['MessageRejected', 'no'])
  assert.deepEqual(
    faults.list().map(({ hits }) => hits),
    [1, 1, 0],
  )
  assert.deepEqual(faultsOf({ delayMs: 5 }).strike(SEND), { delayMs: 5, error: null })
})

test('rules are replaced, removed and cleared', () => {
  const faults = faultsOf({ id: 'a', failure: 'Throttled', times: 1 })
  assert.equal(failures(faults, 2), 'x.')
  faults.replace(parseFaultRules({ rules: [{ id: 'a', failure: 'Throttled', times: 1 }] }))
  assert.equal(failures(faults, 2), 'x.')
  assert.equal(faults.remove('b'), false)
  assert.equal(faults.remove('a'), true)
  assert.deepEqual(faults.list(), [])
})

test('a failure is named by its row or by the code that a client sees', () => {
  assert.equal(failureNamed('SendingThrottled'), 'SendingThrottled')
  assert.equal(failureNamed('AccountSendingPausedException'), 'AccountSendingPaused')
  assert.equal(failureNamed('SendingPausedException'), 'AccountSendingPaused')
  assert.equal(failureNamed('NotFoundException'), 'NotFound')
  assert.equal(failureNamed('toString'), undefined)
  for (const row of Object.keys(FAILURES)) assert.equal(failureNamed(row), row)
  for (const { v1, v2 } of Object.values(FAILURES)) {
    for (const [code] of [v1, v2]) assert.ok(isFailure(failureNamed(code) ?? ''), code)
  }
})

const BAD: readonly (readonly [unknown, string])[] = [
  [null, 'expected {"rules":[…]}'],
  [{ rules: {} }, 'expected {"rules":[…]}'],
  [{ rules: [7] }, 'rules[0] is not an object'],
  [{ rules: [{}] }, 'rules[0] needs a failure or a delayMs'],
  [
    { rules: [{ failure: 'Throtled' }] },
    'rules[0].failure: there is no failure "Throtled", did you mean Throttled? (docs/errors.md lists them)',
  ],
  [{ rules: [{ failure: 'Throttled', percentage: 5 }] }, 'rules[0] has no member "percentage", did you mean percent?'],
  [
    { rules: [{ failure: 'Throttled', times: 1, percent: 5 }] },
    'rules[0] has both times and percent: give one of them',
  ],
  [{ rules: [{ failure: 'Throttled', percent: 101 }] }, 'rules[0].percent is not a number from 0 to 100'],
  [
    { rules: [{ failure: 'Throttled', times: 1.5 }] },
    `rules[0].times is not a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`,
  ],
  [{ rules: [{ delayMs: 60_001 }] }, 'rules[0].delayMs is not a whole number from 0 to 60000'],
  [{ rules: [{ failure: 'Throttled', service: 'v3' }] }, 'rules[0].service is none of v1, v2, smtp'],
  [{ rules: [{ failure: 'Throttled', region: 5 }] }, 'rules[0].region is not a text of 1 to 1000 characters'],
  [
    {
      rules: [
        { id: 'a', delayMs: 1 },
        { id: 'a', delayMs: 1 },
      ],
    },
    'two rules have one id',
  ],
  [{ rules: Array.from({ length: 101 }, () => ({ delayMs: 1 })) }, 'there are more than 100 rules'],
]

for (const [document, text] of BAD) {
  test(`bad rules are refused: ${text}`, () => {
    assert.throws(() => parseFaultRules(document), { failure: 'Validation', text: `Bad fault rules: ${text}.` })
  })
}

test('any JSON is either taken or refused with a SES error', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.jsonValue(),
        fc.jsonValue().map((value) => ({ rules: [value] })),
      ),
      (document) => {
        try {
          parseFaultRules(document)
        } catch (error) {
          assert.ok(error instanceof SesError)
        }
      },
    ),
    { numRuns: 300 },
  )
})
