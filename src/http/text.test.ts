/** The small pieces of the codecs: base64, scalars, doubles, XML text. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { SesError } from '../errors/fail.ts'
import { readBase64 } from './base64.ts'
import { javaDouble } from './java-double.ts'
import { readBoolean, readNumber, readTimestamp } from './scalars.ts'
import { errorDocument, escapeXml, successDocument } from './xml.ts'

describe('base64', () => {
  test('what was encoded is decoded', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        assert.deepEqual(readBase64(Buffer.from(bytes).toString('base64')), Buffer.from(bytes))
      }),
    )
  })

  test('anything else is refused, in the words of AWS', () => {
    const cases: readonly [text: string, message: string][] = [
      ['YWJ', 'Base64 encoded length is expected a multiple of 4 bytes but found: 3'],
      ['YW=J', "Invalid Base64 character: '='"],
      ['=+/=', "Invalid Base64 character: '='"],
      ['====', "Invalid Base64 character: '='"],
      ['YW-_', "Invalid Base64 character: '-'"],
      ['YW\r\n', "Invalid Base64 character: '\r'"],
      ['YWJjYW ', 'Base64 encoded length is expected a multiple of 4 bytes but found: 7'],
      ['YWé=', "Invalid Base64 character: 'é'"],
      ['+/+=', 'Invalid last non-pad Base64 character dectected'],
      ['YWJjYR==', 'Invalid last non-pad Base64 character dectected'],
    ]
    for (const [text, message] of cases)
      assert.throws(() => readBase64(text), { failure: 'Serialization', text: message }, text)
  })

  test('text of any kind is decoded to what encodes to it, or refused', () => {
    const texts = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('A', 'Q', 'g', 'w', '=', '/', '+', '-') }))
    fc.assert(
      fc.property(texts, (text) => {
        try {
          assert.equal(readBase64(text).toString('base64'), text)
        } catch (error) {
          assert.ok(error instanceof SesError, String(error))
        }
      }),
    )
  })
})

describe('scalars in text', () => {
  test('booleans are words, whatever their case', () => {
    assert.deepEqual(['true', 'YES', 'y', 'T', '1'].map(readBoolean), [true, true, true, true, true])
    assert.deepEqual(['false', 'No', 'n', 'f', '0'].map(readBoolean), [false, false, false, false, false])
    for (const text of ['', ' true', 'truee', 'on', '2']) assert.throws(() => readBoolean(text), SesError, text)
  })

  test('numbers', () => {
    assert.deepEqual([readNumber('7', 'Integer'), readNumber('-7', 'Long'), readNumber('7.5e1', 'Double')], [7, -7, 75])
    for (const text of ['', ' 7', '0x7', '7.5', 'NaN', 'Infinity', '1'.repeat(17)]) {
      assert.throws(() => readNumber(text, 'Integer'), SesError, text)
    }
    assert.throws(() => readNumber('1e999', 'Double'), SesError)
  })

  test('timestamps are ISO 8601 or epoch seconds', () => {
    const moment = new Date(Date.UTC(2026, 0, 31, 12, 0, 0, 250))
    for (const text of ['2026-01-31T12:00:00.250Z', '2026-01-31T13:00:00.25+01:00', '1769860800.25']) {
      assert.deepEqual(readTimestamp(text), moment, text)
    }
    assert.deepEqual(readTimestamp('2026-01-31'), new Date(Date.UTC(2026, 0, 31)))
    for (const text of ['', 'now', '2026-13-01', '2026-01-31T12:00:00', '1e300', '12:00']) {
      assert.throws(() => readTimestamp(text), SesError, text)
    }
  })
})

describe('doubles as Java prints them', () => {
  test('they have a fraction, and an exponent when they are large or small', () => {
    const cases: readonly [number, string][] = [
      [200, '200.0'],
      [-1, '-1.0'],
      [0, '0.0'],
      [0.5, '0.5'],
      [0.001, '0.001'],
      [9_999_999, '9999999.0'],
      [10_000_000, '1.0E7'],
      [1_790_312_384.592, '1.790312384592E9'],
      [0.0001, '1.0E-4'],
      [1.5e300, '1.5E300'],
    ]
    for (const [value, text] of cases) assert.equal(javaDouble(value), text)
  })

  test('any finite number is read back as itself', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        assert.equal(Number(javaDouble(value)) + 0, value + 0)
      }),
    )
    assert.throws(() => javaDouble(NaN), TypeError)
  })
})

describe('XML', () => {
  test('markup is escaped, a carriage return kept, and what XML cannot hold replaced', () => {
    assert.equal(escapeXml('Configuration set <x> & "y" `z\''), 'Configuration set &lt;x&gt; &amp; "y" `z\'')
    assert.equal(escapeXml('a\r\n\tb'), 'a&#13;\n\tb')
    assert.equal(escapeXml('a\u0000b\u0008\u000b\u001f\ufffe'), 'a\ufffdb\ufffd\ufffd\ufffd\ufffd')
    assert.equal(escapeXml('&lt;'), '&amp;lt;')
  })

  test('no text can end the element that it stands in', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        // eslint-disable-next-line no-control-regex
        assert.doesNotMatch(escapeXml(text), /[<>\r\u0000-\u0008\u000b\u000c\u000e-\u001f]|&(?!amp;|lt;|gt;|#13;)/)
      }),
    )
  })

  test('a failure with the members that belong to it', () => {
    const error = {
      status: 400,
      code: 'ConfigurationSetDoesNotExist',
      message: 'Configuration set <x> does not exist.',
    }
    assert.equal(
      errorDocument(error, { ConfigurationSetName: 'x' }, 'the-id'),
      `<ErrorResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/">
  <Error>
    <Type>Sender</Type>
    <Code>ConfigurationSetDoesNotExist</Code>
    <Message>Configuration set &lt;x&gt; does not exist.</Message>
    <ConfigurationSetName>x</ConfigurationSetName>
  </Error>
  <RequestId>the-id</RequestId>
</ErrorResponse>
`,
    )
    assert.match(errorDocument({ status: 500, code: 'InternalFailure', message: null }, {}, 'id'), /<Type>Receiver</)
  })

  test('a success without anything to tell', () => {
    assert.equal(
      successDocument('DeleteIdentity', '', 'the-id'),
      `<DeleteIdentityResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/">
  <DeleteIdentityResult/>
  <ResponseMetadata>
    <RequestId>the-id</RequestId>
  </ResponseMetadata>
</DeleteIdentityResponse>
`,
    )
  })
})
