/** ARNs of another account's identities: as parameters and as X-SES-… headers, for each sender address by itself. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { GetSendQuotaCommand, SendEmailCommand, SendRawEmailCommand } from '@aws-sdk/client-ses'
import { CreateEmailIdentityCommand, SendEmailCommand as SendEmailV2Command } from '@aws-sdk/client-sesv2'
import { type Clients, startApp, type TestApp } from './support/app.ts'
import { DENIED, INVALID, refusalAs, REJECTED } from './support/kinds.ts'
import { FRIEND, refusalOf, SENDER } from './support/surfaces.ts'

const OWNER = '000000000000'
const DELEGATE = '111122223333'
const ARN = `arn:aws:ses:us-east-1:${OWNER}:identity/example.com`
const OTHER_ARN = `arn:aws:ses:us-east-1:${OWNER}:identity/other.example`
const API_VERSION = { v1: '1', v2: '2', smtp: '2' } as const

type Party = Clients & { readonly smtp: ReturnType<TestApp['smtp']> }
type Pair = { readonly app: TestApp; readonly delegate: Party }

/** An owner whose identities' policies let the delegate send raw mail, and the delegate, who has no identity. */
async function start(statements: readonly object[] = [{}]): Promise<Pair & AsyncDisposable> {
  const app = await startApp()
  for (const EmailIdentity of ['example.com', 'other.example']) {
    await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity }))
  }
  await letDelegate(app, 'example.com', statements)
  await app.admin('POST', '/_sesame/accounts', { accountId: DELEGATE, name: 'delegate' })
  const { body } = await app.admin('POST', `/_sesame/accounts/${DELEGATE}/keys`, {})
  const key = body as { accessKeyId: string; secretAccessKey: string; smtpPasswords: Record<string, string> }
  const smtp = app.smtp(key.accessKeyId, key.smtpPasswords['us-east-1'])
  return {
    app,
    delegate: { ...app.clients('us-east-1', key), smtp },
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  }
}

async function letDelegate(app: TestApp, name: string, statements: readonly object[]): Promise<void> {
  const policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: statements.map((each) => ({
      Effect: 'Allow',
      Action: ['ses:SendEmail', 'ses:SendRawEmail'],
      Principal: { AWS: DELEGATE },
      Resource: `arn:aws:ses:us-east-1:${OWNER}:identity/${name}`,
      ...each,
    })),
  })
  await app.services.store.identities.putPolicy(
    { account: OWNER, region: 'us-east-1' },
    { identity: name, name: 'p', policy },
  )
}

function raw(...headers: readonly string[]): Buffer {
  return Buffer.from([`From: ${SENDER}`, `To: ${FRIEND}`, ...headers, '', 'Hi', ''].join('\r\n'))
}

const WAYS: Record<'v1' | 'v2' | 'smtp', (party: Party, data: Buffer) => Promise<string>> = {
  v1: async ({ ses }, data) => (await ses.send(new SendRawEmailCommand({ RawMessage: { Data: data } }))).MessageId!,
  v2: async ({ sesv2 }, data) =>
    (await sesv2.send(new SendEmailV2Command({ Content: { Raw: { Data: data } } }))).MessageId!,
  async smtp({ smtp }, data) {
    const { response } = await smtp.sendMail({ envelope: { from: SENDER, to: [FRIEND] }, raw: data })
    return response.replace(/^250 Ok /, '')
  },
}
const APIS = ['v1', 'v2', 'smtp'] as const

async function refused(sending: Promise<unknown>) {
  return await sending.then((answer) => assert.fail(`accepted: ${JSON.stringify(answer)}`), refusalOf)
}

function notAuthorized(api: (typeof APIS)[number], arn: string) {
  const text = `User \`arn:aws:iam::${DELEGATE}:root' is not authorized to perform \`ses:SendRawEmail' on resource \`${arn}'`
  return refusalAs(DENIED, api, text)
}

