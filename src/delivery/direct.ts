/** Delivery to the hosts that take mail for a domain. */
import type { Failure, NetworkOutcome, TlsWish } from '../message/outcome.ts'
import { attempt, begin, type AttemptDeps, type Candidate, type Mail, type Progress, type Route } from './attempt.ts'
import { hostAddresses, mailHosts, type HostDeps, type MailHost, type MailHosts } from './hosts.ts'
import type { StsPolicies } from './mta-sts.ts'
import { rollUp } from './providers.ts'
import { demandFor, findPolicy, type Policy } from './tls-policy.ts'

export type DirectDeps = AttemptDeps &
  HostDeps & {
    readonly port: number
    /** undefined: MTA-STS is not looked for. */
    readonly stsPolicies: StsPolicies | undefined
  }

export type DirectMail = Mail & {
  /** Of the recipients; ASCII, or an address literal in brackets. */
  readonly domain: string
  readonly tlsPolicy: TlsWish
}

/** Delivers a message to the recipients at one domain. Everything that can go wrong is in the outcome. */
export async function deliverDirect(deps: DirectDeps, mail: DirectMail): Promise<NetworkOutcome> {
  const progress = begin(deps.clock)
  const hosts = await lookedUp(deps, progress, () => mailHosts(deps, mail.domain))
  if (!('hosts' in hosts)) return attempt(deps, mail, noRoute(mail, hosts), progress)
  const policy = await lookedUp(deps, progress, () => findPolicy(deps, mail, hosts, progress))
  return attempt(deps, mail, routeTo(deps, mail, { hosts, policy, progress }), progress)
}

type Way = { readonly hosts: MailHosts; readonly policy: Policy; readonly progress: Progress }

function routeTo(deps: DirectDeps, mail: DirectMail, way: Way): Route {
  const { hosts } = way.hosts
  const names = hosts.map(({ name }) => name)
  return {
    transport: 'direct',
    site: rollUp(names),
    // A session fits only who asks for the same certificate: with a policy, mail of the same domain.
    lane: JSON.stringify([names.toSorted(), deps.port, mail.egress, way.policy.key]),
    async *candidates() {
      for (const host of hosts) yield* candidatesAt(deps, host, way)
    },
  }
}

async function* candidatesAt(
  deps: DirectDeps,
  { name, isBest }: MailHost,
  { policy, progress }: Way,
): AsyncGenerator<Candidate | Failure> {
  const found = await lookedUp(deps, progress, () => hostAddresses(deps, name))
  if (!('addresses' in found)) return yield found
  const tls = await lookedUp(deps, progress, () => demandFor(deps, policy, { name, isAuthentic: found.isAuthentic }))
  if (!('level' in tls)) {
    if (tls.result !== undefined) progress.tlsResults.push(tls.result)
    return yield tls.failure
  }
  for (const address of found.addresses) {
    const target = { host: name, address, port: deps.port, tls, isTlsFromStart: false, credentials: undefined }
    yield { target, isBest }
  }
}

/** Nowhere to go: the failure is all that there is to try. */
function noRoute({ domain }: DirectMail, failure: Failure): Route {
  return {
    transport: 'direct',
    site: domain,
    lane: '',
    async *candidates() {
      yield failure
    },
  }
}

async function lookedUp<T>({ clock }: DirectDeps, { timings }: Progress, ask: () => Promise<T>): Promise<T> {
  const startedAt = clock.now()
  const found = await ask()
  timings.lookupMs += clock.now() - startedAt
  return found
}
