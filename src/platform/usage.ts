/** What this process uses of the machine, for /metrics. */
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
