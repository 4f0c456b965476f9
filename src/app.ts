/** Composition: configuration and platform in, a server out. Here, in servers.ts, answers.ts and deliver.ts, and only here, the rooms are handed to one another. */
import type { Config } from './config/config.ts'
import { limitsOf } from './config/shaping.ts'
import { createDeliver, createDeliverAtOnce, type Deliver } from './deliver.ts'
import { ensureDefaultAccount } from './domain/accounts/accounts.ts'
import { createQuotas } from './domain/accounts/quotas.ts'
import { createSharedQuotas } from './domain/accounts/shared-quotas.ts'
import type { Accepted, Quotas, Services } from './domain/context.ts'
import { signsForPlatform } from './domain/delivery/platform-domain.ts'
import { createFaults } from './domain/faults.ts'
import { createStandings } from './domain/sending/standing.ts'
import { startIdentityChecks } from './domain/identities/schedule.ts'
import { createSuspensions } from './domain/suspensions.ts'
import { createTlsCounts } from './domain/tls-reports/count.ts'
import { startTlsTask } from './domain/tls-reports/task.ts'
import { createUpkeep, type Upkeep } from './domain/upkeep.ts'
import type { AdminDeps } from './operations/admin/index.ts'
import {
  type Counters,
  createCounters,
  heldMetrics,
  nodeMetrics,
  queueMetrics,
  usageMetrics,
} from './operations/admin/metrics.ts'
import { once } from './platform/once.ts'
import type { Platform } from './platform/platform.ts'
import { processName, processUsage } from './platform/usage.ts'
import { joinNodes, LEASE_TIMES, type LeaseTimes, type Node } from './queue/node.ts'
import { createQueue, type Queue, type QueueDeps } from './queue/queue.ts'
import { createTasks } from './queue/tasks.ts'
import { type Address, type Addresses, createServers, isHttps } from './servers.ts'
import { loadCertificate } from './smtp/tls.ts'
import { openStore } from './store/open.ts'
import type { Store } from './store/store.ts'

export type { Address, Addresses } from './servers.ts'

export type App = {
  readonly services: Services
  /** Binds the listeners of this process's roles and starts its work; settles when all are bound. */
  start(): Promise<Addresses & { readonly dns: Address | undefined }>
  /** Settles when nothing that is due is left to deliver. */
  idle(): Promise<void>
  /** Stops taking in, finishes what is under way, for 15 s as far as it depends on others, and closes the store. */
  close(): Promise<void>
}

// Jobs run side by side, and how many the queue keeps in memory before the rest stays in the database.
const CAPTURES_AT_ONCE = 16
/** Almost all of their time they wait for others. */
const DELIVERIES_AT_ONCE = 200
/** How long attempts may go on after a stop; then their connections are ended, and they are to be made again. */
const LAST_ATTEMPTS_MS = 15_000
const JOBS_IN_MEMORY = 10_000
// Of several nodes each leaves to the others what it cannot run soon: what a node has, nobody else can take.
const JOBS_OF_A_NODE = 1_000

/** Opens the store and puts the server together; nothing listens yet. Throws an Error with words for the operator. */
export async function createApp(config: Config, platform: Platform, leaseTimes = LEASE_TIMES): Promise<App> {
  const certificate = await loadCertificate(config, platform.log)
  const opened = await openStore({ database: config.database, log: platform.log, wallClock: platform.wallClock })
  // Whoever delivers runs first what he accepts himself.
  const accept: typeof opened.messages.accept = (acceptance) => queue.accept(acceptance)
  const store = config.roles.has('delivery') ? { ...opened, messages: { ...opened.messages, accept } } : opened
  const state: State = { isReady: false, publicUrl: config.publicUrl ?? '', listeners: new Set() }
  const counters = createCounters()
  const faults = createFaults()
  const node = await joinStore(store, config, platform, leaseTimes)
  const services = servicesOf(config, platform, store, { node, state, counters })
  const deliver = createDeliver(services)
  const suspensions = createSuspensions(services, () => queue.review())
  const queue = queueOf(services, opened, node, { ...deliver, isSuspended: suspensions.holds })
  await ensureDefaultAccount(services)
  const stopTasks = startTasks(services, deliver)
  // Whatever its roles: it may be the only one.
  const upkeep = createUpkeep(services)
  const admin: AdminDeps = {
    services,
    faults,
    arrivals: { onAccepted: (listener) => listen(state, listener) },
    reset: () => startAfresh(services),
    isReady: () => state.isReady,
    queue: { ...queue, node: () => node?.id },
    nodes: node === undefined ? undefined : { self: () => node.id, list: () => node.list() },
    metrics: metricsOf(counters, queue, node, upkeep),
  }
  const answers = once(async () => (await import('./answers.ts')).createAnswers(admin, counters))
  const inbound = inboundOf(services, counters)
  const nameServer = config.dnsZone === undefined ? undefined : await zoneServer(services, config.dnsZone)
  const servers = createServers({ ...platform, config, certificate, answers, inbound })

  return {
    services,
    idle: () => queue.idle(),
    async start() {
      // Before the first message, which belongs into the partition of its day. The rest may take long.
      await upkeep.prepare()
      void upkeep.run()
      await suspensions.start()
      if (config.roles.has('delivery')) await queue.start()
      const addresses = await servers.listen()
      const dns = await nameServer?.listen(config.host, config.dnsPort)
      state.publicUrl = config.publicUrl ?? ownUrl(config, addresses)
      state.isReady = true
      return { ...addresses, dns }
    },
    async close() {
      state.isReady = false
      suspensions.stop()
      upkeep.stop()
      const areTasksOver = stopTasks()
      // At once: what is begun now is what a stop has to wait for.
      const isDelivered = queue.close()
      const hurry = platform.wallClock.after(LAST_ATTEMPTS_MS, deliver.cut)
      await servers.close()
      await nameServer?.close()
      await isDelivered
      await areTasksOver
      hurry()
      await deliver.close()
      await services.tlsCounts.close()
      await services.quotas.close()
      await node?.leave()
      certificate.close()
      await store.close()
    },
  }
}

