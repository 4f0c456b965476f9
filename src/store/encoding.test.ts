import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { LEAST_COMPRESSED_BYTES, decode, encode } from './encoding.ts'

describe('the encoding of stored octets', () => {
  test('gives back what it was given, whatever that was', async () => {
    const octets = fc
      .tuple(fc.uint8Array({ minLength: 1, maxLength: 64 }), fc.nat({ max: 3 * LEAST_COMPRESSED_BYTES }), fc.boolean())
      .map(([seed, size, isRandom]) => (isRandom ? randomBytes(size) : Buffer.alloc(size, seed)))
    await fc.assert(
      fc.asyncProperty(octets, async (given) => {
        const encoded = await encode(given)
        assert.ok(encoded.data.byteLength <= given.byteLength)
        assert.ok(given.equals(await decode(encoded)))
      }),
      { numRuns: 200 },
    )
  })

  test('compresses what is large and shrinks, and nothing else', async () => {
    const encodingOf = async (octets: Buffer) => (await encode(octets)).encoding
    assert.equal(await encodingOf(Buffer.alloc(LEAST_COMPRESSED_BYTES, 'sesame')), 'zstd')
    assert.equal(await encodingOf(Buffer.alloc(LEAST_COMPRESSED_BYTES - 1, 'sesame')), 'identity')
    assert.equal(await encodingOf(randomBytes(LEAST_COMPRESSED_BYTES)), 'identity')
    assert.equal(await encodingOf(Buffer.alloc(0)), 'identity')
  })

  test('notices damage', async () => {
    const { encoding, data } = await encode(Buffer.alloc(LEAST_COMPRESSED_BYTES, 'sesame'))
    await assert.rejects(decode({ encoding, data: data.subarray(0, data.byteLength / 2) }))
  })
})
