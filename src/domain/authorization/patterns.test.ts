import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { fillIn, matchesPattern } from './patterns.ts'

const NOTHING = () => undefined
const ANN = (name: string) => (name === 'aws:username' ? 'ann' : undefined)

test('a pattern without wildcards matches itself and nothing else', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (pattern, text) => {
      fc.pre(!/[*?$]/.test(pattern))
      assert.equal(matchesPattern(pattern, pattern, NOTHING), true)
      assert.equal(matchesPattern(pattern, text, NOTHING), pattern === text)
    }),
    { numRuns: 200 },
  )
})

test('wildcards match as the same regular expression does', () => {
  const piece = fc.constantFrom('a', 'b', '*', '?')
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 8 }),
      fc.array(fc.constantFrom('a', 'b'), { maxLength: 8 }),
      (pattern, text) => {
        const expression = new RegExp(`^${pattern.join('').replaceAll('?', '.').replaceAll('*', '.*')}$`)
        assert.equal(matchesPattern(pattern.join(''), text.join(''), NOTHING), expression.test(text.join('')))
      },
    ),
    { numRuns: 500 },
  )
})

test('escaped wildcards are characters', () => {
  assert.equal(matchesPattern('a${*}b', 'a*b', NOTHING), true)
  assert.equal(matchesPattern('a${*}b', 'axb', NOTHING), false)
  assert.equal(matchesPattern('${?}${$}', '?$', NOTHING), true)
})

test('a variable is filled in, and one that is not closed is text', () => {
  assert.equal(fillIn('home/${aws:username}/*', ANN), 'home/ann/*')
  assert.equal(fillIn('${other}', ANN), undefined)
  assert.equal(fillIn('${aws:username', ANN), '${aws:username')
})

test('a pattern of many stars takes no exponential time', () => {
  assert.equal(matchesPattern('*a'.repeat(50), 'a'.repeat(49), NOTHING), false)
})
