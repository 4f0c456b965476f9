/** Whether the resolver vouches for its answers: without it there is no DANE, for us or for those whom we deliver to. */
import { dnsServers } from '../../platform/dns/servers.ts'
import type { Check } from './exam.ts'
import { ASK_AGAIN, lackOf, reporter } from './finding.ts'

const { ok, warning } = reporter('dnssec')

/** Signed for as long as there has been DNSSEC, and asked for by everybody. */
const SIGNED_NAME = 'ietf.org'

export const checkDnssec: Check = async ({ dns, config }) => {
  const answer = await dns.a(SIGNED_NAME)
  const servers = dnsServers(config.dns)
  const subject = servers.map(({ address }) => address).join(', ')
  if (answer.kind === 'temporary') return [warning(subject, lackOf(answer) ?? '', ASK_AGAIN)]
  if (answer.isAuthentic) return [ok(subject, 'vouches for its answers by DNSSEC, so that DANE is used')]
  const advice =
    'Run a resolver that validates on this machine (unbound), and name it with --dns 127.0.0.1. Without it mail goes out all the same, with MTA-STS or TLS as it is offered.'
  const why = servers.some(({ isTrusted }) => isTrusted)
    ? 'does not vouch for its answers by DNSSEC'
    : 'is not on this machine and not named with --dns, so that its word on DNSSEC is not believed'
  return [warning(subject, `${why}: DANE is not available`, advice)]
}
