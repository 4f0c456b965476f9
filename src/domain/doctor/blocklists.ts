/** Whether the addresses that mail leaves from are on a list of those to refuse (DNSBL, RFC 5782). */
import { reverseLabels, shortAddress } from '../../platform/addresses.ts'
import type { Dns } from '../../platform/platform.ts'
import type { Check } from './exam.ts'
import { ASK_AGAIN, type Finding, lackOf, reporter } from './finding.ts'

const { ok, warning, problem } = reporter('blocklist')

/** `meanings`: of the addresses that it answers with, where they differ. */
type Blocklist = {
  readonly zone: string
  readonly url: string
  readonly meanings?: Readonly<Record<string, string>>
}

const XBL = 'XBL: it was seen doing what infected machines do'
const PBL = 'PBL: its network says that no mail is to come from it'

/** Few, well kept, free for a look now and then, and used by many receivers (docs/operator.md). */
export const BLOCKLISTS: readonly Blocklist[] = [
  {
    zone: 'zen.spamhaus.org',
    url: 'https://check.spamhaus.org/',
    meanings: {
      '127.0.0.2': 'SBL: spam was seen from it',
      '127.0.0.3': 'CSS: it looks like a spammer',
      '127.0.0.4': XBL,
      '127.0.0.5': XBL,
      '127.0.0.6': XBL,
      '127.0.0.7': XBL,
      '127.0.0.9': 'DROP: its network belongs to criminals',
      '127.0.0.10': PBL,
      '127.0.0.11': PBL,
    },
  },
  { zone: 'bl.spamcop.net', url: 'https://www.spamcop.net/bl.shtml' },
  { zone: 'psbl.surriel.com', url: 'https://psbl.org/' },
  { zone: 'bl.mailspike.net', url: 'https://mailspike.org/iplookup.html' },
]

/** RFC 5782 §5: it is on every list that works. */
const TEST_ADDRESS = '127.0.0.2'

export const checkBlocklists: Check = async ({ dns, sendsFrom }) => {
  const addresses = sendsFrom.filter((address) => !address.includes(':'))
  if (addresses.length === 0) return [ok('IPv4', 'no address that mail leaves from: nothing to look up')]
  const found = await Promise.all(BLOCKLISTS.map((list) => checkList(dns, list, addresses)))
  return found.flat()
}

async function checkList(dns: Dns, list: Blocklist, addresses: readonly string[]): Promise<readonly Finding[]> {
  const { zone } = list
  const control = await dns.a(`${reverseLabels(TEST_ADDRESS)}.${zone}`)
  if (control.kind === 'found' && control.records.some(isRefusal)) {
    const advice =
      'It does not answer large or public resolvers. Ask by a resolver of your own on this machine (unbound, and --dns 127.0.0.1).'
    return [warning(zone, `does not answer this resolver (${control.records.join(', ')})`, advice)]
  }
  if (control.kind !== 'found') {
    return [warning(zone, `cannot be asked: ${lackOf(control)}`, `Look the addresses up at ${list.url}.`)]
  }
  return await Promise.all(addresses.map((address) => lookUp(dns, list, address)))
}

async function lookUp(dns: Dns, { zone, url, meanings = {} }: Blocklist, address: string): Promise<Finding> {
  const subject = `${shortAddress(address)} at ${zone}`
  const answer = await dns.a(`${reverseLabels(address)}.${zone}`)
  if (answer.kind === 'none') return ok(subject, 'is not listed')
  if (answer.kind === 'temporary') return warning(subject, lackOf(answer) ?? '', ASK_AGAIN)
  const codes = answer.records
  if (codes.some(isRefusal)) {
    return warning(subject, `was not answered (${codes.join(', ')})`, 'Ask less, or by a resolver of your own (--dns).')
  }
  // RFC 5782 §2.1: lists answer with 127.0.0.0/8, and nothing else does.
  if (!codes.every((code) => code.startsWith('127.'))) {
    return warning(
      subject,
      `was answered ${codes.join(', ')}, which is no answer of a blocklist`,
      'The resolver changes answers: use another (--dns).',
    )
  }
  const why = codes.map((code) => meanings[code] ?? code).join('; ')
  return problem(subject, `is listed (${why})`, `Find out why and end it, then ask at ${url} to be taken off.`)
}

/** Spamhaus' codes for a question that it does not answer: 252 a wrong zone, 254 a public resolver, 255 too many. */
function isRefusal(code: string): boolean {
  return code.startsWith('127.255.255.')
}
