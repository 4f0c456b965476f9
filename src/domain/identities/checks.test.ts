import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Check } from '../../store/types.ts'
import {
  decreed,
  domainFinding,
  type Finding,
  isSearched,
  judge,
  nextLook,
  NOT_STARTED,
  pending,
  SEARCH_MS,
} from './checks.ts'

const START = Date.UTC(2026, 0, 15)
const HOUR = 3_600_000

const FOUND: Finding = { kind: 'found' }
const MISSING: Finding = { kind: 'missing', error: 'HOST_NOT_FOUND' }
const NO_ANSWER: Finding = { kind: 'temporary', error: 'DNS_SERVER_ERROR' }

const succeeded: Check = judge(pending(START), FOUND, START)

/** Looks as often as the schedule says until `end`, with the same finding each time. */
function lookUntil(check: Check, finding: Finding, start: number, end: number) {
  let looks = 0
  let now = start
  let current = check
  while (now <= end) {
    current = judge(current, finding, now)
    looks++
    const next = nextLook(current, now)
    if (next === null) break
    assert.ok(next > now, 'the next look is later')
    now = next
  }
  return { check: current, looks, end: now }
}

describe('a search', () => {
  test('ends when the record is found', () => {
    assert.deepEqual(succeeded, {
      state: 'SUCCESS',
      since: START,
      lastCheckedAt: START,
      lastSuccessAt: START,
      error: null,
    })
  })

  test('fails after 72 hours, to the minute, whether the record is missing or nobody answers', () => {
    for (const finding of [MISSING, NO_ANSWER]) {
      const { check, end } = lookUntil(pending(START), finding, START, START + 2 * SEARCH_MS)
      assert.equal(check.state, 'FAILED')
      assert.equal(end, START + SEARCH_MS)
    }
  })

  test('looks by the minute at first, and by the hour in the end', () => {
    assert.equal(nextLook(pending(START), START), START + 60_000)
    assert.equal(nextLook(pending(START), START + 10 * HOUR), START + 11 * HOUR)
    const { looks } = lookUntil(pending(START), MISSING, START, START + SEARCH_MS)
    assert.ok(looks > 72 && looks < 120, `${looks} looks`)
  })
})

describe('a record that was found', () => {
  test('is looked for every day', () => {
    assert.equal(nextLook(succeeded, START), START + 24 * HOUR)
  })

  test('is not revoked for want of an answer, however long', () => {
    const { check, looks } = lookUntil(succeeded, NO_ANSWER, START, START + 30 * 24 * HOUR)
    assert.equal(check.state, 'SUCCESS')
    assert.equal(check.error, 'DNS_SERVER_ERROR')
    assert.ok(looks > 1000)
  })

  test('is given 72 hours to come back when it is gone', () => {
    const gone = judge(succeeded, MISSING, START + HOUR)
    assert.equal(gone.state, 'TEMPORARY_FAILURE')
    assert.equal(judge(gone, MISSING, START + 72 * HOUR).state, 'TEMPORARY_FAILURE')
    assert.equal(judge(gone, FOUND, START + 72 * HOUR).state, 'SUCCESS')
    assert.equal(judge(gone, MISSING, START + 73 * HOUR).state, 'FAILED')
  })

  test('is revoked by an answer, not by silence', () => {
    const gone = judge(succeeded, MISSING, START)
    const silent = lookUntil(gone, NO_ANSWER, START, START + 10 * 24 * HOUR).check
    assert.equal(silent.state, 'TEMPORARY_FAILURE')
    assert.equal(judge(silent, MISSING, START + 11 * 24 * HOUR).state, 'FAILED')
  })
})

test('nothing is looked for after the end, before the beginning, or by decree', () => {
  for (const check of [NOT_STARTED, decreed(START), judge(pending(START), MISSING, START + SEARCH_MS)]) {
    assert.ok(!isSearched(check))
    assert.equal(nextLook(check, START), null)
  }
})

describe('a domain', () => {
  const domain = (state: Check['state'], byTxt: boolean) => ({ ...pending(START), state, byTxt, token: 'token' })
  const missed: Check = { ...pending(START), error: 'TYPE_NOT_FOUND' }

  test('is proved by its TXT record or by DKIM, whichever is there', () => {
    assert.deepEqual(domainFinding(domain('PENDING', true), FOUND, missed), FOUND)
    assert.deepEqual(domainFinding(domain('PENDING', true), MISSING, succeeded), FOUND)
    assert.deepEqual(domainFinding(domain('PENDING', false), undefined, succeeded), FOUND)
  })

  test('misses what DKIM misses', () => {
    assert.deepEqual(domainFinding(domain('PENDING', false), undefined, missed), {
      kind: 'missing',
      error: 'TYPE_NOT_FOUND',
    })
  })

  test('keeps its standing while new DKIM records are waited for', () => {
    assert.equal(domainFinding(domain('SUCCESS', false), undefined, missed), undefined)
    assert.notEqual(domainFinding(domain('SUCCESS', false), undefined, { ...missed, state: 'FAILED' }), undefined)
  })
})
