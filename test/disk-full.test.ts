/** A disk that is full: clear refusals on every surface, nothing accepted is lost, and no restart when there is room again. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { SESClient, SendEmailCommand } from '@aws-sdk/client-ses'
import { CreateEmailIdentityCommand, SESv2Client, SendEmailCommand as SendEmailV2Command } from '@aws-sdk/client-sesv2'
import { createTransport } from 'nodemailer'
import { ANY_PORTS, launch, serve, type Server } from './support/cli.ts'
import { fileSizeLimit, tmpfs } from './support/disk.ts'
import { TEST_KEY } from './support/app.ts'

const SENDER = 'sender@example.com'
const FRIEND = 'friend@example.org'
/** The first is full while the WAL, of 16 MB by then, is being copied into the database; the second before that. */
const SQUEEZES = [tmpfs('24m'), fileSizeLimit(4_000_000)]
const MOST = 200

function clientsOf({ url, smtp }: Server) {
  const settings = { endpoint: url, region: 'us-east-1', credentials: TEST_KEY, maxAttempts: 1 }
  const sesv2 = new SESv2Client(settings)
  const ses = new SESClient(settings)
  const transport = createTransport({
    host: '127.0.0.1',
    port: Number(smtp.split(':')[1]),
    auth: { user: 'test', pass: 'test' },
    tls: { rejectUnauthorized: false },
  })
  /** Half a megabyte that cannot be compressed. */
  const body = () => randomBytes(375_000).toString('base64')
  const Destination = { ToAddresses: [FRIEND] }
  return {
    createIdentity: () => sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: SENDER })),
    async v2() {
      const Simple = { Subject: { Data: 'Hello' }, Body: { Text: { Data: body() } } }
      const mail = { FromEmailAddress: SENDER, Destination, Content: { Simple } }
      return (await sesv2.send(new SendEmailV2Command(mail))).MessageId!
    },
    async v1() {
      const Message = { Subject: { Data: 'Hello' }, Body: { Text: { Data: body() } } }
      return (await ses.send(new SendEmailCommand({ Source: SENDER, Destination, Message }))).MessageId!
    },
    async smtp() {
      const { response } = await transport.sendMail({ from: SENDER, to: FRIEND, subject: 'Hello', text: body() })
      return response.split(' ').at(-1)!
    },
    [Symbol.dispose]() {
      sesv2.destroy()
      ses.destroy()
      transport.close()
    },
  }
}

async function assertThere(server: Server, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const found = await fetch(`${server.url}/_sesame/messages/${id}/events`)
    assert.equal(found.status, 200, `${id} is lost`)
    assert.match(await found.text(), /"eventType":\s*"Send"/)
  }
}

describe('a full disk', () => {
  for (const squeeze of SQUEEZES) {
    test(`${squeeze.name}: refuses what finds no room, keeps what it accepted, and goes on when there is room`, async (t) => {
      const dataDir = await squeeze.prepare()
      if (dataDir === undefined) return t.skip('not possible on this machine')
      t.after(squeeze.end)
      const args = [...ANY_PORTS, '--data-dir', dataDir]
      {
        await using server = await serve(args)
        using clients = clientsOf(server)
        await clients.createIdentity()
        const accepted = [await clients.v1(), await clients.smtp()]
        await squeeze.tighten(server)
        const full = { $metadata: { httpStatusCode: 503 }, message: 'Service is temporarily unavailable.' }
        await assert.rejects(
          async () => {
            while (accepted.length < MOST) accepted.push(await clients.v2())
          },
          ({ $metadata, message }: { $metadata: { httpStatusCode: number }; message: string }) => {
            assert.deepEqual({ $metadata: { httpStatusCode: $metadata.httpStatusCode }, message }, full)
            return true
          },
        )
        await assert.rejects(clients.v1(), { message: full.message })
        await assert.rejects(clients.smtp(), { responseCode: 451 })
        await assertThere(server, accepted)

        await squeeze.loosen(server)
        accepted.push(await clients.v1(), await clients.v2(), await clients.smtp())
        await assertThere(server, accepted)
        server.kill('SIGTERM')
        assert.equal((await server.ended).code, 0)
        const database = new DatabaseSync(join(dataDir, 'sesame.db'), { readOnly: true })
        assert.deepEqual({ ...database.prepare('pragma integrity_check').get() }, { integrity_check: 'ok' })
        database.close()
        await using again = await serve(args)
        await assertThere(again, accepted)
      }
    })
  }

  test('at the start is told, with the file', async (t) => {
    const squeeze = tmpfs('100k')
    const dataDir = await squeeze.prepare()
    if (dataDir === undefined) return t.skip('not possible on this machine')
    t.after(squeeze.end)
    const { code, err } = await launch(['serve', ...ANY_PORTS, '--data-dir', dataDir])
    assert.equal(code, 1)
    assert.match(err, /sesame: Cannot open the database .*sesame\.db: database or disk is full/)
  })
})
