import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Api } from '../model/load.ts'
import { findOperation } from '../model/shapes.ts'
import { validator } from './validate.ts'

function check(api: Api, operation: string, input: unknown): void {
  validator(findOperation(api, operation)!.input)(input)
}

function errors(...violations: readonly (readonly [path: string, phrase: string])[]) {
  const lead =
    violations.length === 1 ? '1 validation error detected: ' : `${violations.length} validation errors detected: `
  const text =
    lead + violations.map(([path, phrase]) => `Value at '${path}' failed to satisfy constraint: ${phrase}`).join('; ')
  return { failure: 'Validation', text }
}

const NOT_NULL = 'Member must not be null'
const BODY = { Text: { Data: 'x' } }

const seconds = (value: number) => () =>
  check('v2', 'PutConfigurationSetDeliveryOptions', { ConfigurationSetName: 'x', MaxDeliverySeconds: value })
const send = (Name: string, Value: string) => () =>
  check('v2', 'SendEmail', {
    Content: { Simple: { Subject: { Data: '' }, Body: BODY, Headers: [{ Name, Value }] } },
  })
const job = (S3Url: string) => () =>
  check('v2', 'CreateImportJob', { ImportDestination: {}, ImportDataSource: { S3Url, DataFormat: 'CSV' } })

describe('constraints', () => {
  test('required members that are missing are named by their path, all in one message', () => {
    assert.throws(
      () => check('v1', 'SendEmail', {}),
      errors(['source', NOT_NULL], ['destination', NOT_NULL], ['message', NOT_NULL]),
    )
    assert.throws(() => check('v2', 'SendEmail', {}), errors(['content', NOT_NULL]))
    assert.throws(
      () =>
        check('v2', 'SendEmail', {
          Content: { Simple: { Subject: {}, Body: BODY, Headers: [{ Name: 'a', Value: 'b' }, {}] } },
        }),
      errors(
        ['content.simple.subject.data', NOT_NULL],
        ['content.simple.headers.2.member.name', NOT_NULL],
        ['content.simple.headers.2.member.value', NOT_NULL],
      ),
    )
    const attachment = {
      Content: { Simple: { Subject: { Data: '' }, Body: BODY, Attachments: [{ RawContent: Buffer.alloc(0) }] } },
    }
    assert.throws(
      () => check('v2', 'SendEmail', attachment),
      errors(['content.simple.attachments.1.member.fileName', NOT_NULL]),
    )
  })

  test('enums list their values', () => {
    const delivery = { ConfigurationSetName: 'x', DeliveryOptions: { TlsPolicy: 'Never' } }
    assert.throws(
      () => check('v1', 'PutConfigurationSetDeliveryOptions', delivery),
      errors(['deliveryOptions.tlsPolicy', 'Member must satisfy enum value set: [Optional, Require]']),
    )
    assert.throws(
      () => check('v1', 'SetIdentityMailFromDomain', { Identity: 'x', BehaviorOnMXFailure: '' }),
      errors(['behaviorOnMXFailure', 'Member must satisfy enum value set: [RejectMessage, UseDefaultValue]']),
    )
    assert.throws(
      () => check('v2', 'PutSuppressedDestination', { EmailAddress: 'x', Reason: 'NOPE' }),
      errors(['reason', 'Member must satisfy enum value set: [BOUNCE, COMPLAINT]']),
    )
  })

  test('an element of a list is reported at the list, once', () => {
    assert.throws(
      () =>
        check('v2', 'CreateConfigurationSet', {
          ConfigurationSetName: 'x',
          SuppressionOptions: { SuppressedReasons: ['A', 'B'] },
        }),
      errors([
        'suppressionOptions.suppressedReasons',
        'Member must satisfy constraint: [Member must satisfy enum value set: [BOUNCE, COMPLAINT]]',
      ]),
    )
  })

  test('a null in a list is reported at its place', () => {
    assert.throws(
      () => check('v2', 'SendEmail', { Content: {}, ReplyToAddresses: ['a', null] }),
      errors(['replyToAddresses.2.member', NOT_NULL]),
    )
  })

  test('lengths, ranges and patterns', () => {
    assert.throws(seconds(299), errors(['maxDeliverySeconds', 'Member must have value greater than or equal to 300']))
    assert.throws(seconds(50401), errors(['maxDeliverySeconds', 'Member must have value less than or equal to 50400']))
    assert.doesNotThrow(seconds(300))
    assert.throws(
      () => check('v2', 'CreateTenant', { TenantName: '' }),
      errors(['tenantName', 'Member must have length greater than or equal to 1']),
    )
    assert.throws(
      () => check('v1', 'PutIdentityPolicy', { Identity: 'x', PolicyName: 'p'.repeat(65), Policy: '{}' }),
      errors(['policyName', 'Member must have length less than or equal to 64']),
    )
    assert.throws(
      () => check('v1', 'CreateReceiptRuleSet', { RuleSetName: 'a b' }),
      errors(['ruleSetName', 'Member must satisfy regular expression pattern: ^[a-zA-Z0-9_.-]+$']),
    )
  })

  test('a list may be too long, and a map have bad keys and values', () => {
    const headers = Array.from({ length: 16 }, () => ({ Name: 'X-A', Value: 'b' }))
    assert.throws(
      () => check('v2', 'SendEmail', { Content: { Simple: { Subject: { Data: '' }, Body: BODY, Headers: headers } } }),
      errors(['content.simple.headers', 'Member must have length less than or equal to 15']),
    )
    assert.throws(
      () => check('v2', 'ListRecommendations', { Filter: { NOPE: '' } }),
      errors(
        [
          'filter',
          'Map keys must satisfy constraint: [Member must satisfy enum value set: [IMPACT, RESOURCE_ARN, STATUS, TYPE]]',
        ],
        ['filter', 'Map value must satisfy constraint: [Member must have length greater than or equal to 1]'],
      ),
    )
  })

  test('a header cannot smuggle in another, but a blank name is left for words of its own', () => {
    assert.throws(
      send('X-A', 'b\r\nBcc: c@example.com'),
      errors(['content.simple.headers.1.member.value', 'Member must satisfy regular expression pattern: [ -~]*']),
    )
    assert.throws(
      send('X-A:\r\nBcc', 'c'),
      errors([
        'content.simple.headers.1.member.name',
        'Member must satisfy regular expression pattern: ^[!-9;-@A-~]+$',
      ]),
    )
    assert.doesNotThrow(send(' ', 'c'))
  })

  test('no more than ten violations are listed', () => {
    const Headers = Array.from({ length: 100_000 }, () => ({}))
    assert.throws(
      () => check('v2', 'SendEmail', { Content: { Simple: { Subject: { Data: '' }, Body: BODY, Headers } } }),
      /^SesError: 10 validation errors detected: /,
    )
  })

  test('patterns take hostile text in no time', () => {
    assert.throws(job(`s3://b/${'/'.repeat(500_000)}`), /regular expression pattern: \^s3:/)
    assert.throws(job(`s3://b/${'a/'.repeat(500_000)}\n\n/`), /regular expression pattern/)
    assert.doesNotThrow(job('s3://bucket/path/key.csv'))
    const details = {
      MailType: 'MARKETING',
      WebsiteURL: 'x',
      AdditionalContactEmailAddresses: [`${'@'.repeat(1_000_000)}\n`],
    }
    assert.throws(() => check('v2', 'PutAccountDetails', details), /length less than or equal to 254/)
  })
})
