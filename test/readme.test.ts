/** README.md holds what it says: its npm snippets run here as they stand; test/clients/readme.client.ts has the others. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { SESClient, VerifyEmailIdentityCommand } from '@aws-sdk/client-ses'
import { run } from './clients/programs.ts'
import { type Message, startServer } from './clients/server.ts'
import { codeBlock } from './support/readme.ts'

// The snippets name the ports that a server without flags has.
const server = await startServer([], [])
after(() => server.stop())

describe('README.md', () => {
  test('the two commands start what the test runs, and the line is the one that is printed', async () => {
    assert.equal(codeBlock('sh', 'npm ci'), 'npm ci\nnpm start\n')
    const { scripts } = JSON.parse(await readFile(join(import.meta.dirname, '../package.json'), 'utf8')) as {
      scripts: Record<string, string>
    }
    assert.equal(scripts['start'], 'exec node --max-semi-space-size=8 bin/main.js serve')
    assert.equal(codeBlock('', 'sesame ready'), `${server.readyLine}\n`)
  })

  test('@aws-sdk/client-sesv2', async () => {
    const printed = await runModule(codeBlock('js', '@aws-sdk/client-sesv2'))
    const message = await received('from=shop@example.com')
    assert.equal(printed, `${message.messageId}\n`)
    assert.deepEqual(
      [message.subject, message.text?.trim(), message.destination],
      ['Your order', 'It is on its way.', ['friend@example.org']],
    )
  })

  test('nodemailer over SMTP', async () => {
    // "verified above", by the aws CLI.
    const ses = new SESClient({
      endpoint: server.url,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    })
    await ses.send(new VerifyEmailIdentityCommand({ EmailAddress: 'you@example.com' }))
    const printed = await runModule(codeBlock('js', 'nodemailer'))
    const message = await received('from=you@example.com')
    assert.equal(printed, `250 Ok ${message.messageId}\n`)
    assert.deepEqual([message.surface, message.text?.trim()], ['smtp', 'Hi over SMTP'])
  })
})

/** Runs a module where it finds the packages of this repository; gives what it prints. */
async function runModule(code: string): Promise<string> {
  const folder = await mkdtemp(join(import.meta.dirname, '.readme-'))
  try {
    const file = join(folder, 'snippet.mjs')
    await writeFile(file, code)
    const { status, stdout, stderr } = await run(process.execPath, [file])
    assert.equal(status, 0, stderr)
    return stdout
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function received(query: string): Promise<Message> {
  return (await server.admin('GET', `/_sesame/messages/wait?${query}&timeoutMs=10000`)) as Message
}
