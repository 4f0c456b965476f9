/** Which TLS a host must offer: by DANE, else by MTA-STS, else as the sender wants it. */
import type { Failure, TlsResult, TlsWish } from '../message/outcome.ts'
import type { Clock, Dns, TlsState } from '../platform/platform.ts'
import { findTlsa, judgeByDane, tlsaLine, usable } from './dane.ts'
import { ownFailure } from './failures.ts'
import type { MailHosts } from './hosts.ts'
import { isInPolicy, type StsPolicies, type StsPolicy } from './mta-sts.ts'
import type { TlsDemand } from './target.ts'

type Deps = {
  readonly dns: Dns
  readonly clock: Clock
  readonly port: number
  readonly stsPolicies: StsPolicies | undefined
}

/** What is known of a domain before its hosts are looked at. */
export type Policy = {
  readonly domain: string
  readonly isRequired: boolean
  readonly sts: StsPolicy | undefined
  /** Whether DNSSEC vouches for the list of hosts, so that DANE may speak of them. */
  readonly isAuthentic: boolean
  /** Sessions opened under another key do not do. */
  readonly key: string
}

type Mail = { readonly domain: string; readonly tlsPolicy: TlsWish }

/** Looks for the policy of a domain; what is wrong with it goes into the reports. */
export async function findPolicy(
  { stsPolicies }: Deps,
  { domain, tlsPolicy }: Mail,
  { isLiteral, isAuthentic }: MailHosts,
  { tlsResults }: { readonly tlsResults: TlsResult[] },
): Promise<Policy> {
  const isRequired = tlsPolicy === 'REQUIRE'
  const name = domain.toLowerCase()
  if (tlsPolicy === 'ANY') return { domain: name, isRequired, sts: undefined, isAuthentic: false, key: tlsPolicy }
  const { policy: sts, problem } = stsPolicies === undefined || isLiteral ? NOTHING : await stsPolicies.find(name)
  if (problem !== undefined) {
    tlsResults.push({ policy: { type: 'sts', domain: name, lines: [], mxHosts: [] }, failure: problem, remote: null })
  }
  const key = [tlsPolicy, sts === undefined ? '' : `${sts.id} ${name}`, isAuthentic ? name : ''].join(' ')
  return { domain: name, isRequired, sts, isAuthentic: isAuthentic && !isLiteral, key }
}

const NOTHING = { policy: undefined, problem: undefined } as const

export type NoDemand = { readonly failure: Failure; readonly result: TlsResult | undefined }

/** What is asked of a host; or that it must not be used now. DANE comes before MTA-STS (RFC 8461 §2). */
export async function demandFor(
  { dns, clock, port }: Deps,
  { domain, isRequired, sts, isAuthentic }: Policy,
  host: { readonly name: string; readonly isAuthentic: boolean },
): Promise<TlsDemand | NoDemand> {
  const tlsa = isAuthentic && host.isAuthentic ? await findTlsa(dns, host.name, port) : NO_TLSA
  if (tlsa.kind === 'temporary') return unknown(domain, host.name, tlsa.reason)
  if (tlsa.kind === 'records') {
    const policy = { type: 'tlsa', domain: host.name, lines: tlsa.records.map(tlsaLine), mxHosts: [] } as const
    if (usable(tlsa.records).length === 0) return { level: 'must', policy }
    // RFC 7672 §3.2.2: the host's own name, or the domain whose mail it takes.
    const judge = (state: TlsState) => judgeByDane(tlsa.records, [host.name, domain], clock.now(), state)
    return { level: 'verified', judge: { by: 'dane', judge }, policy }
  }
  const level = isRequired ? 'must' : 'may'
  if (sts === undefined) return { level, policy: { type: 'no-policy-found', domain, lines: [], mxHosts: [] } }
  const policy = { type: 'sts', domain, lines: sts.lines, mxHosts: sts.mx } as const
  const isListed = isInPolicy(sts, host.name)
  if (!isListed && sts.mode === 'enforce') return notListed(policy, host.name)
  const judge = (state: TlsState) => (isListed ? state.authorizationError : NOT_LISTED)
  return { level: sts.mode === 'enforce' ? 'verified' : level, judge: { by: 'mta-sts', judge }, policy }
}

const NO_TLSA = { kind: 'none' } as const
const NOT_LISTED = 'the host is not in the MTA-STS policy'

function notListed(policy: TlsResult['policy'], name: string): NoDemand {
  const failure = refusal('tls', '4.7.5', `${name}: ${NOT_LISTED}`)
  const remote = { host: name, helo: '', ip: '', egressIp: '' }
  return { failure, result: { policy, failure: { type: 'validation-failure', reason: NOT_LISTED }, remote } }
}

/** RFC 7672 §2.1.1: a host whose TLSA records cannot be looked up may be an impostor's. */
function unknown(domain: string, name: string, reason: string): NoDemand {
  const failure = refusal('dns', '4.7.5', `Unable to lookup the TLSA records of ${name}`)
  const policy = { type: 'tlsa', domain, lines: [], mxHosts: [] } as const
  return { failure, result: { policy, failure: { type: 'dnssec-invalid', reason }, remote: null } }
}

function refusal(reason: 'tls' | 'dns', enhanced: string, text: string): Failure {
  return ownFailure({ step: 'lookup', reason, whose: 'destination', code: 454, enhanced, text })
}