type Shared = { readonly node: Node | undefined; readonly state: State; readonly counters: Counters }

function servicesOf(config: Config, platform: Platform, store: Store, { node, state, counters }: Shared): Services {
  const shared = store.nodes && node && { nodes: store.nodes, node }
  return {
    ...platform,
    config,
    store,
    quotas: quotasOf(platform, store),
    standings: createStandings(store),
    tasks: createTasks({ ...platform, shared }),
    tlsCounts: createTlsCounts({ ...platform, store }),
    gate: { underWay: 0 },
    deliverAtOnce: createDeliverAtOnce(config),
    publicUrl: () => state.publicUrl,
    onAccepted(accepted: Accepted) {
      counters.accepted(accepted.message.surface)
      for (const listener of state.listeners) listener()
    },
  }
}

/** What those who deliver do from time to time; gives what ends it, and settles when that has. */
function startTasks(services: Services, { postReport }: Deliver): () => Promise<void> {
  const { roles, transport } = services.config
  if (!roles.has('delivery')) return async () => {}
  const checks = startIdentityChecks(services)
  const keys = startPlatformKeys(services)
  const tls = transport === 'capture' ? undefined : startTlsTask(services, postReport)
  return async () => {
    checks.stop()
    await Promise.all([tls?.stop(), keys?.stop()])
  }
}

function metricsOf(counters: Counters, queue: Queue, node: Node | undefined, upkeep: Upkeep): AdminDeps['metrics'] {
  return [
    counters.read,
    () => usageMetrics(processUsage()),
    () => queueMetrics(queue.metrics()),
    () => (node === undefined ? [] : nodeMetrics(node.metrics())),
    () => heldMetrics(upkeep.held()),
  ]
}

/** Loaded with the first mail. */
function inboundOf(services: Services, counters: Counters) {
  return once(async () => {
    const { createInbound } = await import('./domain/inbound/inbound.ts')
    return createInbound(services, (kind, result) => counters.cameBack(kind, result))
  })
}

/** How often the platform's DKIM keys that are waited for are looked for. */
const PLATFORM_KEYS_MS = 5 * 60_000

/** Loaded only where the platform signs under a domain of the operator's; nobody waits for it. */
function startPlatformKeys(services: Services) {
  if (!signsForPlatform(services.config)) return undefined
  return services.tasks.runAlone('platform DKIM keys', PLATFORM_KEYS_MS, async () => {
    const { tendPlatformKeys } = await import('./domain/delivery/platform-rotation.ts')
    await tendPlatformKeys(services)
  })
}

/** Loaded only where it is wanted. */
async function zoneServer(services: Services, zone: string) {
  return (await import('./domain/dns/zone.ts')).createZoneServer(services, zone)
}

type State = { isReady: boolean; publicUrl: string; readonly listeners: Set<() => void> }

/** Counted by this process, or shared with the others where there may be some. */
function quotasOf({ clock, wallClock, random, log }: Platform, store: Store): Quotas {
  const { limits } = store
  if (limits === undefined) return createQuotas({ clock, store })
  return createSharedQuotas({ clock, wallClock, log, store, limits, node: random.uuid() })
}

function queueOf(
  { clock, log, config }: Services,
  store: Store,
  node: Node | undefined,
  { run, isSuspended }: Deliver & Pick<QueueDeps, 'isSuspended'>,
): Queue {
  const maxInMemory = node === undefined ? JOBS_IN_MEMORY : JOBS_OF_A_NODE
  const concurrency = config.transport === 'capture' ? CAPTURES_AT_ONCE : DELIVERIES_AT_ONCE
  const bounds = { concurrency, maxInMemory, ...(config.transport === 'capture' ? {} : shapingOf(config)) }
  return createQueue({ store, node, clock, log, deliver: run, isSuspended, ...bounds })
}

function shapingOf({ limitsBySite }: Config): Pick<QueueDeps, 'shape' | 'isApart'> {
  return {
    shape(key) {
      const { maxConnections, maxRatePerMinute } = limitsOf(limitsBySite, key)
      return { connections: maxConnections, perMinute: maxRatePerMinute }
    },
    isApart: (destination) => limitsBySite.domains.has(destination),
  }
}

/** One of those on the database, when others may be there; undefined: we have it to ourselves. */
async function joinStore(
  { nodes }: Store,
  { roles }: Config,
  { wallClock, log }: Platform,
  times: LeaseTimes,
): Promise<Node | undefined> {
  if (nodes === undefined) return undefined
  return await joinNodes({ nodes, self: { ...processName(), roles: [...roles] }, wallClock, log, times })
}

function listen({ listeners }: State, listener: () => void): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

async function startAfresh(services: Services): Promise<void> {
  await services.tlsCounts.flush()
  await services.store.reset()
  services.quotas.reset()
  await ensureDefaultAccount(services)
}

function ownUrl(config: Config, { http }: Addresses): string {
  return `${isHttps(config) ? 'https' : 'http'}://${config.hostname}:${http?.port ?? config.httpPort}`
}
