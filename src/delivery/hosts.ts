/** Who takes mail for a domain (RFC 5321 §5.1), and at which addresses. */
import type { Failure } from '../message/outcome.ts'
import { addressKind, canonicalAddress } from '../platform/addresses.ts'
import type { Dns, Random } from '../platform/platform.ts'
import { ownFailure } from './failures.ts'

export type HostRules = {
  /** Whether loopback and private addresses may be called, ours too (`--allow-private-destinations`). */
  readonly allowPrivate: boolean
  /** Names under which others know us, lower case: an MX of one of them leads back here. */
  readonly ownNames: ReadonlySet<string>
  /** Addresses of ours, in canonical spelling (`canonicalAddress`). */
  readonly ownAddresses: ReadonlySet<string>
  /** Whether `user@[192.0.2.1]` is delivered. */
  readonly allowLiterals: boolean
  /** In the order in which they are tried. */
  readonly families: readonly (4 | 6)[]
  /** Hosts of a domain that are looked at. */
  readonly maxHosts: number
}

export type HostDeps = { readonly dns: Dns; readonly random: Random; readonly rules: HostRules }

/** `name` is an IP address for a literal. */
export type MailHost = { readonly name: string; readonly isBest: boolean }

export type MailHosts = {
  /** In the order in which they are tried. */
  readonly hosts: readonly MailHost[]
  readonly isLiteral: boolean
  /** Whether the MX records were authenticated by DNSSEC (or that there are none). */
  readonly isAuthentic: boolean
}

/** Who takes mail for `domain` (ASCII, or an address literal in brackets), best first, equals shuffled. */
export async function mailHosts({ dns, random, rules }: HostDeps, domain: string): Promise<MailHosts | Failure> {
  if (domain.startsWith('[')) return literal(rules, domain)
  const name = domain.toLowerCase().replace(/\.$/, '')
  const answer = await dns.mx(name)
  if (answer.kind === 'temporary') return noAnswer(name)
  if (answer.kind === 'none' && answer.why === 'no-such-host') return noSuchDomain(name)
  if (answer.kind === 'none') {
    // No MX records: the domain is its own host. Only a clear answer says so; see RFC 5321 §5.1 on lookup errors.
    return { hosts: [{ name, isBest: true }], isLiteral: false, isAuthentic: answer.isAuthentic }
  }
  const records = distinct(answer.records)
  // RFC 7505: one record that names the root. Beside others it means nothing.
  if (answer.records.every(({ exchange }) => exchange === '' || exchange === '.')) return nullMx(name)
  if (records.length === 0) return noHostNames(name)
  const ours = Math.min(...records.filter(({ host }) => rules.ownNames.has(host)).map(({ preference }) => preference))
  // RFC 5321 §5.1: from where we stand, only hosts that are better than we are bring the mail nearer.
  const before = records.filter(({ preference }) => preference < ours)
  if (before.length === 0) return loop(name)
  const sorted = shuffle(before, random).toSorted((a, b) => a.preference - b.preference)
  const best = sorted[0]?.preference
  const hosts = sorted
    .slice(0, rules.maxHosts)
    .map(({ host, preference }) => ({ name: host, isBest: preference === best }))
  return { hosts, isLiteral: false, isAuthentic: answer.isAuthentic }
}

export type HostAddresses = { readonly addresses: readonly string[]; readonly isAuthentic: boolean }

/** The addresses of a mail host that may be called, in the order in which they are tried. */
export async function hostAddresses({ dns, random, rules }: HostDeps, host: string): Promise<HostAddresses | Failure> {
  const literalKind = addressKind(host)
  if (literalKind !== 'reserved') return callable(rules, host, [host], false)
  const answers = await Promise.all(rules.families.map((family) => (family === 4 ? dns.a(host) : dns.aaaa(host))))
  const found = answers.flatMap((answer) => (answer.kind === 'found' ? shuffle(answer.records, random) : []))
  if (found.length > 0)
    return callable(
      rules,
      host,
      found,
      answers.every((each) => each.kind !== 'temporary' && each.isAuthentic),
    )
  if (answers.some(({ kind }) => kind === 'temporary')) return noAnswer(host)
  return noSuchHost(host)
}

