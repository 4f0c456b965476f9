import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeTransfer, encodeBase64, encodeQuotedPrintable, isSevenBitSafe } from './transfer-encoding.ts'

const someOctets = fc.oneof(
  fc.uint8Array(),
  fc.string({ unit: fc.constantFrom(...'ab =\t\r\n.é'), maxLength: 300 }).map((text) => Buffer.from(text)),
)

test('Base64 and quoted-printable give back the same octets, in lines of at most 76 characters', () => {
  fc.assert(
    fc.property(someOctets, (octets) => {
      for (const [encoding, encoded] of [
        ['base64', encodeBase64(octets)],
        ['quoted-printable', encodeQuotedPrintable(octets, false)],
      ] as const) {
        assert.deepEqual(decodeTransfer(encoded, encoding), Buffer.from(octets))
        for (const line of encoded.toString('latin1').split('\r\n')) assert.match(line, /^[ -~\t]{0,76}(?<![ \t])$/)
      }
    }),
    { numRuns: 500 },
  )
})

test('In a text CRLF stays a line end', () => {
  assert.equal(
    encodeQuotedPrintable(Buffer.from('a \r\nb\t\r\n=é\r\n '), true).toString(),
    'a=20\r\nb=09\r\n=3D=C3=A9\r\n=20',
  )
  assert.equal(encodeQuotedPrintable(Buffer.from('a\rb\nc'), true).toString(), 'a=0Db=0Ac')
  const text = 'word '.repeat(100)
  assert.equal(decodeTransfer(encodeQuotedPrintable(Buffer.from(text), true), 'quoted-printable').toString(), text)
})

test('Decoding forgives what others write', () => {
  const decoded = (text: string) => decodeTransfer(Buffer.from(text), 'quoted-printable').toString('latin1')
  assert.equal(decoded('a=3db'), 'a=b')
  assert.equal(decoded('a=  \r\nb'), 'ab')
  assert.equal(decoded('a=\nb='), 'ab=')
  assert.equal(decoded('100=% =ZZ'), '100=% =ZZ')
  assert.equal(decodeTransfer(Buffer.from('aGVs\r\nbG8'), 'base64').toString(), 'hello')
  assert.equal(decodeTransfer(Buffer.from('as is'), '8bit').toString(), 'as is')
})

test('7bit is safe for ASCII in lines that end with CRLF', () => {
  const safe = (text: string) => isSevenBitSafe(Buffer.from(text))
  assert.ok(safe('') && safe('a\tb\r\nc') && safe(`${'x'.repeat(998)}\r\n`))
  for (const text of ['a\nb', 'a\rb', 'a\r', 'é', 'a\0', '\x7f', 'x'.repeat(999), `${'x'.repeat(999)}\r\n`])
    assert.ok(!safe(text))
})
