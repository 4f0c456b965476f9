/** Disks that are full: for real, by what this machine allows. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Server } from './cli.ts'

const run = promisify(execFile)
const temporary = () => mkdtemp(join(tmpdir(), 'sesame-disk-'))

/** A way to leave a server without room and to give it room again. */
export type Squeeze = {
  readonly name: string
  /** Makes a data directory; undefined: this machine does not let us. */
  readonly prepare: () => Promise<string | undefined>
  readonly tighten: (server: Server) => Promise<unknown>
  readonly loosen: (server: Server) => Promise<unknown>
  /** Removes it. */
  readonly end: () => Promise<void>
}

/** A file system of its own in memory: where we are root, and may mount. */
export function tmpfs(size: string): Squeeze {
  let path = ''
  return {
    name: `a disk of ${size}`,
    async prepare() {
      path = await temporary()
      try {
        await run('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0777`, 'tmpfs', path])
        return path
      } catch {
        await rm(path, { recursive: true })
        return undefined
      }
    },
    tighten: async () => {},
    loosen: () => run('mount', ['-o', 'remount,size=512m', path]),
    async end() {
      await run('umount', ['--lazy', path])
      await rm(path, { recursive: true })
    },
  }
}

/** A bound on the size of each file (RLIMIT_FSIZE), which SQLite meets as it meets a failing disk: any user may set it. */
export function fileSizeLimit(bytes: number): Squeeze {
  let path = ''
  const limit = (server: Server, most: string) => run('prlimit', ['--pid', String(server.pid), `--fsize=${most}`])
  return {
    name: `files of ${bytes} octets at most`,
    async prepare() {
      try {
        await run('prlimit', ['--version'])
      } catch {
        return undefined
      }
      return (path = await temporary())
    },
    tighten: (server) => limit(server, `${bytes}:unlimited`),
    loosen: (server) => limit(server, 'unlimited:unlimited'),
    end: () => rm(path, { recursive: true }),
  }
}