describe('X-SES-… headers with ARNs', () => {
  for (const api of APIS) {
    test(`${api}: the source ARN lets a delegate send, stands for From too, and is taken out`, async () => {
      await using pair = await start()
      const messageId = await WAYS[api](pair.delegate, raw(`X-SES-SOURCE-ARN: ${ARN}`))
      const found = await pair.app.services.store.messages.find(messageId)
      assert.deepEqual([found?.scope.account, found?.message.sourceArn], [DELEGATE, ARN])
      const octets = await (await fetch(`${pair.app.url}/_sesame/messages/${messageId}/raw`)).text()
      assert.doesNotMatch(octets, /X-SES/i)
    })

    test(`${api}: without one the identity is not the delegate's`, async () => {
      await using pair = await start()
      const text = `Email address is not verified. The following identities failed the check in region US-EAST-1: ${SENDER}`
      assert.deepEqual(await refused(WAYS[api](pair.delegate, raw())), refusalAs(REJECTED, api, text))
    })

    test(`${api}: From and Return-Path may have ARNs of their own, and each is asked for`, async () => {
      await using pair = await start()
      const headers = [
        `X-SES-SOURCE-ARN: ${ARN}`,
        `X-SES-FROM-ARN: ${ARN}`,
        `X-SES-RETURN-PATH-ARN: ${OTHER_ARN}`,
        'Return-Path: <bounces@other.example>',
      ]
      assert.deepEqual(await refused(WAYS[api](pair.delegate, raw(...headers))), notAuthorized(api, OTHER_ARN))
      await letDelegate(pair.app, 'other.example', [{}])
      await WAYS[api](pair.delegate, raw(...headers))
      const swapped = [`X-SES-SOURCE-ARN: ${ARN}`, `X-SES-FROM-ARN: ${OTHER_ARN}`]
      const verdict = await refused(WAYS[api](pair.delegate, raw(...swapped)))
      assert.match(verdict.message, /failed the check in region US-EAST-1: sender@example\.com$/)
    })

    test(`${api}: of several only the first is read`, async () => {
      await using pair = await start()
      await WAYS[api](pair.delegate, raw(`X-SES-SOURCE-ARN: ${ARN}`, `X-SES-SOURCE-ARN: ${OTHER_ARN}`))
      const swapped = raw(`X-SES-SOURCE-ARN: ${OTHER_ARN}`, `X-SES-SOURCE-ARN: ${ARN}`)
      assert.deepEqual(await refused(WAYS[api](pair.delegate, swapped)), notAuthorized(api, OTHER_ARN))
    })

    for (const [key, value] of [
      ['ses:FromAddress', SENDER],
      ['ses:Recipients', FRIEND],
      ['ses:FeedbackAddress', SENDER],
      ['ses:ApiVersion', API_VERSION[api]],
    ] as const) {
      test(`${api}: the owner's policy may be bounded by ${key}`, async () => {
        const condition = (wanted: string) => [{ Condition: { 'ForAllValues:StringEquals': { [key]: wanted } } }]
        await using pair = await start(condition(value))
        const message = raw(`X-SES-SOURCE-ARN: ${ARN}`)
        await WAYS[api](pair.delegate, message)
        await letDelegate(pair.app, 'example.com', condition('another'))
        assert.deepEqual(await refused(WAYS[api](pair.delegate, message)), notAuthorized(api, ARN))
      })
    }
  }
})

