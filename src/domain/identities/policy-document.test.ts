import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { withoutWhitespace } from './policy-document.ts'

test('whitespace goes, but for that within texts', () => {
  assert.equal(withoutWhitespace('{\r\n\t"a b" : [ 1 , "c \\" d" , "\\\\" ] }'), '{"a b":[1,"c \\" d","\\\\"]}')
})

test('JSON with any indentation comes out as without', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(0, 1, 4, '\t', ' \t '), (value, indent) => {
      assert.equal(withoutWhitespace(JSON.stringify(value, null, indent)), JSON.stringify(value))
    }),
  )
})
