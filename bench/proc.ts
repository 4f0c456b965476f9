/** What Linux tells of processes and of the machine: CPU seconds, memory, who else was busy. */
import { readdirSync, readFileSync } from 'node:fs'

/** Clock ticks of a second in /proc: 100 on every Linux that Node runs on (proc(5), sysconf(_SC_CLK_TCK)). */
const TICKS = 100

type Stat = { readonly parent: number; readonly ticks: number; readonly endedTicks: number; readonly startedAt: number }

/** undefined: there is no such process (any more). */
function statOf(pid: number): Stat | undefined {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return undefined
  }
  // The name of the program, in parentheses, may hold anything (proc(5)). The fields behind it start with the third.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const at = (field: number) => Number(fields[field - 3])
  return { parent: at(4), ticks: at(14) + at(15), endedTicks: at(16) + at(17), startedAt: at(22) }
}

/** When a process began, in ticks since the machine did: tells two apart that had the same id. */
export function startedAt(pid: number): number | undefined {
  return statOf(pid)?.startedAt
}

/** CPU seconds (all threads, user and system) of processes and all that they started, ended children included. */
export function cpuSeconds(pids: readonly number[]): number {
  if (pids.length === 0) return 0
  const all = new Map<number, Stat>()
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : undefined
    if (stat !== undefined) all.set(Number(name), stat)
  }
  const children = Map.groupBy(all.keys(), (pid) => all.get(pid)?.parent ?? 0)
  const ticks = (pid: number): number => {
    const stat = all.get(pid)
    const below = (children.get(pid) ?? []).reduce((sum, child) => sum + ticks(child), 0)
    return stat === undefined ? 0 : stat.ticks + stat.endedTicks + below
  }
  return pids.reduce((sum, pid) => sum + ticks(pid), 0) / TICKS
}

/** Resident memory of one process, in MB (10⁶ octets). */
export function residentMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  return (Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024) / 1e6
}

/** Its share of memory that it has in common with others counted in part, in MB; NaN where the kernel does not tell. */
export function proportionalMb(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')
    return (Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1]) * 1024) / 1e6
  } catch {
    return Number.NaN
  }
}

/** Octets that a process has caused to be written to storage. */
export function writtenBytes(pid: number): number {
  return Number(/^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'latin1'))?.[1])
}

/** Seconds since boot, summed over all cores. `stolen`: what the hypervisor gave to other machines. */
export type MachineTime = { readonly total: number; readonly busy: number; readonly stolen: number }

export function machineTime(): MachineTime {
  const line = readFileSync('/proc/stat', 'latin1').split('\n', 1)[0] ?? ''
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, softirq = 0, stolen = 0] = line
    .split(/\s+/)
    .slice(1)
    .map((ticks) => Number(ticks) / TICKS)
  const busy = user + nice + system + irq + softirq
  return { total: busy + idle + wait + stolen, busy, stolen }
}
