import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { replyLine, type Reply } from '../message/outcome.ts'
import { ReplyReader } from './replies.ts'

function read(text: string, cuts: readonly number[] = []): { replies: Reply[]; fault: string | undefined } {
  const octets = Buffer.from(text, 'latin1')
  const reader = new ReplyReader()
  const replies: Reply[] = []
  const places = [0, ...cuts.map((cut) => cut % (octets.length + 1)).toSorted((a, b) => a - b), octets.length]
  for (const [index, place] of places.slice(0, -1).entries()) {
    const fault = reader.push(octets.subarray(place, places[index + 1]), (reply) => replies.push(reply))
    if (fault !== undefined) return { replies, fault }
  }
  return { replies, fault: undefined }
}

const GMAIL = [
  '550-5.1.1 The email account that you tried to reach does not exist. Please try',
  '550 5.1.1  https://support.example/?p=NoSuchUser - gsmtp',
]

describe('replies', () => {
  test('have a code, an enhanced code and a text', () => {
    assert.deepEqual(read('250 2.1.0 Ok\r\n').replies, [
      { code: 250, enhanced: '2.1.0', text: 'Ok', lines: ['250 2.1.0 Ok'] },
    ])
    assert.deepEqual(read('354\r\n').replies, [{ code: 354, enhanced: null, text: '', lines: ['354'] }])
    assert.equal(read('550\t5.01.001\r\n').replies[0]?.enhanced, '5.1.1')
  })

  test('of several lines are kept as they were said', () => {
    const [reply] = read(`${GMAIL.join('\r\n')}\r\n`).replies
    assert.equal(reply?.code, 550)
    assert.equal(reply?.enhanced, '5.1.1')
    assert.equal(reply && replyLine(reply), GMAIL.join('\n'))
  })

  test('do not take for an enhanced code what is of another class, or no code', () => {
    assert.equal(read('250 5.1.1 odd\r\n').replies[0]?.enhanced, null)
    assert.equal(read('550 5.1.1234 odd\r\n').replies[0]?.enhanced, null)
    assert.equal(read('550 5.1.1x odd\r\n').replies[0]?.enhanced, null)
  })

  test('may end with a lone LF, and lose what cannot be printed', () => {
    const { replies } = read('220 a\n250-b\n250 c\x1b[31m\0d\n')
    assert.deepEqual(
      replies.map(({ text }) => text),
      ['a', 'b\nc?[31m?d'],
    )
  })

  for (const [name, text, fault] of [
    ['something else', 'HTTP/1.1 400 Bad Request\r\n', 'not-a-reply'],
    ['a code that is none', '199 x\r\n', 'not-a-reply'],
    ['text after the code without a space', '250OK\r\n', 'not-a-reply'],
    ['a line without end', `220 ${'x'.repeat(5000)}`, 'long-line'],
    ['a long line with an end', `220 ${'x'.repeat(5000)}\r\n`, 'long-line'],
    ['lines without end', '220-x\r\n'.repeat(101), 'long-reply'],
    ['many octets', `220-${'x'.repeat(4000)}\r\n`.repeat(9), 'long-reply'],
  ] as const) {
    test(`are not ${name}`, () => assert.equal(read(text).fault, fault))
  }

  test('do not depend on how they were cut', () => {
    const line = fc.constantFrom('250 Ok\r\n', '250-a\r\n', '550 5.1.1 no\n', 'x\r\n', '\r\n', '354\r\n')
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 6 }), (lines, cuts) => {
        assert.deepEqual(read(lines.join(''), cuts), read(lines.join('')))
      }),
    )
  })
})
