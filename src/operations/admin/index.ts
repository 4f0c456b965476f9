/** Every route of the admin API and of the stand-ins whose users come to us. */
import type { Services } from '../../domain/context.ts'
import type { Faults } from '../../domain/faults.ts'
import type { QueueControl } from '../../domain/queued.ts'
import { accountRoutes } from './accounts.ts'
import { controlRoutes } from './controls.ts'
import { awsSesV2LocalRoutes } from './drop-in/aws-ses-v2-local.ts'
import { localstackRoutes } from './drop-in/localstack.ts'
import { motoRoutes } from './drop-in/moto.ts'
import { dkimRoutes } from './dkim.ts'
import { dnsRoutes } from './dns.ts'
import { doctorRoutes } from './doctor.ts'
import { healthRoutes } from './health.ts'
import { identityRoutes } from './identities.ts'
import { messageRoutes } from './messages.ts'
import { storeMetrics, type MetricsSource } from './metrics.ts'
import { nodeRoutes, type Nodes } from './nodes.ts'
import { queueRoutes } from './queue.ts'
import type { Route } from './route.ts'
import { tlsReportRoutes } from './tls-reports.ts'
import { waitRoute, type Arrivals } from './wait.ts'

export type AdminDeps = {
  readonly services: Services
  readonly arrivals: Arrivals
  readonly faults: Faults
  /** Empties the store and what is kept in memory, and makes again what a first start makes. */
  readonly reset: () => Promise<void>
  readonly isReady: () => boolean
  readonly queue: QueueControl
  /** undefined: no other process can work on this store. */
  readonly nodes: Nodes | undefined
  /** Figures of the process and its surfaces; those of the store are added here. */
  readonly metrics: readonly MetricsSource[]
}

/** Exact paths stand before those with parameters: `messages/wait` is no message id. */
export function adminRoutes({
  services,
  arrivals,
  faults,
  reset,
  isReady,
  queue,
  nodes,
  metrics,
}: AdminDeps): readonly Route[] {
  const resetAll = async () => {
    faults.clear()
    services.clock.reset()
    await reset()
  }
  return [
    ...healthRoutes(isReady, [...metrics, () => storeMetrics(services.store.metrics())]),
    waitRoute(services, arrivals),
    ...messageRoutes(services),
    ...accountRoutes(services),
    ...identityRoutes(services),
    ...dnsRoutes(services),
    ...dkimRoutes(services),
    ...doctorRoutes(services),
    ...queueRoutes(services, queue),
    ...tlsReportRoutes(services),
    ...nodeRoutes(nodes),
    ...controlRoutes(services, faults, resetAll),
    ...localstackRoutes(services),
    ...awsSesV2LocalRoutes(services),
    ...motoRoutes(resetAll),
  ]
}
