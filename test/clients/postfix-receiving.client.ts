/** Postfix as the server that mail is delivered to, with OpenDKIM, which judges the signature as the message comes in. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import * as v2 from '@aws-sdk/client-sesv2'
import { freePort } from '../support/free-port.ts'
import { unfolded } from './mail-server.ts'
import { configurePostfix, makePostfix, runPostfix } from './postfix.ts'
import { need } from './programs.ts'
import { arrived, hardMail, intact, ownCertificate, RECEIVER, SENDER, startSender } from './receiver.ts'
import { until } from './until.ts'

const programs = { postfix: need('postfix'), opendkim: need('opendkim') }
const MAX_OCTETS = 1_000_000
const port = await freePort()
const sender = await startSender(port)
const postfix = await startPostfix()
after(async () => {
  await sender.stop()
  await postfix.stop()
})

test('a message arrives over STARTTLS, octet for octet, and OpenDKIM takes its signature', async () => {
  const id = await sender.send(hardMail('over TLS'), [`friend@${RECEIVER}`])
  const message = await arrived(postfix.inbox, 'over TLS')
  const head = unfolded(await intact(sender.account, id, message))
  assert.match(head, /Received: from out\.sesame\.test \(.*\) \(using TLSv1\.3 with cipher \S+ /)
  assert.match(
    head,
    new RegExp(
      `Authentication-Results: judge\\.test; dkim=pass \\(2048-bit key(?:; unprotected)?\\) header\\.d=${SENDER} `,
    ),
  )
  const { delivery } = await sender.event(id, 'Delivery')
  assert.match(JSON.stringify(delivery), /"smtpResponse":"250 2\.0\.0 Ok: queued as \w+"/)
})

test('a signature that was broken on the way would have been told', async () => {
  // By hand, for nobody else breaks it: proof that the judge does not say `pass` to everything.
  const id = await sender.send(hardMail('to be broken'), [`friend@${RECEIVER}`])
  const message = await arrived(postfix.inbox, 'to be broken')
  await intact(sender.account, id, message)
  const signed = message.slice(message.search(/^DKIM-Signature:/m))
  await handTo(port, signed.replace('the last line', 'the very last line'))
  const broken = unfolded(await arrived(postfix.inbox, 'the very last line'))
  assert.match(broken, /Authentication-Results: judge\.test; dkim=fail/)
})

test('who is unknown there bounces in Postfix’s words, and the other has his mail', async () => {
  const id = await sender.send(hardMail('to two'), [`friend@${RECEIVER}`, `nobody@${RECEIVER}`])
  await intact(sender.account, id, await arrived(postfix.inbox, 'to two'))
  const bounce = (await sender.event(id, 'Bounce'))['bounce'] as { bounceType: string; bouncedRecipients: object[] }
  assert.equal(bounce.bounceType, 'Permanent')
  assert.deepEqual(bounce.bouncedRecipients, [
    {
      emailAddress: `nobody@${RECEIVER}`,
      action: 'failed',
      status: '5.1.1',
      diagnosticCode: `smtp; 550 5.1.1 <nobody@${RECEIVER}>: Recipient address rejected: User unknown in virtual mailbox table`,
    },
  ])
})

test('a set that requires TLS is content with it', async () => {
  await sender.account.sesv2.send(
    new v2.CreateConfigurationSetCommand({ ConfigurationSetName: 'tls', DeliveryOptions: { TlsPolicy: 'REQUIRE' } }),
  )
  const id = await sender.send(hardMail('TLS required'), [`friend@${RECEIVER}`], 'tls')
  await intact(sender.account, id, await arrived(postfix.inbox, 'TLS required'))
})

test('a large message arrives whole, and one that is larger than Postfix takes bounces', async () => {
  const lines = `${'0123456789abcdef'.repeat(4)}\r\n`
  const large = await sender.send(hardMail('large', lines.repeat(12_000)), [`friend@${RECEIVER}`])
  await intact(sender.account, large, await arrived(postfix.inbox, 'Subject: large'))
  const larger = await sender.send(hardMail('larger', lines.repeat(18_000)), [`friend@${RECEIVER}`])
  const { bounce } = await sender.event(larger, 'Bounce')
  assert.match(JSON.stringify(bounce), /"bounceSubType":"MessageTooLarge"/)
})

/** A message that comes by another way than Sesame, in the clear. */
async function handTo(mx: number, message: string): Promise<void> {
  const socket = connect(mx, '127.0.0.1')
  const text = message.replaceAll(/^\./gm, '..')
  const steps = [
    'EHLO by.hand',
    `MAIL FROM:<app@${SENDER}> BODY=8BITMIME`,
    `RCPT TO:<friend@${RECEIVER}>`,
    'DATA',
    `${text}\r\n.`,
  ]
  for (const step of [undefined, ...steps]) {
    if (step !== undefined) socket.write(`${step}\r\n`, 'latin1')
    let reply = ''
    while (!/^\d{3} .*\r\n$/m.test(reply)) reply += String((await once(socket, 'data'))[0])
    assert.match(reply, /^[23]/)
  }
  socket.end('QUIT\r\n')
}

