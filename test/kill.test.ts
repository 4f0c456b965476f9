/** Accepted means kept: `kill -9` under load loses no message that a client saw accepted. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { CreateEmailIdentityCommand, SendEmailCommand, SESv2Client } from '@aws-sdk/client-sesv2'

const ROUNDS = 3
const ACCEPTED_BEFORE_THE_KILL = 60
const AT_ONCE = 16

async function startServer(dataDir: string): Promise<{ child: ChildProcess; url: string }> {
  const args = [
    'bin/main.js',
    'serve',
    '--http-port',
    '0',
    '--smtp-port',
    '0',
    '--smtps-port',
    '0',
    '--inbound-port',
    '0',
    '--data-dir',
    dataDir,
  ]
  const child = spawn(process.execPath, args, {
    cwd: join(import.meta.dirname, '..'),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /^sesame ready http=(\S+)/.exec(line)?.[1]
    if (url !== undefined) return { child, url }
  }
  throw new Error('the server ended before it was ready')
}

/** Sends until the server is gone; gives the ids that came back. */
async function sendUntilKilled(url: string, kill: () => void): Promise<string[]> {
  const client = new SESv2Client({
    endpoint: url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  })
  const accepted: string[] = []
  const message = {
    FromEmailAddress: 'sender@example.com',
    Destination: { ToAddresses: ['friend@example.org'] },
    Content: { Simple: { Subject: { Data: 'x' }, Body: { Text: { Data: 'y'.repeat(500) } } } },
  }
  async function sender(): Promise<void> {
    for (;;) {
      try {
        const { MessageId } = await client.send(new SendEmailCommand(message))
        accepted.push(MessageId!)
      } catch {
        return
      }
      if (accepted.length === ACCEPTED_BEFORE_THE_KILL) kill()
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, sender))
  client.destroy()
  return accepted
}

describe('kill -9 under load', () => {
  test('every message that a client saw accepted is there afterwards, once, with its Send event', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'sesame-kill-'))
    const accepted: string[] = []
    try {
      for (let round = 0; round < ROUNDS; round++) {
        const { child, url } = await startServer(dataDir)
        const gone = once(child, 'exit')
        const client = new SESv2Client({
          endpoint: url,
          region: 'us-east-1',
          credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
        })
        if (round === 0) await client.send(new CreateEmailIdentityCommand({ EmailIdentity: 'sender@example.com' }))
        client.destroy()
        accepted.push(...(await sendUntilKilled(url, () => child.kill('SIGKILL'))))
        await gone
      }
      const { child, url } = await startServer(dataDir)
      const gone = once(child, 'exit')
      for (const id of accepted) {
        const found = await fetch(`${url}/_sesame/messages/${id}/events`)
        assert.equal(found.status, 200, `${id} is lost`)
        assert.match(await found.text(), /"eventType":\s*"Send"/)
      }
      assert.ok(accepted.length >= ROUNDS * ACCEPTED_BEFORE_THE_KILL)
      assert.equal(new Set(accepted).size, accepted.length)
      child.kill('SIGTERM')
      assert.deepEqual(await gone, [0, null])
    } finally {
      await rm(dataDir, { recursive: true, force: true })
    }
  })
})
