/** Postfix as a relay to SES, set up as SES's guide has it ("Integrating Amazon SES with Postfix"). */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import * as v2 from '@aws-sdk/client-sesv2'
import { freePort } from '../support/free-port.ts'
import { bounceIn, NOT_OURS, OURS, unfolded } from './mail-server.ts'
import { configurePostfix, makePostfix, runPostfix } from './postfix.ts'
import { need, run } from './programs.ts'
import { TO, verify } from './refusals.ts'
import { type Account, startServer } from './server.ts'
import { until } from './until.ts'

const commands = {
  postfix: need('postfix'),
  postmap: need('postmap'),
  postqueue: need('postqueue'),
  sendmail: need('sendmail'),
  swaks: need('swaks'),
}
const server = await startServer()
const account = await server.newAccount()
await verify(account, OURS)
const postfix = await startPostfix(account)
after(async () => {
  await postfix.stop()
  await server.stop()
})

test('the guide’s first mail, by the sendmail command', async () => {
  await sendmail(
    `sender@${OURS}`,
    `From: Sender Name <sender@${OURS}>\nSubject: Amazon SES Test\n\nThis message was sent using Amazon SES.\n`,
  )
  const message = await account.message({ subject: 'Amazon SES Test' })
  assert.deepEqual(
    [message.surface, message.destination, message.text?.trim()],
    ['smtp', [TO], 'This message was sent using Amazon SES.'],
  )
  assert.match(message.tags['ses:source-tls-version']?.[0] ?? '', /^TLS/)
})

test('the guide’s advanced mail: a configuration set, two bodies and an attachment', async () => {
  await account.sesv2.send(new v2.CreateConfigurationSetCommand({ ConfigurationSetName: 'ConfigSet' }))
  await sendmail(`sender@${OURS}`, ADVANCED)
  const message = await account.message({ subject: 'Advanced' })
  assert.equal(message.configurationSet, 'ConfigSet')
  assert.match(
    message.text ?? '',
    /^Amazon SES Test\s+This message was sent from Amazon SES using the SMTP interface\./,
  )
  assert.match(message.html ?? '', /<h1>Amazon SES Test<\/h1>/)
  assert.deepEqual(
    message.attachments.map(({ filename, size }) => ({ filename, size })),
    [{ filename: 'customers.txt', size: 133 }],
  )
  assert.doesNotMatch(await account.raw(message.messageId), /X-SES-CONFIGURATION-SET/i)
})

test('what an application hands to Postfix by SMTP goes on to all its recipients', async () => {
  const to = [TO, 'second@example.org', 'third@example.net']
  const headers = ['--header', 'Subject: by SMTP', '--body', 'Hi']
  const args = ['--server', `127.0.0.1:${postfix.port}`, '--from', `app@${OURS}`, '--to', to.join(','), ...headers]
  const { status, stdout } = await run(commands.swaks, args)
  assert.equal(status, 0, stdout)
  assert.deepEqual((await account.message({ subject: 'by SMTP' })).destination.toSorted(), to.toSorted())
})

test('a sender that is not verified bounces, in SES’s words', async () => {
  const from = `visitor@${NOT_OURS}`
  await sendmail(from, `From: Visitor <${from}>\nSubject: refused\n\nHi\n`)
  const dsn = unfolded(await bounceIn(postfix.inbox, 'refused'))
  const text = `554 Message rejected: Email address is not verified. The following identities failed the check in region US-EAST-1: Visitor <${from}>, ${from}`
  assert.ok(dsn.includes(`said: ${text} (in reply to end of DATA command)`), dsn)
  assert.match(dsn, /Action: failed Status: 5\.\d\.\d /)
})

test('a throttled message is deferred, and goes out when there is room again', async () => {
  await account.patch({ max24HourSend: 1 })
  await sendmail(`sender@${OURS}`, `From: sender@${OURS}\nSubject: patient\n\nHi\n`)
  const reason = await until('a deferred message', async () => {
    const { stdout } = await run(commands.postqueue, ['-c', postfix.folder, '-j'])
    return /"delay_reason": "([^"]*)"/.exec(stdout)?.[1]
  })
  assert.match(
    reason,
    /said: 454 Throttling failure: Daily message quota exceeded\. \(in reply to end of DATA command\)/,
  )
  await account.patch({ max24HourSend: -1 })
  await run(commands.postqueue, ['-c', postfix.folder, '-f'])
  assert.equal((await account.message({ subject: 'patient' })).text?.trim(), 'Hi')
})

