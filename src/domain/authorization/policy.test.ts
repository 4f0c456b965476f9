import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { parsePolicy } from './policy.ts'

function errorOf(text: string, kind: 'key' | 'identity' = 'key'): string {
  const parsed = parsePolicy(text, kind)
  return parsed.ok ? 'none' : parsed.error
}

const policy = (members: object, statement: object = {}) =>
  JSON.stringify({ Statement: [{ Effect: 'Allow', Action: 'ses:*', Resource: '*', ...statement }], ...members })

describe('reading a policy document', () => {
  test('reads a statement that stands without a list', () => {
    const text = JSON.stringify({
      Version: '2012-10-17',
      Statement: { Effect: 'Deny', NotAction: ['ses:Get*'], Resource: '*' },
    })
    const parsed = parsePolicy(text, 'key')
    assert.deepEqual(parsed, {
      ok: true,
      statements: [
        {
          effect: 'Deny',
          actions: { patterns: ['ses:Get*'], isNegated: true },
          resources: { patterns: ['*'], isNegated: false },
          principals: null,
          conditions: [],
        },
      ],
    })
  })

  const refused: readonly (readonly [text: string, error: string])[] = [
    ['{', 'The policy is not valid JSON.'],
    ['[]', 'The policy must be a JSON object.'],
    ['{"Statement":[]}', 'A policy needs at least one Statement.'],
    ['{"Version":"2012-10-17"}', 'A policy needs at least one Statement.'],
    [policy({ Version: '2020-01-01' }), 'Version must be 2012-10-17 or 2008-10-17.'],
    [policy({ Extra: 1 }), 'The policy has an unknown element Extra.'],
    [policy({}, { Effect: 'allow' }), 'Effect must be Allow or Deny.'],
    [policy({}, { Action: 'SendEmail' }), 'Action SendEmail is not of the form service:Operation.'],
    [policy({}, { Action: [] }), 'Action must not be empty.'],
    [policy({}, { Action: { a: 1 } }), 'Action must be a text or a list of texts.'],
    [policy({}, { NotAction: 'ses:*' }), 'A Statement needs either Action or NotAction.'],
    [policy({}, { Principal: '*' }), 'The policy of a key has no Principal.'],
    [policy({}, { Condition: { StringSame: { a: 'b' } } }), 'StringSame is not a condition operator.'],
    [policy({}, { Condition: { StringEquals: 'b' } }), 'StringEquals must be a JSON object.'],
    [policy({}, { Condition: { NullIfExists: { a: 'true' } } }), 'NullIfExists is not a condition operator.'],
    [' '.repeat(10_241), 'Policy exceeds 10240 characters.'],
  ]
  for (const [text, error] of refused) {
    test(`refuses with “${error}”`, () => assert.equal(errorOf(text), error))
  }

  test('an identity policy needs a principal', () => {
    assert.equal(errorOf(policy({}), 'identity'), 'A Statement needs either Principal or NotPrincipal.')
    assert.equal(errorOf(policy({}, { Principal: {} }), 'identity'), 'Principal names nobody.')
    assert.equal(errorOf(policy({}, { Principal: { Aws: '*' } }), 'identity'), 'Principal has an unknown element Aws.')
    assert.equal(errorOf(policy({ Version: 'any' }, { Principal: { AWS: '*' } }), 'identity'), 'none')
  })

  test('a name of a prototype is just an unknown element', () => {
    assert.equal(errorOf('{"__proto__":{"Statement":[]}}'), 'The policy has an unknown element __proto__.')
  })

  test('whatever the text, there is a result', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.json()),
        fc.constantFrom('key' as const, 'identity' as const),
        (text, kind) => {
          const parsed = parsePolicy(text, kind)
          return parsed.ok || parsed.error.length > 0
        },
      ),
      { numRuns: 200 },
    )
  })
})
