/** The commands of README.md, run as they stand there; test/readme.test.ts has its npm snippets. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SendEmailCommand, SESv2Client } from '@aws-sdk/client-sesv2'
import { codeBlock } from '../support/readme.ts'
import { need, needBoto3, run } from './programs.ts'
import { type Message, type Server, startServer } from './server.ts'

const bash = need('bash')
for (const program of ['aws', 'swaks', 'curl']) need(program)

// One after the other: both servers listen where README.md says.
describe('README.md', { concurrency: 1 }, () => {
  test('aws, boto3 and swaks send, and curl reads what arrived', async () => {
    const server = await startServer([], [])
    try {
      const aws = await shell(codeBlock('sh', 'aws ses send-email'))
      const { MessageId } = JSON.parse(aws) as { MessageId: string }
      await arrived(server, MessageId, 'you@example.com', 'Hi there')

      const python = await run(needBoto3(), ['-'], { input: codeBlock('python', 'boto3') })
      assert.equal(python.status, 0, python.stderr)
      await arrived(server, python.stdout.trim(), 'py@example.com', 'Hi from boto3')

      const swaks = await shell(codeBlock('sh', 'swaks'))
      const [, messageId = ''] = /^<~ {2}250 Ok (\S+)$/m.exec(swaks) ?? []
      await arrived(server, messageId, 'you@example.com', 'This is a test mailing')

      const waited = JSON.parse(await shell(codeBlock('sh', '/_sesame/messages/wait'))) as Message
      assert.equal(waited.messageId, messageId)
    } finally {
      await server.stop()
    }
  })

  test('the errors that it provokes come about', async () => {
    const block = codeBlock('sh', '/_sesame/faults')
    const start = 'npm start -- --profile strict\n'
    assert.ok(block.includes(start))
    const server = await startServer(['--profile', 'strict'], [])
    const ses = new SESv2Client({
      endpoint: server.url,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      maxAttempts: 1,
    })
    const Content = { Simple: { Subject: { Data: 'Hello' }, Body: { Text: { Data: 'Hi' } } } }
    const send = () =>
      ses.send(
        new SendEmailCommand({
          FromEmailAddress: 'you@example.com',
          Destination: { ToAddresses: ['friend@example.org'] },
          Content,
        }),
      )
    try {
      // A new account's sandbox: both have to be verified, and are by hand.
      await assert.rejects(send(), {
        name: 'MessageRejected',
        message: /region US-EAST-1: you@example\.com, friend@example\.org$/,
      })
      for (const address of ['you@example.com', 'friend@example.org']) {
        const environment = 'AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1'
        await shell(
          `${environment} aws ses verify-email-identity --email-address ${address} --endpoint-url ${server.url}`,
        )
        await server.admin('POST', `/_sesame/accounts/000000000000/regions/us-east-1/identities/${address}/verify`)
      }
      const { MessageId } = await send()

      await shell(block.replace(start, '').replace('MESSAGE_ID', MessageId!))
      for (let i = 0; i < 2; i++) {
        await assert.rejects(send(), { name: 'TooManyRequestsException', message: 'Maximum sending rate exceeded.' })
      }
      await send()
      const { offsetSeconds } = (await server.admin('GET', '/_sesame/clock')) as { offsetSeconds: number }
      assert.equal(offsetSeconds, 86_400)
      const { events } = (await server.admin('GET', `/_sesame/messages/${MessageId!}/events`)) as Message
      assert.deepEqual(events.at(-1)?.eventType, 'Bounce')
    } finally {
      ses.destroy()
      await server.stop()
    }
  })
})

/** Runs lines as a reader would who pastes them; gives what they print. */
async function shell(lines: string): Promise<string> {
  const { status, stdout, stderr } = await run(bash, ['-e'], { input: lines, env: { AWS_PAGER: '' } })
  assert.equal(status, 0, `${lines}\n${stdout}${stderr}`)
  assert.doesNotMatch(stdout, /^\{"error"/m)
  return stdout
}

async function arrived(server: Server, messageId: string, source: string, text: string): Promise<void> {
  const message = (await server.admin('GET', `/_sesame/messages/${messageId}`)) as Message
  assert.deepEqual([message.source, message.destination], [source, ['friend@example.org']])
  assert.ok(message.text?.startsWith(text), message.text ?? '')
}