async function sendmail(from: string, input: string): Promise<void> {
  const { status, stderr } = await run(commands.sendmail, ['-C', postfix.folder, '-f', from, TO], { input })
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' })
}

/** A whole Postfix beside the system's own. The first eight settings are the guide's, the rest says where it lives. */
async function startPostfix({ key }: Account) {
  const { folder, inbox } = await makePostfix('postfix')
  const port = await freePort()
  const relay = `[127.0.0.1]:${server.smtpPort}`
  const settings = {
    relayhost: relay,
    smtp_sasl_auth_enable: 'yes',
    smtp_sasl_security_options: 'noanonymous',
    smtp_sasl_password_maps: `hash:${folder}/sasl_passwd`,
    smtp_use_tls: 'yes',
    smtp_tls_security_level: 'encrypt',
    smtp_tls_note_starttls_offer: 'yes',
    smtp_tls_CAfile: '/etc/ssl/certs/ca-certificates.crt',

    myhostname: `mail.${OURS}`,
    mynetworks: '127.0.0.0/8',
    virtual_mailbox_domains: `${OURS}, ${NOT_OURS}`,
    virtual_mailbox_maps: 'static:inbox/',
  }
  await configurePostfix(folder, settings, masterCf(port))
  await writeFile(join(folder, 'sasl_passwd'), `${relay} ${key.accessKeyId}:${key.smtpPassword}\n`, { mode: 0o600 })
  assert.equal((await run(commands.postmap, ['-c', folder, `hash:${folder}/sasl_passwd`])).status, 0)
  const daemon = await runPostfix(commands.postfix, folder, port)
  return { folder, port, inbox, stop: () => daemon.stop() }
}

/** Postfix's own services without chroot; the only one that listens does so on the loopback. */
function masterCf(port: number): string {
  return `127.0.0.1:${port} inet n - n - - smtpd
pickup    unix n - n 60   1 pickup
cleanup   unix n - n -    0 cleanup
qmgr      unix n - n 300  1 qmgr
tlsmgr    unix - - n 1000? 1 tlsmgr
rewrite   unix - - n -    - trivial-rewrite
bounce    unix - - n -    0 bounce
defer     unix - - n -    0 bounce
trace     unix - - n -    0 bounce
verify    unix - - n -    1 verify
flush     unix n - n 1000? 0 flush
proxymap  unix - - n -    - proxymap
proxywrite unix - - n -   1 proxymap
smtp      unix - - n -    - smtp
relay     unix - - n -    - smtp
showq     unix n - n -    - showq
error     unix - - n -    - error
retry     unix - - n -    - error
virtual   unix - n n -    - virtual
anvil     unix - - n -    1 anvil
scache    unix - - n -    1 scache
postlog   unix-dgram n - n - 1 postlogd
`
}

/** The guide's mime-email.txt. */
const ADVANCED = `X-SES-CONFIGURATION-SET: ConfigSet
From:Sender Name <sender@${OURS}>
Subject:Advanced
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="YWVhZDFlY2QzMGQ2N2U0YTZmODU"

--YWVhZDFlY2QzMGQ2N2U0YTZmODU
Content-Type: multipart/alternative; boundary="3NjM0N2QwMTE4MWQ0ZTg2NTYxZQ"

--3NjM0N2QwMTE4MWQ0ZTg2NTYxZQ
Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: quoted-printable

Amazon SES Test

This message was sent from Amazon SES using the SMTP interface.

--3NjM0N2QwMTE4MWQ0ZTg2NTYxZQ
Content-Type: text/html; charset=UTF-8
Content-Transfer-Encoding: quoted-printable

<html>
  <head>
</head>
  <body>
    <h1>Amazon SES Test</h1>
  </body>
</html>
--3NjM0N2QwMTE4MWQ0ZTg2NTYxZQ--
--YWVhZDFlY2QzMGQ2N2U0YTZmODU
Content-Type: application/octet-stream
MIME-Version: 1.0
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename="customers.txt"

SUQsRmlyc3ROYW1lLExhc3ROYW1lLENvdW50cnkKMzQ4LEpvaG4sU3RpbGVzLENh
bmFkYQo5MjM4OSxKaWUsTGl1LENoaW5hCjczNCxTaGlybGV5LFJvZHJpZ3VleixV
bml0ZWQgU3RhdGVzCjI4OTMsQW5heWEsSXllbmdhcixJbmRpYQ==
--YWVhZDFlY2QzMGQ2N2U0YTZmODU--
`
