/** Exim as a relay to SES, set up as SES's guide has it ("Integrating Amazon SES with Exim"). */
import assert from 'node:assert/strict'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { eximHome, runExim } from './exim.ts'
import { freePort } from '../support/free-port.ts'
import { bounceIn, NOT_OURS, OURS, unfolded } from './mail-server.ts'
import { need, needFile, run } from './programs.ts'
import { TO, verify } from './refusals.ts'
import { type Account, startServer } from './server.ts'
import { until } from './until.ts'

// Exim excludes Postfix as a package: .ci/install-clients unpacks it into the cache.
const CACHE = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
const program = needFile('exim4', join(CACHE, 'sesame-clients/exim/usr/sbin/exim4'), '/usr/sbin/exim4')
const swaks = need('swaks')
const server = await startServer()
const account = await server.newAccount()
await verify(account, OURS)
const exim = await startExim(account)
after(async () => {
  await exim.stop()
  await server.stop()
})

test('the guide’s test message, with its dialogue', async () => {
  const { status, stdout, stderr } = await run(
    exim.program,
    ['-C', exim.configuration, '-v', '-f', `sender@${OURS}`, TO],
    {
      input: `From: sender@${OURS}\nSubject: Test message\n\nThis is a test.\n`,
    },
  )
  assert.equal(status, 0, stderr)
  const message = await account.message({ subject: 'Test message' })
  assert.deepEqual([message.surface, message.destination, message.text?.trim()], ['smtp', [TO], 'This is a test.'])
  assert.match(message.tags['ses:source-tls-version']?.[0] ?? '', /^TLS/)
  assert.ok(`${stdout}${stderr}`.includes(`250 Ok ${message.messageId}`), `${stdout}${stderr}`)
})

test('what an application hands to Exim by SMTP goes on to all its recipients', async () => {
  const to = [TO, 'second@example.org', 'third@example.net']
  const outcome = await hand(`app@${OURS}`, to, 'by SMTP')
  assert.equal(outcome.status, 0, outcome.stdout)
  const destinations = await until('all recipients', async () => {
    // One transaction or several: Exim decides.
    const { messages } = (await server.admin('GET', `/_sesame/messages?account=${account.id}&subject=by%20SMTP`)) as {
      messages: { destination: string[] }[]
    }
    const all = messages.flatMap(({ destination }) => destination)
    return all.length === to.length ? all : undefined
  })
  assert.deepEqual(destinations.toSorted(), to.toSorted())
})

test('a sender that is not verified bounces, in SES’s words', async () => {
  const from = `visitor@${NOT_OURS}`
  await hand(from, [TO], 'refused')
  const dsn = unfolded(await bounceIn(exim.inbox, 'refused'))
  const text = `554 Message rejected: Email address is not verified. The following identities failed the check in region US-EAST-1: ${from}`
  assert.ok(dsn.includes(`SMTP error from remote mail server after end of data: ${text}`), dsn)
  assert.match(dsn, /Action: failed .*Status: 5\.0\.0 /)
})

test('a throttled message is deferred, and goes out when there is room again', async () => {
  await account.patch({ max24HourSend: 1 })
  await hand(`sender@${OURS}`, [TO], 'patient')
  const log = await until('a deferred message', async () => {
    const { stdout } = await run('cat', [join(exim.logs, 'mainlog')])
    return /^.* == friend@example\.org .*$/m.exec(stdout)?.[0]
  })
  assert.match(log, /454 Throttling failure: Daily message quota exceeded\./)
  await account.patch({ max24HourSend: -1 })
  // Everything that is queued, whatever its retry time.
  await run(exim.program, ['-C', exim.configuration, '-qff'])
  assert.equal((await account.message({ subject: 'patient' })).text?.trim(), 'Hi')
})

/** An application's mail, to Exim's own listener. */
async function hand(from: string, to: readonly string[], subject: string) {
  const envelope = ['--from', from, '--to', to.join(',')]
  return await run(swaks, [
    '--server',
    `127.0.0.1:${exim.port}`,
    ...envelope,
    '--header',
    `Subject: ${subject}`,
    '--body',
    'Hi',
  ])
}

async function startExim(relayFor: Account) {
  const port = await freePort()
  return { ...(await runExim(program, { name: 'exim', port }, (folder) => eximConf(folder, port, relayFor))), port }
}

/** `send_via_ses`, `ses_smtp` and `ses_login` are the guide's, but for what loopback and a port of our own need. */
function eximConf(folder: string, port: number, { key }: Account): string {
  return `primary_hostname = mail.${OURS}
domainlist local_domains = ${OURS} : ${NOT_OURS}
${eximHome(folder, port)}
acl_smtp_rcpt = accept_from_here

begin acl
accept_from_here:
  accept hosts = 127.0.0.1

begin routers
send_via_ses:
  driver = manualroute
  domains = ! +local_domains
  transport = ses_smtp
  route_list = * 127.0.0.1;
  self = send
inbox:
  driver = accept
  transport = inbox

begin transports
ses_smtp:
  driver = smtp
  port = ${server.smtpPort}
  hosts_require_auth = *
  hosts_require_tls = *
  allow_localhost
inbox:
  driver = appendfile
  directory = ${folder}/mail/inbox
  maildir_format

begin retry
* * F,1h,1m

begin authenticators
ses_login:
  driver = plaintext
  public_name = LOGIN
  client_send = : ${key.accessKeyId} : ${key.smtpPassword}
`
}
