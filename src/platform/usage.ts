/** What this process is called, and what it uses of the machine, for /metrics. */
import { hostname } from 'node:os'

export type Usage = {
  readonly residentBytes: number
  readonly heapUsedBytes: number
  readonly externalBytes: number
  /** User and system time together. */
  readonly cpuSeconds: number
  /** Seconds since the epoch. */
  readonly startedAtSeconds: number
  /** Sockets, timers and requests that the event loop waits for. */
  readonly activeResources: number
}

/** The machine's name, and the process's number on it. */
export function processName(): { readonly hostname: string; readonly pid: number } {
  return { hostname: hostname(), pid: process.pid }
}

export function processUsage(): Usage {
  const { rss, heapUsed, external } = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  return {
    residentBytes: rss,
    heapUsedBytes: heapUsed,
    externalBytes: external,
    cpuSeconds: (user + system) / 1e6,
    startedAtSeconds: Math.round(Date.now() / 1000 - process.uptime()),
    activeResources: process.getActiveResourcesInfo().length,
  }
}
