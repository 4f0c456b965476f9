import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkTags, merged, without } from './tag-rules.ts'

const tag = (key: string, value = '') => ({ key, value })
const many = (count: number, from = 0) => Array.from({ length: count }, (_, index) => tag(`key-${from + index}`))

test('tags may be up to the limits', () => {
  checkTags([tag('k'.repeat(128), 'v'.repeat(256)), ...many(49)])
})

test('tags past the limits, repeated or reserved are refused', () => {
  for (const bad of [
    [tag('')],
    [tag('k'.repeat(129))],
    [tag('k', 'v'.repeat(257))],
    many(51),
    [tag('a'), tag('a')],
    [tag('AWS:x')],
  ]) {
    assert.throws(() => checkTags(bad), { failure: 'InvalidParameterValue' })
  }
})

test('setting a tag replaces its value, and the limit counts what is there', () => {
  assert.deepEqual(merged([tag('a', '1'), tag('b')], [tag('a', '2'), tag('c')]), [tag('a', '2'), tag('b'), tag('c')])
  assert.throws(() => merged(many(50), many(1, 50)), { failure: 'InvalidParameterValue' })
})

test('removing takes what is there', () => {
  assert.deepEqual(without([tag('a'), tag('b')], ['b', 'x']), [tag('a')])
})
