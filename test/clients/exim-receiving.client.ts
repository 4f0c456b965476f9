/** Exim as the server that mail is delivered to; dkimpy judges the signatures of what it took. */
import assert from 'node:assert/strict'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import * as v2 from '@aws-sdk/client-sesv2'
import { eximHome, runExim } from './exim.ts'
import { freePort } from '../support/free-port.ts'
import { unfolded } from './mail-server.ts'
import { needFile, needPython, run } from './programs.ts'
import { arrived, hardMail, intact, ownCertificate, RECEIVER, startSender } from './receiver.ts'

// Exim excludes Postfix as a package: .ci/install-clients unpacks it into the cache.
const CACHE = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
const program = needFile('exim4', join(CACHE, 'sesame-clients/exim/usr/sbin/exim4'), '/usr/sbin/exim4')
const python = needPython('dkim', 'nacl')
const MAX_OCTETS = 1_000_000
const port = await freePort()
const sender = await startSender(port)
const exim = await startExim()
after(async () => {
  await sender.stop()
  await exim.stop()
})

/** Whether dkimpy takes the first signature of a message. */
async function isSigned(message: string): Promise<boolean> {
  const question = { message: Buffer.from(message, 'latin1').toString('base64'), records: sender.keys, signatures: 1 }
  const script = join(import.meta.dirname, 'dkim_verify.py')
  const { stdout, stderr } = await run(python, [script], { input: `${JSON.stringify(question)}\n` })
  const { ok } = JSON.parse(stdout) as { ok?: boolean[] }
  return ok?.[0] ?? assert.fail(`${stdout}${stderr}`)
}

test('a message arrives over STARTTLS, octet for octet, with a signature that holds', async () => {
  const id = await sender.send(hardMail('over TLS'), [`friend@${RECEIVER}`])
  const message = await arrived(exim.inbox, 'over TLS')
  const head = unfolded(await intact(sender.account, id, message))
  assert.match(
    head,
    /Received: from \[127\.0\.0\.1\] \(helo=out\.sesame\.test\) by mx\.receiver\.test with esmtps \(TLS1\.3\)/,
  )
  assert.equal(await isSigned(message), true)
  assert.equal(await isSigned(message.replace('the last line', 'the very last line')), false)
  const { delivery } = await sender.event(id, 'Delivery')
  assert.match(JSON.stringify(delivery), /"smtpResponse":"250 OK id=[\w-]+"/)
})

test('who is unknown there bounces in Exim’s words, and the other has his mail', async () => {
  const id = await sender.send(hardMail('to two'), [`friend@${RECEIVER}`, `nobody@${RECEIVER}`])
  await intact(sender.account, id, await arrived(exim.inbox, 'to two'))
  const bounce = (await sender.event(id, 'Bounce'))['bounce'] as { bounceType: string; bouncedRecipients: object[] }
  assert.equal(bounce.bounceType, 'Permanent')
  assert.deepEqual(bounce.bouncedRecipients, [
    {
      emailAddress: `nobody@${RECEIVER}`,
      action: 'failed',
      status: '5.0.0',
      diagnosticCode: 'smtp; 550 Unrouteable address',
    },
  ])
})

test('who is put off is told of as delayed, while the other has his mail', async () => {
  const id = await sender.send(hardMail('not now'), [`friend@${RECEIVER}`, `later@${RECEIVER}`])
  await intact(sender.account, id, await arrived(exim.inbox, 'not now'))
  const { deliveryDelay } = await sender.event(id, 'DeliveryDelay')
  assert.match(JSON.stringify(deliveryDelay), /"emailAddress":"later@receiver\.test".*451 come back later/)
})

test('a set that requires TLS is content with it', async () => {
  await sender.account.sesv2.send(
    new v2.CreateConfigurationSetCommand({ ConfigurationSetName: 'tls', DeliveryOptions: { TlsPolicy: 'REQUIRE' } }),
  )
  const id = await sender.send(hardMail('TLS required'), [`friend@${RECEIVER}`], 'tls')
  await intact(sender.account, id, await arrived(exim.inbox, 'TLS required'))
})

test('a large message arrives whole, and one that is larger than Exim takes bounces', async () => {
  const lines = `${'0123456789abcdef'.repeat(4)}\r\n`
  const large = await sender.send(hardMail('large', lines.repeat(12_000)), [`friend@${RECEIVER}`])
  const message = await arrived(exim.inbox, 'Subject: large')
  await intact(sender.account, large, message)
  assert.equal(await isSigned(message), true)
  const larger = await sender.send(hardMail('larger', lines.repeat(18_000)), [`friend@${RECEIVER}`])
  const { bounce } = await sender.event(larger, 'Bounce')
  assert.match(JSON.stringify(bounce), /"bounceSubType":"MessageTooLarge"/)
})

async function startExim() {
  return await runExim(program, { name: 'exim-mx', port }, async (folder) =>
    eximConf(folder, await ownCertificate(folder)),
  )
}

function eximConf(folder: string, { cert, key }: { readonly cert: string; readonly key: string }): string {
  return `primary_hostname = mx.${RECEIVER}
domainlist local_domains = ${RECEIVER}
${eximHome(folder, port)}
message_size_limit = ${MAX_OCTETS}
tls_advertise_hosts = *
tls_certificate = ${cert}
tls_privatekey = ${key}
# It would ask the DNS of this machine for the key.
dkim_verify_signers =
acl_smtp_rcpt = local_only

begin acl
local_only:
  defer message = come back later
        local_parts = later
  require domains = +local_domains
          verify = recipient
  accept

begin routers
inbox:
  driver = accept
  domains = +local_domains
  local_parts = friend
  transport = inbox

begin transports
inbox:
  driver = appendfile
  directory = ${folder}/mail/inbox
  maildir_format
`
}
