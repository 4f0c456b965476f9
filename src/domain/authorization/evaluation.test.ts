import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { evaluate, type PolicyRequest, type Verdict } from './evaluation.ts'

const IDENTITY = 'arn:aws:ses:us-east-1:111122223333:identity/example.com'

function context(keys: Record<string, string | readonly string[]>) {
  return new Map(
    Object.entries(keys).map(([key, value]) => [key.toLowerCase(), typeof value === 'string' ? [value] : value]),
  )
}

function request(given: Partial<PolicyRequest> = {}): PolicyRequest {
  return {
    action: 'ses:SendEmail',
    resource: IDENTITY,
    context: context({}),
    principal: { account: '111122223333', arn: 'arn:aws:iam::111122223333:user/ann' },
    ...given,
  }
}

type Members = Record<string, unknown>

function document(...statements: readonly Members[]): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: statements.map((members) => {
      const effect = { Effect: 'Allow', ...members }
      return {
        ...('NotAction' in members ? {} : { Action: 'ses:*' }),
        ...('NotResource' in members ? {} : { Resource: '*' }),
        ...effect,
      }
    }),
  })
}

function verdict(statements: Members | readonly Members[], given: Partial<PolicyRequest> = {}): Verdict {
  const list: readonly Members[] = Array.isArray(statements) ? statements : [statements as Members]
  return evaluate([document(...list)], 'key', request(given))
}

describe('the actions and resources of a statement', () => {
  const rows: readonly (readonly [
    what: string,
    statement: Members,
    given: Partial<PolicyRequest>,
    expected: Verdict,
  ])[] = [
    ['an exact action', { Action: 'ses:SendEmail' }, {}, 'allow'],
    ['an action of another name', { Action: 'ses:SendRawEmail' }, {}, 'none'],
    ['an action in other letters', { Action: 'SES:sendemail' }, {}, 'allow'],
    ['an action with a star', { Action: 'ses:Send*' }, {}, 'allow'],
    ['an action with a question mark', { Action: 'ses:Send?mail' }, {}, 'allow'],
    ['every action', { Action: '*' }, {}, 'allow'],
    ['an action of another service', { Action: 's3:*' }, {}, 'none'],
    ['a list of actions', { Action: ['ses:SendRawEmail', 'ses:SendEmail'] }, {}, 'allow'],
    ['everything but this action', { NotAction: 'ses:SendEmail' }, {}, 'none'],
    ['everything but another action', { NotAction: 'ses:Get*' }, {}, 'allow'],
    ['the very resource', { Resource: IDENTITY }, {}, 'allow'],
    ['another resource', { Resource: `${IDENTITY}.org` }, {}, 'none'],
    ['resources with a star', { Resource: 'arn:aws:ses:*:111122223333:identity/*' }, {}, 'allow'],
    ['resources, whose letters count', { Resource: IDENTITY.toUpperCase() }, {}, 'none'],
    ['everything but this resource', { NotResource: IDENTITY }, {}, 'none'],
    ['everything but another resource', { NotResource: 'arn:aws:ses:*:*:template/*' }, {}, 'allow'],
    [
      'a resource with a variable',
      { Resource: 'arn:aws:ses:*:*:identity/${aws:username}.com' },
      { context: context({ 'aws:username': 'example' }) },
      'allow',
    ],
    [
      'a variable whose value has a star, which is no wildcard',
      { Resource: 'arn:aws:ses:*:*:identity/${aws:username}' },
      { context: context({ 'aws:username': '*' }) },
      'none',
    ],
    ['a variable without a value', { Resource: '${aws:nothing}*' }, {}, 'none'],
    ['no resource, as actions without one have', { Resource: '*' }, { resource: '*' }, 'allow'],
    ['one identity, for an action without a resource', { Resource: IDENTITY }, { resource: '*' }, 'none'],
    ['one identity, while the resource is not known', { Resource: IDENTITY }, { resource: undefined }, 'allow'],
  ]
  for (const [what, statement, given, expected] of rows) {
    test(`${what}: ${expected}`, () => assert.equal(verdict(statement, given), expected))
  }
})

