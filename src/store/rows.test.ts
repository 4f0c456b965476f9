import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { bytes, flag, integer, json, nullable, oneOf, row, text } from './rows.ts'

describe('a row', () => {
  test('is decoded column by column, and holds nothing else', () => {
    const decode = row({
      name: text,
      count: integer,
      on: flag,
      raw: bytes,
      note: nullable(text),
      list: json<number[]>(),
    })
    const raw = new Uint8Array([1])
    const decoded = decode({ name: 'a', count: 2, on: 1, raw, note: null, list: '[1,2]', more: 'ignored' })
    assert.deepEqual(decoded, { name: 'a', count: 2, on: true, raw, note: null, list: [1, 2] })
  })

  test('with a value that the schema rules out is a bug that names the column', () => {
    const wrong: readonly [decode: (raw: Record<string, unknown>) => unknown, value: unknown][] = [
      [row({ column: text }), null],
      [row({ column: text }), 1],
      [row({ column: integer }), 1n],
      [row({ column: integer }), '1'],
      [row({ column: flag }), 2],
      [row({ column: bytes }), 'text'],
      [row({ column: nullable(integer) }), undefined],
      [row({ column: oneOf(['to', 'cc']) }), 'bcc'],
    ]
    for (const [decode, value] of wrong) assert.throws(() => decode({ column: value }), /column column holds/)
  })
})
