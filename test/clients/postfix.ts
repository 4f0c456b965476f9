/** A whole Postfix beside the system's own, in a folder. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { folderOf, openFolder, startDaemon } from './mail-server.ts'

/** Its folder, with the inbox that its `virtual` delivers to. */
export async function makePostfix(name: string): Promise<{ readonly folder: string; readonly inbox: string }> {
  const folder = await openFolder(name)
  const inbox = join(await folderOf('nobody', join(folder, 'mail')), 'inbox')
  return { folder, inbox }
}

/** Makes of a folder what Postfix is to be: where it lives is added to `settings`. `services`: master.cf. */
export async function configurePostfix(
  folder: string,
  settings: Readonly<Record<string, string>>,
  services: string,
): Promise<void> {
  const all = {
    ...settings,
    compatibility_level: '3.6',
    queue_directory: `${folder}/queue`,
    data_directory: `${folder}/data`,
    maillog_file: `${folder}/log`,
    maillog_file_prefixes: folder,
    mydestination: '',
    inet_interfaces: '127.0.0.1',
    inet_protocols: 'ipv4',
    alias_maps: '',
    virtual_mailbox_base: `${folder}/mail`,
    virtual_uid_maps: 'static:65534',
    virtual_gid_maps: 'static:65534',
  }
  await folderOf('postfix', join(folder, 'data'))
  await mkdir(join(folder, 'queue'))
  const text = Object.entries(all).map(([name, value]) => `${name} = ${value}\n`)
  await writeFile(join(folder, 'main.cf'), text.join(''))
  await writeFile(join(folder, 'master.cf'), services)
}

export async function runPostfix(program: string, folder: string, port: number) {
  return await startDaemon(program, foregroundArgs(folder), { folder, pidFile: pidFileOf(folder), port })
}

/** What starts it as a program that lasts as long as it does. It waits for its `master`, which is the one to be ended. */
export function foregroundArgs(folder: string): readonly string[] {
  return ['-c', folder, 'start-fg']
}

/** Where the id of its `master` is, once that runs. */
export function pidFileOf(folder: string): string {
  return join(folder, 'queue/pid/master.pid')
}
