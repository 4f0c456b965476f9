/** Names and values of the DNS records that an identity needs (docs/dns.md). */
import type { Dkim, Identity } from '../../store/types.ts'
import { publicKeyOf } from './dkim-keys.ts'

export type DnsRecord = {
  readonly name: string
  readonly type: 'TXT' | 'CNAME' | 'MX'
  readonly value: string
  /** `owner`: in the DNS of the identity's domain. `operator`: in the DNS of this server's host name. */
  readonly publishedBy: 'owner' | 'operator'
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
  if (kind === 'DOMAIN' && dkim.origin === 'EXTERNAL') {
    const value = dkim.privateKeys.map((key) => `p=${publicKeyOf(key)}`).join('')
    records.push({ name: selectorName(dkim.selector ?? '', name), type: 'TXT', value, ...owner })
  }
  if (kind === 'DOMAIN' && dkim.origin !== 'EXTERNAL') {
    for (const token of dkim.tokens) {
      records.push({ name: selectorName(token, name), type: 'CNAME', value: dkimHost(token, hostname), ...owner })
    }
    dkim.privateKeys.forEach((key, index) => {
      const value = `v=DKIM1; k=rsa; p=${publicKeyOf(key)}`
      records.push({ name: dkimHost(dkim.tokens[index] ?? '', hostname), type: 'TXT', value, publishedBy: 'operator' })
    })
  }
  if (mailFrom !== null) {
    records.push({ name: mailFrom.domain, type: 'MX', value: `10 ${feedbackHost(region, hostname)}`, ...owner })
    records.push({ name: mailFrom.domain, type: 'TXT', value: `v=spf1 include:${hostname} ~all`, ...owner })
  }
  return records
}
