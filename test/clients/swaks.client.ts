/** swaks: every refusal as the line of the dialogue, both listeners, both ways to log in, and SES's own headers. */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { need, type Outcome, run } from './programs.ts'
import { FROM, refusalsOn, TO, verify } from './refusals.ts'
import { type Account, type Key, CHECKED, startServer } from './server.ts'
import { envelopeFrom, envelopeTo, rawMail, replyOf } from './smtp.ts'
import { type Mail, textOver } from './mail.ts'

const program = need('swaks')
const server = await startServer(CHECKED)
after(() => server.stop())

type Options = {
  readonly key?: Pick<Key, 'accessKeyId' | 'smtpPassword'>
  /** In place of STARTTLS and any mechanism. */
  readonly args?: readonly string[]
  readonly server?: string
}

/** Sends `mail`; the dialogue is on stdout, our lines behind `<~ ` or, refusals, behind `<~* `. */
async function swaks(account: Account, mail: Mail, options: Options = {}): Promise<Outcome> {
  const { key = account.key, args = ['--tls', '--auth'], server: where = `127.0.0.1:${server.smtpPort}` } = options
  const login = ['--auth-user', key.accessKeyId, '--auth-password', key.smtpPassword]
  const envelope = ['--from', envelopeFrom(mail), '--to', envelopeTo(mail).join(',')]
  return await run(program, ['--server', where, ...args, ...login, ...envelope, '--data', '-'], {
    input: rawMail(mail),
  })
}

function saysNo({ stdout, stderr }: Outcome, reply: string): void {
  assert.ok(stdout.split('\n').includes(`<~* ${reply}`), `${reply}\nis not in\n${stdout}${stderr}`)
}

describe('swaks is refused', { concurrency: 2 }, () => {
  for (const refusal of refusalsOn('smtp')) {
    test(refusal.name, async () => {
      const account = await server.newAccount()
      const { mail, key = account.key } = await refusal.arrange(account)
      const before = await account.messageCount()
      const outcome = await swaks(account, mail, { key })
      saysNo(outcome, replyOf(refusal, account))
      // 26: refused at the end of DATA.
      assert.equal(outcome.status, 26)
      assert.equal(await account.messageCount(), before)
    })
  }

  test('a From header and an envelope that differ, each in its own words', async () => {
    const account = await server.newAccount()
    const text = 'Email address is not verified. The following identities failed the check in region US-EAST-1: '
    const mail = { from: 'The Shop <shop@example.com>', to: [TO] }
    saysNo(await swaks(account, mail), `554 Message rejected: ${text}The Shop <shop@example.com>, shop@example.com`)
  })

  for (const [name, from, to, reply, status] of [
    ['a sender that is no address', 'a@b@c', TO, '501 Invalid MAIL FROM address provided', 23],
    ['a recipient that is no address', FROM, 'friend@', '501 Invalid RCPT TO address provided', 24],
  ] as const) {
    test(`${name}, at once`, async () => {
      const outcome = await swaks(await server.newAccount(), { from, to: [to] })
      saysNo(outcome, reply)
      assert.equal(outcome.status, status)
    })
  }

  test('a From header without a domain', async () => {
    const account = await server.newAccount()
    await verify(account, FROM)
    const mail = { from: FROM, to: [TO], headers: ['From: shop', `To: ${TO}`] }
    saysNo(await swaks(account, mail), "554 Transaction failed: Missing final '@domain'")
  })

  test('a message over 40 MB', async () => {
    const account = await server.newAccount()
    await verify(account, FROM)
    const text = textOver(40 * 1024 * 1024)
    saysNo(
      await swaks(account, { from: FROM, to: [TO], text }, { args: ['--tls', '--auth', '--suppress-data'] }),
      '552 Message is too long.',
    )
  })
})

