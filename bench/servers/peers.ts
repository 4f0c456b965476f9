/** Servers of other people's from npm: installed into a folder of their own, at fixed versions when they are first measured. */
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Lab } from '../lab.ts'

const VERSIONS = {
  'aws-ses-v2-local': '2.10.2',
  Haraka: '3.3.4',
  maildev: '3.0.0',
} as const

export type Peer = keyof typeof VERSIONS

const FOLDER = join(import.meta.dirname, '../peers')
const INSTALL_LIMIT_MS = 240_000

/** Where the package is, or why it is not there. */
export async function peer(
  lab: Lab,
  name: Peer,
): Promise<{ readonly path: string; readonly version: string } | { readonly missing: string }> {
  const version = VERSIONS[name]
  // The version in the path: another one is another folder.
  const prefix = join(FOLDER, `${name}-${version}`)
  const path = join(prefix, 'node_modules', name)
  const [done, what] = [join(prefix, 'node_modules/.package-lock.json'), `${name} ${version}`]
  if (existsSync(done)) return { path, version }
  await mkdir(prefix, { recursive: true })
  const args = ['install', '--prefix', prefix, '--no-audit', '--no-fund', '--omit=dev', `${name}@${version}`]
  const { code, err } = await lab.run('npm', args, INSTALL_LIMIT_MS, { cwd: prefix })
  return code === 0 && existsSync(done)
    ? { path, version }
    : { missing: `${what} could not be installed: ${err.trim().split('\n').at(-1) ?? ''}` }
}