function callable(
  rules: HostRules,
  host: string,
  found: readonly string[],
  isAuthentic: boolean,
): HostAddresses | Failure {
  const addresses = found.filter((address) => mayCall(rules, address))
  if (addresses.length > 0) return { addresses, isAuthentic }
  if (found.some((address) => rules.ownAddresses.has(canonicalAddress(address)))) return loop(host)
  return forbidden(host, found[0] ?? '')
}

/** Strangers choose where their MX points: never to what only we can reach. */
export function mayCall(rules: Pick<HostRules, 'allowPrivate' | 'ownAddresses'>, address: string): boolean {
  const kind = addressKind(address)
  if (rules.allowPrivate) return !['multicast', 'unspecified'].includes(kind)
  return kind === 'public' && !rules.ownAddresses.has(canonicalAddress(address))
}

function literal(rules: HostRules, domain: string): MailHosts | Failure {
  const address = domain.slice(1, domain.endsWith(']') ? -1 : undefined).replace(/^IPv6:/i, '')
  if (!rules.allowLiterals || addressKind(address) === 'reserved') {
    return noMail('forbidden', '5.1.2', `Address literals are not delivered: ${domain}`)
  }
  return { hosts: [{ name: address, isBest: true }], isLiteral: true, isAuthentic: false }
}

type Record = { readonly host: string; readonly preference: number }

/** What can be asked for in DNS and in TLS, and shown to an operator. Underscores are seen in the wild. */
const HOST_NAME = /^(?!.{254})[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/

/** Each host once, at its best preference, without the root and what is no name. */
function distinct(records: readonly { readonly exchange: string; readonly preference: number }[]): Record[] {
  const best = new Map<string, number>()
  for (const { exchange, preference } of records) {
    const host = exchange.toLowerCase().replace(/\.$/, '')
    if (HOST_NAME.test(host)) best.set(host, Math.min(preference, best.get(host) ?? Infinity))
  }
  return Array.from(best, ([host, preference]) => ({ host, preference }))
}

/** Fisher and Yates. */
function shuffle<T>(given: readonly T[], random: Random): T[] {
  const rest = [...given]
  return given.flatMap(() => rest.splice(Math.floor(random.fraction() * rest.length), 1))
}

// SES's words for a failed lookup stand in its `Message expired` bounces.
function noAnswer(name: string): Failure {
  const [step, reason, whose] = ['lookup', 'dns', 'destination'] as const
  return ownFailure({ step, reason, whose, code: 421, enhanced: '4.4.0', text: `Unable to lookup DNS for ${name}` })
}

function noSuchDomain(name: string): Failure {
  return noMail('no-host', '5.1.2', `Unable to lookup DNS for ${name}: there is no such domain`)
}

function noHostNames(name: string): Failure {
  return noMail('no-host', '5.1.2', `Unable to lookup DNS for ${name}: its mail hosts are no host names`)
}

function noSuchHost(name: string): Failure {
  const text = `Unable to lookup DNS for ${name}: it has no address`
  const [step, reason, whose] = ['lookup', 'no-host', 'destination'] as const
  return ownFailure({ step, reason, whose, code: 550, enhanced: '5.4.4', text })
}

function nullMx(name: string): Failure {
  // RFC 7505 §4.2 gives both codes.
  return ownFailure({
    step: 'lookup',
    reason: 'no-host',
    whose: 'recipient',
    code: 556,
    enhanced: '5.1.10',
    text: `${name} does not accept mail (null MX)`,
  })
}

function loop(name: string): Failure {
  const [step, reason, whose] = ['lookup', 'loop', 'destination'] as const
  return ownFailure({ step, reason, whose, code: 554, enhanced: '5.4.6', text: `Mail for ${name} leads back to us` })
}

function forbidden(host: string, address: string): Failure {
  const text = `${host} [${address}] is not an address on the public Internet`
  const [step, reason, whose] = ['lookup', 'forbidden', 'destination'] as const
  return ownFailure({ step, reason, whose, code: 554, enhanced: '5.4.4', text })
}

function noMail(reason: 'forbidden' | 'no-host', enhanced: string, text: string): Failure {
  return ownFailure({ step: 'lookup', reason, whose: 'recipient', code: 550, enhanced, text })
}
