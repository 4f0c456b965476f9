/** msmtp: every refusal as it reports it, and mail from stdin as scripts and cron send it. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import type { Mail } from './mail.ts'
import { need, type Outcome, run } from './programs.ts'
import { FROM, refusalsOn, TO, verify } from './refusals.ts'
import { type Account, type Key, CHECKED, startServer } from './server.ts'
import { envelopeFrom, envelopeTo, rawMail, replyOf } from './smtp.ts'

const program = need('msmtp')
const server = await startServer(CHECKED)
const folder = await mkdtemp(join(tmpdir(), 'sesame-msmtp-'))
after(async () => {
  await rm(folder, { recursive: true, force: true })
  await server.stop()
})

type Options = {
  readonly key?: Pick<Key, 'accessKeyId' | 'smtpPassword'>
  readonly lines?: readonly string[]
  readonly args?: readonly string[]
}

let configurations = 0

async function msmtp(account: Account, mail: Mail, options: Options = {}): Promise<Outcome> {
  const { key = account.key, lines = ['auth on', 'tls_starttls on', `port ${server.smtpPort}`] } = options
  const configuration = join(folder, `${++configurations}.conf`)
  const common = [
    'account default',
    'host 127.0.0.1',
    'tls on',
    // Else it adds a From header where there is none.
    'set_from_header off',
    'tls_certcheck off',
    `user ${key.accessKeyId}`,
    `password "${key.smtpPassword}"`,
  ]
  await writeFile(configuration, `${[...common, ...lines].join('\n')}\n`, { mode: 0o600 })
  const { args = ['-f', envelopeFrom(mail), '--', ...envelopeTo(mail)] } = options
  return await run(program, ['-C', configuration, ...args], { input: rawMail(mail) })
}

function saysNo({ stderr, status }: Outcome, reply: string): void {
  assert.ok(stderr.split('\n').includes(`msmtp: server message: ${reply}`), `${reply}\nis not in\n${stderr}`)
  assert.notEqual(status, 0)
}

describe('msmtp is refused', { concurrency: 2 }, () => {
  for (const refusal of refusalsOn('smtp')) {
    test(refusal.name, async () => {
      const account = await server.newAccount()
      const { mail, key = account.key } = await refusal.arrange(account)
      saysNo(await msmtp(account, mail, { key }), replyOf(refusal, account))
    })
  }

  test('with an unknown key and with a wrong password', async () => {
    const account = await server.newAccount()
    const unknown = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', smtpPassword: account.key.smtpPassword }
    saysNo(await msmtp(account, { from: FROM, to: [TO] }, { key: unknown }), '535 Authentication Credentials Invalid')
    const wrong = { accessKeyId: account.key.accessKeyId, smtpPassword: 'guessed' }
    saysNo(await msmtp(account, { from: FROM, to: [TO] }, { key: wrong }), '535 Authentication Credentials Invalid')
  })

  test('without a login', async () => {
    const account = await server.newAccount()
    const lines = ['auth off', 'tls_starttls on', `port ${server.smtpPort}`]
    saysNo(await msmtp(account, { from: FROM, to: [TO] }, { lines }), '530 Authentication required')
  })

  test('with a recipient that is no address', async () => {
    const account = await server.newAccount()
    await verify(account, FROM)
    saysNo(await msmtp(account, { from: FROM, to: ['friend@'] }), '501 Invalid RCPT TO address provided')
  })
})

describe('msmtp sends', { concurrency: 2 }, () => {
  for (const [name, lines] of [
    ['by STARTTLS, PLAIN', ['auth plain', 'tls_starttls on', `port ${server.smtpPort}`]],
    ['by STARTTLS, LOGIN', ['auth login', 'tls_starttls on', `port ${server.smtpPort}`]],
    ['by TLS from the start', ['auth on', 'tls_starttls off', `port ${server.smtpsPort}`]],
  ] as const) {
    test(name, async () => {
      const account = await server.newAccount()
      await verify(account, FROM)
      const text = 'A line.\n.\n..two dots\n'
      const outcome = await msmtp(account, { from: FROM, to: [TO], subject: name, text }, { lines })
      assert.equal(outcome.status, 0, outcome.stderr)
      const message = await account.message()
      assert.deepEqual([message.subject, message.text?.replaceAll('\r', '').trim()], [name, text.trim()])
    })
  }

  test('to the recipients and from the sender that the headers name (-t), in eight bits', async () => {
    const account = await server.newAccount()
    await verify(account, FROM)
    const headers = [
      `From: ${FROM}`,
      `To: Friend <${TO}>`,
      'Cc: copy@example.org',
      'Bcc: hidden@example.org',
      'Subject: hi',
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: 8bit',
    ]
    const outcome = await msmtp(
      account,
      { from: FROM, to: [], headers, text: 'Grüße' },
      { args: ['-t', '--read-envelope-from'] },
    )
    assert.equal(outcome.status, 0, outcome.stderr)
    const message = await account.message()
    assert.deepEqual(message.destination.toSorted(), ['copy@example.org', TO, 'hidden@example.org'])
    assert.equal(message.text?.trim(), 'Grüße')
    assert.doesNotMatch(await account.raw(message.messageId), /hidden@/)
  })
})
