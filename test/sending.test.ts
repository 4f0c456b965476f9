/** What becomes of mail that SES accepts: identifiers, headers, recipients, events. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { SendEmailCommand as SendEmailV1Command, SendRawEmailCommand } from '@aws-sdk/client-ses'
import { CreateEmailIdentityCommand, SendEmailCommand } from '@aws-sdk/client-sesv2'
import { simpleParser } from 'mailparser'
import PostalMime from 'postal-mime'
import { get } from './support/admin.ts'
import { startApp, type TestApp } from './support/app.ts'
import { FRIEND, SENDER, sendThrough, SURFACES } from './support/surfaces.ts'

const SCOPE = { account: '000000000000', region: 'us-east-1' }
const MESSAGE_ID = /^0100[0-9a-f]{12}-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}-000000$/

async function withSender(app: TestApp): Promise<TestApp> {
  await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: SENDER }))
  return app
}

async function rawOf(app: TestApp, id: string): Promise<string> {
  const raw = await app.services.store.messages.raw(SCOPE, id)
  assert.ok(raw)
  return Buffer.from(raw).toString('latin1')
}

type Event = { readonly eventType: string } & { readonly [member: string]: Record<string, unknown> | undefined }

async function eventsOf(app: TestApp, id: string): Promise<Event[]> {
  await app.idle()
  const { events } = await get<{ readonly events: Event[] }>(app, `/_sesame/messages/${id}/events`)
  return events
}

describe('accepted mail', () => {
  for (const surface of SURFACES) {
    test(`${surface}: has SES's identifiers, is captured, and its events tell its life`, async () => {
      await using app = await withSender(await startApp())
      const verdict = await sendThrough(surface, app, { bcc: ['secret@example.org'], tags: [['campaign', 'spring']] })
      assert.ok('messageId' in verdict, JSON.stringify(verdict))
      const { messageId } = verdict
      assert.match(messageId, MESSAGE_ID)
      assert.equal(Number.parseInt(messageId.slice(4, 16), 16), app.clock.now(), 'the id holds the time of acceptance')

      const raw = await rawOf(app, messageId)
      assert.match(raw, new RegExp(`^Message-ID: <${messageId}@email\\.amazonses\\.com>\r$`, 'm'))
      assert.match(raw, /^Date: Thu, 15 Jan 2026 12:00:00 \+0000\r$/m)
      assert.match(raw, /^Feedback-ID: 1\.us-east-1\.[A-Za-z0-9+/]{43}=:AmazonSES\r$/m)
      assert.doesNotMatch(raw, /secret@example\.org|X-SES-MESSAGE-TAGS|^Return-Path/im)

      const stored = await app.services.store.messages.find(messageId)
      assert.equal(stored?.message.returnPath, `${messageId}@amazonses.com`)
      assert.equal(stored?.message.feedbackAddress, SENDER)
      assert.deepEqual(stored?.message.destination, [FRIEND, 'secret@example.org'])

      const events = await eventsOf(app, messageId)
      assert.deepEqual(events.map((event) => event.eventType).toSorted(), ['Delivery', 'Send'])
      const [send] = events
      const mail = send?.['mail']
      assert.equal(mail?.['messageId'], messageId)
      assert.equal(mail?.['sendingAccountId'], SCOPE.account)
      assert.equal(mail?.['sourceArn'], `arn:aws:ses:us-east-1:000000000000:identity/${SENDER}`)
      const tags = mail?.['tags'] as Record<string, string[]>
      assert.deepEqual(tags['campaign'], ['spring'])
      assert.deepEqual(tags['ses:from-domain'], ['example.com'])
      assert.deepEqual(tags['ses:source-ip'], ['127.0.0.1'])
      assert.deepEqual(tags['ses:caller-identity'], ['root'])
      const recipients = await app.services.store.messages.recipients(SCOPE, messageId)
      assert.deepEqual(
        recipients.map(({ status }) => status),
        ['delivered', 'delivered'],
      )
    })
  }

  test('a formatted mail has its headers in the order of SES', async () => {
    await using app = await withSender(await startApp())
    const { MessageId } = await app.ses.send(
      new SendEmailV1Command({
        Source: `Shop <${SENDER}>`,
        Destination: { ToAddresses: [FRIEND], CcAddresses: ['copy@example.org'] },
        ReplyToAddresses: ['help@example.com', 'office@example.com'],
        Message: {
          Subject: { Data: 'Grüße', Charset: 'UTF-8' },
          Body: { Text: { Data: 'Hallo Welt äöü', Charset: 'UTF-8' }, Html: { Data: '<p>Hallo</p>' } },
        },
      }),
    )
    const [send] = await eventsOf(app, MessageId!)
    const headers = send?.['mail']?.['headers'] as { name: string; value: string }[]
    assert.deepEqual(
      headers.map(({ name }) => name),
      ['From', 'To', 'Cc', 'Reply-To', 'Subject', 'MIME-Version', 'Content-Type'],
    )
    const common = send?.['mail']?.['commonHeaders'] as Record<string, unknown>
    assert.deepEqual(common, {
      from: [`Shop <${SENDER}>`],
      replyTo: ['help@example.com', 'office@example.com'],
      to: [FRIEND],
      cc: ['copy@example.org'],
      messageId: MessageId,
      subject: 'Grüße',
    })
  })

  test('text without a charset is ASCII: what is not becomes a question mark', async () => {
    await using app = await withSender(await startApp())
    const { MessageId } = await app.sesv2.send(
      new SendEmailCommand({
        FromEmailAddress: SENDER,
        Destination: { ToAddresses: [FRIEND] },
        Content: { Simple: { Subject: { Data: 'naïve' }, Body: { Text: { Data: 'café' } } } },
      }),
    )
    const raw = await rawOf(app, MessageId!)
    assert.match(raw, /^Subject: na\?ve\r$/m)
    assert.match(raw, /^caf\?/m)
  })

  test('attachments and inline images read alike in two MIME libraries', async () => {
    await using app = await withSender(await startApp())
    const png = Buffer.from('iVBORw0KGgo=', 'base64')
    const { MessageId } = await app.sesv2.send(
      new SendEmailCommand({
        FromEmailAddress: SENDER,
        Destination: { ToAddresses: [FRIEND] },
        Content: {
          Simple: {
            Subject: { Data: 'Ihre Rechnung № 7', Charset: 'UTF-8' },
            Body: {
              Text: { Data: 'Anbei ✓', Charset: 'UTF-8' },
              Html: { Data: '<p>Anbei ✓ <img src="cid:logo"></p>', Charset: 'UTF-8' },
            },
            Headers: [{ Name: 'X-Order', Value: '7' }],
            Attachments: [
              { RawContent: Buffer.from('a;b\n1;2\n'), FileName: 'Übersicht.csv', ContentTransferEncoding: 'BASE64' },
              {
                RawContent: png,
                FileName: 'logo.png',
                ContentDisposition: 'INLINE',
                ContentId: 'logo',
                ContentTransferEncoding: 'BASE64',
              },
            ],
          },
        },
      }),
    )
    const raw = Buffer.from(await rawOf(app, MessageId!), 'latin1')
    const [one, two] = await Promise.all([simpleParser(raw, { skipImageLinks: true }), PostalMime.parse(raw)])
    assert.equal(one.subject, 'Ihre Rechnung № 7')
    assert.equal(two.subject, one.subject)
    assert.equal(one.text?.trim(), 'Anbei ✓')
    assert.equal(two.text?.trim(), one.text?.trim())
    assert.equal(one.headers.get('x-order'), '7')
    assert.deepEqual(one.attachments.map((a) => `${a.filename} ${a.content.toString('base64')}`).toSorted(), [
      `logo.png ${png.toString('base64')}`,
      `Übersicht.csv ${Buffer.from('a;b\n1;2\n').toString('base64')}`,
    ])
    assert.deepEqual(
      two.attachments
        .map((a) => `${a.filename} ${Buffer.from(a.content as ArrayBuffer).toString('base64')}`)
        .toSorted(),
      one.attachments.map((a) => `${a.filename} ${a.content.toString('base64')}`).toSorted(),
    )
  })

  test('the parameters of a raw mail win over its X-SES headers, and tags are not merged', async () => {
    await using app = await withSender(await startApp())
    const raw = `From: ${SENDER}\r\nTo: ${FRIEND}\r\nSubject: x\r\nX-SES-MESSAGE-TAGS: from=header, more=header\r\n\r\nHi\r\n`
    const { MessageId } = await app.ses.send(
      new SendRawEmailCommand({ RawMessage: { Data: Buffer.from(raw) }, Tags: [{ Name: 'from', Value: 'call' }] }),
    )
    const stored = await app.services.store.messages.find(MessageId!)
    assert.deepEqual(stored?.message.tags['from'], ['call'])
    assert.equal(stored?.message.tags['more'], undefined)
  })

  test('raw mail without Destinations goes to To, Cc and Bcc, groups included, and Bcc is taken out', async () => {
    await using app = await withSender(await startApp())
    const raw = `From: ${SENDER}\r\nTo: Team: a@example.org, "B, b" <b@example.org>;\r\nCc: c@example.org\r\nBcc: d@example.org\r\nSubject: x\r\n\r\nHi\r\n`
    const { MessageId } = await app.ses.send(new SendRawEmailCommand({ RawMessage: { Data: Buffer.from(raw) } }))
    const recipients = await app.services.store.messages.recipients(SCOPE, MessageId!)
    assert.deepEqual(
      recipients.map(({ mailbox, field }) => [mailbox, field]),
      [
        ['a@example.org', 'to'],
        ['b@example.org', 'to'],
        ['c@example.org', 'cc'],
        ['d@example.org', 'bcc'],
      ],
    )
    assert.doesNotMatch(await rawOf(app, MessageId!), /d@example\.org/)
  })

  test('raw mail of no content is accepted when the call names source and destinations (recorded from AWS)', async () => {
    await using app = await withSender(await startApp())
    const { MessageId } = await app.ses.send(
      new SendRawEmailCommand({ Source: SENDER, Destinations: [FRIEND], RawMessage: { Data: Buffer.alloc(0) } }),
    )
    const [send] = await eventsOf(app, MessageId!)
    assert.deepEqual(send?.['mail']?.['headers'], [])
    assert.deepEqual(send?.['mail']?.['commonHeaders'], { messageId: MessageId })
    assert.ok(!Object.hasOwn(Object(send?.['mail']?.['tags']), 'ses:from-domain'))
  })

  test('an infected attachment is accepted, then rejected, and counts to the quota', async () => {
    await using app = await withSender(await startApp({ config: { max24HourSend: 1 } }))
    // In two pieces, so that this file is not the virus.
    const eicar = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR', '-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join('')
    const { MessageId } = await app.sesv2.send(
      new SendEmailCommand({
        FromEmailAddress: SENDER,
        Destination: { ToAddresses: [FRIEND] },
        Content: {
          Simple: {
            Subject: { Data: 'x' },
            Body: { Text: { Data: 'x' } },
            Attachments: [
              { RawContent: Buffer.from(eicar), FileName: 'sample.txt', ContentTransferEncoding: 'BASE64' },
            ],
          },
        },
      }),
    )
    const events = await eventsOf(app, MessageId!)
    assert.deepEqual(
      events.map((event) => event.eventType),
      ['Send', 'Reject'],
    )
    assert.deepEqual(events[1]?.['reject'], { reason: 'Bad content' })
    const verdict = await sendThrough('v2', app, {})
    assert.equal('refusal' in verdict && verdict.refusal.message, 'Daily message quota exceeded.')
  })
})

describe('the mailbox simulator', () => {
  const at = (name: string) => `${name}@simulator.amazonses.com`

  test('works in the sandbox, with labels, outside quota and statistics', async () => {
    await using app = await withSender(
      await startApp({ profile: 'strict', config: { autoVerify: true, max24HourSend: 1, maxSendRate: 100 } }),
    )
    for (const [name, types] of [
      ['success', ['Delivery', 'Send']],
      ['bounce', ['Bounce', 'Send']],
      ['complaint+label', ['Complaint', 'Delivery', 'Send']],
      ['ooto', ['Delivery', 'Send']],
      ['suppressionlist', ['Bounce', 'Send']],
    ] as const) {
      const verdict = await sendThrough('v2', app, { to: [at(name)] })
      assert.ok('messageId' in verdict, JSON.stringify(verdict))
      const events = await eventsOf(app, verdict.messageId)
      assert.deepEqual(events.map((event) => event.eventType).toSorted(), types, name)
    }
    const scope = SCOPE
    assert.equal(await app.services.quotas.sentLast24Hours(scope), 0)
    assert.deepEqual(await app.services.store.messages.statistics(scope, 0), [])
  })

  test('bounces of one message make one event, labels included', async () => {
    await using app = await withSender(await startApp())
    const verdict = await sendThrough('v1', app, { to: [at('bounce+a'), at('bounce+b')] })
    assert.ok('messageId' in verdict)
    const bounces = (await eventsOf(app, verdict.messageId)).filter((event) => event.eventType === 'Bounce')
    assert.equal(bounces.length, 1)
    const bounce = bounces[0]?.['bounce']
    assert.equal(bounce?.['bounceType'], 'Permanent')
    assert.equal(bounce?.['bounceSubType'], 'General')
    assert.deepEqual(bounce?.['bouncedRecipients'], [
      {
        emailAddress: at('bounce+a'),
        action: 'failed',
        status: '5.1.1',
        diagnosticCode: 'smtp; 550 5.1.1 user unknown',
      },
      {
        emailAddress: at('bounce+b'),
        action: 'failed',
        status: '5.1.1',
        diagnosticCode: 'smtp; 550 5.1.1 user unknown',
      },
    ])
  })

  test('is bounded by the rate, not by the quota', async () => {
    await using app = await withSender(await startApp({ config: { maxSendRate: 1, max24HourSend: 0 } }))
    const to = [at('success'), at('bounce'), at('complaint')]
    assert.ok('messageId' in (await sendThrough('v2', app, { to })))
    for (const surface of ['v1', 'v2', 'smtp'] as const) {
      const verdict = await sendThrough(surface, app, { to })
      assert.match('refusal' in verdict ? verdict.refusal.message : 'sent', /Maximum sending rate exceeded\.$/)
    }
    app.clock.advance(3000)
    assert.ok('messageId' in (await sendThrough('v2', app, { to })))
  })

  test('tells of each recipient what SES tells, labels and letters as they were written', async () => {
    await using app = await withSender(await startApp())
    const to = ['Success+a', 'OOTO+b', 'complaint+c', 'SuppressionList+d'].map(at)
    const verdict = await sendThrough('smtp', app, { to })
    assert.ok('messageId' in verdict)
    const events = await eventsOf(app, verdict.messageId)
    const find = (type: string) => events.find((event) => event.eventType === type)?.[type.toLowerCase()]
    assert.deepEqual(find('Delivery')?.['recipients'], to.slice(0, 3))
    const { feedbackId: complaintId, ...complaint } = find('Complaint') ?? {}
    assert.match(String(complaintId), MESSAGE_ID)
    assert.deepEqual(complaint, {
      complaintSubType: null,
      complainedRecipients: [{ emailAddress: to[2] }],
      timestamp: '2026-01-15T12:00:00.000Z',
      userAgent: 'Amazon SES Mailbox Simulator',
      complaintFeedbackType: 'abuse',
      arrivalDate: '2026-01-15T12:00:00.000Z',
    })
    const { feedbackId: bounceId, ...bounce } = find('Bounce') ?? {}
    assert.match(String(bounceId), MESSAGE_ID)
    assert.deepEqual(bounce, {
      bounceType: 'Permanent',
      bounceSubType: 'General',
      bouncedRecipients: [
        {
          emailAddress: to[3],
          action: 'failed',
          status: '5.1.1',
          diagnosticCode: `smtp; 550 5.1.1 As requested: user unknown (suppressed address: ${to[3]})`,
        },
      ],
      timestamp: '2026-01-15T12:00:00.000Z',
      reportingMTA: 'dns; localhost',
    })
  })

  test('ooto answers the return path, once, and never what a program wrote', async () => {
    await using app = await startApp({ profile: 'strict', config: { autoVerify: true, maxSendRate: 100 } })
    await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: 'example.com' }))
    const mail = { to: [at('ooto+Label')], subject: 'Grüße', returnPath: 'bounces@example.com' }
    const verdict = await sendThrough('v2', app, mail)
    assert.ok('messageId' in verdict)
    await app.idle()
    const found = await app.services.store.messages.list({ to: 'bounces@example.com' }, { limit: 10 })
    assert.equal(found.length, 1)
    const { message } = found[0]!
    assert.deepEqual(
      [message.surface, message.source, message.returnPath, message.counted],
      ['system', at('ooto+Label'), '', 0],
    )
    const parsed = await simpleParser(await rawOf(app, message.id))
    // Without a charset the caller's subject was ASCII.
    assert.equal(parsed.subject, 'Auto: Gr??e')
    assert.equal(parsed.inReplyTo, `<${verdict.messageId}@email.amazonses.com>`)
    assert.equal(parsed.headers.get('auto-submitted'), 'auto-replied')

    const automatic = `From: ${SENDER}\r\nTo: ${at('ooto')}\r\nAuto-Submitted: auto-generated\r\n\r\nHi\r\n`
    await app.ses.send(new SendRawEmailCommand({ RawMessage: { Data: Buffer.from(automatic) } }))
    await app.idle()
    assert.deepEqual(await app.services.store.messages.list({ to: SENDER }, { limit: 10 }), [])
  })
})
