import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeClock } from '../../test/support/clock.ts'
import { createLog } from './log.ts'

function recording(level: 'debug' | 'warn') {
  const lines: string[] = []
  return { lines, log: createLog(level, fakeClock(Date.UTC(2026, 0, 15)), (line) => lines.push(line)) }
}

test('an entry is one line with its time, level, message and fields', () => {
  const { lines, log } = recording('debug')
  log.info('listening', { address: '127.0.0.1:8005', count: 2, note: 'two words' })
  assert.deepEqual(lines, [
    '2026-01-15T00:00:00.000Z level=info msg=listening address=127.0.0.1:8005 count=2 note="two words"\n',
  ])
})

test('entries below the level are dropped', () => {
  const { lines, log } = recording('warn')
  log.debug('no')
  log.info('no')
  log.warn('yes')
  log.error('yes')
  assert.equal(lines.length, 2)
})

test('what a client sent cannot start a line, nor hide behind control characters', () => {
  const { lines, log } = recording('debug')
  log.info('a\r\nb', { 'k\ney': 'x\n2026 level=error msg=forged\u0085\u2028', 'a=b': '"' })
  assert.equal(lines.length, 1)
  assert.equal(lines[0]!.split(/[\r\n\u0085\u2028]/).length, 2)
  assert.match(lines[0]!, /k_ey="x\\n2026 level=error msg=forged\\u0085\\u2028" a_b="\\""\n$/)
})

test('secrets are not written', () => {
  const { lines, log } = recording('debug')
  log.info('key', { secretAccessKey: 'hush', smtpPassword: 'hush', Authorization: 'hush', sessionToken: 'hush' })
  assert.doesNotMatch(lines.join(''), /hush/)
})

test('an error is told with its stack and cause, on the one line', () => {
  const { lines, log } = recording('debug')
  log.error('bug', { error: new Error('outer', { cause: new Error('inner') }), many: 'x'.repeat(100_000) })
  assert.match(lines[0]!, /outer.*inner/)
  assert.equal(lines[0]!.split('\n').length, 2)
  assert.ok(lines[0]!.length < 20_000)
})
