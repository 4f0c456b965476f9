/** boto3: what its users do all day, as themselves and for others. */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { startBoto3 } from './boto3.ts'
import { type Call, type Mail, octets, v1Formatted, v2Raw, v2Simple } from './mail.ts'
import { need, run } from './programs.ts'
import { FROM, TO, verify } from './refusals.ts'
import { CHECKED, REGION, startServer } from './server.ts'
import { until } from './until.ts'

const server = await startServer(CHECKED)
const boto3 = startBoto3()
after(async () => {
  await boto3.stop()
  await server.stop()
})

const MAIL: Mail = { from: FROM, to: [TO] }

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

describe('boto3 sends as somebody else', () => {
  const POLICY = (arn: string, user: string) => ({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: { AWS: user }, Action: ['ses:SendEmail', 'ses:SendRawEmail'], Resource: arn },
    ],
  })

  for (const [name, by] of [
    ['v1', (arn: string) => ({ ...v1Formatted(MAIL), input: { ...v1Formatted(MAIL).input, SourceArn: arn } })],
    [
      'v2',
      (arn: string) => ({ ...v2Simple(MAIL), input: { ...v2Simple(MAIL).input, FromEmailAddressIdentityArn: arn } }),
    ],
    [
      'the headers of raw mail',
      (arn: string) => v2Raw({ ...MAIL, headers: [`From: ${FROM}`, `To: ${TO}`, `X-SES-SOURCE-ARN: ${arn}`] }),
    ],
  ] as const) {
    test(`when a policy of the identity lets him, by ${name}`, async () => {
      const [owner, delegate] = [await server.newAccount(), await server.newAccount()]
      await verify(owner, 'example.com')
      const arn = `arn:aws:ses:${REGION}:${owner.id}:identity/example.com`
      const { code, status, message } = await boto3.refused(delegate, by(arn))
      assert.deepEqual([code, status], [name === 'v1' ? 'AccessDenied' : 'AccessDeniedException', 403])
      assert.match(
        message ?? '',
        /^User `arn:aws:iam::\d{12}:root' is not authorized to perform `ses:Send(?:Raw)?Email' on resource `/,
      )
      assert.ok(message?.endsWith(`\`${arn}'`), message ?? '')

      const Policy = JSON.stringify(POLICY(arn, delegate.id))
      await boto3.call(owner, {
        service: 'ses',
        operation: 'PutIdentityPolicy',
        input: { Identity: 'example.com', PolicyName: 'delegate', Policy },
      })
      const { MessageId } = await boto3.call(delegate, by(arn))
      assert.equal((await delegate.message()).messageId, MessageId)
      assert.equal(await owner.messageCount(), 0, 'it is the delegate who sent')
    })
  }
})

test('boto3 calls with temporary credentials, and is refused with half of them', async () => {
  const account = await server.newAccount()
  const session = await account.newSession()
  const call: Call = { service: 'ses', operation: 'GetSendQuota', input: {} }
  await boto3.call(account, call, { key: session })
  const { accessKeyId, secretAccessKey } = session
  const { code, status } = await boto3.refused(account, call, { key: { accessKeyId, secretAccessKey } })
  assert.deepEqual([code, status], ['InvalidClientTokenId', 403])
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
      const response = await fetch(links[0]!)
      assert.equal(response.status, 200)
      assert.equal((await boto3.refused(account, v1Formatted(mail))).message, `${text}${TO}`)
      // The simulator is open to everybody.
      await boto3.call(account, v1Formatted({ from: FROM, to: ['success@simulator.amazonses.com'] }))
    } finally {
      await strict.stop()
    }
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
    for (const identity of Identities) await account.markVerified(identity)
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

  test('the account through v2', async () => {
    const account = await server.newAccount()
    const got = await boto3.call(account, { service: 'sesv2', operation: 'GetAccount', input: {} })
    assert.deepEqual(
      [got['EnforcementStatus'], got['ProductionAccessEnabled'], got['SendingEnabled']],
      ['HEALTHY', true, true],
    )
  })

  // Models before the newest list by GET.
  test('identities and configuration sets through v2, page by page', async () => {
    const account = await server.newAccount()
    for (const name of ['a', 'b', 'c']) {
      await verify(account, `${name}.example`)
      await boto3.call(account, {
        service: 'sesv2',
        operation: 'CreateConfigurationSet',
        input: { ConfigurationSetName: name },
      })
    }
    const names: string[] = []
    for (let token: unknown; names.length === 0 || token !== undefined;) {
      const input = { PageSize: 2, ...(token === undefined ? {} : { NextToken: token }) }
      const page = await boto3.call(account, { service: 'sesv2', operation: 'ListEmailIdentities', input })
      names.push(...(page['EmailIdentities'] as { IdentityName: string }[]).map(({ IdentityName }) => IdentityName))
      token = page['NextToken']
    }
    assert.deepEqual(names.toSorted(), ['a.example', 'b.example', 'c.example'])
    const sets = await boto3.call(account, {
      service: 'sesv2',
      operation: 'ListConfigurationSets',
      input: { PageSize: 10 },
    })
    assert.deepEqual((sets['ConfigurationSets'] as string[]).toSorted(), ['a', 'b', 'c'])
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
