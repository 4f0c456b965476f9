import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { SesError } from '../errors/fail.ts'
import { findOperation } from '../model/shapes.ts'
import { jsonReader, parseJson } from './json-decode.ts'
import { validator } from './validate.ts'

function read(operation: string, body: unknown): Record<string, unknown> {
  const { input } = findOperation('v2', operation)!
  return jsonReader(input)(parseJson(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))))
}

function refused(text: string | null) {
  return (error: unknown) => {
    assert.ok(error instanceof SesError, String(error))
    assert.equal(error.failure, 'Serialization')
    assert.equal(error.text, text)
    return true
  }
}

const LIST = 'Start of list found where not expected'
const STRUCTURE = 'Start of structure or map found where not expected.'

describe('what a v2 body may be', () => {
  test('nothing at all is an empty structure', () => {
    assert.deepEqual(read('UpdateContactList', ''), {})
  })

  test('what is no JSON is refused without a message', () => {
    for (const body of [' ', '\n', '{', 'not json', '{"a":1}x', "{'a':1}", '\ufeff{}']) {
      assert.throws(() => read('SendEmail', body), refused(null), body)
    }
    assert.throws(() => parseJson(Buffer.from([0x22, 0xff, 0x22])), refused(null))
  })

  test('it is a structure', () => {
    assert.throws(() => read('SendEmail', '"text"'), refused('Expected null'))
    assert.throws(() => read('SendEmail', '7'), refused('Expected null'))
    assert.throws(() => read('SendEmail', '[]'), refused(LIST))
  })

  test('members that the operation does not know are passed over, whatever they are called', () => {
    const body =
      '{"__proto__":{"Content":{}},"constructor":1,"toString":[],"FromEmailAddress":"a@example.com","content":{}}'
    assert.deepEqual(read('SendEmail', body), { FromEmailAddress: 'a@example.com' })
  })

  test('a member that is null is not there', () => {
    assert.deepEqual(read('SendEmail', { FromEmailAddress: null, Content: { Simple: null } }), { Content: {} })
  })

  test('the last of two members with one name counts', () => {
    assert.deepEqual(read('SendEmail', '{"FromEmailAddress":"a","FromEmailAddress":"b"}'), { FromEmailAddress: 'b' })
  })
})

describe('the wrong type in a v2 body', () => {
  const cases: readonly [operation: string, body: unknown, message: string | null][] = [
    ['SendEmail', { FromEmailAddress: 7 }, 'NUMBER_VALUE can not be converted to a String'],
    ['SendEmail', { FromEmailAddress: 7.5 }, 'DECIMAL_VALUE can not be converted to a String'],
    ['SendEmail', { FromEmailAddress: true }, 'TRUE_VALUE can not be converted to a String'],
    ['SendEmail', { FromEmailAddress: false }, 'FALSE_VALUE can not be converted to a String'],
    ['SendEmail', { FromEmailAddress: ['a'] }, LIST],
    ['SendEmail', { FromEmailAddress: {} }, STRUCTURE],
    ['SendEmail', { ReplyToAddresses: 'a@example.com' }, 'Expected list or null'],
    ['SendEmail', { ReplyToAddresses: 7 }, 'Expected list or null'],
    ['SendEmail', { ReplyToAddresses: {} }, STRUCTURE],
    ['SendEmail', { ReplyToAddresses: [7] }, 'NUMBER_VALUE can not be converted to a String'],
    ['SendEmail', { Destination: 'a' }, 'Expected null'],
    ['SendEmail', { Destination: true }, 'Expected null'],
    ['SendEmail', { Destination: [] }, LIST],
    ['SendEmail', { Content: { Raw: { Data: 7 } } }, 'NUMBER_VALUE can not be converted to a Blob'],
    [
      'SendEmail',
      { Content: { Raw: { Data: 'YWI' } } },
      'Base64 encoded length is expected a multiple of 4 bytes but found: 3',
    ],
    ['PutAccountSendingAttributes', { SendingEnabled: 1 }, 'NUMBER_VALUE can not be converted to a Boolean'],
    ['PutAccountSendingAttributes', { SendingEnabled: 'maybe' }, 'STRING_VALUE can not be converted to an Boolean'],
    ['PutAccountSendingAttributes', { SendingEnabled: [] }, LIST],
    ['PutAccountSendingAttributes', { SendingEnabled: {} }, STRUCTURE],
    ['PutAccountSendingAttributes', { SendingEnabled: null }, null],
    ['ListContacts', { PageSize: '7' }, 'STRING_VALUE can not be converted to an Integer'],
    ['ListContacts', { PageSize: 7.5 }, 'DECIMAL_VALUE can not be converted to an Integer'],
    ['ListContacts', { PageSize: true }, 'TRUE_VALUE can not be converted to an Integer'],
    ['PutConfigurationSetDeliveryOptions', { MaxDeliverySeconds: '7' }, 'STRING_VALUE can not be converted to a Long'],
    [
      'BatchGetMetricData',
      { Queries: [{ StartDate: '2026-01-01' }] },
      'STRING_VALUE can not be converted to milliseconds since epoch',
    ],
    ['BatchGetMetricData', { Queries: [{ StartDate: 1e300 }] }, null],
    ['BatchGetMetricData', { Queries: [{ Dimensions: 'x' }] }, 'Expected map or null'],
    ['BatchGetMetricData', { Queries: [{ Dimensions: [] }] }, LIST],
  ]
  for (const [operation, body, message] of cases) {
    test(`${operation} ${JSON.stringify(body)}`, () => {
      assert.throws(() => read(operation, body), refused(message))
    })
  }
})

