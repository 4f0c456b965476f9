/** The admin API over real HTTP: reading mail, waiting for it, and outcomes after the fact. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SendEmailCommand } from '@aws-sdk/client-sesv2'
import { call, type Details, type Event, get, type Listing, read, send, startWithSender } from './support/admin.ts'
import { startApp } from './support/app.ts'
import { FRIEND, SENDER } from './support/surfaces.ts'

describe('reading mail', () => {
  test('a message is read with its envelope, headers, parts, recipients, events and transcripts', async () => {
    await using app = await startWithSender()
    const messageId = await send(app, {
      cc: ['copy@example.org'],
      subject: 'Your code',
      text: 'Code 123456, or https://example.com/x?y=1',
    })
    await app.idle()
    const message = await read(app, messageId)
    assert.deepEqual(
      [message.messageId, message.account, message.region, message.surface, message.source, message.subject],
      [messageId, '000000000000', 'us-east-1', 'v2', SENDER, 'Your code'],
    )
    assert.equal(message.acceptedAt, new Date(app.clock.now()).toISOString())
    assert.deepEqual(message.destination, [FRIEND, 'copy@example.org'])
    assert.match(message.text ?? '', /^Code 123456, or/)
    assert.equal(message.html, null)
    assert.ok(message.headers.some(({ name, value }) => name === 'Subject' && value === 'Your code'))
    assert.deepEqual(
      message.recipients.map(({ address, field, status }) => [address, field, status]),
      [
        [FRIEND, 'to', 'delivered'],
        ['copy@example.org', 'cc', 'delivered'],
      ],
    )
    assert.deepEqual(
      message.events.map(({ eventType }) => eventType),
      ['Send', 'Delivery'],
    )
    assert.equal(message.attempts.length, 1)
    assert.deepEqual(message.links, ['https://example.com/x?y=1'])
    assert.deepEqual(message.codes, ['123456'])
  })

  test('the message, its events and its attachments are there as they are', async () => {
    await using app = await startWithSender()
    const content = Buffer.from([0, 1, 2, 253, 254, 255])
    const { MessageId } = await app.sesv2.send(
      new SendEmailCommand({
        FromEmailAddress: SENDER,
        Destination: { ToAddresses: [FRIEND] },
        Content: {
          Simple: {
            Subject: { Data: 'With a file' },
            Body: { Html: { Data: '<p>Hello</p>' } },
            Attachments: [{ FileName: 'a.bin', RawContent: content, ContentTransferEncoding: 'BASE64' }],
          },
        },
      }),
    )
    const path = `/_sesame/messages/${MessageId}`
    const raw = await fetch(`${app.url}${path}/raw`)
    assert.equal(raw.headers.get('content-type'), 'message/rfc822')
    assert.match(await raw.text(), /^From: sender@example\.com\r\n|\r\nSubject: With a file\r\n/)
    const { attachments } = await get<Details>(app, path)
    assert.equal(attachments.length, 1)
    assert.deepEqual([attachments[0]!.filename, attachments[0]!.size], ['a.bin', 6])
    const file = await fetch(`${app.url}${path}/attachments/0`)
    assert.deepEqual(
      [file.headers.get('content-type'), file.headers.get('content-disposition')],
      ['application/octet-stream', 'attachment'],
    )
    assert.deepEqual(Buffer.from(await file.arrayBuffer()), content)
    const { events } = await get<{ events: Event[] }>(app, `${path}/events`)
    assert.equal(events[0]!.mail.messageId, MessageId)
    assert.equal((await call(app, 'GET', `${path}/attachments/1`)).status, 404)
    assert.equal((await call(app, 'GET', `${path}/attachments/x`)).status, 400)
  })

  test('a listing is filtered by recipient, sender, subject, account and region', async () => {
    await using app = await startWithSender()
    const first = await send(app, { to: ['Ann@Example.org'], subject: 'Invoice 7' })
    const second = await send(app, { bcc: ['hidden@example.net'], subject: 'Receipt' })
    const ids = async (query: string) =>
      (await get<Listing>(app, `/_sesame/messages?${query}`)).messages.map(({ messageId }) => messageId)
    assert.deepEqual(await ids(''), [second, first])
    assert.deepEqual(await ids('to=ann@example'), [first])
    assert.deepEqual(await ids('to=hidden'), [second])
    assert.deepEqual(await ids('subject=invoice'), [first])
    assert.deepEqual(await ids(`from=${SENDER}`), [second, first])
    assert.deepEqual(await ids('from=nobody'), [])
    assert.deepEqual(await ids('region=eu-west-1'), [])
    assert.deepEqual(await ids('account=000000000000&region=us-east-1&to=&subject=receipt'), [second])
  })

  test('a long listing comes in pages', async () => {
    await using app = await startWithSender()
    const sent: string[] = []
    for (const subject of ['1', '2', '3', '4', '5']) sent.unshift(await send(app, { subject }))
    const listed: string[] = []
    let after = ''
    for (let pages = 0; pages < 3; pages++) {
      const { messages, next } = await get<Listing>(app, `/_sesame/messages?limit=2&after=${after}`)
      listed.push(...messages.map(({ messageId }) => messageId))
      after = next ?? 'end'
    }
    assert.deepEqual(listed, sent)
    assert.equal(after, 'end')
  })

  test('messages are removed one by one, or all of an account, or all', async () => {
    await using app = await startWithSender()
    const [first, second] = [await send(app), await send(app)]
    assert.equal((await call(app, 'DELETE', `/_sesame/messages/${first}`)).status, 204)
    assert.equal((await call(app, 'GET', `/_sesame/messages/${first}`)).status, 404)
    assert.equal((await call(app, 'DELETE', '/_sesame/messages?account=111111111111')).status, 204)
    assert.equal((await call(app, 'GET', `/_sesame/messages/${second}`)).status, 200)
    assert.equal((await call(app, 'DELETE', '/_sesame/messages')).status, 204)
    assert.deepEqual((await get<Listing>(app, '/_sesame/messages')).messages, [])
  })

  test('what is not there or makes no sense is said so', async () => {
    await using app = await startApp()
    const error = async (method: string, path: string, body?: unknown) => {
      const reply = await call(app, method, path, body)
      return [reply.status, reply.body.error.code, reply.body.error.message]
    }
    assert.deepEqual(await error('GET', '/_sesame/messages/nothing'), [
      404,
      'NotFoundException',
      'There is no message nothing.',
    ])
    assert.deepEqual(await error('GET', '/_sesame/messages?limit=0'), [
      400,
      'BadRequestException',
      'limit is not a whole number from 1 to 1000.',
    ])
    assert.deepEqual(await error('POST', '/_sesame/accounts', [1]), [
      400,
      'BadRequestException',
      'The body is not a JSON object.',
    ])
    assert.deepEqual(await error('POST', '/_sesame/accounts', { nam: 'x' }), [
      400,
      'BadRequestException',
      'There is no member "nam"; there are accountId, name, email.',
    ])
    assert.deepEqual(await error('POST', '/_sesame/accounts', { name: 7 }), [
      400,
      'BadRequestException',
      'name is not a text.',
    ])
    const broken = await fetch(`${app.url}/_sesame/accounts`, { method: 'POST', body: '{' })
    assert.equal(broken.status, 400)
  })
})

describe('waiting for mail', () => {
  test('a message that is there already is answered at once, the newest first', async () => {
    await using app = await startWithSender()
    await send(app, { subject: 'Old' })
    const newest = await send(app, { subject: 'New' })
    const found = await get<Details>(app, `/_sesame/messages/wait?to=${FRIEND}`)
    assert.equal(found.messageId, newest)
    assert.equal(found.text?.trim(), 'Hi there')
  })

  test('a message that comes later ends the waiting, and others do not', async () => {
    await using app = await startWithSender()
    const waiting = get<Details>(app, '/_sesame/messages/wait?subject=welcome&timeoutMs=20000')
    await send(app, { subject: 'Something else' })
    const messageId = await send(
      app,
      { subject: 'Welcome!', text: 'Open https://example.com/confirm?code=99 with 424242.' },
      'smtp',
    )
    const found = await waiting
    assert.equal(found.messageId, messageId)
    assert.deepEqual(found.links, ['https://example.com/confirm?code=99'])
    assert.ok(found.codes.includes('424242'))
  })

  test('one can wait for what comes after a message that he knows', async () => {
    await using app = await startWithSender()
    const known = await send(app)
    const [second] = [await send(app), await send(app)]
    assert.equal((await get<Details>(app, `/_sesame/messages/wait?newerThan=${known}`)).messageId, second)
    assert.equal((await call(app, 'GET', '/_sesame/messages/wait?newerThan=nothing')).status, 404)
  })

  test('waiting ends with 408 when nothing comes', async () => {
    await using app = await startWithSender()
    await send(app)
    const { status, body } = await call(app, 'GET', '/_sesame/messages/wait?to=nobody@example.org&timeoutMs=0')
    assert.equal(status, 408)
    assert.deepEqual(body.error, { code: 'RequestTimeout', message: 'No matching message was accepted within 0 ms.' })
    assert.equal((await call(app, 'GET', '/_sesame/messages/wait?timeoutMs=300001')).status, 400)
  })

  test('a client that goes away is no longer waited for', async () => {
    await using app = await startWithSender()
    const controller = new AbortController()
    const waiting = fetch(`${app.url}/_sesame/messages/wait?to=nobody`, { signal: controller.signal })
    controller.abort()
    await assert.rejects(waiting)
    await send(app)
  })
})

describe('outcomes after the fact', () => {
  const OUTCOMES: readonly (readonly [object, string, string])[] = [
    [{ outcome: 'bounce', bounceType: 'Transient', diagnosticCode: 'smtp; 452 full' }, 'Bounce', 'bounced'],
    [{ outcome: 'complaint' }, 'Complaint', 'complained'],
    [{ outcome: 'delay' }, 'DeliveryDelay', 'delayed'],
    [{ outcome: 'reject', reason: 'Bad content' }, 'Reject', 'rejected'],
    [{ outcome: 'delivery', smtpResponse: '250 later' }, 'Delivery', 'delivered'],
    [{ outcome: 'open', userAgent: 'Test' }, 'Open', 'delivered'],
    [{ outcome: 'click', link: 'https://example.com' }, 'Click', 'delivered'],
  ]
  for (const [outcome, eventType, recipientStatus] of OUTCOMES) {
    test(`${eventType}: the event is told and written down`, async () => {
      await using app = await startWithSender()
      const messageId = await send(app)
      await app.idle()
      const { status, body } = await call<{ event: Event }>(app, 'POST', `/_sesame/messages/${messageId}/outcomes`, {
        recipient: FRIEND,
        ...outcome,
      })
      assert.equal(status, 201, JSON.stringify(body))
      assert.equal(body.event.eventType, eventType)
      const message = await read(app, messageId)
      assert.deepEqual(message.events.at(-1), body.event)
      assert.equal(message.recipients[0]!.status, recipientStatus)
    })
  }

  test('an outcome that cannot be is refused', async () => {
    await using app = await startWithSender()
    const path = `/_sesame/messages/${await send(app)}/outcomes`
    const status = async (body: object) => (await call(app, 'POST', path, body)).status
    assert.equal(await status({ recipient: FRIEND }), 400)
    assert.equal(await status({ recipient: FRIEND, outcome: 'exploded' }), 400)
    assert.equal(await status({ recipient: FRIEND, outcome: 'click' }), 400)
    assert.equal(await status({ recipient: FRIEND, outcome: 'open', bounceType: 'Permanent' }), 400)
    assert.equal(await status({ outcome: 'open' }), 400)
    assert.equal(await status({ recipient: 'stranger@example.org', outcome: 'open' }), 404)
  })
})