describe('swaks logs in', { concurrency: 2 }, () => {
  test('with neither an unknown key nor a wrong password, nor the secret itself in the strict profile', async () => {
    const account = await server.newAccount()
    const mail = { from: FROM, to: [TO] }
    for (const key of [
      { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', smtpPassword: account.key.smtpPassword },
      { accessKeyId: account.key.accessKeyId, smtpPassword: 'guessed' },
    ]) {
      const outcome = await swaks(account, mail, { key })
      saysNo(outcome, '535 Authentication Credentials Invalid')
      // 28: no way to log in.
      assert.equal(outcome.status, 28)
    }
    const strict = await startServer(['--profile', 'strict'])
    try {
      const key = { accessKeyId: 'test', smtpPassword: 'test' }
      saysNo(
        await swaks(account, mail, { key, server: `127.0.0.1:${strict.smtpPort}` }),
        '535 Authentication Credentials Invalid',
      )
      const clear = await run(program, ['--server', `127.0.0.1:${strict.smtpPort}`, '--from', FROM, '--to', TO])
      assert.match(clear.stdout, /^<\*\* 530 Must issue a STARTTLS command first$/m)
      assert.doesNotMatch(clear.stdout, /AUTH PLAIN/)
    } finally {
      await strict.stop()
    }
  })

  test('not at all, and may not send', async () => {
    const { stdout } = await run(program, [
      '--server',
      `127.0.0.1:${server.smtpPort}`,
      '--tls',
      '--from',
      FROM,
      '--to',
      TO,
    ])
    assert.match(stdout, /^<~\* 530 Authentication required$/m)
  })

  for (const [name, args, port] of [
    ['PLAIN, STARTTLS', ['--tls', '--auth', 'PLAIN'], server.smtpPort],
    ['LOGIN, STARTTLS', ['--tls', '--auth', 'LOGIN'], server.smtpPort],
    ['PLAIN, TLS from the start', ['--tls-on-connect', '--auth', 'PLAIN'], server.smtpsPort],
    ['LOGIN, TLS from the start', ['--tls-on-connect', '--auth', 'LOGIN'], server.smtpsPort],
    ['PLAIN, in the clear (local profile)', ['--auth', 'PLAIN'], server.smtpPort],
    ['pipelining', ['--tls', '--auth', '--pipeline'], server.smtpPort],
  ] as const) {
    test(`and sends: ${name}`, async () => {
      const account = await server.newAccount()
      await verify(account, FROM)
      const { status, stdout } = await swaks(account, { from: FROM, to: [TO] }, { args, server: `127.0.0.1:${port}` })
      assert.equal(status, 0, stdout)
      assert.match(stdout, /^<[~-] {2}235 Authentication successful\.$/m)
      const [, messageId] = /^<[~-] {2}250 Ok (\S+)$/m.exec(stdout) ?? []
      assert.equal((await account.message()).messageId, messageId)
    })
  }
})

describe('swaks sends', { concurrency: 2 }, () => {
  test("with SES's headers, which nobody else sees", async () => {
    const account = await server.newAccount()
    await verify(account, FROM)
    const headers = [
      `From: ${FROM}`,
      `To: ${TO}`,
      'Bcc: hidden@example.org',
      'Subject: tagged',
      'X-SES-MESSAGE-TAGS: campaign=spring, kind=news',
    ]
    const outcome = await swaks(account, { from: FROM, to: [TO], bcc: ['hidden@example.org'], headers })
    assert.equal(outcome.status, 0, outcome.stdout)
    const message = await account.message()
    assert.deepEqual([message.tags['campaign'], message.tags['kind']], [['spring'], ['news']])
    assert.deepEqual(message.destination, [TO, 'hidden@example.org'])
    assert.doesNotMatch(await account.raw(message.messageId), /hidden@|X-SES-MESSAGE-TAGS/i)
  })

  test('in the dialogue that SES has', async () => {
    const account = await server.newAccount()
    await verify(account, FROM)
    const { stdout } = await swaks(account, { from: FROM, to: [TO] }, { args: ['--tls', '--auth', 'LOGIN'] })
    const said = stdout
      .split('\n')
      .filter((line) => /^<[-~] /.test(line))
      .map((line) => line.slice(4))
    const expected = [
      /^220 \S+ ESMTP SimpleEmailService-\S+/,
      /^250-\S+$/,
      /^250-8BITMIME$/,
      /^250-PIPELINING$/,
      /^250-STARTTLS$/,
      /^250-AUTH PLAIN LOGIN$/,
      /^250 Ok$/,
      /^220 Ready to start TLS$/,
      /^250-\S+$/,
      /^250-8BITMIME$/,
      /^250-PIPELINING$/,
      /^250-AUTH PLAIN LOGIN$/,
      /^250 Ok$/,
      /^334 VXNlcm5hbWU6$/,
      /^334 UGFzc3dvcmQ6$/,
      /^235 Authentication successful\.$/,
      /^250 Ok$/,
      /^250 Ok$/,
      /^354 End data with <CR><LF>\.<CR><LF>$/,
      /^250 Ok [0-9a-f]{16}-[0-9a-f-]{36}-000000$/,
      /^221 Bye$/,
    ]
    assert.equal(said.length, expected.length, stdout)
    for (const [index, pattern] of expected.entries()) assert.match(said[index]!, pattern)
  })
})
