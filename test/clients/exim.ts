/** Exim in a folder of its own. */
import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { folderOf, openFolder, startDaemon } from './mail-server.ts'

/** Starts it. `configure`: the text of its configuration, which stands in `folder`. */
export async function runExim(
  program: string,
  { name, port }: { readonly name: string; readonly port: number },
  configure: (folder: string) => string | Promise<string>,
) {
  const folder = await openFolder(name)
  // A copy: Exim calls itself as its own user, who may not look into the home directory of whoever runs the tests.
  const [copy, configuration] = [join(folder, 'exim'), join(folder, 'exim.conf')]
  await copyFile(program, copy)
  for (const each of ['spool', 'logs', 'mail']) await folderOf('Debian-exim', join(folder, each))
  await writeFile(configuration, await configure(folder))
  const pidFile = join(folder, 'spool/exim.pid')
  const daemon = await startDaemon(copy, ['-C', configuration, '-bdf'], { folder, pidFile, port })
  return {
    program: copy,
    configuration,
    inbox: join(folder, 'mail/inbox'),
    logs: join(folder, 'logs'),
    stop: () => daemon.stop(),
  }
}

/** Where it lives, who it is, and where it listens. */
export function eximHome(folder: string, port: number): string {
  return `exim_path = ${folder}/exim
spool_directory = ${folder}/spool
log_file_path = ${folder}/logs/%slog
pid_file_path = ${folder}/spool/exim.pid
exim_user = Debian-exim
exim_group = Debian-exim
deliver_drop_privilege = true
keep_environment =
local_interfaces = 127.0.0.1
daemon_smtp_ports = ${port}`
}