describe('allow and deny', () => {
  test('a deny wins, in whatever order the statements stand', () => {
    assert.equal(verdict([{ Effect: 'Allow' }, { Effect: 'Deny' }]), 'deny')
    assert.equal(verdict([{ Effect: 'Deny' }, { Effect: 'Allow' }]), 'deny')
  })

  test('a deny of something else does not matter', () => {
    assert.equal(verdict([{ Effect: 'Allow' }, { Effect: 'Deny', Action: 'ses:DeleteIdentity' }]), 'allow')
  })

  test('a deny in one document wins over an allow in another', () => {
    assert.equal(evaluate([document({}), document({ Effect: 'Deny' })], 'key', request()), 'deny')
  })

  test('while the resource is not known, only a deny of all resources holds', () => {
    assert.equal(verdict([{}, { Effect: 'Deny', Resource: IDENTITY }], { resource: undefined }), 'allow')
    assert.equal(verdict([{}, { Effect: 'Deny' }], { resource: undefined }), 'deny')
  })

  test('a document that cannot be read allows nothing', () => {
    assert.equal(evaluate(['{'], 'key', request()), 'none')
    assert.equal(evaluate([], 'key', request()), 'none')
  })
})

describe('conditions', () => {
  const message = context({
    'ses:FromAddress': 'marketing@example.com',
    'ses:FromDisplayName': 'Marketing',
    'ses:Recipients': ['a@example.com', 'b@example.com'],
    'aws:SourceIp': '203.0.113.7',
    'aws:CurrentTime': '2026-01-15T12:00:00.000Z',
    'aws:EpochTime': '1768478400',
    'aws:SecureTransport': 'false',
    'aws:username': 'ann',
    'aws:PrincipalArn': 'arn:aws:iam::111122223333:user/ann',
  })
  const rows: readonly (readonly [condition: Members, expected: boolean])[] = [
    [{ StringEquals: { 'ses:FromAddress': 'marketing@example.com' } }, true],
    [{ StringEquals: { 'SES:fromaddress': 'marketing@example.com' } }, true],
    [{ StringEquals: { 'ses:FromAddress': 'Marketing@example.com' } }, false],
    [{ StringEquals: { 'ses:FromAddress': ['x@example.com', 'marketing@example.com'] } }, true],
    [{ StringEquals: { 'ses:FromAddress': '*' } }, false],
    [{ StringEquals: { 'ses:FeedbackAddress': 'x' } }, false],
    [{ StringEqualsIfExists: { 'ses:FeedbackAddress': 'x' } }, true],
    [{ StringEqualsIfExists: { 'ses:FromAddress': 'x' } }, false],
    [{ StringNotEquals: { 'ses:FromAddress': ['x', 'marketing@example.com'] } }, false],
    [{ StringNotEquals: { 'ses:FeedbackAddress': 'x' } }, true],
    [{ StringEqualsIgnoreCase: { 'ses:FromAddress': 'MARKETING@EXAMPLE.COM' } }, true],
    [{ StringNotEqualsIgnoreCase: { 'ses:FromAddress': 'MARKETING@EXAMPLE.COM' } }, false],
    [{ StringLike: { 'ses:FromAddress': 'market*@example.com' } }, true],
    [{ StringLike: { 'ses:FromAddress': 'market???@example.com' } }, true],
    [{ StringLike: { 'ses:FromAddress': 'market????@example.com' } }, false],
    [{ StringNotLike: { 'ses:FromAddress': '*admin*example.com' } }, true],
    [{ StringLike: { 'ses:FromAddress': '*admin*example.com' } }, false],
    [{ StringEquals: { 'aws:username': '${aws:username}' } }, true],
    [{ StringLike: { 'ses:FromAddress': '${aws:username}*' } }, false],
    [{ 'ForAllValues:StringLike': { 'ses:Recipients': '*@example.com' } }, true],
    [{ 'ForAllValues:StringLike': { 'ses:Recipients': 'a@*' } }, false],
    [{ 'ForAllValues:StringLike': { 'ses:Nothing': 'a@*' } }, true],
    [{ 'ForAnyValue:StringLike': { 'ses:Recipients': 'a@*' } }, true],
    [{ 'ForAnyValue:StringEquals': { 'ses:Recipients': 'c@example.com' } }, false],
    [{ 'ForAnyValue:StringEquals': { 'ses:Nothing': 'c@example.com' } }, false],
    [{ 'ForAnyValue:StringNotLike': { 'ses:Recipients': 'a@*' } }, true],
    [{ 'ForAllValues:StringNotLike': { 'ses:Recipients': 'a@*' } }, false],
    [{ StringLike: { 'ses:Recipients': 'a@*' } }, true],
    [{ StringNotLike: { 'ses:Recipients': 'a@*' } }, false],
    [{ Bool: { 'aws:SecureTransport': 'false' } }, true],
    [{ Bool: { 'aws:SecureTransport': true } }, false],
    [{ Null: { 'ses:FeedbackAddress': 'true' } }, true],
    [{ Null: { 'ses:FromAddress': 'true' } }, false],
    [{ Null: { 'ses:FromAddress': false } }, true],
    [{ NumericEquals: { 'aws:EpochTime': '1768478400.0' } }, true],
    [{ NumericNotEquals: { 'aws:EpochTime': 1768478400 } }, false],
    [{ NumericLessThan: { 'aws:EpochTime': '1768478401' } }, true],
    [{ NumericLessThanEquals: { 'aws:EpochTime': '1768478400' } }, true],
    [{ NumericGreaterThan: { 'aws:EpochTime': '1768478400' } }, false],
    [{ NumericGreaterThanEquals: { 'aws:EpochTime': '1768478400' } }, true],
    [{ NumericGreaterThan: { 'ses:FromAddress': '1' } }, false],
    [{ DateGreaterThan: { 'aws:CurrentTime': '2026-01-15T11:59Z' } }, true],
    [{ DateLessThan: { 'aws:CurrentTime': '2026-01-15T11:59Z' } }, false],
    [{ DateLessThanEquals: { 'aws:CurrentTime': '2026-01-15T13:00:00+01:00' } }, true],
    [{ DateEquals: { 'aws:CurrentTime': '2026-01-15T12:00:00' } }, true],
    [{ DateNotEquals: { 'aws:CurrentTime': '2026-01-15' } }, true],
    [{ DateGreaterThanEquals: { 'aws:EpochTime': '2026-01-15T12:00:00Z' } }, true],
    [{ DateLessThan: { 'aws:CurrentTime': '1768478401' } }, true],
    [{ DateLessThan: { 'aws:CurrentTime': 'tomorrow' } }, false],
    [{ IpAddress: { 'aws:SourceIp': '203.0.113.0/24' } }, true],
    [{ IpAddress: { 'aws:SourceIp': ['198.51.100.0/24', '203.0.113.7'] } }, true],
    [{ IpAddress: { 'aws:SourceIp': '203.0.114.0/24' } }, false],
    [{ NotIpAddress: { 'aws:SourceIp': '203.0.113.0/24' } }, false],
    [{ IpAddress: { 'aws:SourceIp': 'anything' } }, false],
    [{ ArnLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:user/a??' } }, true],
    [{ ArnEquals: { 'aws:PrincipalArn': 'arn:aws:iam::111122223333:user/${aws:username}' } }, true],
    [{ ArnLike: { 'aws:PrincipalArn': 'arn:aws:*' } }, false],
    [{ ArnNotLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:role/*' } }, true],
    [{ ArnNotEquals: { 'aws:PrincipalArn': 'arn:aws:iam::111122223333:user/ann' } }, false],
    [{ StringEquals: { 'aws:username': 'ann', 'ses:FromDisplayName': 'Sales' } }, false],
    [{ StringEquals: { 'aws:username': 'ann' }, Bool: { 'aws:SecureTransport': 'false' } }, true],
  ]
  for (const [condition, expected] of rows) {
    test(`${JSON.stringify(condition)} ${expected ? 'holds' : 'does not hold'}`, () => {
      assert.equal(verdict({ Condition: condition }, { context: message }), expected ? 'allow' : 'none')
    })
  }
})

describe('the principals of an identity policy', () => {
  const identityVerdict = (principal: Members, given: Partial<PolicyRequest> = {}) =>
    evaluate([document(principal)], 'identity', request(given))

  const rows: readonly (readonly [principal: Members, expected: Verdict])[] = [
    [{ Principal: '*' }, 'allow'],
    [{ Principal: { AWS: '*' } }, 'allow'],
    [{ Principal: { AWS: '111122223333' } }, 'account'],
    [{ Principal: { AWS: ['999999999999', 'arn:aws:iam::111122223333:root'] } }, 'account'],
    [{ Principal: { AWS: 'arn:aws:iam::111122223333:user/ann' } }, 'allow'],
    [{ Principal: { AWS: 'arn:aws:iam::111122223333:user/bob' } }, 'none'],
    [{ Principal: { AWS: '999999999999' } }, 'none'],
    [{ Principal: { Service: 'cognito-idp.amazonaws.com' } }, 'none'],
    [{ NotPrincipal: { AWS: 'arn:aws:iam::111122223333:user/ann' } }, 'none'],
    [{ NotPrincipal: { AWS: 'arn:aws:iam::111122223333:user/bob' } }, 'allow'],
    [{ Effect: 'Deny', Principal: { AWS: '111122223333' } }, 'deny'],
  ]
  for (const [principal, expected] of rows) {
    test(`${JSON.stringify(principal)}: ${expected}`, () => assert.equal(identityVerdict(principal), expected))
  }

  test('a user who is named has more than the account that is named', () => {
    const both = document({ Principal: { AWS: ['111122223333', 'arn:aws:iam::111122223333:user/ann'] } })
    assert.equal(evaluate([both], 'identity', request()), 'allow')
  })
})
