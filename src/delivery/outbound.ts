/** The ways to other mail servers, with all that is remembered between messages: connections, broken TLS, policies. */
import type { EgressAddress, Smarthost } from '../platform/egress.ts'
import type { Clock, Dial, Dns, HttpsGet, Random } from '../platform/platform.ts'
import type { AttemptedRecipient, NetworkOutcome } from '../message/outcome.ts'
import { canonicalAddress } from '../platform/addresses.ts'
import { once } from '../platform/once.ts'
import { Connections } from './connections.ts'
import { createCutting } from './cutting.ts'
import { deliverDirect, type DirectMail } from './direct.ts'
import { type EgressChoice, familiesOf, poolsOf } from './egress.ts'
import { DELIVERY_LIMITS, TIMEOUTS } from './limits.ts'
import { StsPolicies, type StsMemory } from './mta-sts.ts'
import { postReport } from './report-post.ts'
import { deliverToSmarthost, siteOfHost } from './smarthost.ts'
import type { MinTlsVersions } from './target.ts'
import { TlsMemory } from './tls-memory.ts'
import { chooseWarm, type Warmup } from './warm.ts'
import { type HostDeps, mailHosts } from './hosts.ts'
import { rollUp } from './providers.ts'

export type OutboundDeps = {
  /** Real time: others wait in it. */
  readonly clock: Clock
  readonly random: Random
  readonly dns: Dns
  readonly dial: Dial
  readonly httpsGet: HttpsGet
  /** Our name in EHLO. */
  readonly hostname: string
  readonly port: number
  /** Loopback and private addresses may be called. */
  readonly allowPrivate: boolean
  /** The addresses of this machine, in canonical spelling. */
  readonly ownAddresses: readonly string[]
  /** Those that mail may leave from; none: whichever the system takes. */
  readonly egress: readonly EgressAddress[]
  readonly minTlsVersions: MinTlsVersions
  /** What was learnt of MTA-STS policies before, and by other processes. */
  readonly stsMemory: StsMemory
  readonly warmup: Warmup
  /** undefined: each destination is called by itself. */
  readonly smarthost: Smarthost | undefined
}

export type OutboundMail = Omit<DirectMail, 'egress'> & EgressChoice

/** `free`: the outcome is written, and the connections may be used for other messages. Not called, they are closed soon. */
export type Sent = { readonly outcome: NetworkOutcome; readonly free: () => void }

export type Outbound = {
  /** Whatever goes wrong is in the outcome. `full`: no address of the pool may offer the site more today. */
  readonly deliver: (mail: OutboundMail) => Promise<Sent | 'full'>
  /** Posts a TLS report to a stranger's server; the text says what was wrong. */
  readonly postReport: (url: URL, report: Uint8Array) => Promise<string | undefined>
  /** Ends the connections that are kept. */
  readonly close: () => void
  /** Ends those of attempts under way, too, which end as others do whose connection breaks; later ones get none. */
  readonly cut: () => void
}

const MAX_HOSTS = 10
const HTTPS_PORT = 443

export function createOutbound(deps: OutboundDeps): Outbound {
  const { clock, dns, hostname, port, allowPrivate, smarthost, warmup } = deps
  const { dial, httpsGet, cut } = createCutting(deps.dial, deps.httpsGet)
  const connections = new Connections(clock, DELIVERY_LIMITS)
  const pools = poolsOf(deps.egress)
  const anywhere = { addresses: [], name: hostname }
  const common = {
    ...deps,
    dial,
    tlsMemory: new TlsMemory(clock),
    ca: undefined,
    timeouts: TIMEOUTS,
    limits: DELIVERY_LIMITS,
    rules: {
      allowPrivate,
      ownNames: new Set([hostname, ...deps.egress.map(({ name }) => name)]),
      // Where mail to loopback is wanted, that is no way back to us.
      ownAddresses: new Set(allowPrivate ? [] : deps.ownAddresses),
      allowLiterals: true,
      families: [4, 6] as const,
      maxHosts: MAX_HOSTS,
    },
  }
  const stsPolicies = new StsPolicies({ ...common, dns, httpsGet, port: HTTPS_PORT, memory: deps.stsMemory })
  return {
    async deliver(mail) {
      const { length: recipients } = mail.recipients
      const siteOf = once(async () =>
        smarthost === undefined ? siteOfDomain(common, mail.domain) : siteOfHost(smarthost),
      )
      const chosen = await chooseWarm(pools, mail, warmup, { siteOf, recipients })
      if (chosen === 'full') return 'full'
      const { egress, taken } = chosen ?? { egress: anywhere, taken: [] }
      const held = connections.hold()
      const from = { ...common, connections: held, rules: { ...common.rules, families: familiesOf(egress) } }
      const outcome =
        smarthost === undefined
          ? await deliverDirect({ ...from, port, stsPolicies }, { ...mail, egress })
          : await deliverToSmarthost(from, smarthost, { ...mail, egress })
      const used = new Set(outcome.recipients.map(egressOf))
      for (const address of taken)
        if (!used.has(canonicalAddress(address))) warmup.giveBack(address, await siteOf(), recipients)
      return { outcome, free: held.free }
    },
    postReport: async (url, report) => postReport({ ...common, httpsGet }, url, report),
    close: () => connections.close(),
    cut,
  }
}

/** As `deliverDirect` rolls it up: the answers of DNS are kept. */
async function siteOfDomain(deps: HostDeps, domain: string): Promise<string> {
  const hosts = await mailHosts(deps, domain)
  return 'hosts' in hosts ? rollUp(hosts.hosts.map(({ name }) => name)) : domain
}

/** Our address on the connection that a recipient was spoken of on. */
function egressOf(recipient: AttemptedRecipient): string | undefined {
  const { remote } = recipient.kind === 'delivered' ? recipient : recipient.failure
  return remote === null ? undefined : canonicalAddress(remote.egressIp)
}
