/** Names and values of the DNS records that an identity needs (docs/dns.md). */
import type { Dkim, DkimKey, Identity } from '../../store/types.ts'
import { isPublished } from '../dkim/ring.ts'
import { keyRecordOf, publicKeyOf } from './dkim-keys.ts'

export type DnsRecord = {
  readonly name: string
  readonly type: 'TXT' | 'CNAME' | 'MX'
  readonly value: string
  /** `owner`: in the DNS of the identity's domain. `operator`: in the DNS of this server's host name. */
  readonly publishedBy: 'owner' | 'operator'
  /** Of a key record: how far its key has come; the first one is not waited for. */
  readonly keyState?: DkimKey['state']
}

/** The zone that Easy DKIM's CNAMEs point into; v2's `SigningHostedZone`. */
export function signingHostedZone(hostname: string): string {
  return `dkim.${hostname}`
}

export function dkimHost(token: string, hostname: string): string {
  return `${token}.${signingHostedZone(hostname)}`
}

/** What both APIs call DKIM tokens: Easy DKIM's three; with the owner's key, its selector. */
export function selectorsOf({ origin, selector, tokens }: Dkim): readonly string[] {
  return origin === 'EXTERNAL' && selector !== null ? [selector] : tokens
}

/** RFC 6376 §3.6.2.1. */
export function selectorName(selector: string, domain: string): string {
  return `${selector}._domainkey.${domain}`
}

export function verificationName(domain: string): string {
  return `_amazonses.${domain}`
}

/** Where bounces to a custom MAIL FROM domain go. */
export function feedbackHost(region: string, hostname: string): string {
  return `feedback-smtp.${region}.${hostname}`
}

/** Every record that the identity needs as it is set up now, the owner's first. */
export function recordsOf({ name, kind, verification, dkim, mailFrom }: Identity, region: string, hostname: string) {
  const records: DnsRecord[] = []
  const owner = { publishedBy: 'owner' } as const
  if (kind === 'DOMAIN' && verification.byTxt) {
    records.push({ name: verificationName(name), type: 'TXT', value: verification.token, ...owner })
  }
  if (kind === 'DOMAIN') records.push(...dkimRecords(name, dkim, hostname))
  if (mailFrom !== null) {
    records.push({ name: mailFrom.domain, type: 'MX', value: `10 ${feedbackHost(region, hostname)}`, ...owner })
    records.push({ name: mailFrom.domain, type: 'TXT', value: `v=spf1 include:${hostname} ~all`, ...owner })
  }
  return records
}

/** The tokens of the present set-up, and every key that is not withdrawn; also those of a set-up that it replaces. */
function dkimRecords(name: string, { origin, tokens, keys }: Dkim, hostname: string): readonly DnsRecord[] {
  // The first is no successor: it is the domain's key.
  const isFirst = !keys.some(({ state }) => state === 'active')
  // An owner may put another key in the place of the old one, under the same name.
  const latest = [...new Map(keys.filter(isPublished).map((key) => [key.selector, key])).values()]
  const ours = latest.filter(({ publishedBy }) => publishedBy === 'operator').map(({ selector }) => selector)
  const pointers = new Set([...(origin === 'EXTERNAL' ? [] : tokens), ...ours])
  return [
    ...Array.from(pointers, (token): DnsRecord => {
      return { name: selectorName(token, name), type: 'CNAME', value: dkimHost(token, hostname), publishedBy: 'owner' }
    }),
    ...latest.map(({ selector, pem, state, publishedBy }): DnsRecord =>
      publishedBy === 'owner'
        ? {
            name: selectorName(selector, name),
            type: 'TXT',
            value: `p=${publicKeyOf(pem)}`,
            publishedBy,
            keyState: state,
          }
        : {
            name: dkimHost(selector, hostname),
            type: 'TXT',
            value: keyRecordOf(pem),
            publishedBy,
            keyState: isFirst && state === 'pending' ? 'active' : state,
          },
    ),
  ]
}
