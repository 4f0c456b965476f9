/** /metrics: figures in Prometheus' text format (version 0.0.4), and the counters that the server keeps for it. */

export type Metric = {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  readonly values: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]
}

/** Where figures come from; asked at each scrape. */
export type MetricsSource = () => readonly Metric[]

/** A metric without labels. */
export function single(type: Metric['type'], name: string, help: string, value: number): Metric {
  return { name, help, type, values: [{ labels: {}, value }] }
}

export function renderMetrics(metrics: readonly Metric[]): string {
  return metrics
    .map(({ name, help, type, values }) => {
      const lines = values.map(({ labels, value }) => `${name}${labelText(labels)} ${value}\n`)
      return `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n${lines.join('')}`
    })
    .join('')
}

function labelText(labels: Metric['values'][number]['labels']): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`,
  )
  return pairs.length > 0 ? `{${pairs.join(',')}}` : ''
}

export type Counters = {
  /** A message was accepted on a surface. */
  accepted(surface: string): void
  /** A call was answered with a failure; `code` is a code of the catalogue, so that there are not ever more of them. */
  refused(surface: string, code: string): void
  /** Mail came in from another server: what it is, and what came of it. */
  cameBack(kind: string, result: string): void
  readonly read: MetricsSource
}

/** Counters of this process, from its start on. */
export function createCounters(): Counters {
  const accepted = new Map<string, number>()
  const refused = new Map<string, number>()
  const cameBack = new Map<string, number>()
  return {
    accepted: (surface) => count(accepted, surface),
    refused: (surface, code) => count(refused, `${surface} ${code}`),
    cameBack: (kind, result) => count(cameBack, `${kind} ${result}`),
    read: () => [
      {
        name: 'sesame_messages_accepted_total',
        help: 'Messages accepted, by the surface they came through.',
        type: 'counter',
        values: [...accepted].map(([surface, value]) => ({ labels: { surface }, value })),
      },
      {
        name: 'sesame_calls_refused_total',
        help: 'Calls answered with an error, by surface and error code.',
        type: 'counter',
        values: [...refused].map(([key, value]) => {
          const [surface = '', code = ''] = key.split(' ')
          return { labels: { surface, code }, value }
        }),
      },
      {
        name: 'sesame_inbound_reports_total',
        help: 'Mail that came back, by what it is (delivery: a bounce; feedback: a complaint) and what came of it.',
        type: 'counter',
        values: [...cameBack].map(([key, value]) => {
          const [kind = '', result = ''] = key.split(' ')
          return { labels: { kind, result }, value }
        }),
      },
    ],
  }
}

function count(map: Map<string, number>, key: string): void {
  map.set(key, (map.get(key) ?? 0) + 1)
}

/** What the process uses of the machine, as platform/usage.ts measures it. */
export type ProcessUsage = {
  readonly residentBytes: number
  readonly heapUsedBytes: number
  readonly externalBytes: number
  readonly cpuSeconds: number
  readonly startedAtSeconds: number
  readonly activeResources: number
}

/** Under the names that Prometheus' own client libraries use. */
export function usageMetrics(usage: ProcessUsage): readonly Metric[] {
  return [
    single('gauge', 'process_resident_memory_bytes', 'Resident memory.', usage.residentBytes),
    single('counter', 'process_cpu_seconds_total', 'User and system CPU time.', usage.cpuSeconds),
    single('gauge', 'process_start_time_seconds', 'Start, in seconds since the epoch.', usage.startedAtSeconds),
    single('gauge', 'nodejs_heap_size_used_bytes', 'Used part of the JavaScript heap.', usage.heapUsedBytes),
    single('gauge', 'nodejs_external_memory_bytes', 'Memory outside the heap.', usage.externalBytes),
    single('gauge', 'nodejs_active_resources_total', 'What keeps the event loop alive.', usage.activeResources),
  ]
}

/** The queue of this process. */
export function queueMetrics(queue: {
  ready: number
  running: number
  parked: number
  sites: { blocked: number; slowed: number; paused: number; slowdowns: number }
  claims?: number
  claimed?: number
}): readonly Metric[] {
  const { ready, running, parked, sites, claims, claimed } = queue
  return [
    single('gauge', 'sesame_jobs_ready', 'Jobs in the memory of this process that wait for their turn.', ready),
    single('gauge', 'sesame_jobs_running', 'Jobs that this process is delivering.', running),
    single(
      'counter',
      'sesame_jobs_parked_total',
      'Jobs put back without an attempt: behind a limit, or suspended.',
      parked,
    ),
    single('gauge', 'sesame_jobs_blocked', 'Jobs in memory whose site takes no more just now.', sites.blocked),
    single('gauge', 'sesame_sites_slowed', 'Sites that get fewer connections than they may have.', sites.slowed),
    single('gauge', 'sesame_sites_paused', 'Sites that turned us away, and are left alone for a while.', sites.paused),
    single('counter', 'sesame_site_slowdowns_total', 'Times that a site was slowed down.', sites.slowdowns),
    ...(claims === undefined ? [] : [single('counter', 'sesame_job_claims_total', 'Claims made.', claims)]),
    ...(claimed === undefined ? [] : [single('counter', 'sesame_jobs_claimed_total', 'Jobs claimed.', claimed)]),
  ]
}

/** The nodes on a shared database, as this one sees them. */
export function nodeMetrics(nodes: { live: number; rejoined: number; jobsGivenBack: number }): readonly Metric[] {
  const { live, rejoined, jobsGivenBack } = nodes
  return [
    single('gauge', 'sesame_nodes_live', 'Nodes that renew their leases.', live),
    single('counter', 'sesame_node_rejoins_total', 'Times that this process was given up as a node.', rejoined),
    single('counter', 'sesame_jobs_given_back_total', 'Jobs of other nodes that this one gave back.', jobsGivenBack),
  ]
}

/** The store's own counters. */
export function storeMetrics({
  commits,
  writes,
  waiting,
  reads,
}: {
  commits: number
  writes: number
  waiting: number
  reads: number
}): readonly Metric[] {
  return [
    single('counter', 'sesame_store_commits_total', 'Transactions committed and synced.', commits),
    single('counter', 'sesame_store_writes_total', 'Writes that these transactions held.', writes),
    single('gauge', 'sesame_store_writes_waiting', 'Writes waiting for their commit.', waiting),
    single('counter', 'sesame_store_reads_total', 'Queries that the database answered.', reads),
  ]
}

/** What the store holds, as upkeep saw it last. */
export function heldMetrics({ messages, bytes }: { messages: number; bytes: number }): readonly Metric[] {
  return [
    single('gauge', 'sesame_messages_held', 'Messages kept, half a minute ago at most.', messages),
    single('gauge', 'sesame_messages_held_bytes', 'Octets of their bodies, as they are stored.', bytes),
  ]
}
