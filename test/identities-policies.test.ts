/** Sending authorization policies and tags of identities, through both APIs. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import {
  DeleteIdentityPolicyCommand,
  GetIdentityPoliciesCommand,
  ListIdentityPoliciesCommand,
  PutIdentityPolicyCommand,
  VerifyDomainIdentityCommand,
} from '@aws-sdk/client-ses'
import {
  CreateConfigurationSetCommand,
  CreateEmailIdentityCommand,
  CreateEmailIdentityPolicyCommand,
  DeleteEmailIdentityCommand,
  DeleteEmailIdentityPolicyCommand,
  GetConfigurationSetCommand,
  GetEmailIdentityCommand,
  GetEmailIdentityPoliciesCommand,
  ListTagsForResourceCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateEmailIdentityPolicyCommand,
} from '@aws-sdk/client-sesv2'
import { startApp, type TestApp } from './support/app.ts'

const ACCOUNT = '000000000000'
const DOMAIN = 'example.com'
const ARN = `arn:aws:ses:us-east-1:${ACCOUNT}:identity/${DOMAIN}`
const NOBODY = 'ghost.example.com'

type Statement = Record<string, unknown>

function policy(statement: Statement = {}, indent?: number): string {
  const complete = {
    Sid: 'one two',
    Effect: 'Allow',
    Principal: { AWS: [ACCOUNT] },
    Action: ['ses:SendEmail'],
    Resource: ARN,
    ...statement,
  }
  return JSON.stringify({ Version: '2012-10-17', Statement: [complete] }, null, indent)
}

async function startWithDomain(): Promise<TestApp> {
  const app = await startApp({ config: { accountId: ACCOUNT } })
  await app.ses.send(new VerifyDomainIdentityCommand({ Domain: DOMAIN }))
  return app
}

const put = (app: TestApp, PolicyName: string, Policy: string, Identity = DOMAIN) =>
  app.ses.send(new PutIdentityPolicyCommand({ Identity, PolicyName, Policy }))
const create = (app: TestApp, PolicyName: string, Policy: string, EmailIdentity = DOMAIN) =>
  app.sesv2.send(new CreateEmailIdentityPolicyCommand({ EmailIdentity, PolicyName, Policy }))
const policies = async (app: TestApp) =>
  (await app.sesv2.send(new GetEmailIdentityPoliciesCommand({ EmailIdentity: DOMAIN }))).Policies

describe('a policy', () => {
  test('that v1 puts, v2 reads, without its insignificant whitespace', async () => {
    await using app = await startWithDomain()
    await put(app, 'shop', policy({}, 2))
    assert.deepEqual(await policies(app), { shop: policy() })
    const identity = await app.sesv2.send(new GetEmailIdentityCommand({ EmailIdentity: DOMAIN }))
    assert.deepEqual(identity.Policies, { shop: policy() })
    await put(app, 'shop', policy({ Effect: 'Deny' }), ARN)
    assert.deepEqual(await policies(app), { shop: policy({ Effect: 'Deny' }) })
  })

  test('that v2 creates, v1 reads; names that are not there are left out', async () => {
    await using app = await startWithDomain()
    for (const name of ['b', 'a']) await create(app, name, policy())
    const listed = await app.ses.send(new ListIdentityPoliciesCommand({ Identity: ARN }))
    assert.deepEqual(listed.PolicyNames, ['a', 'b'])
    const got = await app.ses.send(new GetIdentityPoliciesCommand({ Identity: DOMAIN, PolicyNames: ['b', 'none'] }))
    assert.deepEqual(got.Policies, { b: policy() })
  })

  test('is created once and updated only where it is, in v2', async () => {
    await using app = await startWithDomain()
    await create(app, 'p1', policy())
    await assert.rejects(create(app, 'p1', policy()), {
      name: 'AlreadyExistsException',
      message: 'Policy <p1> already exists',
    })
    const update = (PolicyName: string) =>
      app.sesv2.send(
        new UpdateEmailIdentityPolicyCommand({
          EmailIdentity: DOMAIN,
          PolicyName,
          Policy: policy({ Action: 'ses:Send*' }),
        }),
      )
    await update('p1')
    assert.deepEqual(await policies(app), { p1: policy({ Action: 'ses:Send*' }) })
    await assert.rejects(update('p2'), { name: 'NotFoundException', message: 'Policy <p2> does not exist' })
  })

  test('is deleted: v1 does not mind one that is not there, v2 does', async () => {
    await using app = await startWithDomain()
    await put(app, 'p1', policy())
    const removed = new DeleteIdentityPolicyCommand({ Identity: DOMAIN, PolicyName: 'p1' })
    await app.ses.send(removed)
    await app.ses.send(removed)
    const deleted = new DeleteEmailIdentityPolicyCommand({ EmailIdentity: DOMAIN, PolicyName: 'p1' })
    await assert.rejects(app.sesv2.send(deleted), { name: 'NotFoundException', message: 'Policy <p1> does not exist' })
    await put(app, 'p1', policy())
    await app.sesv2.send(deleted)
    assert.deepEqual(await policies(app), {})
  })

  test('goes with its identity', async () => {
    await using app = await startWithDomain()
    await put(app, 'p1', policy())
    await app.sesv2.send(new DeleteEmailIdentityCommand({ EmailIdentity: DOMAIN }))
    await app.ses.send(new VerifyDomainIdentityCommand({ Domain: DOMAIN }))
    assert.deepEqual(await policies(app), {})
  })

  test('is of an identity of the caller', async () => {
    await using app = await startWithDomain()
    const ghost = policy({ Resource: ARN.replace(DOMAIN, NOBODY) })
    const invalid = {
      name: 'InvalidParameterValue',
      message: 'Invalid identity. Must be a verified email address or domain.',
    }
    await assert.rejects(put(app, 'p1', ghost, NOBODY), invalid)
    await assert.rejects(put(app, 'p1', policy(), ARN.replace(ACCOUNT, '111122223333')), invalid)
    await assert.rejects(create(app, 'p1', ghost, NOBODY), {
      name: 'NotFoundException',
      message: `Email identity <${NOBODY}> does not exist.`,
    })
    const listed = await app.ses.send(new ListIdentityPoliciesCommand({ Identity: NOBODY }))
    assert.deepEqual(listed.PolicyNames, [])
    await app.ses.send(new DeleteIdentityPolicyCommand({ Identity: NOBODY, PolicyName: 'p1' }))
  })

  test('has one of 20 places, on both APIs', async () => {
    await using app = await startWithDomain()
    const all = Array.from({ length: 22 }, (_, index) => put(app, `p${index}`, policy()))
    const refused = (await Promise.allSettled(all)).filter(({ status }) => status === 'rejected')
    assert.equal(refused.length, 2)
    const [first = ''] = Object.keys((await policies(app)) ?? {})
    await put(app, first, policy())
    const message = `Number of policies for <${DOMAIN}> exceeds max allowed number of policies per resource`
    await assert.rejects(put(app, 'p99', policy()), { name: 'InvalidParameterValue', message })
    await assert.rejects(create(app, 'p99', policy()), { name: 'LimitExceededException', message })
    const PolicyNames = Array.from({ length: 21 }, (_, index) => `p${index}`)
    await assert.rejects(app.ses.send(new GetIdentityPoliciesCommand({ Identity: DOMAIN, PolicyNames })), {
      name: 'ValidationError',
    })
  })

  test('has a name of letters, digits, dashes and underscores, 64 of them at most', async () => {
    await using app = await startWithDomain()
    const characters =
      'PolicyName is invalid. Policy names must only include alpha-numeric characters, dashes, and underscores.'
    const length =
      "1 validation error detected: Value at 'policyName' failed to satisfy constraint: Member must have length less than or equal to 64"
    await assert.rejects(put(app, 'bad name!', policy()), { name: 'InvalidParameterValue', message: characters })
    await assert.rejects(create(app, 'bad name!', policy()), { name: 'BadRequestException', message: characters })
    await assert.rejects(put(app, 'a'.repeat(65), policy()), { name: 'ValidationError', message: length })
    await assert.rejects(create(app, 'a'.repeat(65), policy()), { name: 'BadRequestException', message: length })
  })

  test('is a sending authorization policy for this identity', async () => {
    await using app = await startWithDomain()
    await app.admin('POST', '/_sesame/accounts', { name: 'other', accountId: '111122223333' })
    for (const Principal of [
      '*',
      { AWS: '*' },
      { AWS: 'arn:aws:iam::111122223333:root' },
      { AWS: ['111122223333', `arn:aws:iam::${ACCOUNT}:user/ann`] },
      { Service: 'cognito-idp.amazonaws.com' },
    ]) {
      await put(app, 'good', policy({ Principal }))
    }
    const principal = 'Policy contains an invalid principal'
    const refused: [Statement, string | RegExp][] = [
      [{ Resource: 'example.com' }, 'Invalid ARN'],
      [{ Resource: '*' }, 'Invalid ARN'],
      [{ Resource: ARN.replace('us-east-1', 'eu-west-1') }, /^Policy has a resource that is not the identity/],
      [{ Principal: { AWS: '999999999999' } }, principal],
      [{ Principal: { AWS: 'ann' } }, principal],
      [{ Effect: 'Perhaps' }, /Effect/],
      [{ Action: [] }, /Action/],
    ]
    for (const [statement, message] of refused) {
      await assert.rejects(put(app, 'bad', policy(statement)), { name: 'InvalidPolicyException', message })
      await assert.rejects(create(app, 'bad', policy(statement)), { name: 'BadRequestException', message })
    }
    for (const bad of ['{', 'null', '{"Statement":[]}', `${policy()}${' '.repeat(4096)}`]) {
      await assert.rejects(put(app, 'bad', bad), { name: 'InvalidPolicyException' })
    }
  })
})

describe('tags', () => {
  const tags = (...pairs: [string, string][]) => pairs.map(([Key, Value]) => ({ Key, Value }))
  const list = async (app: TestApp, ResourceArn = ARN) =>
    (await app.sesv2.send(new ListTagsForResourceCommand({ ResourceArn }))).Tags
  const tag = (app: TestApp, Tags: { Key: string; Value: string }[], ResourceArn = ARN) =>
    app.sesv2.send(new TagResourceCommand({ ResourceArn, Tags }))
  const untag = (app: TestApp, TagKeys: string[], ResourceArn = ARN) =>
    app.sesv2.send(new UntagResourceCommand({ ResourceArn, TagKeys }))

  test('of an identity are set with it, added, replaced and removed', async () => {
    await using app = await startApp({ config: { accountId: ACCOUNT } })
    await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: DOMAIN, Tags: tags(['a', '1']) }))
    await tag(app, tags(['b', ''], ['a', '2']))
    assert.deepEqual(await list(app), tags(['a', '2'], ['b', '']))
    const identity = await app.sesv2.send(new GetEmailIdentityCommand({ EmailIdentity: DOMAIN }))
    assert.deepEqual(identity.Tags, tags(['a', '2'], ['b', '']))
    await untag(app, ['a', 'none'])
    assert.deepEqual(await list(app), tags(['b', '']))
  })

  test('of a configuration set are its own', async () => {
    await using app = await startApp({ config: { accountId: ACCOUNT } })
    const set = `arn:aws:ses:us-east-1:${ACCOUNT}:configuration-set/orders`
    await app.sesv2.send(new CreateConfigurationSetCommand({ ConfigurationSetName: 'orders', Tags: tags(['a', '1']) }))
    await tag(app, tags(['b', '2']), set)
    const got = await app.sesv2.send(new GetConfigurationSetCommand({ ConfigurationSetName: 'orders' }))
    assert.deepEqual(got.Tags, tags(['a', '1'], ['b', '2']))
    await untag(app, ['a'], set)
    assert.deepEqual(await list(app, set), tags(['b', '2']))
  })

  test('that came with a bad identity leave nothing behind', async () => {
    await using app = await startApp()
    const twice = new CreateEmailIdentityCommand({ EmailIdentity: DOMAIN, Tags: tags(['a', '1'], ['a', '2']) })
    await assert.rejects(app.sesv2.send(twice), {
      name: 'BadRequestException',
      message: 'Tag key a is given more than once.',
    })
    await assert.rejects(app.sesv2.send(new GetEmailIdentityCommand({ EmailIdentity: DOMAIN })), {
      name: 'NotFoundException',
    })
  })

  test('that are set at the same time are all there', async () => {
    await using app = await startWithDomain()
    const each = Array.from({ length: 12 }, (_, index): [string, string] => [`k${index}`, ''])
    await Promise.all(each.map((pair) => tag(app, tags(pair))))
    const keys = (await list(app))?.map(({ Key }) => Key)
    assert.deepEqual(new Set(keys), new Set(each.map(([key]) => key)))
  })

  test('are 50 at most', async () => {
    await using app = await startWithDomain()
    await tag(app, tags(...Array.from({ length: 50 }, (_, index): [string, string] => [`k${index}`, ''])))
    await tag(app, tags(['k0', 'again']))
    await assert.rejects(tag(app, tags(['k50', ''])), {
      name: 'BadRequestException',
      message: 'A resource can have at most 50 tags.',
    })
  })

  test('need a resource that is there, in the words of its kind', async () => {
    await using app = await startWithDomain()
    const kinds = {
      'identity/ghost.example.com': 'No EmailIdentity present with name: ghost.example.com',
      'configuration-set/none': 'No ConfigurationSet present with name: none',
      'template/none': 'No Template present with name: none',
    }
    for (const [resource, message] of Object.entries(kinds)) {
      const arn = `arn:aws:ses:us-east-1:${ACCOUNT}:${resource}`
      const missing = { name: 'NotFoundException', message }
      await assert.rejects(tag(app, tags(['a', '']), arn), missing)
      await assert.rejects(untag(app, ['a'], arn), missing)
      await assert.rejects(list(app, arn), missing)
    }
    await assert.rejects(list(app, 'arn:aws:s3:::bucket'), { name: 'BadRequestException' })
  })

  test('of another region cannot be changed from here, and are none', async () => {
    await using app = await startWithDomain()
    await tag(app, tags(['a', '1']))
    const elsewhere = ARN.replace('us-east-1', 'eu-west-1')
    await assert.rejects(tag(app, tags(['a', '2']), elsewhere), {
      name: 'BadRequestException',
      message: 'Failed to tag resource',
    })
    await assert.rejects(untag(app, ['a'], elsewhere), {
      name: 'BadRequestException',
      message: 'Failed to untag resource',
    })
    assert.deepEqual(await list(app, elsewhere), [])
    assert.deepEqual(await list(app), tags(['a', '1']))
  })
})
