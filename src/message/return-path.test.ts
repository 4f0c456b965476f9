import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { makeReturnPath, messageIdIn, readReturnPath } from './return-path.ts'
import type { ReturnPathKey } from './return-path.ts'

const OLD: ReturnPathKey = { id: 0, secret: Buffer.alloc(32, 1) }
const NEW: ReturnPathKey = { id: 31, secret: createSecretKey(Buffer.alloc(32, 2)) }
const MESSAGE_ID = '0106019fa38f2b53-77f218b1-3b60-4ae1-bdc9-a3256a0b302c-000000'

const messageIds = fc
  .tuple(fc.stringMatching(/^[0-9a-f]{16}$/), fc.uuid())
  .map(([head, uuid]) => `${head}-${uuid}-000000`)
const targets = fc.record(
  { messageId: messageIds, recipient: fc.nat(32_767), isShared: fc.boolean() },
  { noNullPrototype: true },
)

describe('a return path', () => {
  test('says for whom it was made, in any case, as long as its key is known', () => {
    fc.assert(
      fc.property(targets, fc.constantFrom(OLD, NEW), fc.boolean(), (target, key, isUpper) => {
        const made = makeReturnPath(target, key)
        assert.match(made, /^[a-z2-7]{59}$/)
        assert.deepEqual(readReturnPath(isUpper ? made.toUpperCase() : made, [NEW, OLD]), target)
        assert.equal(readReturnPath(made, key === OLD ? [NEW] : [OLD]), null)
      }),
    )
  })

  test('is always the same text for the same message and recipient', () => {
    const made = makeReturnPath({ messageId: MESSAGE_ID, recipient: 7, isShared: false }, OLD)
    // Made by hand, in another language.
    assert.equal(made, 'aaedadh5dr4vvg57sdcytwyck4g64tizfniftalaaa45gw4yaowwrti5cpa')
  })

  test('with any other character in any place is nobody’s', () => {
    fc.assert(
      fc.property(
        targets,
        fc.nat(58),
        fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz234567018-+=@ÿ'),
        (target, at, c) => {
          const made = makeReturnPath(target, OLD)
          if (made[at] === c) return
          assert.equal(readReturnPath(made.slice(0, at) + c + made.slice(at + 1), [OLD, NEW]), null)
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('is not made by who has the key under another id', () => {
    const made = makeReturnPath({ messageId: MESSAGE_ID, recipient: 0, isShared: false }, { ...OLD, id: 5 })
    assert.equal(readReturnPath(`a${made.slice(1)}`, [OLD]), null)
  })

  test('is never read from anything else', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary', minLength: 59, maxLength: 59 })), (text) => {
        assert.equal(readReturnPath(text, [OLD, NEW]), null)
      }),
    )
  })

  test('is not made of what is no message of ours', () => {
    for (const messageId of ['', 'x', MESSAGE_ID.toUpperCase(), MESSAGE_ID.replace('000000', '000001')]) {
      assert.throws(() => makeReturnPath({ messageId, recipient: 0, isShared: false }, OLD), RangeError)
    }
    assert.throws(() => makeReturnPath({ messageId: MESSAGE_ID, recipient: 32_768, isShared: false }, OLD), RangeError)
    assert.throws(
      () => makeReturnPath({ messageId: MESSAGE_ID, recipient: 0, isShared: false }, { ...OLD, id: 32 }),
      RangeError,
    )
  })
})

test('a Message-ID header of ours has the MessageId in it', () => {
  assert.equal(messageIdIn(`<${MESSAGE_ID}@email.amazonses.com>`), MESSAGE_ID)
  assert.equal(messageIdIn(` ${MESSAGE_ID.toUpperCase()}@mail.example `), MESSAGE_ID)
  for (const other of ['', '<x@y>', `<x${MESSAGE_ID}@y>`]) assert.equal(messageIdIn(other), null)
})
