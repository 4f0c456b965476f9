/** DANE for SMTP (RFC 7672): certificates that DNSSEC vouches for. */
import { createHash, X509Certificate } from 'node:crypto'
import type { Dns, TlsState, Tlsa } from '../platform/platform.ts'

/** `none`: DANE is not in use there; `temporary`: nobody can say, so that the host is not to be used now (§2.1.1). */
export type DaneFinding =
  | { readonly kind: 'none' }
  | { readonly kind: 'temporary'; readonly reason: string }
  | { readonly kind: 'records'; readonly records: readonly Tlsa[] }

const PKIX_TA_AND_EE_ARE_UNUSABLE = new Set([2, 3])
const TRUST_ANCHOR = 2
/** More records than any roll-over has. */
const MAX_RECORDS = 50

/** The TLSA records of a host whose address records were authenticated. Without DNSSEC's word there is no DANE. */
export async function findTlsa(dns: Dns, host: string, port: number): Promise<DaneFinding> {
  const answer = await dns.tlsa(`_${port}._tcp.${host}`)
  if (answer.kind === 'temporary') return { kind: 'temporary', reason: answer.reason }
  if (answer.kind === 'none' || !answer.isAuthentic) return { kind: 'none' }
  return { kind: 'records', records: answer.records.slice(0, MAX_RECORDS) }
}

/** Those that SMTP can use (§3.1.3); where none is, TLS is a must all the same, without a look at the certificate. */
export function usable(records: readonly Tlsa[]): readonly Tlsa[] {
  return records.filter(
    ({ usage, selector, matchingType }) => PKIX_TA_AND_EE_ARE_UNUSABLE.has(usage) && selector <= 1 && matchingType <= 2,
  )
}

/**
 * What is wrong with what a host presented; null: a record matches it. 3 x x: the host's own certificate, whatever its
 * name and dates (§3.1.1). 2 x x: an authority in its chain, which must have signed it, for one of `names` (§3.1.2).
 */
export function judgeByDane(
  records: readonly Tlsa[],
  names: readonly string[],
  now: number,
  state: TlsState,
): string | null {
  const chain = certificates(state)
  const [own] = chain
  if (own === undefined) return 'no certificate'
  const isGood = usable(records).some((record) =>
    record.usage === TRUST_ANCHOR ? isAnchored(record, chain, names, now) : matches(record, own),
  )
  return isGood ? null : 'no TLSA record matches'
}

function certificates(state: TlsState): X509Certificate[] {
  try {
    return state.chain().map((der) => new X509Certificate(der))
  } catch {
    // What the platform took for a certificate, but is none.
    return []
  }
}

function matches({ selector, matchingType, data }: Tlsa, certificate: X509Certificate): boolean {
  const octets = selector === 0 ? certificate.raw : certificate.publicKey.export({ type: 'spki', format: 'der' })
  if (matchingType === 0) return octets.equals(data)
  return createHash(matchingType === 1 ? 'sha256' : 'sha512')
    .update(octets)
    .digest()
    .equals(data)
}

function isAnchored(record: Tlsa, chain: readonly X509Certificate[], names: readonly string[], now: number): boolean {
  const anchor = chain.findIndex((each, index) => matches(record, each) && (index === 0 || each.ca))
  if (anchor < 0) return false
  const path = chain.slice(0, anchor + 1)
  const isSigned = path.every((each, index) => {
    const issuer = path[index + 1]
    return issuer === undefined || (issuer.ca && each.checkIssued(issuer) && each.verify(issuer.publicKey))
  })
  const isInTime = path.every((each) => each.validFromDate.getTime() <= now && now <= each.validToDate.getTime())
  return isSigned && isInTime && names.some((name) => path[0]?.checkHost(name) !== undefined)
}

/** `3 1 1 0123…`, for reports. */
export function tlsaLine({ usage, selector, matchingType, data }: Tlsa): string {
  return `${usage} ${selector} ${matchingType} ${data.toString('hex')}`
}
