/** boto3: every refusal over v1 and v2, formatted and raw, with its code, status and words. */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { startBoto3 } from './boto3.ts'
import { rawMail, textOver, v1Formatted, v1Raw, v2Raw, v2Simple } from './mail.ts'
import { FROM, refusalsOn, textOf, TO, verify } from './refusals.ts'
import { CHECKED, startServer } from './server.ts'

const server = await startServer(CHECKED)
const boto3 = startBoto3()
after(async () => {
  await boto3.stop()
  await server.stop()
})

const WAYS = [
  { name: 'v1 SendEmail', api: 'v1', surface: 'formatted', action: 'ses:SendEmail', call: v1Formatted },
  { name: 'v1 SendRawEmail', api: 'v1', surface: 'raw', action: 'ses:SendRawEmail', call: v1Raw },
  { name: 'v2 SendEmail (Simple)', api: 'v2', surface: 'formatted', action: 'ses:SendEmail', call: v2Simple },
  { name: 'v2 SendEmail (Raw)', api: 'v2', surface: 'raw', action: 'ses:SendRawEmail', call: v2Raw },
] as const

/** Wire codes of the errors that SES's models have, and boto3's classes for them. */
const MODELLED = {
  v1: new Map([
    ['MessageRejected', 'MessageRejected'],
    ['AccountSendingPausedException', 'AccountSendingPausedException'],
    ['ConfigurationSetSendingPausedException', 'ConfigurationSetSendingPausedException'],
    ['ConfigurationSetDoesNotExist', 'ConfigurationSetDoesNotExistException'],
    ['MailFromDomainNotVerifiedException', 'MailFromDomainNotVerifiedException'],
  ]),
  v2: new Map(
    [
      'MessageRejected',
      'SendingPausedException',
      'NotFoundException',
      'BadRequestException',
      'TooManyRequestsException',
      'MailFromDomainNotVerifiedException',
    ].map((name) => [name, name]),
  ),
}

for (const way of WAYS) {
  describe(`boto3, ${way.name}, refuses`, () => {
    for (const refusal of refusalsOn(way.surface)) {
      test(refusal.name, async () => {
        const account = await server.newAccount()
        const { mail, key = account.key } = await refusal.arrange(account)
        const before = await account.messageCount()
        const { code, status, message, exception } = await boto3.refused(account, way.call(mail), { key })
        const [expectedCode, expectedStatus] = refusal[way.api]
        const text = textOf(refusal, account, way.action)
        assert.deepEqual({ code, status, message }, { code: expectedCode, status: expectedStatus, message: text })
        // What AWS's model names, boto3 raises as a class of its own; the rest is a ClientError.
        assert.equal(exception, MODELLED[way.api].get(expectedCode) ?? 'ClientError')
        assert.equal(await account.messageCount(), before, 'a refused message is kept nowhere')
      })
    }
  })
}

describe('boto3, who is asking', () => {
  const cases = [
    {
      name: 'an unknown key',
      key: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'nothing' },
      v1: 'InvalidClientTokenId',
      v2: 'UnrecognizedClientException',
      message: /^The security token included in the request is invalid\.$/,
    },
    {
      name: 'a wrong secret',
      key: { accessKeyId: 'test', secretAccessKey: 'guessed' },
      v1: 'SignatureDoesNotMatch',
      v2: 'InvalidSignatureException',
      message:
        /^The request signature we calculated does not match the signature you provided\. Check your AWS Secret Access Key and signing method\. Consult the service documentation for details\./,
    },
  ]
  for (const { name, key, v1, v2, message } of cases) {
    test(`${name} is refused on both APIs`, async () => {
      const account = await server.newAccount()
      const one = await boto3.refused(account, { service: 'ses', operation: 'GetSendQuota', input: {} }, { key })
      assert.deepEqual([one.code, one.status], [v1, 403])
      assert.match(one.message ?? '', message)
      const two = await boto3.refused(account, { service: 'sesv2', operation: 'GetAccount', input: {} }, { key })
      assert.deepEqual([two.code, two.status], [v2, 403])
      assert.match(two.message ?? '', message)
    })
  }

  test('an IAM policy that allows sending only is told for anything else', async () => {
    const account = await server.newAccount()
    const policy = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'ses:Send*', Resource: '*' }] }
    const key = await account.newKey('sender', policy)
    const { code, status, message } = await boto3.refused(
      account,
      { service: 'ses', operation: 'VerifyEmailIdentity', input: { EmailAddress: FROM } },
      { key },
    )
    assert.deepEqual([code, status], ['AccessDenied', 403])
    const start = `User: arn:aws:iam::${account.id}:user/sender is not authorized to perform: ses:VerifyEmailIdentity`
    assert.ok(message?.startsWith(start), message ?? '')
  })
})

describe('boto3, messages that are too long', () => {
  const cases = [
    { name: 'v1 over 10 MB', call: v1Raw, limit: 10 * 1024 * 1024, code: 'InvalidParameterValue' },
    { name: 'v2 over 40 MB', call: v2Raw, limit: 40 * 1024 * 1024, code: 'BadRequestException' },
  ]
  for (const { name, call, limit, code } of cases) {
    test(name, async () => {
      const account = await server.newAccount()
      await verify(account, FROM)
      const mail = { from: FROM, to: [TO], text: textOver(limit) }
      const refused = await boto3.refused(account, call(mail))
      assert.deepEqual([refused.code, refused.status], [code, 400])
      assert.equal(refused.message, `Message length is more than ${limit} bytes long: '${rawMail(mail).length}'.`)
    })
  }
})

test('boto3 is told of a fault that was asked for, as often as it was asked for', async () => {
  const account = await server.newAccount()
  await verify(account, FROM)
  const rule = { account: account.id, operation: 'SendEmail', failure: 'InternalFailure', times: 1 }
  await server.admin('PUT', '/_sesame/faults', { rules: [rule] })
  const { code, status } = await boto3.refused(account, v2Simple({ from: FROM, to: [TO] }))
  assert.deepEqual([code, status], ['InternalServiceErrorException', 500])
  await boto3.call(account, v2Simple({ from: FROM, to: [TO] }))
  await server.admin('DELETE', '/_sesame/faults')
})
