/** Postfix, an instance of its own beside the system's: takes mail, makes it durable, and leaves it where it is (HOLD). */
import { chmod, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { configurePostfix, foregroundArgs, pidFileOf } from '../../test/clients/postfix.ts'
import { freePort } from '../../test/support/free-port.ts'
import { find, type Lab } from '../lab.ts'
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

const START_LIMIT_MS = 20_000

/** `missing`, with a reason to print: it cannot run here. `relay`: where what is released goes. */
export async function startPostfix(lab: Lab, relay?: Target): Promise<Postfix | { readonly missing: string }> {
  const postfix = await find(lab, 'postfix')
  if (postfix === undefined) return { missing: 'Postfix is not installed (Debian: `apt-get install postfix`).' }
  if (process.getuid?.() !== 0) return { missing: 'Postfix runs only when the benchmark is run as root.' }
  const folder = lab.folder('postfix')
  // Its daemons run as users of their own.
  await chmod(folder, 0o755)
  const { certificate, key } = await makeCertificate(folder)
  const [port, tlsPort] = [await freePort(), await freePort()]
  await configurePostfix(folder, { ...settings(certificate, key), ...relaying(relay) }, services(port, tlsPort))
  const child = lab.start(postfix, foregroundArgs(folder))
  const said = lastWords(child)
  const smtp = { host: '127.0.0.1', port }
  let master: number
  try {
    master = await lab.until('its process id', START_LIMIT_MS, () => masterOf(folder))
    lab.adopt(master)
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
    stop: () => lab.stop(child, master),
  }
}

/** The process that does the work; undefined: it does not run yet. */
async function masterOf(folder: string): Promise<number | undefined> {
  const pid = Number.parseInt(await readFile(pidFileOf(folder), 'utf8').catch(() => ''), 10)
  return Number.isNaN(pid) ? undefined : pid
}

/** `in_flow_delay=0`: otherwise each message waits while the queue is longer than what is delivered. */
function settings(certificate: string, key: string) {
  return {
    myhostname: 'postfix.bench.example',
    mynetworks: '127.0.0.0/8',
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
}

function relaying(relay: Target | undefined): Readonly<Record<string, string>> {
  return relay === undefined ? {} : { relayhost: `[${relay.host}]:${relay.port}`, smtp_tls_security_level: 'none' }
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
