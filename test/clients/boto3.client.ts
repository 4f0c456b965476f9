/** boto3: every refusal over v1 and v2, formatted and raw, and what boto3's users do all day. */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { startBoto3 } from './boto3.ts'
import { type Call, octets, rawMail, textOver, v1Formatted, v1Raw, v2Raw, v2Simple } from './mail.ts'
import { need, run } from './programs.ts'
import { FROM, refusalsOn, textOf, TO, verify } from './refusals.ts'
import { CHECKED, startServer } from './server.ts'
import { until } from './until.ts'

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

describe('boto3, a new account', () => {
  test('is in the sandbox in the strict profile: 200 a day, one a second, and only verified recipients', async () => {
    const strict = await startServer(['--profile', 'strict'])
    try {
      const account = await strict.newAccount()
      assert.deepEqual(await boto3.call(account, { service: 'ses', operation: 'GetSendQuota', input: {} }), {
        Max24HourSend: 200,
        MaxSendRate: 1,
        SentLast24Hours: 0,
      })
      await boto3.call(account, { service: 'ses', operation: 'VerifyEmailIdentity', input: { EmailAddress: FROM } })
      const mail = { from: FROM, to: [TO] }
      const text = 'Email address is not verified. The following identities failed the check in region US-EAST-1: '
      assert.equal((await boto3.refused(account, v1Formatted(mail))).message, `${text}${FROM}, ${TO}`)

      const { links } = (await account.message({ to: FROM })) as unknown as { links: string[] }
      const response = await fetch(links.find((link) => link.startsWith(strict.url))!)
      assert.equal(response.status, 200)
      assert.equal((await boto3.refused(account, v1Formatted(mail))).message, `${text}${TO}`)
      // The simulator is open to everybody.
      await boto3.call(account, v1Formatted({ from: FROM, to: ['success@simulator.amazonses.com'] }))
    } finally {
      await strict.stop()
    }
  })
})

describe('boto3 sends', () => {
  test('text and HTML to To, Cc and Bcc through v1, and nobody reads of the Bcc', async () => {
    const account = await server.newAccount()
    await verify(account, FROM)
    const mail = {
      from: `The Shop <${FROM}>`,
      to: [TO],
      cc: ['copy@example.org'],
      bcc: ['hidden@example.org'],
      subject: 'Grüße',
      text: 'Köln',
      html: '<p>Köln</p>',
    }
    const call = v1Formatted(mail)
    const Message = {
      Subject: { Data: mail.subject, Charset: 'UTF-8' },
      Body: { Text: { Data: mail.text, Charset: 'UTF-8' }, Html: { Data: mail.html, Charset: 'ISO-8859-1' } },
    }
    const input = { ...call.input, Message, ReplyToAddresses: ['answers@example.com'] }
    const { MessageId } = await boto3.call(account, { ...call, input })
    const message = await account.message()
    assert.equal(message.messageId, MessageId)
    assert.match(message.messageId, /^0100[0-9a-f]{12}-[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}-000000$/)
    assert.deepEqual(message.destination, [TO, 'copy@example.org', 'hidden@example.org'])
    assert.deepEqual([message.subject, message.text?.trim(), message.html?.trim()], ['Grüße', 'Köln', '<p>Köln</p>'])
    const raw = await account.raw(message.messageId)
    assert.doesNotMatch(raw, /hidden@example\.org/)
    assert.match(raw, /^Reply-To: answers@example\.com\r$/m)
    assert.match(raw, new RegExp(`^Message-ID: <${message.messageId}@email\\.amazonses\\.com>\r$`, 'm'))
  })

  test('with a configuration set and tags through v2', async () => {
    const account = await server.newAccount()
    await verify(account, 'example.com')
    await boto3.call(account, {
      service: 'sesv2',
      operation: 'CreateConfigurationSet',
      input: { ConfigurationSetName: 'news' },
    })
    const tags = [{ Name: 'campaign', Value: 'spring' }]
    await boto3.call(account, v2Simple({ from: 'anybody@mail.example.com', to: [TO], configurationSet: 'news', tags }))
    const { configurationSet, tags: kept } = await account.message()
    assert.equal(configurationSet, 'news')
    assert.deepEqual(kept['campaign'], ['spring'])
    assert.deepEqual(kept['ses:configuration-set'], ['news'])
    assert.deepEqual(kept['ses:from-domain'], ['mail.example.com'])
  })

  for (const [name, api] of [
    ['v1 SendRawEmail', 'ses'],
    ['v2 SendEmail', 'sesv2'],
  ] as const) {
    test(`a message that Python composed, with an attachment, through ${name}`, async () => {
      const account = await server.newAccount()
      await verify(account, FROM)
      const content = Buffer.from(Uint8Array.from({ length: 3000 }, (_, i) => i % 256))
      const composed = {
        $email: {
          headers: {
            From: FROM,
            To: TO,
            Bcc: 'hidden@example.org',
            Subject: 'Rechnung für März',
            'X-SES-MESSAGE-TAGS': 'kind=invoice',
          },
          text: 'Anbei. €\n',
          html: '<p>Anbei. €</p>\n',
          attachments: [{ name: 'Rechnung März.pdf', type: 'application/pdf', content: content.toString('base64') }],
        },
      }
      const call: Call =
        api === 'ses'
          ? { service: api, operation: 'SendRawEmail', input: { RawMessage: { Data: composed } } }
          : { service: api, operation: 'SendEmail', input: { Content: { Raw: { Data: composed } } } }
      await boto3.call(account, call)
      const message = await account.message()
      assert.deepEqual(
        [message.subject, message.text?.trim(), message.html?.trim()],
        ['Rechnung für März', 'Anbei. €', '<p>Anbei. €</p>'],
      )
      assert.deepEqual(
        message.attachments.map(({ filename, contentType, size }) => ({ filename, contentType, size })),
        [{ filename: 'Rechnung März.pdf', contentType: 'application/pdf', size: 3000 }],
      )
      assert.deepEqual(message.destination, [TO, 'hidden@example.org'])
      assert.deepEqual(message.tags['kind'], ['invoice'])
      assert.doesNotMatch(await account.raw(message.messageId), /hidden@example\.org|^X-SES-MESSAGE-TAGS/im)
    })
  }

  test('an empty raw message with a source and destinations, as recorded from AWS', async () => {
    const account = await server.newAccount()
    await verify(account, FROM)
    const input = { Source: FROM, Destinations: [TO], RawMessage: { Data: octets('') } }
    await boto3.call(account, { service: 'ses', operation: 'SendRawEmail', input })
    assert.deepEqual((await account.message()).destination, [TO])
  })

  test('through URLs that boto3 signed in advance', async () => {
    const account = await server.newAccount()
    await verify(account, FROM)
    const curl = need('curl')
    for (const method of ['GET', 'POST'] as const) {
      const url = await boto3.presign(account, v1Formatted({ from: FROM, to: [TO], subject: `by ${method}` }), method)
      const { stdout, status } = await run(curl, ['-sS', '-X', method, url])
      assert.equal(status, 0)
      const [, messageId] = /<MessageId>([^<]+)<\/MessageId>/.exec(stdout) ?? []
      assert.equal((await account.message({ subject: `by ${method}` })).messageId, messageId, stdout)
      const tampered = await run(curl, ['-sS', '-X', method, url.replace(encodeURIComponent(TO), 'foe%40example.org')])
      assert.match(tampered.stdout, /<Code>SignatureDoesNotMatch<\/Code>/)
    }
  })

  test('to the mailbox simulator, and reads its bounce in the events', async () => {
    const account = await server.newAccount()
    await verify(account, FROM)
    const { MessageId } = await boto3.call(
      account,
      v2Simple({ from: FROM, to: ['bounce+label@simulator.amazonses.com'] }),
    )
    const bounce = await until('the bounce', async () => {
      const path = `/_sesame/messages/${String(MessageId)}/events`
      const { events } = (await server.admin('GET', path)) as {
        events: { eventType: string; bounce?: { bounceType: string } }[]
      }
      return events.find(({ eventType }) => eventType === 'Bounce')?.bounce
    })
    assert.equal(bounce.bounceType, 'Permanent')
  })
})

