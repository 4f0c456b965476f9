/** What whoever runs the server publishes: for its host name, the mail domain, and the names that identities point to. */
import type { Config } from '../../config/config.ts'
import { reverseName, shortAddress } from '../../platform/addresses.ts'
import type { PublishedKey } from '../delivery/platform-key.ts'
import { isForeign } from '../foreign.ts'
import { ehloName } from './addresses.ts'
import { feedbackHost } from '../identities/records.ts'
import { policyId } from './mta-sts.ts'
import { distinct, type WantedRecord } from './records.ts'

export type OperatorDns = {
  readonly config: Pick<Config, 'hostname' | 'mailDomain' | 'transport' | 'smarthost' | 'egress'>
  /** Those that mail leaves from, and under which the server is reached. */
  readonly addresses: readonly string[]
  /** Every region that an account uses. */
  readonly regions: readonly string[]
  /** Of the platform's own DKIM keys. */
  readonly platform: readonly PublishedKey[]
  /** Where reports about us (DMARC, TLS) are to go; undefined: nobody reads them. */
  readonly reportsTo: string | undefined
}

/** Mail of this region has return paths at the mail domain itself; that of another at a name below it. */
const HOME_REGION = 'us-east-1'

/** Whether a name is the zone's own or below it. */
export function isWithin(name: string, zone: string): boolean {
  return `.${name}`.endsWith(`.${zone}`)
}

/** The name server that a zone of ours names. */
export function nameServerOf(zone: string): string {
  return `ns.${zone}`
}

/** What the zone above needs to delegate ours to us: the name server, and its address (RFC 1034 §4.2.1). */
export function delegation(zone: string, addresses: readonly string[]): readonly WantedRecord[] {
  const name = nameServerOf(zone)
  const why = `in the zone above: delegates ${zone} to this server, which answers for all names in it`
  return [
    { name: zone, type: 'NS', value: name, need: 'required', why },
    ...addressRecords(name, addresses, 'required', why),
  ]
}

/** The domains of default return paths, where bounces come back to. */
export function returnPathDomains({ config: { mailDomain }, regions }: OperatorDns): readonly string[] {
  if (isForeign(mailDomain)) return []
  return [mailDomain, ...regions.filter((region) => region !== HOME_REGION).map((region) => `${region}.${mailDomain}`)]
}

export function operatorRecords(operator: OperatorDns): readonly WantedRecord[] {
  const { config, addresses, regions } = operator
  const { hostname } = config
  return distinct([
    ...addressRecords(hostname, addresses, 'required', 'the name in EHLO, in links and in MX records'),
    ...config.egress.flatMap(({ address, name }) =>
      addressRecords(name, [address], 'required', 'the name of that address in EHLO'),
    ),
    // Nobody sees them where a smarthost stands before them.
    ...(config.transport === 'smarthost'
      ? []
      : addresses.map((address) => pointer(address, ehloName(config, address)))),
    spf(operator, hostname, "what `include` in the owners' SPF records stands for, and SPF of the EHLO name"),
    ...returnPathDomains(operator).flatMap((domain) => [
      mx(domain, hostname),
      spf(operator, domain, 'SPF of default return paths'),
    ]),
    ...regions.flatMap((region) =>
      addressRecords(feedbackHost(region, hostname), addresses, 'required', `the MX of MAIL FROM domains in ${region}`),
    ),
    ...platformKeys(operator),
    ...policies(operator),
  ])
}

export function addressRecords(
  name: string,
  addresses: readonly string[],
  need: WantedRecord['need'],
  why: string,
): WantedRecord[] {
  return addresses.map((address) => {
    const value = shortAddress(address)
    return { name, type: value.includes(':') ? 'AAAA' : 'A', value, need, why }
  })
}

function pointer(address: string, hostname: string): WantedRecord {
  const why = 'set by whoever gave you the address; must be the EHLO name'
  return { name: reverseName(address), type: 'PTR', value: hostname, need: 'required', why }
}

const KEY_WHY = {
  active: ['required', 'the key with which the platform signs all mail'],
  // Nothing is wrong while it is missing: the old one signs.
  pending: ['recommended', "the platform's next key: mail is signed with it as soon as it is found"],
  retired: [
    'recommended',
    "the platform's key until lately: for mail that is under way; it leaves this list after 8 days",
  ],
  withdrawn: ['optional', ''],
} as const

function platformKeys({ platform }: OperatorDns): readonly WantedRecord[] {
  return platform.map(({ name, value, state }) => {
    const [need, why] = KEY_WHY[state]
    return text(name, value, need, why)
  })
}

function mx(name: string, hostname: string): WantedRecord {
  return { name, type: 'MX', value: `10 ${hostname}`, need: 'required', why: 'bounces come back here' }
}

/** Addresses as they are: each `a`, `mx` or `include` would cost receivers one of their ten look-ups (RFC 7208 §4.6.4). */
function spf({ config, addresses }: OperatorDns, name: string, why: string): WantedRecord {
  const { transport, smarthost, hostname } = config
  const own = addresses.map((address) => {
    const value = shortAddress(address)
    return value.includes(':') ? `ip6:${value}` : `ip4:${value}`
  })
  const places = transport === 'smarthost' && smarthost !== undefined ? [`a:${smarthost.host}`] : own
  const mechanisms = places.length > 0 ? places : [`a:${hostname}`]
  return { name, type: 'TXT', value: `v=spf1 ${mechanisms.join(' ')} -all`, need: 'required', why }
}

/** What others are asked to do with mail in our name, and with mail to us. */
function policies({ config: { hostname, mailDomain }, addresses, reportsTo }: OperatorDns): WantedRecord[] {
  if (isForeign(mailDomain)) return []
  const rua = reportsTo === undefined ? '' : `; rua=mailto:${reportsTo}`
  const tls: WantedRecord[] =
    reportsTo === undefined
      ? []
      : [text(`_smtp._tls.${mailDomain}`, `v=TLSRPTv1${rua}`, 'optional', 'TLS-RPT: others tell how TLS to us went')]
  return [
    text(`_dmarc.${mailDomain}`, `v=DMARC1; p=none${rua}`, 'recommended', DMARC_WHY),
    text(
      `_mta-sts.${mailDomain}`,
      `v=STSv1; id=${policyId(hostname)}`,
      'optional',
      'MTA-STS: bounces come over TLS; needs the policy below',
    ),
    ...addressRecords(`mta-sts.${mailDomain}`, addresses, 'optional', 'where the MTA-STS policy is served over HTTPS'),
    ...tls,
  ]
}

/** RFC 7489 §6.3: nothing is refused for it; to be made stricter when the reports show that all mail passes. */
export const DMARC_WHY = 'DMARC, to begin with; make it stricter (quarantine, reject) when reports show that all passes'

export function text(name: string, value: string, need: WantedRecord['need'], why: string): WantedRecord {
  return { name, type: 'TXT', value, need, why }
}