describe('parameters with ARNs', () => {
  test('v1 SendRawEmail: SourceArn, FromArn and ReturnPathArn win over the headers', async () => {
    await using pair = await start()
    const RawMessage = {
      Data: raw(
        `X-SES-SOURCE-ARN: ${OTHER_ARN}`,
        `X-SES-FROM-ARN: ${OTHER_ARN}`,
        `X-SES-RETURN-PATH-ARN: ${OTHER_ARN}`,
        `Return-Path: <bounces@example.com>`,
      ),
    }
    const { ses } = pair.delegate
    const all = { SourceArn: ARN, FromArn: ARN, ReturnPathArn: ARN }
    await ses.send(new SendRawEmailCommand({ RawMessage, ...all }))
    for (const name of ['SourceArn', 'FromArn', 'ReturnPathArn'] as const) {
      const { [name]: _, ...others } = all
      const verdict = await refused(ses.send(new SendRawEmailCommand({ RawMessage, ...others })))
      assert.deepEqual(verdict, notAuthorized('v1', OTHER_ARN), name)
    }
  })

  test('v2 SendEmail: FromEmailAddressIdentityArn stands for both headers', async () => {
    await using pair = await start()
    const Data = raw(`X-SES-SOURCE-ARN: ${OTHER_ARN}`, `X-SES-FROM-ARN: ${OTHER_ARN}`)
    await pair.delegate.sesv2.send(
      new SendEmailV2Command({ FromEmailAddressIdentityArn: ARN, Content: { Raw: { Data } } }),
    )
  })

  test('the return path of formatted mail may be of another identity', async () => {
    await using pair = await start()
    const { ses, sesv2 } = pair.delegate
    const Destination = { ToAddresses: [FRIEND] }
    const [Subject, Body] = [{ Data: 'Hello' }, { Text: { Data: 'Hi' } }]
    const v1 = new SendEmailCommand({
      Source: SENDER,
      SourceArn: ARN,
      ReturnPath: 'bounces@other.example',
      ReturnPathArn: OTHER_ARN,
      Destination,
      Message: { Subject, Body },
    })
    const v2 = new SendEmailV2Command({
      FromEmailAddress: SENDER,
      FromEmailAddressIdentityArn: ARN,
      FeedbackForwardingEmailAddress: 'bounces@other.example',
      FeedbackForwardingEmailAddressIdentityArn: OTHER_ARN,
      Destination,
      Content: { Simple: { Subject, Body } },
    })
    for (const send of [() => ses.send(v1), () => sesv2.send(v2)]) {
      assert.match((await refused(send())).message, /`ses:SendEmail' on resource `.*identity\/other\.example'$/)
    }
    await letDelegate(pair.app, 'other.example', [{}])
    for (const send of [() => ses.send(v1), () => sesv2.send(v2)]) {
      const { MessageId } = await send()
      const stored = await pair.app.services.store.messages.find(MessageId!)
      assert.equal(stored?.message.feedbackAddress, 'bounces@other.example')
    }
  })

  test("what a delegate sends is of his quota, not of the owner's", async () => {
    await using pair = await start()
    await WAYS.v1(pair.delegate, raw(`X-SES-SOURCE-ARN: ${ARN}`))
    const sent = async ({ ses }: Clients) => (await ses.send(new GetSendQuotaCommand({}))).SentLast24Hours
    assert.deepEqual([await sent(pair.delegate), await sent(pair.app)], [1, 0])
  })

  test('an ARN of another region does not verify anything', async () => {
    await using pair = await start()
    const elsewhere = ARN.replace('us-east-1', 'eu-west-1')
    await pair.app.clients('eu-west-1').sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: 'example.com' }))
    for (const api of APIS) {
      const { status } = await refused(WAYS[api](pair.delegate, raw(`X-SES-SOURCE-ARN: ${elsewhere}`)))
      assert.equal(status, refusalAs(DENIED, api, '').status)
    }
  })
})

describe('in the sandbox', () => {
  test("a recipient's identity is asked for as the sender's is, and before what is not verified", async () => {
    await using app = await startApp({ profile: 'strict', config: { autoVerify: true, requireTls: false } })
    for (const EmailIdentity of ['example.com', 'example.org']) {
      await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity }))
    }
    const Statement = [{ Effect: 'Allow', Action: 'ses:Send*', Resource: ARN }]
    const policy = { Version: '2012-10-17', Statement }
    const { body } = await app.admin('POST', `/_sesame/accounts/${OWNER}/keys`, { userName: 'ann', policy })
    const key = body as { accessKeyId: string; secretAccessKey: string; smtpPasswords: Record<string, string> }
    const ann = {
      ...app.clients('us-east-1', key),
      smtp: app.smtp(key.accessKeyId, key.smtpPasswords['us-east-1']),
    }
    const resource = `arn:aws:ses:us-east-1:${OWNER}:identity/example.org`
    const text = `User \`arn:aws:iam::${OWNER}:user/ann' is not authorized to perform \`ses:SendRawEmail' on resource \`${resource}'`
    for (const api of APIS) {
      const message = raw('Cc: stranger@nowhere.example')
      assert.deepEqual(await refused(WAYS[api](ann, message)), refusalAs(DENIED, api, text))
    }
  })
})

test('a malformed ARN is a bad parameter at every door', async () => {
  await using pair = await start()
  for (const api of APIS) {
    for (const header of ['X-SES-SOURCE-ARN', 'X-SES-FROM-ARN']) {
      const verdict = await refused(WAYS[api](pair.delegate, raw(`${header}: arn:aws:ses:example.com`)))
      assert.deepEqual(verdict, refusalAs(INVALID, api, 'Invalid ARN <arn:aws:ses:example.com>.'))
    }
  }
})
