/** The ways to other mail servers, with all that is remembered between messages: connections, broken TLS, policies. */
import type { Clock, Dial, Dns, HttpsGet, Random } from '../platform/platform.ts'
import type { NetworkOutcome } from '../message/outcome.ts'
import { Connections } from './connections.ts'
import { createCutting } from './cutting.ts'
import { deliverDirect, type DirectMail } from './direct.ts'
import { chooseEgress, type EgressAddress, type EgressChoice, familiesOf, poolsOf } from './egress.ts'
import { DELIVERY_LIMITS, TIMEOUTS } from './limits.ts'
import { StsPolicies, type StsMemory } from './mta-sts.ts'
import { postReport } from './report-post.ts'
import { deliverToSmarthost, type Smarthost } from './smarthost.ts'
import type { MinTlsVersions } from './target.ts'
import { TlsMemory } from './tls-memory.ts'

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
  /** undefined: each destination is called by itself. */
  readonly smarthost: Smarthost | undefined
}

export type OutboundMail = Omit<DirectMail, 'egress'> & EgressChoice

export type Outbound = {
  /** Whatever goes wrong is in the outcome. */
  readonly deliver: (mail: OutboundMail) => Promise<NetworkOutcome>
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
  const { clock, dns, hostname, port, allowPrivate, smarthost } = deps
  const { dial, httpsGet, cut } = createCutting(deps.dial, deps.httpsGet)
  const connections = new Connections(clock, DELIVERY_LIMITS)
  const pools = poolsOf(deps.egress)
  const anywhere = { addresses: [], name: hostname }
  const common = {
    ...deps,
    dial,
    connections,
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
      const egress = chooseEgress(pools, mail) ?? anywhere
      const from = { ...common, rules: { ...common.rules, families: familiesOf(egress) } }
      return smarthost === undefined
        ? deliverDirect({ ...from, port, stsPolicies }, { ...mail, egress })
        : deliverToSmarthost(from, smarthost, { ...mail, egress })
    },
    postReport: async (url, report) => postReport({ ...common, httpsGet }, url, report),
    close: () => connections.close(),
    cut,
  }
}
