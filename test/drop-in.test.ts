/** The routes of other stand-ins: what suites written for them do, and the shapes that they look at. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SendEmailCommand, SendRawEmailCommand, VerifyEmailIdentityCommand } from '@aws-sdk/client-ses'
import { CreateEmailIdentityCommand, SendEmailCommand as SendEmailV2Command } from '@aws-sdk/client-sesv2'
import { call, get, startWithSender } from './support/admin.ts'
import { startApp, type TestApp } from './support/app.ts'
import { SENDER } from './support/surfaces.ts'

type Email = { readonly messageId: string; readonly at: number } & Readonly<Record<string, unknown>>
type Store = { readonly templates: object; readonly emails: readonly Email[] }
type Sent = { readonly Id: string } & Readonly<Record<string, unknown>>
type Messages = { readonly messages: readonly Sent[] }
type Eml = { readonly messageId: string; readonly fileName: string; readonly body: { type: string; data: number[] } }

async function onlyEmail(app: TestApp): Promise<object> {
  const { emails } = await get<Store>(app, '/store')
  assert.equal(emails.length, 1)
  const { messageId, at, ...rest } = emails[0]!
  assert.equal(typeof messageId, 'string')
  assert.equal(at, app.clock.now() / 1000)
  return rest
}

describe('aws-ses-v2-local', () => {
  test('a simple message of either API is in the store as it was given', async () => {
    const expected = {
      from: SENDER,
      replyTo: [],
      destination: { to: ['receiver@example.com'], cc: [], bcc: [] },
      subject: 'This is the subject',
      body: { text: 'This is the email contents' },
      attachments: [],
    }
    await using app = await startWithSender()
    const Subject = { Data: 'This is the subject' }
    const Text = { Data: 'This is the email contents' }
    const Destination = { ToAddresses: ['receiver@example.com'] }
    await app.ses.send(new SendEmailCommand({ Source: SENDER, Destination, Message: { Subject, Body: { Text } } }))
    assert.deepEqual(await onlyEmail(app), expected)
    assert.deepEqual((await call(app, 'POST', '/clear-store')).body, { message: 'Store cleared' })
    assert.deepEqual(await get<Store>(app, '/store'), { templates: {}, emails: [] })
    await app.sesv2.send(
      new SendEmailV2Command({
        FromEmailAddress: SENDER,
        Destination,
        Content: { Simple: { Subject, Body: { Text } } },
      }),
    )
    assert.deepEqual(await onlyEmail(app), expected)
  })

  test('attachments, headers, HTML and every recipient are there', async () => {
    await using app = await startWithSender()
    await app.sesv2.send(
      new SendEmailV2Command({
        FromEmailAddress: `Ann <${SENDER}>`,
        Destination: {
          ToAddresses: ['Bob <bob@example.org>', 'b@example.org'],
          CcAddresses: ['c@example.org'],
          BccAddresses: ['d@example.org'],
        },
        ReplyToAddresses: ['reply@example.com'],
        Content: {
          Simple: {
            Subject: { Data: 'Grüße', Charset: 'UTF-8' },
            Body: { Text: { Data: 'Two\nlines' }, Html: { Data: '<p>Two<br>lines</p>' } },
            Headers: [{ Name: 'X-Custom-Header', Value: 'custom-value' }],
            Attachments: [
              {
                FileName: 'document.pdf',
                RawContent: Buffer.from('fake pdf content'),
                ContentType: 'application/pdf',
                ContentTransferEncoding: 'BASE64',
              },
            ],
          },
        },
      }),
    )
    assert.deepEqual(await onlyEmail(app), {
      from: `Ann <${SENDER}>`,
      replyTo: ['reply@example.com'],
      destination: { to: ['Bob <bob@example.org>', 'b@example.org'], cc: ['c@example.org'], bcc: ['d@example.org'] },
      subject: 'Grüße',
      headers: [{ name: 'X-Custom-Header', value: 'custom-value' }],
      body: { html: '<p>Two<br>lines</p>', text: 'Two\nlines' },
      attachments: [
        {
          content: Buffer.from('fake pdf content').toString('base64'),
          contentType: 'application/pdf',
          contentDisposition: 'attachment',
          filename: 'document.pdf',
          size: 16,
        },
      ],
    })
  })

  const RAW = `From: You <${SENDER}>
To: someone <someone@example.com>, other@example.com
Subject: Test email sent to aws-ses-v2-local!
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="_000_"

--_000_
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: 8bit

html email test

--_000_
Content-Type: text/html; charset="utf-8"
Content-Transfer-Encoding: 8bit

<div><b>html <i>email test</i></b></div>

--_000_--
`
  for (const api of ['v1', 'v2'] as const) {
    test(`${api}: a raw message shows the addresses of its headers`, async () => {
      await using app = await startWithSender()
      const Data = Buffer.from(RAW)
      if (api === 'v1') await app.ses.send(new SendRawEmailCommand({ RawMessage: { Data } }))
      else await app.sesv2.send(new SendEmailV2Command({ Content: { Raw: { Data } } }))
      assert.deepEqual(await onlyEmail(app), {
        from: `"You" <${SENDER}>`,
        replyTo: [],
        destination: { to: ['"someone" <someone@example.com>, other@example.com'], cc: [], bcc: [] },
        subject: 'Test email sent to aws-ses-v2-local!',
        body: { html: '<div><b>html <i>email test</i></b></div>\n', text: 'html email test\n' },
        attachments: [],
      })
    })
  }

  test('the store tells what came since a time, oldest first', async () => {
    await using app = await startWithSender()
    const ids: (string | undefined)[] = []
    for (const subject of ['first', 'second']) {
      const { MessageId } = await app.ses.send(
        new SendEmailCommand({
          Source: SENDER,
          Destination: { ToAddresses: ['receiver@example.com'] },
          Message: { Subject: { Data: subject }, Body: { Text: { Data: 'x' } } },
        }),
      )
      ids.push(MessageId)
      app.clock.advance(10_000)
    }
    const { emails } = await get<Store>(app, '/store')
    assert.deepEqual(
      emails.map(({ messageId }) => messageId),
      ids,
    )
    const since = async (at: number) =>
      (await get<Store>(app, `/store?since=${at}`)).emails.map(({ messageId }) => messageId)
    assert.deepEqual(await since(emails[1]!.at), [ids[1]])
    assert.deepEqual(await since(emails[1]!.at + 1), [])
    assert.deepEqual((await call(app, 'GET', '/store?since=soon')).status, 400)
    assert.deepEqual((await call(app, 'GET', '/store?since=1&since=2')).status, 400)
  })

  test('a message is there as a file', async () => {
    await using app = await startWithSender()
    const { MessageId } = await app.ses.send(
      new SendEmailCommand({
        Source: SENDER,
        Destination: { ToAddresses: ['receiver@example.com'] },
        Message: { Subject: { Data: 'This is the subject' }, Body: { Text: { Data: 'contents' } } },
      }),
    )
    const { messageId, fileName, body } = await get<Eml>(app, `/get-emlContent?messageId=${MessageId}`)
    assert.deepEqual([messageId, fileName, body.type], [MessageId, 'This is the subject', 'Buffer'])
    assert.match(Buffer.from(body.data).toString(), /\r\nSubject: This is the subject\r\n[\s\S]*contents/)
    assert.deepEqual(await call(app, 'GET', '/get-emlContent?messageId=nothing'), {
      status: 400,
      body: { message: 'Email not found within the store' },
    })
    assert.equal((await call(app, 'GET', '/get-emlContent')).status, 400)
  })

  test('with any credentials and any identity its users change nothing but the port', async () => {
    await using app = await startApp({ config: { anyCredentials: true, anyIdentity: true } })
    const { ses, sesv2 } = app.clients('aws-ses-v2-local', {
      accessKeyId: 'ANY_STRING',
      secretAccessKey: 'ANY_STRING',
    })
    const Destination = { ToAddresses: ['receiver@example.com'] }
    const Message = { Subject: { Data: 'S' }, Body: { Text: { Data: 'T' } } }
    await ses.send(new SendEmailCommand({ Source: 'sender@example.com', Destination, Message }))
    const notes = { FileName: 'notes.txt', RawContent: Buffer.from('text file'), ContentType: 'text/plain' }
    await sesv2.send(
      new SendEmailV2Command({
        FromEmailAddress: 'sender@example.com',
        Destination,
        Content: { Simple: { ...Message, Attachments: [notes] } },
      }),
    )
    await app.smtp('ANY_STRING', 'ANY_STRING').sendMail({ from: 'a@example.net', to: 'b@example.net', text: 'T' })
    const { emails } = await get<Store>(app, '/store')
    assert.deepEqual(
      emails.map(({ from }) => from),
      ['sender@example.com', 'sender@example.com', 'a@example.net'],
    )
    const [file] = emails[1]!['attachments'] as { content: string; size: number }[]
    assert.deepEqual([Buffer.from(file!.content, 'base64').toString(), file!.size], ['text file', 9])
  })

  test('the health check answers with nothing', async () => {
    await using app = await startWithSender()
    assert.deepEqual(await call(app, 'GET', '/health-check'), { status: 200, body: undefined })
  })
})

describe('LocalStack', () => {
  test('sent messages are read in its shape, filtered and forgotten', async () => {
    await using app = await startWithSender()
    const email = 'user-1@example.com'
    await app.ses.send(new VerifyEmailIdentityCommand({ EmailAddress: email }))
    const simple = await app.ses.send(
      new SendEmailCommand({
        Source: email,
        Destination: { ToAddresses: ['success@example.com'] },
        Message: {
          Subject: { Data: 'A subject' },
          Body: { Text: { Data: 'A text' }, Html: { Data: 'A <b>text</b>' } },
        },
      }),
    )
    const data = `From: ${email}\nTo: recipient@example.com\nSubject: test\n\nThis is the message body.\n\n`
    const raw = await app.ses.send(new SendRawEmailCommand({ RawMessage: { Data: Buffer.from(data) } }))

    const { messages } = await get<Messages>(app, `/_aws/ses?email=${email}`)
    assert.deepEqual(messages[0], {
      Id: simple.MessageId,
      Region: 'us-east-1',
      Destination: { ToAddresses: ['success@example.com'] },
      Source: email,
      Subject: 'A subject',
      Body: { text_part: 'A text', html_part: 'A <b>text</b>' },
      Timestamp: '2026-01-15T12:00:00',
    })
    const { RawData, ...rest } = messages[1]!
    assert.deepEqual(rest, { Id: raw.MessageId, Region: 'us-east-1', Source: email, Timestamp: '2026-01-15T12:00:00' })
    assert.match(String(RawData), /\r\n\r\nThis is the message body\./)

    assert.deepEqual(
      (await get<Messages>(app, `/_aws/ses?id=${raw.MessageId}`)).messages.map(({ Id }) => Id),
      [raw.MessageId],
    )
    assert.deepEqual(await get(app, `/_aws/ses?id=${raw.MessageId}&email=none@example.com`), { messages: [] })
    assert.deepEqual(await get(app, '/_aws/ses?email=none@example.com'), { messages: [] })
    assert.equal((await call(app, 'DELETE', `/_aws/ses?id=${simple.MessageId}`)).status, 204)
    assert.equal((await get<Messages>(app, '/_aws/ses')).messages.length, 1)
    assert.equal((await call(app, 'DELETE', `/_aws/ses?id=nothing`)).status, 204)
    assert.equal((await call(app, 'DELETE', '/_aws/ses')).status, 204)
    assert.deepEqual(await get(app, '/_aws/ses'), { messages: [] })
  })

  test('text alone leaves the other part null, and all kinds of recipients are named', async () => {
    await using app = await startWithSender()
    await app.ses.send(
      new SendEmailCommand({
        Source: SENDER,
        Destination: {
          ToAddresses: ['a@example.org'],
          CcAddresses: ['b@example.org'],
          BccAddresses: ['c@example.org'],
        },
        Message: { Subject: { Data: 'S' }, Body: { Text: { Data: 'T' } } },
      }),
    )
    const { messages } = await get<Messages>(app, '/_aws/ses')
    assert.deepEqual(messages[0]!['Body'], { text_part: 'T', html_part: null })
    assert.deepEqual(messages[0]!['Destination'], {
      ToAddresses: ['a@example.org'],
      CcAddresses: ['b@example.org'],
      BccAddresses: ['c@example.org'],
    })
  })

  test('mail that we write ourselves is not among what was sent', async () => {
    await using app = await startWithSender({ profile: 'strict' })
    await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: 'somebody@example.org' }))
    assert.deepEqual(await get(app, '/_aws/ses'), { messages: [] })
    assert.deepEqual((await get<Store>(app, '/store')).emails, [])
  })
})

test('moto: a reset empties everything, and only by POST', async () => {
  await using app = await startWithSender()
  assert.deepEqual(await call(app, 'GET', '/moto-api/reset'), {
    status: 400,
    body: { Error: 'Need to POST to reset Moto' },
  })
  assert.deepEqual(await call(app, 'POST', '/moto-api/reset'), { status: 200, body: { status: 'ok' } })
  await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: SENDER }))
})
