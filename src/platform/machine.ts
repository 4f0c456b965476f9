/** What this machine tells of itself. */
import { access, readFile, statfs } from 'node:fs/promises'
import { askTime } from './sntp.ts'

/** Octets. */
export type DiskSpace = { readonly free: number; readonly total: number }

export type Machine = {
  /** Of the file system that a path is on, as far as we may use it. Rejects where there is none. */
  readonly diskSpace: (path: string) => Promise<DiskSpace>
  /** Whether somebody keeps the clock right: `unknown` where nobody says so. */
  readonly isClockKept: () => Promise<'yes' | 'unknown'>
  readonly askTime: typeof askTime
  readonly readText: (path: string) => Promise<string>
}

/** systemd-timesyncd(8) touches it at each synchronization; it is gone after a restart. */
const SYNCHRONIZED = '/run/systemd/timesync/synchronized'

export const realMachine: Machine = {
  async diskSpace(path) {
    const { bsize, bavail, blocks } = await statfs(path)
    return { free: bsize * bavail, total: bsize * blocks }
  },
  isClockKept: () =>
    access(SYNCHRONIZED).then(
      () => 'yes',
      () => 'unknown',
    ),
  askTime,
  readText: (path) => readFile(path, 'utf8'),
}
