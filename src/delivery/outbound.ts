/** The ways to other mail servers, with all that is remembered between messages: connections, broken TLS, policies. */
import type { EgressAddress, Smarthost } from '../platform/egress.ts'
import type { Clock, Dial, Dns, HttpsGet, Random } from '../platform/platform.ts'
import type { NetworkOutcome } from '../message/outcome.ts'
import { Connections } from './connections.ts'
import { createCutting } from './cutting.ts'
import { deliverDirect, type DirectMail } from './direct.ts'
import { chooseEgress, type EgressChoice, familiesOf, poolsOf } from './egress.ts'
import { DELIVERY_LIMITS, TIMEOUTS } from './limits.ts'
import { StsPolicies } from './mta-sts.ts'
import { deliverToSmarthost } from './smarthost.ts'
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
  /** undefined: each destination is called by itself. */
  readonly smarthost: Smarthost | undefined
}

export type OutboundMail = Omit<DirectMail, 'egress'> & EgressChoice

export type Outbound = {
  /** Whatever goes wrong is in the outcome. */
  readonly deliver: (mail: OutboundMail) => Promise<NetworkOutcome>
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
    minTlsVersion: 'TLSv1.2' as const,
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
  const stsPolicies = new StsPolicies({ ...common, dns, httpsGet, port: HTTPS_PORT })
  return {
    async deliver(mail) {
      const egress = chooseEgress(pools, mail) ?? anywhere
      const from = { ...common, rules: { ...common.rules, families: familiesOf(egress) } }
      return smarthost === undefined
        ? deliverDirect({ ...from, port, stsPolicies }, { ...mail, egress })
        : deliverToSmarthost(from, smarthost, { ...mail, egress })
    },
    close: () => connections.close(),
    cut,
  }
}
