/** `sesame serve` as a process: ready line, signals, what stands in its way, and commands beside it. */
import assert from 'node:assert/strict'
import { cp, mkdir, stat, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { GetIdentityVerificationAttributesCommand, SESClient, VerifyDomainIdentityCommand } from '@aws-sdk/client-ses'
import { TEST_KEY } from './support/app.ts'
import { ANY_PORTS, emptyDirectory, launch, LAUNCHER, serve, sesame } from './support/cli.ts'
import { converse } from './support/dialog.ts'
import { dnsServer } from './support/dns.ts'
import { FRIEND, SENDER } from './support/surfaces.ts'
import { until } from './support/until.ts'

const ADDRESS = String.raw`127\.0\.0\.1:\d+`
const READY = new RegExp(`^sesame ready http=http://${ADDRESS} smtp=${ADDRESS} smtps=${ADDRESS} inbound=${ADDRESS}$`)

test('the first line tells that all is bound, and SIGTERM ends with 0', async (t) => {
  await using server = await serve([...ANY_PORTS, '--data-dir', await emptyDirectory(t)])
  assert.match(server.ready, READY)
  assert.equal((await fetch(`${server.url}/_sesame/ready`)).status, 200)
  server.kill('SIGTERM')
  assert.deepEqual(await server.ended, { code: 0, err: '' })
})

test('SIGINT is a stop too, and what was accepted is there after the next start', async (t) => {
  const args = [...ANY_PORTS, '--data-dir', await emptyDirectory(t)]
  await using first = await serve(args)
  await fetch(`${first.url}/_sesame/accounts`, { method: 'POST', body: '{"accountId":"123456789012","name":"Shop"}' })
  first.kill('SIGINT')
  assert.equal((await first.ended).code, 0)
  await using second = await serve(args)
  const listed = await sesame(['account', 'list', '--url', second.url])
  assert.match(listed.out, /^123456789012 {2}Shop$/m)
})

test('a stop waits for a message that is on its way; a second signal does not', async (t) => {
  await using server = await serve([...ANY_PORTS, '--data-dir', await emptyDirectory(t)])
  using client = await converse(Number(server.smtp.split(':')[1]))
  const password = Buffer.from('\0test\0test').toString('base64')
  await client.talk(`
    S: 220 …
    C: EHLO client.example
    S: 250-…
    S: 250-8BITMIME
    S: 250-PIPELINING
    S: 250-STARTTLS
    S: 250-AUTH PLAIN LOGIN
    S: 250 Ok
    C: AUTH PLAIN ${password}
    S: 235 …
    C: MAIL FROM:<a@example.com>
    S: 250 Ok
    C: RCPT TO:<b@example.com>
    S: 250 Ok
    C: DATA
    S: 354 …
  `)
  server.kill('SIGTERM')
  // Refused connections show that the stop has begun.
  while (
    await fetch(`${server.url}/_sesame/health`).then(
      () => true,
      () => false,
    )
  );
  // A signal that comes at once is the same one, handed on; so it is said again until it is heard.
  const insisting = setInterval(() => server.kill('SIGTERM'), 50)
  t.after(() => clearInterval(insisting))
  assert.equal((await server.ended).code, 1)
})

test('commands find the server that runs on the data directory, and its admin token', async (t) => {
  const directory = await emptyDirectory(t)
  const production = ['--profile', 'production', '--transport', 'capture']
  const where = ['--data-dir', directory]
  const before = await sesame(['account', 'create', '--name', 'Shop', '--id', '123456789012', '--json', ...where])
  const { key } = JSON.parse(before.out) as {
    key: { accessKeyId: string; secretAccessKey: string; smtpPasswords: Record<string, string> }
  }
  await using server = await serve([...ANY_PORTS, ...production, ...where])
  assert.equal((await stat(join(directory, 'admin-token'))).mode & 0o777, 0o600)
  const listed = await sesame(['account', 'list', ...where])
  assert.deepEqual([listed.code, listed.err], [0, ''])
  assert.match(listed.out, /^123456789012 {2}Shop$/m)
  const keys = ['--access-key-id', key.accessKeyId, '--secret-access-key', key.secretAccessKey]
  const sent = await sesame(['send', ...keys, '--from', SENDER, '--to', FRIEND, '--url', server.url])
  assert.match(sent.out, /Email address is not verified/)
  const overSmtp = await sesame([
    'send',
    ...keys,
    '--via',
    'smtp',
    '--smtp',
    server.smtp,
    '--from',
    SENDER,
    '--to',
    FRIEND,
  ])
  assert.match(overSmtp.out, /^S: 235 Authentication successful\.$/m)
  const withTestKey = await sesame(['send', '--from', SENDER, '--to', FRIEND, '--url', server.url])
  assert.match(withTestKey.out, /UnrecognizedClientException/)
})

test('what stands in the way is told, with what to do about it', async (t) => {
  const directory = await emptyDirectory(t)
  await using server = await serve([...ANY_PORTS, '--data-dir', directory])
  const twice = await launch(['serve', ...ANY_PORTS, '--data-dir', directory])
  assert.deepEqual([twice.code, twice.out], [1, ''])
  assert.match(
    twice.err,
    /sesame\.db is in use by process \d+\. Stop it, or give this server a directory of its own with --data-dir\./,
  )
  const port = new URL(server.url).port
  const taken = await launch(['serve', ...ANY_PORTS, '--http-port', port, '--data-dir', await emptyDirectory(t)])
  assert.deepEqual([taken.code, taken.out], [1, ''])
  assert.match(
    taken.err,
    new RegExp(
      `port ${port} of 127\\.0\\.0\\.1 is in use\\. Stop what listens there, or choose another with --http-port`,
    ),
  )
  const bad = await launch(['--profile', 'prod', '--smtp-port', '-1'])
  assert.deepEqual([bad.code, bad.out], [2, ''])
  assert.match(
    bad.err,
    /--profile: "prod" is not one of local, strict, production\.\nsesame: --smtp-port: "-1" is not a whole number/,
  )
})

test('--dns names the server that identities are proved by, and the proof outlives a restart', async (t) => {
  const zone: Record<string, { txt: string[] }> = {}
  await using dns = await dnsServer(zone)
  const args = [...ANY_PORTS, '--profile', 'strict', '--dns', dns.address, '--data-dir', await emptyDirectory(t)]
  const Identities = ['example.com']
  const clientOf = ({ url }: { url: string }) => {
    const client = new SESClient({ endpoint: url, region: 'us-east-1', credentials: TEST_KEY })
    t.after(() => client.destroy())
    return client
  }
  const stateOf = async (ses: SESClient) => {
    const { VerificationAttributes } = await ses.send(new GetIdentityVerificationAttributesCommand({ Identities }))
    return VerificationAttributes?.['example.com']?.VerificationStatus
  }
  await using first = await serve(args)
  const ses = clientOf(first)
  const { VerificationToken } = await ses.send(new VerifyDomainIdentityCommand({ Domain: 'example.com' }))
  assert.equal(await stateOf(ses), 'Pending')
  zone['_amazonses.example.com'] = { txt: [VerificationToken!] }
  await fetch(`${first.url}/_sesame/clock`, { method: 'POST', body: '{"advanceSeconds":60}' })
  await until(
    () => stateOf(ses),
    (state) => state === 'Success',
  )
  first.kill('SIGTERM')
  assert.equal((await first.ended).code, 0)
  await using second = await serve(args)
  assert.equal(await stateOf(clientOf(second)), 'Success')
})

test('a server that was killed leaves nothing that hinders the next one', async (t) => {
  const args = [...ANY_PORTS, '--data-dir', await emptyDirectory(t)]
  await using first = await serve(args)
  first.kill('SIGKILL')
  await first.ended
  await using second = await serve(args)
  assert.match(second.ready, READY)
})

test('it runs where it is installed as a dependency, whatever Node the system has', async (t) => {
  const directory = await emptyDirectory(t)
  const root = dirname(dirname(LAUNCHER))
  const modules = join(directory, 'node_modules')
  const installed = join(modules, 'sesame-ses')
  await mkdir(join(modules, '.bin'), { recursive: true })
  for (const part of ['bin', 'src', 'package.json'])
    await cp(join(root, part), join(installed, part), { recursive: true })
  for (const name of ['node', 'selfsigned', 'yaml', 'postal-mime', 'iconv-lite', 'dns-packet']) {
    await symlink(join(root, 'node_modules', name), join(modules, name))
  }
  await symlink('../sesame-ses/bin/sesame', join(modules, '.bin/sesame'))
  const launcher = join(modules, '.bin/sesame')
  assert.match((await launch(['--version'], launcher)).out, /^sesame \d/)
  const made = await launch(['account', 'create', '--name', 'Shop', '--data-dir', directory], launcher)
  assert.equal(made.code, 0, made.err)
})
