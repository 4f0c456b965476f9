/** Delivery to the hosts that take mail for a domain. */
import type { Failure, NetworkOutcome } from '../message/outcome.ts'
import { attempt, begin, type AttemptDeps, type Candidate, type Mail, type Progress, type Route } from './attempt.ts'
import { hostAddresses, mailHosts, type HostDeps, type MailHost, type MailHosts } from './hosts.ts'
import type { TlsDemand } from './open.ts'
import { rollUp } from './providers.ts'

export type DirectDeps = AttemptDeps & HostDeps & { readonly port: number }

export type DirectMail = Mail & {
  /** Of the recipients; ASCII, or an address literal in brackets. */
  readonly domain: string
  /** SES's TlsPolicy: `REQUIRE` hands the message over in TLS only. */
  readonly tlsPolicy: 'OPTIONAL' | 'REQUIRE'
}

/** Delivers a message to the recipients at one domain. Everything that can go wrong is in the outcome. */
export async function deliverDirect(deps: DirectDeps, mail: DirectMail): Promise<NetworkOutcome> {
  const progress = begin(deps.clock)
  const hosts = await lookedUp(deps, progress, () => mailHosts(deps, mail.domain))
  return attempt(deps, mail, 'hosts' in hosts ? routeTo(deps, mail, hosts, progress) : noRoute(mail, hosts), progress)
}

function routeTo(deps: DirectDeps, mail: DirectMail, hosts: MailHosts, progress: Progress): Route {
  const names = hosts.hosts.map(({ name }) => name)
  const level = mail.tlsPolicy === 'REQUIRE' ? 'must' : 'may'
  return {
    transport: 'direct',
    site: rollUp(names),
    lane: JSON.stringify([names.toSorted(), deps.port, mail.egress, level]),
    witness: () => {},
    async *candidates() {
      for (const host of hosts.hosts) yield* addressesOf(deps, host, { level }, progress)
    },
  }
}

async function* addressesOf(
  deps: DirectDeps,
  { name, isBest }: MailHost,
  tls: TlsDemand,
  progress: Progress,
): AsyncGenerator<Candidate | Failure> {
  const found = await lookedUp(deps, progress, () => hostAddresses(deps, name))
  if (!('addresses' in found)) return yield found
  for (const address of found.addresses) {
    yield {
      target: { host: name, address, port: deps.port, tls, isTlsFromStart: false, credentials: undefined },
      isBest,
    }
  }
}

/** Nowhere to go: the failure is all that there is to try. */
function noRoute({ domain }: DirectMail, failure: Failure): Route {
  return {
    transport: 'direct',
    site: domain,
    lane: '',
    witness: () => {},
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