describe('values of a v2 body', () => {
  test('booleans may be given as words', () => {
    for (const word of ['true', 'yes', 'y', 't', '1', 'TRUE']) {
      assert.deepEqual(read('PutAccountSendingAttributes', { SendingEnabled: word }), { SendingEnabled: true })
    }
    for (const word of ['false', 'no', 'n', 'f', '0', 'False']) {
      assert.deepEqual(read('PutAccountSendingAttributes', { SendingEnabled: word }), { SendingEnabled: false })
    }
  })

  test('the one boolean that may be null is then not there', () => {
    assert.deepEqual(read('PutAccountDetails', { ProductionAccessEnabled: null }), {})
  })

  test('a required boolean that is not given is false', () => {
    assert.deepEqual(read('PutDeliverabilityDashboardOption', {}), { DashboardEnabled: false })
  })

  test('timestamps are epoch seconds with a fraction', () => {
    const input = read('BatchGetMetricData', { Queries: [{ StartDate: 1768478400.123, EndDate: 0 }] })
    assert.deepEqual(input, { Queries: [{ StartDate: new Date(1768478400123), EndDate: new Date(0) }] })
  })

  test('a map may have any key', () => {
    const { Queries } = read('BatchGetMetricData', '{"Queries":[{"Dimensions":{"__proto__":"x","ISP":"y"}}]}')
    assert.ok(Array.isArray(Queries))
    const { Dimensions } = Queries[0] as { Dimensions: Record<string, string> }
    assert.deepEqual(Object.entries(Dimensions), [
      ['__proto__', 'x'],
      ['ISP', 'y'],
    ])
    assert.equal(Object.getPrototypeOf(Dimensions), Object.prototype)
  })
})

function padded(body: string): string {
  return body + ' '.repeat(40_000)
}

describe('limits of a v2 body', () => {
  test('one that is too deep is refused before it is built', () => {
    assert.throws(() => parseJson(Buffer.from(padded('['.repeat(65) + ']'.repeat(65)))), refused(null))
    assert.doesNotThrow(() => parseJson(Buffer.from(padded('['.repeat(64) + ']'.repeat(64)))))
  })

  test('one of too many elements is refused before it is built', () => {
    assert.throws(() => parseJson(Buffer.from(`[${'1,'.repeat(1_000_001)}1]`)), refused(null))
  })

  test('what stands in strings does not count', () => {
    const text = '[{,"\\'.repeat(300_000)
    assert.equal(parseJson(Buffer.from(JSON.stringify(text))), text)
  })
})

describe('whatever is sent', () => {
  const { input } = findOperation('v2', 'SendEmail')!
  const reader = jsonReader(input)
  const validate = validator(input)
  const check = (body: Buffer) => {
    try {
      validate(reader(parseJson(body)))
    } catch (error) {
      assert.ok(error instanceof SesError, String(error))
    }
  }

  test('bytes come to an input or a failure of the catalogue', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => check(Buffer.from(bytes))))
  })

  test('any JSON at the places of members comes to an input or a failure of the catalogue', () => {
    const tree = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        fc.jsonValue({ maxDepth: 1 }),
        tie('object'),
        fc.array(tie('value'), { maxLength: 3 }),
      ),
      object: fc.dictionary(fc.constantFrom(...memberNames(input)), tie('value'), { maxKeys: 6 }),
    }))
    fc.assert(
      fc.property(tree.value, (value) => check(Buffer.from(JSON.stringify(value)))),
      { numRuns: 500 },
    )
  })
})

function memberNames({ members }: { readonly members: readonly { readonly name: string }[] }): string[] {
  const nested = [
    'Content',
    'Simple',
    'Subject',
    'Body',
    'Text',
    'Html',
    'Data',
    'Charset',
    'Raw',
    'Headers',
    'Name',
    'Value',
    'Attachments',
  ]
  return [...members.map(({ name }) => name), ...nested, 'RawContent', 'FileName', 'ToAddresses', '__proto__']
}
