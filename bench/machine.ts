/** What a run was measured on: without it no figure means anything. */
import { closeSync, existsSync, fdatasyncSync, openSync, statfsSync, writeSync } from 'node:fs'
import { cpus, loadavg, release, totalmem, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Lab } from './lab.ts'
import { median } from './stats.ts'

export type Machine = {
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly kernel: string
  readonly fileSystem: string
  /** Appends of 2 kB, each synced, one after another. */
  readonly syncsPerSecond: number
  readonly syncMedianMs: number
  readonly node: string
  readonly commit: string
  readonly load: number
  readonly takenAt: string
}

const ROOT = join(import.meta.dirname, '..')
const SYNC_TEST_MS = 1_000
/** statfs(2), f_type. */
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  0xef53: 'ext4',
  0x01021994: 'tmpfs',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x794c7630: 'overlayfs',
}

export async function describeMachine(lab: Lab): Promise<Machine> {
  const all = cpus()
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    fileSystem: fileSystemOf(tmpdir()),
    ...syncRate(lab.folder('sync')),
    node: process.version,
    commit: await commit(lab),
    load: loadavg()[0] ?? 0,
    takenAt: new Date().toISOString(),
  }
}

function fileSystemOf(folder: string): string {
  const { type } = statfsSync(folder)
  return FILE_SYSTEMS[type] ?? `0x${type.toString(16)}`
}

/** A folder in memory, where a sync costs nothing: shows what the disk has to do with a figure. undefined: there is none. */
export function memoryFolder(): string | undefined {
  const folder = '/dev/shm'
  return existsSync(folder) && fileSystemOf(folder) === 'tmpfs' ? folder : undefined
}

/** The ceiling of everything durable: how often the disk can be synced. */
export function syncRate(folder: string, forMs = SYNC_TEST_MS): Pick<Machine, 'syncsPerSecond' | 'syncMedianMs'> {
  const file = openSync(join(folder, 'sync'), 'w')
  const block = Buffer.alloc(2048, 'x')
  const times: number[] = []
  const start = performance.now()
  for (let before = start; before - start < forMs;) {
    writeSync(file, block)
    fdatasyncSync(file)
    const after = performance.now()
    times.push(after - before)
    before = after
  }
  closeSync(file)
  return {
    syncsPerSecond: Math.round((times.length / (performance.now() - start)) * 1000),
    syncMedianMs: median(times),
  }
}

/** `abc1234`, and `abc1234+` when the program differs from it. */
async function commit(lab: Lab): Promise<string> {
  const git = (...args: readonly string[]) => lab.run('git', args, 10_000, { cwd: ROOT }).catch(() => undefined)
  const head = await git('rev-parse', '--short', 'HEAD')
  if (head?.code !== 0) return 'unknown'
  const changed = await git('status', '--porcelain', '--', 'src', 'bin', 'package.json', 'package-lock.json')
  return `${head.out.trim()}${changed?.out === '' ? '' : '+'}`
}

export function machineLine(machine: Machine): string {
  const { cpu, cores, memoryGb, kernel, fileSystem, syncsPerSecond, syncMedianMs, node, commit: at, load } = machine
  return [
    `${cores} × ${cpu}, ${memoryGb} GB, Linux ${kernel}`,
    `${fileSystem}, ${syncsPerSecond} synced 2 kB appends a second (median ${syncMedianMs.toFixed(2)} ms)`,
    `Node ${node}, commit ${at}, load before ${load.toFixed(1)}`,
  ].join('; ')
}
