/** The commands: what they print, and the exit codes that scripts go by. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { CreateEmailIdentityCommand, GetAccountCommand, GetEmailIdentityCommand } from '@aws-sdk/client-sesv2'
import { get, read, startWithSender, type Listing } from './support/admin.ts'
import { startApp } from './support/app.ts'
import { emptyDirectory, sesame } from './support/cli.ts'
import { FRIEND, SENDER } from './support/surfaces.ts'

describe('help and usage', () => {
  test('help tells the commands, and each command its flags', async () => {
    const all = await sesame(['help'])
    assert.equal(all.code, 0)
    for (const command of ['serve', 'account', 'key', 'identity', 'send']) {
      assert.match(all.out, new RegExp(`sesame ${command} `))
      const own = await sesame(['help', command])
      assert.deepEqual([own.code, own.err], [0, ''])
      assert.deepEqual(await sesame([command, '--help']), own)
    }
    assert.match((await sesame(['help', 'serve'])).out, /--http-port PORT/)
    assert.deepEqual(await sesame(['--help']), all)
  })

  test('the version is that of the package', async () => {
    const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../package.json'), 'utf8')) as {
      version: string
    }
    assert.deepEqual(await sesame(['--version']), { code: 0, out: `sesame ${version}\n`, err: '' })
  })

  const WRONG: readonly (readonly [string[], RegExp])[] = [
    [['serv'], /there is no command "serv"\. Did you mean serve\?/],
    [['help', 'me'], /there is no command "me"/],
    [['account'], /followed by create, list or update/],
    [['account', 'create'], /--name is missing in `sesame account create`/],
    [['account', 'create', '--nmae', 'x'], /no flag --nmae in `sesame account create`\. Did you mean --name\?/],
    [['account', 'list', 'all'], /"all" is not expected in `sesame account list`/],
    [['account', 'update'], /ACCOUNT is missing in `sesame account update`/],
    [['account', 'update', '1', '--max-send-rate', '5'], /say with --region where/],
    [['account', 'update', '1', '--region', 'us-east-1'], /nothing to change was given/],
    [
      ['account', 'update', '1', '--region', 'us-east-1', '--max-send-rate', 'x'],
      /--max-send-rate: "x" is not a number/,
    ],
    [['account', 'list', '--http-port', 'x'], /--http-port: "x" is not a whole number/],
    [['key', 'delete'], /--access-key-id is missing/],
    [['key', 'create', '--duration-seconds', 'long'], /not a whole number/],
    [['identity', 'verify'], /IDENTITY is missing/],
    [['send', '--to', FRIEND], /--from is missing in `sesame send`/],
    [['send', '--from', SENDER, '--to', FRIEND, '--via', 'fax'], /"fax" is not one of v2, v1, smtp/],
    [['send', '--from', SENDER, '--to', FRIEND, '--tag', 'x'], /"x" is not NAME=VALUE/],
    [['send', '--from', SENDER, '--to', FRIEND, '--via', 'smtp', '--smtp', 'x'], /"x" is not HOST:PORT/],
    [['send', '--from', SENDER, '--to', FRIEND, '--access-key-id', 'x'], /go together/],
    [['send', '--from', '--to'], /--from needs a value/],
    [['serve', '--profile', 'prod'], /--profile: "prod" is not one of local, strict, production/],
    [['--http-prot', '80'], /there is no flag --http-prot\. Did you mean --http-port\?/],
  ]
  for (const [args, message] of WRONG) {
    test(`wrong usage ends with 2 and says what to change: ${args.join(' ')}`, async () => {
      const { code, out, err } = await sesame(args)
      assert.deepEqual([code, out], [2, ''])
      assert.match(err, message)
    })
  }
})

describe('accounts and keys', () => {
  test('work before the first start, on the store itself', async (t) => {
    const data = ['--data-dir', join(await emptyDirectory(t), 'data'), '--profile', 'production']
    const made = await sesame(['account', 'create', '--name', 'Shop', '--id', '123456789012', ...data])
    assert.equal(made.code, 0, made.err)
    assert.match(made.out, /^Account id +123456789012\nAccess key id +AKIA[A-Z2-7]{16}\nSecret access key +\S{40}\n/)
    assert.match(made.out, /^ {2}eu-west-1 +B[\w+/]{43}$/m)
    assert.match(made.err, /no server runs on .*, so its store is used directly/)
    const listed = await sesame(['account', 'list', ...data, '--json'])
    assert.deepEqual([listed.code, listed.err], [0, ''])
    const { accounts } = JSON.parse(listed.out) as { accounts: { accountId: string; name: string }[] }
    assert.ok(accounts.some(({ accountId, name }) => accountId === '123456789012' && name === 'Shop'))
    const again = await sesame(['account', 'create', '--name', 'Shop', '--id', '123456789012', ...data])
    assert.equal(again.code, 3)
    assert.match(again.err, /refused: AlreadyExistsException: Account 123456789012 already exists\.\n$/)
  })

  test('a key is made, listed and deleted; another may be bounded by a policy or last a while', async (t) => {
    const directory = await emptyDirectory(t)
    const data = ['--data-dir', directory, '--json']
    const first = await sesame(['key', 'create', '--user-name', 'mailer', ...data])
    const key = JSON.parse(first.out) as { accessKeyId: string; smtpPasswords: Record<string, string> }
    assert.match(key.smtpPasswords['us-east-1']!, /^B/)
    const policy = join(directory, 'policy.json')
    await writeFile(policy, '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ses:*","Resource":"*"}]}')
    assert.equal((await sesame(['key', 'create', '000000000000', '--policy', policy, ...data])).code, 0)
    assert.equal((await sesame(['key', 'create', '--policy', join(directory, 'none'), ...data])).code, 1)
    const temporary = await sesame(['key', 'create', '--duration-seconds', '900', '--data-dir', directory])
    assert.match(temporary.out, /^Access key id +ASIA\w+\nSecret access key +\S+\nSession token +\S+\n$/)
    const listed = await sesame(['key', 'list', '--data-dir', directory])
    assert.equal(listed.out.split('\n').length, 4)
    assert.match(listed.out, new RegExp(`^${key.accessKeyId}  mailer  `, 'm'))
    assert.match(listed.out, /\(bounded by a policy\)$/m)
    const remove = ['key', 'delete', '--access-key-id', key.accessKeyId, '--data-dir', directory]
    assert.equal((await sesame(remove)).code, 0)
    assert.equal((await sesame(remove)).code, 3)
  })

  test('go to a running server when one is named', async () => {
    await using app = await startApp({ profile: 'strict' })
    const env = { SESAME_URL: app.url }
    const made = await sesame(['account', 'create', '--name', 'Shop', '--id', '123456789012', '--json'], { env })
    const { key } = JSON.parse(made.out) as { key: { accessKeyId: string; secretAccessKey: string } }
    const update = ['account', 'update', '123456789012', '--name', 'Store', '--email', 'ops@example.com']
    const inRegion = [
      '--region',
      'eu-west-1',
      '--production-access',
      '--max-24-hour-send',
      '70000',
      '--max-send-rate',
      '20',
    ]
    const updated = await sesame([...update, ...inRegion, '--url', app.url])
    assert.deepEqual(updated, {
      code: 0,
      out: '123456789012  Store <ops@example.com>\neu-west-1: production access, 70000 recipients in 24 hours, 20 a second, HEALTHY\n',
      err: '',
    })
    const account = await app.clients('eu-west-1', key).sesv2.send(new GetAccountCommand({}))
    assert.equal(account.SendQuota?.Max24HourSend, 70_000)
    assert.equal((await sesame(['account', 'update', '999999999999', '--name', 'x'], { env })).code, 3)
  })

  test('ask for the admin token where the server does', async () => {
    await using app = await startApp({
      profile: 'production',
      config: { transport: 'capture', adminToken: 'open-sesame' },
    })
    const refused = await sesame(['account', 'list', '--url', app.url, '--data-dir', '/nonexistent'])
    assert.equal(refused.code, 3)
    assert.match(refused.err, /UnauthorizedException/)
    assert.equal((await sesame(['account', 'list', '--url', app.url, '--admin-token', 'open-sesame'])).code, 0)
    assert.equal(
      (await sesame(['account', 'list', '--url', app.url], { env: { SESAME_ADMIN_TOKEN: 'open-sesame' } })).code,
      0,
    )
  })

  test('an identity is verified', async () => {
    await using app = await startApp({ profile: 'strict' })
    await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: SENDER }))
    const verified = await sesame(['identity', 'verify', SENDER, '--url', app.url])
    assert.deepEqual(verified, { code: 0, out: `${SENDER} is verified in us-east-1.\n`, err: '' })
    const identity = await app.sesv2.send(new GetEmailIdentityCommand({ EmailIdentity: SENDER }))
    assert.equal(identity.VerificationStatus, 'SUCCESS')
    assert.equal((await sesame(['identity', 'verify', SENDER, '--region', 'eu-west-1', '--url', app.url])).code, 3)
  })

  test('a server that is not there is told as such', async () => {
    const { code, err } = await sesame(['account', 'list', '--url', 'http://127.0.0.1:9'])
    assert.equal(code, 1)
    assert.match(err, /no server answers at http:\/\/127\.0\.0\.1:9: /)
  })
})

describe('send', () => {
  for (const via of ['v1', 'v2', 'smtp'] as const) {
    test(`${via}: prints what a client would see, of a success and of a refusal`, async () => {
      await using app = await startWithSender()
      const where = ['--via', via, '--url', app.url, '--smtp', `127.0.0.1:${app.smtpPort}`]
      const letter = [
        '--to',
        FRIEND,
        '--bcc',
        'hidden@example.net',
        '--subject',
        'Grüße',
        '--text',
        'Zeile 1\n.\nZeile 3',
        '--tag',
        'a=b',
      ]
      const sent = await sesame(['send', ...where, ...letter, '--from', `Ann <${SENDER}>`])
      assert.equal(sent.code, 0, sent.out + sent.err)
      const [, messageId = ''] = /^MessageId +(\S+)$/m.exec(sent.out) ?? []
      const message = await read(app, messageId)
      assert.deepEqual([message.surface, message.subject, message.tags['a']], [via, 'Grüße', ['b']])
      assert.equal(message.text?.trim(), 'Zeile 1\n.\nZeile 3')
      assert.deepEqual(message.destination, [FRIEND, 'hidden@example.net'])

      const refused = await sesame(['send', ...where, ...letter, '--from', 'stranger@example.com'])
      assert.equal(refused.code, 3)
      assert.match(
        refused.out,
        /Email address is not verified\. The following identities failed the check in region US-EAST-1: stranger@example\.com/,
      )
      assert.match(refused.out, via === 'smtp' ? /^S: 554 Message rejected: /m : /^Error code +MessageRejected$/m)
      assert.doesNotMatch(refused.out, /AUTH PLAIN [A-Za-z0-9+/=]{20}/)
    })

    test(`${via}: a wrong key is refused`, async () => {
      await using app = await startWithSender()
      const where = ['--via', via, '--url', app.url, '--smtp', `127.0.0.1:${app.smtpPort}`]
      const env = { AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE', AWS_SECRET_ACCESS_KEY: 'wrong' }
      const { code, out } = await sesame(['send', ...where, '--from', SENDER, '--to', FRIEND], { env })
      assert.equal(code, 3)
      assert.match(out, /UnrecognizedClientException|InvalidClientTokenId|535 Authentication Credentials Invalid/)
    })

    test(`${via}: a message that the user composed goes as it is`, async () => {
      await using app = await startWithSender()
      const where = ['--via', via, '--url', app.url, '--smtp', `127.0.0.1:${app.smtpPort}`]
      const stdin = `From: ${SENDER}\nTo: ${FRIEND}\nSubject: As it is\n\n.dots\n..and more\n`
      const { code, out } = await sesame(['send', ...where, '--raw', '-', '--from', SENDER, '--to', FRIEND, '--json'], {
        stdin,
      })
      assert.equal(code, 0, out)
      const { messageId } = JSON.parse(out) as { messageId: string }
      assert.equal((await read(app, messageId)).text?.trimEnd(), '.dots\n..and more')
    })
  }

  test('SMTP may be TLS from the start, or in the clear where the server lets', async () => {
    await using app = await startWithSender()
    const send = (...where: string[]) =>
      sesame(['send', '--via', 'smtp', '--from', SENDER, '--to', FRIEND, '--html', '<p>x</p>', ...where])
    const implicit = await send('--smtp', `localhost:${app.smtpsPort}`, '--tls', 'implicit')
    assert.equal(implicit.code, 0, implicit.out + implicit.err)
    assert.doesNotMatch(implicit.out, /STARTTLS/)
    assert.equal((await send('--smtp', `127.0.0.1:${app.smtpPort}`, '--tls', 'none')).code, 0)
    const broken = await send('--smtp', `127.0.0.1:${app.smtpPort}`, '--tls', 'implicit')
    assert.equal(broken.code, 1)
  })

  test('another region is asked for with --region, or by the environment as AWS has it', async () => {
    await using app = await startWithSender()
    for (const via of ['v1', 'v2', 'smtp']) {
      const where = ['--via', via, '--url', app.url, '--smtp', `127.0.0.1:${app.smtpPort}`]
      for (const [more, env] of [
        [['--region', 'eu-west-1'], { AWS_REGION: 'us-east-1' }],
        [[], { AWS_REGION: 'eu-west-1', AWS_DEFAULT_REGION: 'us-east-1' }],
        [[], { AWS_REGION: '', AWS_DEFAULT_REGION: 'eu-west-1' }],
      ] as const) {
        const { code, out } = await sesame(['send', ...where, ...more, '--from', SENDER, '--to', FRIEND], { env })
        assert.equal(code, 3)
        assert.match(out, /in region EU-WEST-1/)
      }
    }
    assert.equal((await get<Listing>(app, '/_sesame/messages')).messages.length, 0)
  })

  test('an address that is none goes out as it is: what a client would see is what the server says', async () => {
    await using app = await startWithSender()
    for (const [via, reply] of [
      ['v1', /^Error code +InvalidParameterValue\nMessage +Missing final '@domain'$/m],
      ['v2', /^Error code +BadRequestException\nMessage +Missing final '@domain'$/m],
      ['smtp', /^C: RCPT TO:<friend>\nS: 501 Invalid RCPT TO address provided$/m],
    ] as const) {
      const where = ['--via', via, '--url', app.url, '--smtp', `127.0.0.1:${app.smtpPort}`]
      const { code, out } = await sesame(['send', ...where, '--from', SENDER, '--to', 'friend'])
      assert.equal(code, 3)
      assert.match(out, reply)
    }
  })

  test('a server that is not there, or is none, is told as such', async () => {
    const letter = ['--from', SENDER, '--to', FRIEND]
    assert.equal((await sesame(['send', ...letter, '--url', 'http://127.0.0.1:9'])).code, 1)
    assert.equal((await sesame(['send', ...letter, '--url', 'nowhere'])).code, 1)
    const { code, err } = await sesame(['send', ...letter, '--via', 'smtp', '--smtp', '127.0.0.1:9'])
    assert.equal(code, 1)
    assert.match(err, /no SMTP server answers at 127\.0\.0\.1:9: /)
    assert.equal((await sesame(['send', '--raw', '/nonexistent/mail.eml'])).code, 1)
  })
})
