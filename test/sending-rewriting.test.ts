/** What SES writes into mail by itself, and what it takes out: identifiers, return path, feedback address, headers. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { SendRawEmailCommand } from '@aws-sdk/client-ses'
import {
  CreateEmailIdentityCommand,
  PutEmailIdentityMailFromAttributesCommand,
  SendEmailCommand,
} from '@aws-sdk/client-sesv2'
import { send, startWithSender } from './support/admin.ts'
import { startApp, type TestApp } from './support/app.ts'
import { RAW_SURFACES, sendRawThrough } from './support/raw-surfaces.ts'
import { FRIEND, SENDER, sendThrough } from './support/surfaces.ts'

async function rawOf(app: TestApp, messageId: string): Promise<string> {
  const reply = await fetch(`${app.url}/_sesame/messages/${messageId}/raw`)
  assert.equal(reply.status, 200)
  return Buffer.from(await reply.arrayBuffer()).toString('latin1')
}

async function messageOf(app: TestApp, messageId: string) {
  const stored = await app.services.store.messages.find(messageId)
  assert.ok(stored)
  return stored.message
}

describe('identifiers', () => {
  for (const [region, prefix, domain] of [
    ['us-east-1', /^0100/, 'amazonses.com'],
    ['us-west-2', /^0101/, 'us-west-2.amazonses.com'],
    ['eu-west-1', /^0102/, 'eu-west-1.amazonses.com'],
    ['ap-northeast-1', /^0106/, 'ap-northeast-1.amazonses.com'],
    ['eu-central-1', /^0107/, 'eu-central-1.amazonses.com'],
    // Nobody has published this one's.
    ['sa-east-1', /^01[89a-f][0-9a-f]/, 'sa-east-1.amazonses.com'],
  ] as const) {
    test(`of ${region} name it`, async () => {
      await using app = await startApp()
      const clients = app.clients(region)
      await clients.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: SENDER }))
      const verdict = await sendThrough('v2', app, {}, clients)
      assert.ok('messageId' in verdict, JSON.stringify(verdict))
      const { messageId } = verdict
      assert.match(messageId, prefix)
      const { returnPath } = await messageOf(app, messageId)
      assert.equal(returnPath, `${messageId}@${domain}`)
      const raw = await rawOf(app, messageId)
      const messageIdDomain = region === 'us-east-1' ? `email.${domain}` : domain
      assert.ok(raw.includes(`\r\nMessage-ID: <${messageId}@${messageIdDomain}>\r\n`), raw)
      assert.match(raw, new RegExp(`\r\nFeedback-ID: 1\\.${region}\\.[\\w+/]{43}=:AmazonSES\r\n\r\n`))
    })
  }

  test('of an identity with a MAIL FROM domain have it in the return path', async () => {
    await using app = await startApp()
    await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: 'example.com' }))
    await app.sesv2.send(
      new PutEmailIdentityMailFromAttributesCommand({
        EmailIdentity: 'example.com',
        MailFromDomain: 'bounce.example.com',
      }),
    )
    for (const surface of ['v1', 'v2', 'smtp'] as const) {
      const messageId = await send(app, {}, surface)
      assert.equal((await messageOf(app, messageId)).returnPath, `${messageId}@bounce.example.com`)
    }
  })

  test('for feedback loops may have two values of the caller, from tags with names of their own', async () => {
    await using app = await startWithSender()
    const tags = [
      ['ses:feedback-id-a', 'spring'],
      ['ses:feedback-id-b', 'shop'],
    ] as const
    for (const surface of ['v1', 'v2', 'smtp'] as const) {
      const raw = await rawOf(app, await send(app, { tags }, surface))
      assert.match(raw, /\r\nFeedback-ID: spring:shop:1\.us-east-1\.[\w+/]{43}=:AmazonSES\r\n/)
    }
  })
})

describe('headers of the caller', () => {
  const MINE = [
    `From: ${SENDER}`,
    `To: ${FRIEND}`,
    'Bcc: hidden@example.org',
    'Resent-Bcc: hidden2@example.org',
    'Date: Mon, 1 Jan 2001 00:00:00 +0000',
    'Message-ID: <mine@example.com>',
    `Return-Path: <${SENDER}>`,
    'X-SES-MESSAGE-TAGS: campaign=spring',
    'X-SES-ANYTHING: else',
    'DKIM-Signature: v=1; a=rsa-sha256; d=example.com',
    'Received: from a by b',
    'X-Mine: kept',
    'Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?=',
  ]

  test('Date and Message-ID are replaced, Bcc, Return-Path and X-SES-… taken out, all others stay', async () => {
    await using app = await startWithSender()
    for (const { name } of RAW_SURFACES) {
      const verdict = await sendRawThrough(name, app, `${MINE.join('\n')}\n\nHi\n`)
      assert.ok('messageId' in verdict, JSON.stringify(verdict))
      const { messageId } = verdict
      const raw = await rawOf(app, messageId)
      const [section = ''] = raw.split('\r\n\r\n')
      assert.deepEqual(
        section.split('\r\n').filter((line) => !line.startsWith('Feedback-ID: ')),
        [
          `From: ${SENDER}`,
          `To: ${FRIEND}`,
          'Date: Thu, 15 Jan 2026 12:00:00 +0000',
          `Message-ID: <${messageId}@email.amazonses.com>`,
          'DKIM-Signature: v=1; a=rsa-sha256; d=example.com',
          'Received: from a by b',
          'X-Mine: kept',
          'Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?=',
        ],
        name,
      )
      const { tags } = await messageOf(app, messageId)
      assert.deepEqual(tags['campaign'], ['spring'])
    }
  })

  test('are in the events as they came, up to 10 kB', async () => {
    await using app = await startWithSender()
    const long = Array.from({ length: 20 }, (_, n) => `X-${n}: ${'x'.repeat(900)}`).join('\n')
    const verdict = await sendRawThrough('v1 SendRawEmail', app, `From: ${SENDER}\nTo: ${FRIEND}\n${long}\n\nHi\n`)
    assert.ok('messageId' in verdict)
    await app.idle()
    const { body } = await app.admin('GET', `/_sesame/messages/${verdict.messageId}/events`)
    const { events } = body as { events: { mail: { headersTruncated: unknown; headers: { name: string }[] } }[] }
    assert.equal(events.length, 2)
    for (const { mail } of events) {
      assert.equal(mail.headersTruncated, true)
      assert.deepEqual(
        mail.headers.map(({ name }) => name),
        ['From', 'To', ...Array.from({ length: 11 }, (_, n) => `X-${n}`)],
      )
    }
  })
})

// SES guide, "Receiving Amazon SES notifications through email".
describe('bounces are forwarded to', () => {
  const withReturnPath = `From: from@example.com\r\nTo: ${FRIEND}\r\nReturn-Path: <header@example.com>\r\n\r\nHi\r\n`
  const without = withReturnPath.replace(/Return-Path: .*\r\n/, '')
  const data = (text: string) => ({ RawMessage: { Data: Buffer.from(text) } })
  const content = (text: string) => ({ Content: { Raw: { Data: Buffer.from(text) } } })

  const CASES: readonly (readonly [what: string, expected: string, sending: (app: TestApp) => Promise<string>])[] = [
    ['v1 SendEmail: ReturnPath', 'path@example.com', (app) => send(app, { returnPath: 'path@example.com' }, 'v1')],
    ['v1 SendEmail: else Source', SENDER, (app) => send(app, {}, 'v1')],
    [
      'v1 SendRawEmail: Source, even before a Return-Path header',
      SENDER,
      async ({ ses }) =>
        (await ses.send(new SendRawEmailCommand({ ...data(withReturnPath), Source: SENDER }))).MessageId!,
    ],
    [
      'v1 SendRawEmail: else the Return-Path header',
      'header@example.com',
      async ({ ses }) => (await ses.send(new SendRawEmailCommand(data(withReturnPath)))).MessageId!,
    ],
    [
      'v1 SendRawEmail: else From',
      'from@example.com',
      async ({ ses }) => (await ses.send(new SendRawEmailCommand(data(without)))).MessageId!,
    ],
    [
      'v2 SendEmail: FeedbackForwardingEmailAddress',
      'path@example.com',
      (app) => send(app, { returnPath: 'path@example.com' }, 'v2'),
    ],
    ['v2 SendEmail: else FromEmailAddress', SENDER, (app) => send(app, {}, 'v2')],
    [
      'v2 SendEmail Raw: FeedbackForwardingEmailAddress, even before a Return-Path header',
      'path@example.com',
      async ({ sesv2 }) =>
        (
          await sesv2.send(
            new SendEmailCommand({ ...content(withReturnPath), FeedbackForwardingEmailAddress: 'path@example.com' }),
          )
        ).MessageId!,
    ],
    ['SMTP: MAIL FROM', 'path@example.com', (app) => send(app, { returnPath: 'path@example.com' }, 'smtp')],
  ]
  for (const [what, expected, sending] of CASES) {
    test(what, async () => {
      await using app = await startApp()
      await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: 'example.com' }))
      assert.equal((await messageOf(app, await sending(app))).feedbackAddress, expected)
    })
  }
})
