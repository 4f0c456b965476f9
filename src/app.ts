/** Composition: configuration and platform in, a server out. Here, in servers.ts and deliver.ts, and only here, the rooms are handed to one another. */
import type { Config } from './config/config.ts'
import { createDeliver } from './deliver.ts'
import { ensureDefaultAccount } from './domain/accounts/accounts.ts'
import { createQuotas } from './domain/accounts/quotas.ts'
import type { Accepted, Services } from './domain/context.ts'
import { createFaults } from './domain/faults.ts'
import { startIdentityChecks } from './domain/identities/schedule.ts'
import { createUpkeep } from './domain/upkeep.ts'
import { adminRoutes } from './operations/admin/index.ts'
import { createCounters, heldMetrics, storeMetrics, usageMetrics } from './operations/admin/metrics.ts'
import { publicRoutes } from './operations/public/index.ts'
import type { Platform } from './platform/platform.ts'
import { processUsage } from './platform/usage.ts'
import { createQueue, type Queue } from './queue/queue.ts'
import { type Addresses, createServers, isHttps } from './servers.ts'
import { loadCertificate } from './smtp/tls.ts'
import { openStore } from './store/open.ts'

export type { Address, Addresses } from './servers.ts'

export type App = {
  readonly services: Services
  /** Binds the listeners of this process's roles and starts its work; settles when all are bound. */
  start(): Promise<Addresses>
  /** Settles when nothing that is due is left to deliver. */
  idle(): Promise<void>
  /** Stops taking in, finishes what is under way, and closes the store. */
  close(): Promise<void>
}

// Jobs run side by side, and how many the queue keeps in memory before the rest stays in the database.
const DELIVERIES_AT_ONCE = 16
const JOBS_IN_MEMORY = 10_000

/** Opens the store and puts the server together; nothing listens yet. Throws an Error with words for the operator. */
export async function createApp(config: Config, platform: Platform): Promise<App> {
  checkTransport(config)
  const certificate = await loadCertificate(config, platform.log)
  const store = await openStore({ database: config.database, log: platform.log })
  const state: State = { isReady: false, publicUrl: config.publicUrl ?? '', listeners: new Set() }
  const counters = createCounters()
  const faults = createFaults()
  const services: Services = {
    ...platform,
    config,
    store,
    quotas: createQuotas({ clock: platform.clock, store }),
    gate: { underWay: 0 },
    publicUrl: () => state.publicUrl,
    onAccepted(accepted: Accepted) {
      if (config.roles.has('delivery')) queue.offer(accepted.jobs)
      counters.accepted(accepted.message.surface)
      for (const listener of state.listeners) listener()
    },
  }
  const queue = queueOf(services)
  await ensureDefaultAccount(services)
  const checks = config.roles.has('delivery') ? startIdentityChecks(services) : undefined
  // Every node looks after the store: it may be the only one.
  const upkeep = createUpkeep(services)
  const admin = adminRoutes({
    services,
    faults,
    arrivals: { onAccepted: (listener) => listen(state, listener) },
    reset: () => startAfresh(services),
    isReady: () => state.isReady,
    metrics: [
      counters.read,
      () => usageMetrics(processUsage()),
      () => storeMetrics(store.metrics()),
      () => heldMetrics(upkeep.held()),
    ],
  })
  const routes = [...publicRoutes(services), ...admin]
  const servers = createServers({ services, faults, certificate, routes, counters, isReady: () => state.isReady })

  return {
    services,
    idle: () => queue.idle(),
    async start() {
      // Before the first message, which belongs into the partition of its day. The rest may take long.
      await upkeep.prepare()
      void upkeep.run()
      if (config.roles.has('delivery')) await queue.start()
      const addresses = await servers.listen()
      state.publicUrl = config.publicUrl ?? ownUrl(config, addresses)
      state.isReady = true
      return addresses
    },
    async close() {
      state.isReady = false
      checks?.stop()
      upkeep.stop()
      await servers.close()
      await queue.close()
      certificate.close()
      await store.close()
    },
  }
}

type State = { isReady: boolean; publicUrl: string; readonly listeners: Set<() => void> }

/** A transport that this version has not must not be taken for one: mail would wait for ever. */
function checkTransport({ transport }: Config): void {
  if (transport === 'capture') return
  throw new Error(
    `The transport "${transport}" comes with a later version. This one captures mail: start it with --transport capture.`,
  )
}

function queueOf(services: Services): Queue {
  const { store, clock, log } = services
  const deliver = createDeliver(services)
  return createQueue({ store, clock, log, deliver, concurrency: DELIVERIES_AT_ONCE, maxInMemory: JOBS_IN_MEMORY })
}

function listen({ listeners }: State, listener: () => void): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

async function startAfresh(services: Services): Promise<void> {
  await services.store.reset()
  services.quotas.reset()
  await ensureDefaultAccount(services)
}

function ownUrl(config: Config, { http }: Addresses): string {
  return `${isHttps(config) ? 'https' : 'http'}://${config.hostname}:${http?.port ?? config.httpPort}`
}