describe('boto3 manages', () => {
  test('identities and quota through v1, with its waiter and its paginator', async () => {
    const account = await server.newAccount()
    await boto3.call(account, { service: 'ses', operation: 'VerifyDomainIdentity', input: { Domain: 'example.com' } })
    await boto3.call(account, {
      service: 'ses',
      operation: 'VerifyEmailIdentity',
      input: { EmailAddress: 'a@example.net' },
    })
    const Identities = ['example.com', 'a@example.net']
    await boto3.call(account, { service: 'ses', operation: 'IdentityExists', input: { Identities } }, { how: 'wait' })
    const pages = await boto3.pages(account, {
      service: 'ses',
      operation: 'ListIdentities',
      input: { PaginationConfig: { PageSize: 1 } },
    })
    assert.deepEqual(pages.flatMap((page) => page['Identities'] as string[]).toSorted(), Identities.toSorted())

    await boto3.call(account, v1Formatted({ from: 'a@example.net', to: [TO, 'other@example.org'] }))
    const quota = await boto3.call(account, { service: 'ses', operation: 'GetSendQuota', input: {} })
    assert.deepEqual([quota['Max24HourSend'], quota['SentLast24Hours']], [-1, 2])
    const { SendDataPoints } = await boto3.call(account, { service: 'ses', operation: 'GetSendStatistics', input: {} })
    assert.equal((SendDataPoints as { DeliveryAttempts: number }[])[0]?.DeliveryAttempts, 2)
  })

  test('the account and an identity through v2', async () => {
    const account = await server.newAccount()
    await verify(account, 'example.com')
    const { EmailIdentities } = await boto3.call(account, {
      service: 'sesv2',
      operation: 'ListEmailIdentities',
      input: {},
    })
    assert.deepEqual(
      (EmailIdentities as { IdentityName: string; SendingEnabled: boolean }[]).map(
        ({ IdentityName, SendingEnabled }) => [IdentityName, SendingEnabled],
      ),
      [['example.com', true]],
    )
    const got = await boto3.call(account, { service: 'sesv2', operation: 'GetAccount', input: {} })
    assert.deepEqual(
      [got['EnforcementStatus'], got['ProductionAccessEnabled'], got['SendingEnabled']],
      ['HEALTHY', true, true],
    )
  })

  test('an identity that is not there is not found', async () => {
    const account = await server.newAccount()
    const call: Call = {
      service: 'sesv2',
      operation: 'GetEmailIdentity',
      input: { EmailIdentity: 'nobody@example.com' },
    }
    const { code, status, exception } = await boto3.refused(account, call)
    assert.deepEqual([code, status, exception], ['NotFoundException', 404, 'NotFoundException'])
  })

  test('each region apart', async () => {
    const account = await server.newAccount()
    await verify(account, FROM)
    const { message } = await boto3.refused(account, v1Formatted({ from: FROM, to: [TO] }), { region: 'eu-west-1' })
    assert.equal(
      message,
      `Email address is not verified. The following identities failed the check in region EU-WEST-1: ${FROM}`,
    )
  })
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
