import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import * as ses from '@aws-sdk/client-ses'
import * as sesv2 from '@aws-sdk/client-sesv2'
import { FAILURES } from '../src/errors/catalogue.ts'

type ErrorSchema = { readonly name: string; readonly traits: Record<string, unknown> }

/** The error schemas that a client package exports: `[-3, namespace, name, traits, …]`. */
function errorSchemas(sdk: object): ErrorSchema[] {
  return Object.values(sdk).flatMap((value: unknown) => {
    if (!Array.isArray(value) || value[0] !== -3) return []
    return [{ name: String(value[2]), traits: value[3] as Record<string, unknown> }]
  })
}

// Failures of operations that come with later versions; their rows come with them.
const LATER = new Set([
  'CannotDelete',
  'CustomVerificationEmailInvalidContent',
  'CustomVerificationEmailTemplateAlreadyExists',
  'CustomVerificationEmailTemplateDoesNotExist',
  'EventDestinationAlreadyExists',
  'EventDestinationDoesNotExist',
  'InvalidCloudWatchDestination',
  'InvalidDeliveryOptions',
  'InvalidFirehoseDestination',
  'InvalidLambdaFunction',
  'InvalidRenderingParameter',
  'InvalidS3Configuration',
  'InvalidSNSDestination',
  'InvalidSnsTopic',
  'InvalidTemplate',
  'InvalidTrackingOptions',
  'MissingRenderingAttribute',
  'RuleDoesNotExist',
  'RuleSetDoesNotExist',
  'TrackingOptionsAlreadyExistsException',
  'TrackingOptionsDoesNotExistException',
])

// Nothing that this version does ends so by itself; fault rules can ask for them, so that callers can be tested.
const BY_FAULTS_ONLY = new Set([
  'AccountSuspended',
  'ConcurrentModification',
  'FromEmailAddressNotVerified',
  'InvalidConfigurationSet',
  'InvalidNextToken',
  'ProductionAccessNotGranted',
  'TemplateDoesNotExist',
  'Throttled',
])

describe('the error catalogue', () => {
  const v1 = new Map(Object.values(FAILURES).map((row) => row.v1))
  const v2 = new Map(Object.values(FAILURES).map((row) => row.v2))

  test('has every error that v1 models, with its code and status, but for those of later versions', () => {
    const modelled = errorSchemas(ses).flatMap(({ traits }) =>
      Array.isArray(traits['awsQueryError']) ? [traits['awsQueryError'] as [string, number]] : [],
    )
    assert.ok(modelled.length >= 30)
    assert.deepEqual(
      modelled.filter(([code]) => !LATER.has(code) && !v1.has(code)),
      [],
    )
    for (const [code, status] of modelled) if (v1.has(code)) assert.equal(v1.get(code), status, code)
    assert.deepEqual(
      [...LATER].filter((code) => v1.has(code)),
      [],
      'no longer later: take it off the list',
    )
  })

  test('has every exception that v2 models, with its status', () => {
    const modelled = errorSchemas(sesv2).filter(({ traits }) => traits['httpError'] !== undefined)
    assert.ok(modelled.length >= 13)
    for (const { name, traits } of modelled) assert.equal(v2.get(name), traits['httpError'], name)
  })

  test('has only rows that are thrown somewhere, or that fault rules alone bring', () => {
    const code = globSync('src/**/*.ts', { cwd: join(import.meta.dirname, '..') })
      .filter((file) => !file.endsWith('.test.ts') && !file.endsWith('catalogue.ts'))
      .map((file) => readFileSync(join(import.meta.dirname, '..', file), 'utf8'))
      .join('\n')
    const silent = Object.keys(FAILURES).filter((failure) => !code.includes(`'${failure}'`))
    assert.deepEqual(new Set(silent), BY_FAULTS_ONLY)
  })
})