/** A whole Postfix beside the system's own, that takes mail for one domain and asks OpenDKIM about it. */
async function startPostfix() {
  const { folder, inbox } = await makePostfix('postfix-mx')
  const judge = await startOpendkim(folder)
  const { cert, key } = await ownCertificate(folder)
  const settings = {
    myhostname: `mx.${RECEIVER}`,
    mynetworks: '127.0.0.250/32',
    local_recipient_maps: '',
    message_size_limit: String(MAX_OCTETS),
    smtpd_tls_security_level: 'may',
    smtpd_tls_cert_file: cert,
    smtpd_tls_key_file: key,
    smtpd_tls_received_header: 'yes',
    smtpd_milters: `inet:127.0.0.1:${judge.port}`,
    milter_default_action: 'tempfail',
    virtual_mailbox_domains: RECEIVER,
    virtual_mailbox_maps: `inline:{friend@${RECEIVER}=inbox/}`,
  }
  await configurePostfix(folder, settings, masterCf(port))
  const daemon = await runPostfix(programs.postfix, folder, port)
  return {
    inbox,
    async stop() {
      await daemon.stop()
      await judge.stop()
    },
  }
}

/** A milter that verifies, and gets the keys from a file instead of DNS. */
async function startOpendkim(folder: string) {
  const [keys, configuration, judgePort] = [join(folder, 'keys'), join(folder, 'opendkim.conf'), await freePort()]
  await writeFile(
    keys,
    Object.entries(sender.keys)
      .map(([name, record]) => `${name} ${record}\n`)
      .join(''),
  )
  const settings = [
    'Mode v',
    `Socket inet:${judgePort}@127.0.0.1`,
    'AuthservID judge.test',
    'AlwaysAddARHeader yes',
    // Else it passes over what comes from this machine.
    'InternalHosts 127.0.0.250',
    `TestPublicKeys ${keys}`,
  ]
  await writeFile(configuration, `${settings.join('\n')}\n`)
  const child = spawn(programs.opendkim, ['-f', '-x', configuration], { stdio: 'ignore' })
  const ended = once(child, 'exit')
  const kill = () => void child.kill('SIGTERM')
  process.once('exit', kill)
  await until('OpenDKIM', async () => {
    if (child.exitCode !== null) throw new Error(`OpenDKIM ended with ${child.exitCode}`)
    const socket = connect(judgePort, '127.0.0.1')
    const isThere = await once(socket, 'connect').then(
      () => true,
      () => undefined,
    )
    socket.destroy()
    return isThere
  })
  return {
    port: judgePort,
    async stop() {
      process.off('exit', kill)
      kill()
      await ended
    },
  }
}

/** What it takes to receive, without chroot. */
function masterCf(listener: number): string {
  return `127.0.0.1:${listener} inet n - n - - smtpd
cleanup   unix n - n -    0 cleanup
qmgr      unix n - n 300  1 qmgr
tlsmgr    unix - - n 1000? 1 tlsmgr
rewrite   unix - - n -    - trivial-rewrite
bounce    unix - - n -    0 bounce
defer     unix - - n -    0 bounce
trace     unix - - n -    0 bounce
verify    unix - - n -    1 verify
proxymap  unix - - n -    - proxymap
error     unix - - n -    - error
retry     unix - - n -    - error
discard   unix - - n -    - discard
virtual   unix - n n -    - virtual
anvil     unix - - n -    1 anvil
scache    unix - - n -    1 scache
postlog   unix-dgram n - n - 1 postlogd
`
}
