/** The host name: one that others can look up, and that is no alias. */
import { addressKind, canonicalAddress, shortAddress } from '../../platform/addresses.ts'
import type { Check } from './exam.ts'
import { ASK_AGAIN, lackOf, reporter } from './finding.ts'

const { ok, warning, problem } = reporter('hostname')

/** RFC 6761, RFC 6762, RFC 8375, and what ICANN set aside: nobody else can look them up. */
const SPECIAL = /(?:^|\.)(?:localhost|local|test|invalid|internal|home\.arpa|lan|onion)$/i

export const checkHostname: Check = async ({ config: { hostname }, dns }) => {
  if (!hostname.includes('.')) {
    return [problem(hostname, 'is no whole name', 'Set --hostname to a name in the public DNS, as mail.example.net.')]
  }
  const [alias, four, six] = await Promise.all([dns.cname(hostname), dns.a(hostname), dns.aaaa(hostname)])
  const findings = []
  if (SPECIAL.test(hostname)) {
    findings.push(
      problem(hostname, 'is a name that only exists locally', 'Set --hostname to a name in the public DNS.'),
    )
  }
  if (alias.kind === 'found') {
    const advice = 'Give it A and AAAA records of its own: MX records may not lead to an alias (RFC 2181 §10.3).'
    findings.push(problem(hostname, `is an alias of ${alias.records.join(', ')}`, advice))
  }
  const found = [four, six].flatMap((answer) => (answer.kind === 'found' ? answer.records : []))
  if (found.length === 0) {
    const isOpen = four.kind === 'temporary' || six.kind === 'temporary'
    const advice = isOpen ? ASK_AGAIN : 'Publish its A and AAAA records (`sesame dns`).'
    return [...findings, (isOpen ? warning : problem)(hostname, lackOf(four) ?? 'no address', advice)]
  }
  const hidden = found.filter((address) => addressKind(canonicalAddress(address)) !== 'public')
  const listed = found.map(shortAddress).join(', ')
  if (hidden.length > 0) {
    return [
      ...findings,
      warning(
        hostname,
        `leads to ${listed}, which others cannot reach`,
        'Publish public addresses, or check that the resolver shows what others see.',
      ),
    ]
  }
  return [...findings, ok(hostname, `leads to ${listed}`)]
}
