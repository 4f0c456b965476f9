/** Delivery, put together: what is known at once, and what the queue runs for a job. */
import type { Config } from './config/config.ts'
import type { readPolicy, StsMemory } from './delivery/mta-sts.ts'
import type { Outbound } from './delivery/outbound.ts'
import { deliver } from './delivery/transports.ts'
import type { Services } from './domain/context.ts'
import type { AddressWarmup } from './domain/delivery/warmup.ts'
import type { PostReport } from './domain/tls-reports/send.ts'
import { isOutOfOffice, SIMULATOR_DOMAIN } from './message/simulated.ts'
import { once } from './platform/once.ts'
import type { SigningThreads } from './platform/signing-threads.ts'
import type { Delivered } from './queue/queue.ts'
import type { Where } from './store/sites.ts'
import type { Job } from './store/types.ts'

/**
 * Outcomes that are known at the acceptance. A process that does not deliver leaves them to one that does, who is out of
 * office has a reply to write, and content scanners have to be asked: for all that there must be a job.
 */
export function createDeliverAtOnce(config: Config): Services['deliverAtOnce'] {
  const { roles, hostname, transport } = config
  return (destination, recipients) => {
    if (isScanned(config)) return undefined
    if (transport !== 'capture' && destination !== SIMULATOR_DOMAIN) return undefined
    if (!roles.has('delivery') || recipients.some(({ mailbox }) => isOutOfOffice(mailbox))) return undefined
    return deliver(hostname, destination, recipients)
  }
}

export type Deliver = {
  /** What the queue runs for a job. */
  readonly run: (job: Job, where: Where) => Promise<Delivered>
  /** Posts a TLS report; the text says what was wrong. */
  readonly postReport: PostReport
  /** Has attempts that are under way end soon. */
  readonly cut: () => void
  /** Nothing more comes. */
  readonly close: () => Promise<void>
}

export function createDeliver(services: Services): Deliver {
  const atOnce = createAtOnce(services)
  if (services.config.transport === 'capture') {
    return {
      run: screened(services, atOnce),
      postReport: async () => 'nobody is called',
      cut: () => {},
      close: async () => {},
    }
  }
  const network = createNetwork(services)
  return {
    ...network,
    run: screened(services, (job, where) =>
      job.destination === SIMULATOR_DOMAIN ? atOnce(job) : network.run(job, where),
    ),
  }
}

function isScanned({ clamav, rspamd }: Config): boolean {
  return clamav !== undefined || rspamd !== undefined
}

/** With content scanners before it, where there are some. */
function screened(services: Services, run: Deliver['run']): Deliver['run'] {
  const { config, wallClock, dial, httpPost, log } = services
  if (!isScanned(config)) return run
  const loaded = once(async () => {
    const { createScan } = await import('./delivery/scan/scanners.ts')
    const { createScreen } = await import('./domain/delivery/screen.ts')
    const { clamav, rspamd, limits } = config
    const scan = createScan({ dial, httpPost, clock: wallClock, log, clamav, rspamd, timeoutMs: limits.scanTimeoutMs })
    return createScreen(services, scan)
  })
  return async (job, where) => {
    const screen = await loaded()
    return (await screen(job)) ?? (await run(job, where))
  }
}

/** Captured and simulated mail: there is an answer at once, so that a job is over after one attempt. */
function createAtOnce(services: Services): (job: Job) => Promise<Delivered> {
  const { store, clock, config } = services
  // What writes an outcome sends mail too, and so needs most of the program: it is loaded with the first job.
  const writing = once(async () => ({
    ...(await import('./domain/settle.ts')),
    ...(await import('./domain/auto-replies.ts')),
  }))
  return async (job) => {
    const startedAt = clock.now()
    const all = await store.messages.recipients(job.scope, job.messageId)
    const recipients = all.filter(({ position }) => job.recipients.includes(position))
    const outcome = deliver(config.hostname, job.destination, recipients)
    return {
      async settle() {
        const { settle, answerOutOfOffice } = await writing()
        await settle(services, job, outcome, startedAt)
        await answerOutOfOffice(services, job, recipients)
      },
    }
  }
}

/** Over the network, with what is needed for it loaded when there is a job. */
function createNetwork(services: Services): Deliver {
  const { config, wallClock, random, dns, dial, httpsGet, log } = services
  let outbound: Outbound | undefined
  let threads: SigningThreads | undefined
  let warmup: AddressWarmup | undefined
  let isCut = false
  const loaded = once(async () => {
    const { attemptOver } = await import('./domain/delivery/attempt.ts')
    const { Refusals } = await import('./domain/delivery/pace.ts')
    const { createOutbound } = await import('./delivery/outbound.ts')
    const { ownAddresses } = await import('./platform/own-addresses.ts')
    const { readPolicy } = await import('./delivery/mta-sts.ts')
    const { createWarmup } = await import('./domain/delivery/warmup.ts')
    warmup = createWarmup(services)
    outbound = createOutbound({
      clock: wallClock,
      random,
      dns,
      dial,
      httpsGet,
      hostname: config.hostname,
      port: config.mxPort,
      allowPrivate: config.allowPrivateDestinations,
      ownAddresses: ownAddresses(),
      egress: config.egress,
      minTlsVersions: { demanded: config.outboundTlsMinVersion, opportunistic: config.opportunisticTlsMinVersion },
      stsMemory: stsMemory(services, readPolicy),
      warmup,
      smarthost: config.transport === 'smarthost' ? config.smarthost : undefined,
    })
    if (isCut) outbound.cut()
    const { createSigningThreads } = await import('./platform/signing-threads.ts')
    threads = createSigningThreads({ log, threads: config.signingThreads })
    return {
      attemptOver,
      ways: { network: outbound.deliver, refusals: new Refusals(), sign: threads.sign },
      postReport: outbound.postReport,
    }
  })
  return {
    async run(job, where) {
      const { attemptOver, ways } = await loaded()
      return (await attemptOver(services, ways, job, where)) ?? 'done'
    },
    postReport: async (url, report) => (await loaded()).postReport(url, report),
    cut() {
      isCut = true
      outbound?.cut()
    },
    async close() {
      outbound?.close()
      threads?.close()
      await warmup?.close()
    },
  }
}

/** MTA-STS policies in the store: for all nodes, and after a restart (RFC 8461 §10.2). */
export function stsMemory(
  { store, log }: Pick<Services, 'log'> & { readonly store: Pick<Services['store'], 'stsPolicies'> },
  read: typeof readPolicy,
): StsMemory {
  return {
    async find(domain) {
      const kept = await store.stsPolicies.find(domain)
      const policy = kept && read(kept.id, kept.policy)
      return kept && policy && { policy, fetchedAt: kept.fetchedAt }
    },
    async keep(domain, { policy: { id, lines, maxAgeMs }, fetchedAt }) {
      const kept = { domain, id, policy: lines.join('\n'), fetchedAt, until: fetchedAt + maxAgeMs }
      // Without it the policy holds as long as this process.
      await store.stsPolicies.keep(kept).catch((error: unknown) => {
        log.warn('an MTA-STS policy could not be kept', { domain, error })
      })
    },
  }
}
