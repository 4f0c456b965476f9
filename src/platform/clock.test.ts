import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeClock } from '../../test/support/clock.ts'
import { movableClock, realClock } from './clock.ts'

test('a jump runs the timers that it made due, earliest first, and before it returns', () => {
  const clock = fakeClock()
  const seen: string[] = []
  clock.after(3000, () => seen.push('third'))
  clock.after(1000, () => seen.push('first'))
  clock.after(1000, () => seen.push('second, asked for later'))
  clock.after(5000, () => seen.push('not yet'))
  clock.advance(4000)
  assert.deepEqual(seen, ['first', 'second, asked for later', 'third'])
})

test('a timer set while a jump is running waits for its own time', () => {
  const clock = fakeClock()
  let runs = 0
  const again = () => {
    runs++
    clock.after(1000, again)
  }
  clock.after(1000, again)
  clock.advance(1000)
  clock.advance(999)
  assert.equal(runs, 1)
  clock.advance(1)
  assert.equal(runs, 2)
})

test('a timer that is called off does not run, whenever that happens', () => {
  const clock = fakeClock()
  const seen: string[] = []
  const cancelled = clock.after(10, () => seen.push('called off'))
  clock.after(5, () => {
    seen.push('runs')
    alsoCancelled()
  })
  const alsoCancelled = clock.after(20, () => seen.push('called off by another'))
  cancelled()
  cancelled()
  clock.advance(100)
  alsoCancelled()
  assert.deepEqual(seen, ['runs'])
})

test('a task that throws does not take the others with it', () => {
  const clock = fakeClock()
  let ran = false
  clock.after(1, () => {
    throw new Error('a bug')
  })
  clock.after(2, () => {
    ran = true
  })
  assert.throws(() => clock.advance(10), /a bug/)
  clock.advance(0)
  assert.equal(ran, true)
})

test('going back to real time leaves each timer the time it had left', () => {
  const clock = fakeClock(1_000_000)
  clock.advance(86_400_000)
  let ran = false
  clock.after(500, () => {
    ran = true
  })
  clock.reset()
  assert.equal(clock.now(), 1_000_000)
  assert.equal(clock.offsetMs, 0)
  clock.advance(499)
  assert.equal(ran, false)
  clock.advance(1)
  assert.equal(ran, true)
})

test('a clock does not go back by advancing', () => {
  const clock = fakeClock()
  for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY]) assert.throws(() => clock.advance(ms), RangeError)
})

test('the real clock runs a short timer, and does not run at once one that is further off than 2^31 ms', async () => {
  const clock = movableClock(realClock())
  let early = false
  const callOff = clock.after(2 ** 31 + 1000, () => {
    early = true
  })
  const before = clock.now()
  // Its timers do not keep the process alive; this one does.
  const alive = setInterval(() => {}, 1000)
  await new Promise<void>((resolve) => clock.after(2, resolve))
  clearInterval(alive)
  assert.ok(clock.now() >= before + 2)
  assert.equal(early, false)
  clock.advance(2 ** 31 + 1000)
  assert.equal(early, true)
  callOff()
})
