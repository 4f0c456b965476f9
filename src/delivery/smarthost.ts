/** Delivery by handing everything to one server. */
import type { NetworkOutcome } from '../message/outcome.ts'
import type { Smarthost } from '../platform/egress.ts'
import type { TlsState } from '../platform/platform.ts'
import { attempt, begin, type AttemptDeps, type Mail } from './attempt.ts'
import { hostAddresses, type HostDeps } from './hosts.ts'
import type { TlsDemand } from './target.ts'

/** Delivers a message for recipients anywhere through a smarthost. The operator chose it, so its address may be private. */
export async function deliverToSmarthost(
  deps: AttemptDeps & HostDeps,
  smarthost: Smarthost,
  mail: Mail,
): Promise<NetworkOutcome> {
  const { host, port, credentials } = smarthost
  const progress = begin(deps.clock)
  const tls = demandOf(smarthost)
  const rules = { ...deps.rules, allowPrivate: true }
  return attempt(
    deps,
    mail,
    {
      transport: 'smarthost',
      site: siteOfHost(smarthost),
      lane: JSON.stringify([host, port, smarthost.tls, mail.egress, credentials?.user ?? null]),
      async *candidates() {
        const startedAt = deps.clock.now()
        const found = await hostAddresses({ ...deps, rules }, host)
        progress.timings.lookupMs += deps.clock.now() - startedAt
        if (!('addresses' in found)) return yield found
        for (const address of found.addresses) {
          const isTlsFromStart = smarthost.tls.startsWith('tls')
          yield { target: { host, address, port, tls, isTlsFromStart, credentials }, isBest: true }
        }
      },
    },
    progress,
  )
}

/** The key of its limits. */
export function siteOfHost({ host, port }: Smarthost): string {
  return `${host}:${port}`
}

function demandOf({ host, tls, credentials }: Smarthost): TlsDemand {
  const policy = { type: 'no-policy-found', domain: host, lines: [], mxHosts: [] } as const
  switch (tls) {
    case 'none':
      return { level: 'never', policy }
    case 'optional':
      // A password must not go out in the clear because somebody on the way cut STARTTLS out.
      return { level: credentials === undefined ? 'may' : 'must', policy }
    case 'starttls-unverified':
    case 'tls-unverified':
      return { level: 'must', policy }
    case 'starttls':
    case 'tls':
      return { level: 'verified', judge: PKIX, policy }
  }
}

const PKIX = { by: 'pkix', judge: (state: TlsState) => state.authorizationError } as const
