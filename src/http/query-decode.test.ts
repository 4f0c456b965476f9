import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { SesError } from '../errors/fail.ts'
import type { Failure } from '../errors/catalogue.ts'
import { MODELS } from '../model/load.ts'
import { findOperation } from '../model/shapes.ts'
import { parseForm } from './form.ts'
import { queryReader } from './query-decode.ts'
import { validator } from './validate.ts'

function read(operation: string, ...forms: string[]): Record<string, unknown> {
  return queryReader(findOperation('v1', operation)!.input)(parseForm(...forms).root)
}

function refused(failure: Failure, text: string) {
  return (error: unknown) => {
    assert.ok(error instanceof SesError, String(error))
    assert.deepEqual([error.failure, error.text], [failure, text])
    return true
  }
}

describe('parameters of a v1 call', () => {
  test('names are paths, values are percent-encoded, a plus is a space', () => {
    const form =
      'Action=SendEmail&Source=Ann+%3Cann%40example.com%3E&Message.Subject.Data=%E2%82%AC+1%2B1&Message.Body.Text.Data='
    assert.deepEqual(read('SendEmail', form), {
      Source: 'Ann <ann@example.com>',
      Message: { Subject: { Data: '€ 1+1' }, Body: { Text: { Data: '' } } },
    })
  })

  test('they may stand in query string and body, and the later of two counts', () => {
    assert.deepEqual(read('SendCustomVerificationEmail', 'EmailAddress=a&TemplateName=x', 'TemplateName=y'), {
      EmailAddress: 'a',
      TemplateName: 'y',
    })
  })

  test('those that the operation does not know are passed over', () => {
    const form = 'Identity=a&Nonsense=1&__proto__.x=1&constructor=2&Identity.=3'
    assert.throws(() => read('DeleteIdentity', form), SesError)
    assert.deepEqual(
      read('DeleteIdentity', 'Identity=a&Nonsense=1&__proto__.Identity=1&constructor=2&X.member.0=1&&=&'),
      {
        Identity: 'a',
      },
    )
  })

  test('a required boolean that is not given is false', () => {
    assert.deepEqual(read('SetIdentityDkimEnabled', 'Identity=a'), { Identity: 'a', DkimEnabled: false })
    assert.deepEqual(read('UpdateAccountSendingEnabled', ''), {})
  })
})

function addresses(form: string): readonly string[] {
  const { Destination } = read('SendEmail', form) as { Destination: { ToAddresses: string[] } }
  return Destination.ToAddresses
}

function element(index: string, value: string): string {
  return `Destination.ToAddresses.member.${index}=${value}`
}

describe('lists of a v1 call', () => {
  test('elements are in the order of their numbers, which may come in any order and with gaps', () => {
    assert.deepEqual(
      addresses([element('10', 'c'), element('2', 'b'), element('1', 'a'), element('999999999', 'd')].join('&')),
      ['a', 'b', 'c', 'd'],
    )
  })

  test('a parameter without a value is the empty list', () => {
    assert.deepEqual(addresses('Destination.ToAddresses='), [])
    assert.deepEqual(addresses('Destination.ToAddresses.member='), [])
  })

  test('an index that is no number from 1 on is refused', () => {
    for (const index of ['0', '-1', 'x', '01', '1e3', '', '1000000000', '%31%00']) {
      assert.throws(() => addresses(element(index, 'a')), { failure: 'Serialization' }, index)
    }
    assert.throws(() => addresses(element('x', 'a')), refused('Serialization', "Invalid list index: 'x'"))
  })

  test('elements may be structures', () => {
    const form = 'Tags.member.2.Name=b&Tags.member.1.Value=1&Tags.member.1.Name=a&Tags.member.2.Value=2'
    assert.deepEqual(read('SendEmail', form), {
      Tags: [
        { Name: 'a', Value: '1' },
        { Name: 'b', Value: '2' },
      ],
    })
  })
})

describe('the wrong form of a v1 parameter', () => {
  const cases: readonly [operation: string, form: string, message: string][] = [
    ['SendEmail', 'Source.member.1=a', 'Start of list found where not expected'],
    ['SendEmail', 'Source.Name=a', 'Start of structure or map found where not expected.'],
    ['SendEmail', 'Destination=a', 'Unexpected complex element termination'],
    ['SendEmail', 'ReplyToAddresses=a', 'Unexpected list element termination'],
    ['SendEmail', 'ReplyToAddresses.member=a', 'Unexpected list element termination'],
    ['SendEmail', 'ReplyToAddresses.1=a', 'Top level element may not be treated as a list'],
    ['SendEmail', 'ReplyToAddresses.Name=a', 'Start of structure or map found where not expected.'],
    ['SendRawEmail', 'RawMessage.Data=YW', 'Base64 encoded length is expected a multiple of 4 bytes but found: 2'],
    ['SendRawEmail', 'RawMessage.Data=YW J', "Invalid Base64 character: ' '"],
    ['SetIdentityDkimEnabled', 'DkimEnabled=perhaps', 'STRING_VALUE can not be converted to an Boolean'],
    ['ListIdentities', 'MaxItems=many', 'STRING_VALUE can not be converted to an Integer'],
    ['ListIdentities', 'MaxItems=', 'STRING_VALUE can not be converted to an Integer'],
    ['ListIdentities', 'MaxItems=1e3', 'STRING_VALUE can not be converted to an Integer'],
    ['SendBounce', 'MessageDsn.ArrivalDate=soon', 'STRING_VALUE can not be converted to milliseconds since epoch'],
  ]
  for (const [operation, form, message] of cases) {
    test(form, () => {
      assert.throws(() => read(operation, form), refused('Serialization', message))
    })
  }

  test('bytes that are no UTF-8, names too long or deep, and too many parameters are a malformed query string', () => {
    const bad = [
      'Source=%ff',
      'Source=%E2%82',
      'Source=%zz',
      'Source=%',
      `${'a'.repeat(513)}=1`,
      `a${'.a'.repeat(16)}=1`,
    ]
    for (const form of [...bad, 'a=1&'.repeat(20_001)]) {
      assert.throws(() => parseForm(form), { failure: 'MalformedQueryString' }, form.slice(0, 30))
    }
  })
})

describe('whatever form is sent', () => {
  test('it comes to an input or a failure of the catalogue, for every operation', () => {
    const codecs = Object.keys(MODELS.v1.operations).map((name) => {
      const { input } = findOperation('v1', name)!
      return { read: queryReader(input), validate: validator(input), names: input.members.map((member) => member.name) }
    })
    const part = fc.oneof(
      fc.constantFrom('member', '1', '2', '0', 'Data', 'Name', 'Body', '__proto__', ''),
      fc.string({ maxLength: 3 }),
    )
    const property = fc.property(
      fc.nat(codecs.length - 1),
      fc.array(fc.tuple(fc.nat(20), fc.array(part, { maxLength: 5 }), fc.string())),
      (index, pairs) => {
        const { read: reader, validate, names } = codecs[index]!
        const form = pairs
          .map(([at, path, value]) => `${[names[at % (names.length || 1)] ?? 'x', ...path].join('.')}=${value}`)
          .join('&')
        try {
          validate(reader(parseForm(form).root))
        } catch (error) {
          assert.ok(error instanceof SesError, String(error))
        }
      },
    )
    fc.assert(property, { numRuns: 1000 })
  })
})
