/** Postfix, an instance of its own beside the system's: takes mail, makes it durable, and leaves it where it is (HOLD). */
import { chmod, chown, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { find, freePort, type Lab } from '../lab.ts'
import { makeCertificate } from './certificate.ts'
import { answering, lastWords, pidOf, type Server, type Target } from './server.ts'

export type Postfix = Server & {
  readonly smtp: Target
  readonly smtps: Target
  readonly version: string
  /** The folder of its queue. */
  readonly queue: string
  /** Lets go of what was held. */
  readonly release: () => Promise<void>
}

/** `missing`, with a reason to print: it cannot run here. `relay`: where what is released goes. */
export async function startPostfix(lab: Lab, relay?: Target): Promise<Postfix | { readonly missing: string }> {
  const postfix = await find(lab, 'postfix')
  if (postfix === undefined) return { missing: 'Postfix is not installed (Debian: `apt-get install postfix`).' }
  if (process.getuid?.() !== 0) return { missing: 'Postfix runs only when the benchmark is run as root.' }
  const folder = lab.folder('postfix')
  // Its daemons run as users of their own.
  await chmod(folder, 0o755)
  const { certificate, key } = await makeCertificate(folder)
  await mkdir(join(folder, 'queue'))
  await mkdir(join(folder, 'data'))
  await chown(join(folder, 'data'), await idOf(lab, 'postfix', '-u'), await idOf(lab, 'postfix', '-g'))
  const [port, tlsPort] = [await freePort(), await freePort()]
  await writeFile(join(folder, 'main.cf'), settings(folder, certificate, key) + relaying(relay))
  await writeFile(join(folder, 'master.cf'), services(port, tlsPort))
  const child = lab.start(postfix, ['-c', folder, 'start-fg'])
  const said = lastWords(child)
  const smtp = { host: '127.0.0.1', port }
  try {
    await answering(lab, 'Postfix', smtp, true)
  } catch (error) {
    throw new Error(
      `Postfix does not start: ${said()} ${await readFile(join(folder, 'log'), 'utf8').catch(() => '')}`,
      { cause: error },
    )
  }
  const { out } = await lab.run(
    (await find(lab, 'postconf')) ?? 'postconf',
    ['-c', folder, '-h', 'mail_version'],
    5_000,
  )
  return {
    smtp,
    smtps: { host: '127.0.0.1', port: tlsPort },
    version: out.trim(),
    queue: join(folder, 'queue'),
    async release() {
      const postsuper = (await find(lab, 'postsuper')) ?? 'postsuper'
      await lab.run(postsuper, ['-c', folder, '-H', 'ALL'], 60_000)
      await lab.run((await find(lab, 'postqueue')) ?? 'postqueue', ['-c', folder, '-f'], 5_000)
    },
    pids: [pidOf(child)],
    stop: () => lab.stop(child),
  }
}

async function idOf(lab: Lab, user: string, flag: '-u' | '-g'): Promise<number> {
  return Number((await lab.run('id', [flag, user], 5_000)).out)
}

/** `in_flow_delay=0`: otherwise each message waits while the queue is longer than what is delivered. */
function settings(folder: string, certificate: string, key: string): string {
  const all = {
    compatibility_level: '3.6',
    queue_directory: `${folder}/queue`,
    data_directory: `${folder}/data`,
    maillog_file: `${folder}/log`,
    maillog_file_prefixes: folder,
    myhostname: 'postfix.bench.example',
    mydestination: '',
    mynetworks: '127.0.0.0/8',
    inet_interfaces: '127.0.0.1',
    inet_protocols: 'ipv4',
    alias_maps: '',
    disable_dns_lookups: 'yes',
    smtpd_peername_lookup: 'no',
    smtpd_client_restrictions: 'check_client_access static:HOLD',
    in_flow_delay: '0',
    smtpd_tls_security_level: 'may',
    smtpd_tls_cert_file: certificate,
    smtpd_tls_key_file: key,
    // No cache of sessions: the generator resumes none.
    smtpd_tls_session_cache_database: '',
  }
  return Object.entries(all)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('')
}

function relaying(relay: Target | undefined): string {
  return relay === undefined ? '' : `relayhost = [${relay.host}]:${relay.port}\nsmtp_tls_security_level = none\n`
}

/** Postfix's own services without chroot; those that listen do so on the loopback. */
function services(port: number, tlsPort: number): string {
  return `127.0.0.1:${port} inet n - n - - smtpd
127.0.0.1:${tlsPort} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
pickup    unix n - n 60   1 pickup
cleanup   unix n - n -    0 cleanup
qmgr      unix n - n 300  1 qmgr
tlsmgr    unix - - n 1000? 1 tlsmgr
rewrite   unix - - n -    - trivial-rewrite
bounce    unix - - n -    0 bounce
defer     unix - - n -    0 bounce
trace     unix - - n -    0 bounce
proxymap  unix - - n -    - proxymap
smtp      unix - - n -    - smtp
relay     unix - - n -    - smtp
error     unix - - n -    - error
retry     unix - - n -    - error
showq     unix n - n -    - showq
anvil     unix - - n -    1 anvil
postlog   unix-dgram n - n - 1 postlogd
`
}
