/** The servers from npm, each as its own guide starts it, on the Node that Sesame runs on. */
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../../test/support/free-port.ts'
import type { Lab } from '../lab.ts'
import { peer } from './peers.ts'
import { answering, lastWords, pidOf, type Server, type Target } from './server.ts'

export type NpmServer = Server & { readonly target: Target; readonly version: string }
export type Missing = { readonly missing: string }

/** Everything in memory. */
export async function startMaildev(lab: Lab): Promise<NpmServer | Missing> {
  const found = await peer(lab, 'maildev')
  if ('missing' in found) return found
  const port = await freePort()
  const script = join(found.path, 'dist/bin/maildev.js')
  const args = ['--ip', '127.0.0.1', '--smtp', String(port), '--disable-web', '--silent']
  return running(lab, `maildev ${found.version}`, [script, ...args], { port, greets: true }, found.version)
}

/** Everything in memory. It speaks HTTP only. */
export async function startSesLocal(lab: Lab): Promise<NpmServer | Missing> {
  const found = await peer(lab, 'aws-ses-v2-local')
  if ('missing' in found) return found
  const port = await freePort()
  const args = [join(found.path, 'dist/cli.js'), '--host', '127.0.0.1', '--port', String(port)]
  return running(lab, `aws-ses-v2-local ${found.version}`, args, { port, greets: false }, found.version)
}

/** Durable: its outbound queue (a file for each message, synced), with delivery off. */
export async function startHaraka(lab: Lab): Promise<NpmServer | Missing> {
  const found = await peer(lab, 'Haraka')
  if ('missing' in found) return found
  const port = await freePort()
  const folder = lab.folder('haraka')
  for (const name of ['config', 'plugins', 'queue']) await mkdir(join(folder, name))
  await copyFile(join(found.path, 'config/connection.ini'), join(folder, 'config/connection.ini'))
  const files = {
    'config/smtp.ini': `listen=127.0.0.1:${port}\nnodes=0\n`,
    'config/outbound.ini': 'disabled=true\n',
    'config/log.ini': 'level=CRIT\n',
    'config/me': 'haraka.bench.example\n',
    'config/plugins': 'accept_all\n',
    'plugins/accept_all.js': `exports.hook_rcpt = function (next, connection) {
  connection.relaying = true
  next(OK)
}
`,
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  const args = [join(found.path, 'bin/haraka'), '-c', folder]
  return running(lab, `Haraka ${found.version}`, args, { port, greets: true }, found.version)
}

async function running(
  lab: Lab,
  name: string,
  args: readonly string[],
  { port, greets }: { readonly port: number; readonly greets: boolean },
  version: string,
): Promise<NpmServer> {
  const child = lab.start(process.execPath, args)
  const said = lastWords(child)
  const target = { host: '127.0.0.1', port }
  try {
    await answering(lab, name, target, greets)
  } catch (error) {
    throw new Error(`${name} does not start: ${said()}`, { cause: error })
  }
  return { target, version, pids: [pidOf(child)], stop: () => lab.stop(child) }
}
