import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { parseCommand, parsePathArgument } from './command.ts'

function read(argument: string) {
  const path = parsePathArgument(argument, 'FROM:')
  return path && [path.mailbox && path.mailbox.address, path.parameters && Object.fromEntries(path.parameters)]
}

test('a command is a verb, whatever its case, and the rest', () => {
  assert.deepEqual(parseCommand('mail FROM:<a@b.example>'), { verb: 'MAIL', argument: 'FROM:<a@b.example>' })
  assert.deepEqual(parseCommand('QUIT'), { verb: 'QUIT', argument: '' })
  assert.deepEqual(parseCommand('NOOP  x '), { verb: 'NOOP', argument: 'x' })
  assert.deepEqual(parseCommand(''), { verb: '', argument: '' })
})

describe('the argument of MAIL', () => {
  for (const [argument, expected] of [
    ['FROM:<a@b.example>', ['a@b.example', {}]],
    ['from: <a@b.example>', ['a@b.example', {}]],
    ['FROM: a@b.example', ['a@b.example', {}]],
    ['FROM:a@b.example SIZE=1', ['a@b.example', { SIZE: '1' }]],
    ['FROM:<>', [null, {}]],
    ['FROM:<"a>b"@c.example> BODY=8BITMIME size=10', ['"a>b"@c.example', { BODY: '8BITMIME', SIZE: '10' }]],
    ['FROM:<"a\\">b"@c.example>', ['"a\\">b"@c.example', {}]],
    ['FROM:<a@b.example>  X  Y=1', ['a@b.example', { X: null, Y: '1' }]],
    ['FROM:<a@b.example>SIZE=1', [undefined, { SIZE: '1' }]],
    ['FROM:<a@b.example> SIZE=', ['a@b.example', undefined]],
    ['FROM:<a@b.example> SIZE=1 SIZE=2', ['a@b.example', undefined]],
    ['FROM:<a@b.example> __proto__=1', ['a@b.example', undefined]],
    ['FROM:', [undefined, {}]],
    ['FROM:<a@b.example', [undefined, {}]],
    ['TO:<a@b.example>', undefined],
    ['', undefined],
  ] as const) {
    test(JSON.stringify(argument), () => assert.deepEqual(read(argument), expected))
  }

  test('may have few parameters, and is read in linear time', () => {
    assert.deepEqual(read(`FROM:<a@b.example>${' X=1'.repeat(400)}`), ['a@b.example', undefined])
    assert.deepEqual(read(`FROM:<"${'\\'.repeat(2000)}`), [undefined, {}])
  })

  test('never throws', () => {
    const text = fc.string({ unit: fc.constantFrom('<', '>', '"', '\\', '@', ' ', 'a', '.', '=', 'FROM:', 'SIZE') })
    fc.assert(fc.property(text, (argument) => void read(`FROM:${argument}`)))
  })
})
