import { test } from 'node:test'
import assert from 'node:assert/strict'
import { fakeClock } from '../../test/support/clock.ts'
import { FailedLogins } from './failed-logins.ts'

function failing(times: number, ip: (i: number) => string, user: (i: number) => string) {
  const clock = fakeClock()
  const logins = new FailedLogins(clock)
  for (let i = 0; i < times; i++) logins.failed(ip(i), user(i))
  return { clock, logins }
}

test('the sixth wrong password of one client for one key costs a second, the seventh two', () => {
  const { clock, logins } = failing(
    5,
    () => 'a',
    () => 'K',
  )
  assert.equal(logins.isBlocked('a', 'K'), false)
  logins.failed('a', 'K')
  assert.equal(logins.isBlocked('a', 'K'), true)
  clock.advance(1000)
  assert.equal(logins.isBlocked('a', 'K'), false)
  logins.failed('a', 'K')
  clock.advance(1999)
  assert.equal(logins.isBlocked('a', 'K'), true)
  clock.advance(1)
  assert.equal(logins.isBlocked('a', 'K'), false)
})

test('the wait grows to five minutes and no further', () => {
  const { clock, logins } = failing(
    2000,
    () => 'a',
    () => 'K',
  )
  clock.advance(299_999)
  assert.equal(logins.isBlocked('a', 'K'), true)
  clock.advance(1)
  assert.equal(logins.isBlocked('a', 'K'), false)
})

test('another client, and another key of the same client, do not wait', () => {
  const { logins } = failing(
    10,
    () => 'a',
    () => 'K',
  )
  assert.equal(logins.isBlocked('b', 'K'), false)
  assert.equal(logins.isBlocked('a', 'L'), false)
})

test('a client that tries many keys waits for all of them', () => {
  const { logins } = failing(
    21,
    () => 'a',
    (i) => `K${i}`,
  )
  assert.equal(logins.isBlocked('a', 'another'), true)
  assert.equal(logins.isBlocked('b', 'another'), false)
})

test('a key that many clients try is held back for ten seconds at most', () => {
  const { clock, logins } = failing(
    500,
    (i) => `ip${i}`,
    () => 'K',
  )
  assert.equal(logins.isBlocked('its owner', 'K'), true)
  clock.advance(10_000)
  assert.equal(logins.isBlocked('its owner', 'K'), false)
})

test('success and time forgive', () => {
  const { clock, logins } = failing(
    10,
    () => 'a',
    () => 'K',
  )
  logins.succeeded('a', 'K')
  assert.equal(logins.isBlocked('a', 'K'), false)
  for (let i = 0; i < 10; i++) logins.failed('a', 'K')
  clock.advance(901_000)
  logins.failed('a', 'K')
  assert.equal(logins.isBlocked('a', 'K'), false)
})

test('a flood of names does not make an attacker forgotten', () => {
  const { logins } = failing(
    30_000,
    () => 'a',
    (i) => `${i}`,
  )
  assert.equal(logins.isBlocked('a', 'x'), true)
})
