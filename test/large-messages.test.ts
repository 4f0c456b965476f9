/** Messages of SES's largest size, while others go on. */
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { CreateEmailIdentityCommand, SendEmailCommand } from '@aws-sdk/client-sesv2'
import { startApp, type TestApp } from './support/app.ts'

const SENDER = 'sender@example.com'
const RECIPIENT = 'friend@example.org'
/** Just within the 40 MB of SES. */
const LARGE_BYTES = 40 * 1024 * 1024 - 10_000

/** Half of it cannot be compressed, half of it can. */
function largeMessage(): Buffer {
  const head = `From: ${SENDER}\r\nTo: ${RECIPIENT}\r\nSubject: large\r\n\r\n`
  const line = `${'sesame '.repeat(10)}\r\n`
  const base64 = randomBytes(LARGE_BYTES / 4)
    .toString('base64')
    .replaceAll(/.{76}/g, '$&\r\n')
  const message = Buffer.from(head + base64 + '\r\n' + line.repeat(LARGE_BYTES / 70))
  return message.subarray(0, LARGE_BYTES)
}

async function sendSmall(app: TestApp): Promise<void> {
  const content = { Simple: { Subject: { Data: 'small' }, Body: { Text: { Data: 'small' } } } }
  const destination = { ToAddresses: [RECIPIENT] }
  await app.sesv2.send(new SendEmailCommand({ FromEmailAddress: SENDER, Destination: destination, Content: content }))
}

const SURFACES: readonly [string, (app: TestApp, raw: Buffer) => Promise<unknown>][] = [
  ['v2', (app, raw) => app.sesv2.send(new SendEmailCommand({ Content: { Raw: { Data: raw } } }))],
  ['SMTP', (app, raw) => app.smtp().sendMail({ envelope: { from: SENDER, to: RECIPIENT }, raw })],
]

describe('a message of 40 MB', () => {
  for (const [surface, send] of SURFACES) {
    test(`over ${surface} is kept to the last octet, and small ones go on meanwhile`, async () => {
      await using app = await startApp()
      await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: SENDER }))
      const raw = largeMessage()
      const done = new AbortController()
      const large = send(app, raw).finally(() => done.abort())
      let small = 0
      while (!done.signal.aborted) {
        await sendSmall(app)
        small += 1
      }
      await large
      assert.ok(small > 0)
      const { body } = await app.admin('GET', '/_sesame/messages?subject=large')
      const [{ messageId }] = (body as { messages: [{ messageId: string }] }).messages
      const kept = Buffer.from(await (await fetch(`${app.url}/_sesame/messages/${messageId}/raw`)).arrayBuffer())
      const text = raw.subarray(raw.indexOf('\r\n\r\n'))
      assert.ok(kept.subarray(kept.indexOf('\r\n\r\n')).subarray(0, text.length).equals(text))
    })
  }
})
