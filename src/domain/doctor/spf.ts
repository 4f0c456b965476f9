/** What SPF says of an address (RFC 7208), as far as it can be said without a message: no macros, no `exists`, no `ptr`. */
import type { Dns, DnsAnswer } from '../../platform/platform.ts'
import { isInRange } from '../authorization/ip-ranges.ts'

/** `unknown`: it depends on what we do not evaluate. `permerror`: no receiver can make sense of it. */
export type SpfVerdict = 'pass' | 'fail' | 'softfail' | 'neutral' | 'none' | 'permerror' | 'temperror' | 'unknown'

/** §4.6.4. */
const MAX_LOOKUPS = 10
const QUALIFIERS: Readonly<Record<string, SpfVerdict>> = {
  '+': 'pass',
  '-': 'fail',
  '~': 'softfail',
  '?': 'neutral',
}

type Walk = { readonly dns: Dns; readonly address: string; lookups: number }

/** Of mail from `domain` that comes from `address`. */
export async function spfVerdict(dns: Dns, domain: string, address: string): Promise<SpfVerdict> {
  return await evaluate({ dns, address, lookups: 0 }, domain)
}

/** The SPF records among the TXT records of a name (§4.5). */
export function spfRecords(records: readonly string[]): readonly string[] {
  return records.filter((record) => /^v=spf1(?: |$)/i.test(record))
}

async function evaluate(walk: Walk, domain: string): Promise<SpfVerdict> {
  const answer = await walk.dns.txt(domain)
  if (answer.kind === 'temporary') return 'temperror'
  const [record, ...others] = spfRecords(answer.kind === 'found' ? answer.records : [])
  if (record === undefined) return 'none'
  if (others.length > 0) return 'permerror'
  const terms = record
    .split(/ +/)
    .slice(1)
    .filter((term) => term !== '')
  for (const term of terms) {
    if (/^[a-z][a-z0-9_.-]*=/i.test(term)) continue
    const [, sign = '', name = '', rest = ''] = /^([-+~?]?)([a-z0-9]+)(.*)$/i.exec(term) ?? []
    const matched = await matches(walk, name.toLowerCase(), rest, domain)
    if (matched === true) return QUALIFIERS[sign === '' ? '+' : sign] ?? 'permerror'
    if (matched !== false) return matched
  }
  const target = terms.map((term) => /^redirect=(.+)$/i.exec(term)?.[1]).find((found) => found !== undefined)
  if (target === undefined) return 'neutral'
  if (target.includes('%')) return 'unknown'
  if (spend(walk)) return 'permerror'
  const verdict = await evaluate(walk, target)
  return verdict === 'none' ? 'permerror' : verdict
}

/** Whether a mechanism matches, or what ends the evaluation. */
async function matches(walk: Walk, name: string, rest: string, domain: string): Promise<boolean | SpfVerdict> {
  if (rest.includes('%')) return 'unknown'
  switch (name) {
    case 'all':
      return true
    case 'ip4':
    case 'ip6':
      return isInRange(rest.slice(1), walk.address)
    case 'include':
      return spend(walk) ? 'permerror' : included(await evaluate(walk, rest.slice(1)))
    case 'a':
    case 'mx':
      return spend(walk) ? 'permerror' : await isHost(walk, name, rest, domain)
    case 'exists':
    case 'ptr':
      return 'unknown'
    default:
      return 'permerror'
  }
}

/** §5.2: what the verdict on the other domain means here. */
function included(verdict: SpfVerdict): boolean | SpfVerdict {
  if (verdict === 'pass') return true
  if (verdict === 'none' || verdict === 'permerror') return 'permerror'
  return verdict === 'temperror' || verdict === 'unknown' ? verdict : false
}

async function isHost(walk: Walk, name: 'a' | 'mx', rest: string, domain: string): Promise<boolean | SpfVerdict> {
  const { named, four, six } = /^(?::(?<named>[^/]+))?(?:\/(?<four>\d+))?(?:\/\/(?<six>\d+))?$/.exec(rest)?.groups ?? {}
  const target = named ?? domain
  const hosts = name === 'mx' ? await walk.dns.mx(target) : undefined
  if (hosts?.kind === 'temporary') return 'temperror'
  const names =
    hosts === undefined ? [target] : hosts.kind === 'found' ? hosts.records.map(({ exchange }) => exchange) : []
  const isSix = walk.address.includes(':')
  // §4.6.4: a name with more than ten hosts is an error of its own.
  if (names.length > MAX_LOOKUPS) return 'permerror'
  const answers = await Promise.all(names.map((each) => (isSix ? walk.dns.aaaa(each) : walk.dns.a(each))))
  if (answers.some(({ kind }) => kind === 'temporary')) return 'temperror'
  const prefix = isSix ? (six ?? '128') : (four ?? '32')
  return answers.flatMap(recordsOf).some((found) => isInRange(`${found}/${prefix}`, walk.address))
}

function recordsOf(answer: DnsAnswer<string>): readonly string[] {
  return answer.kind === 'found' ? answer.records : []
}

/** Whether this look-up is one too many. */
function spend(walk: Walk): boolean {
  walk.lookups += 1
  return walk.lookups > MAX_LOOKUPS
}
