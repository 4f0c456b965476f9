/** Looking for the records by which a domain is proved (docs/dns.md says what each is for). */
import type { Dns, DnsAnswer } from '../../platform/platform.ts'
import type { Dkim, DkimKey, Identity, MailFrom } from '../../store/types.ts'
import { pendingKeys } from '../dkim/ring.ts'
import type { Finding } from './checks.ts'
import { keyRecordHolds, publicKeyOf } from './dkim-keys.ts'
import { ownersKey } from './dkim-state.ts'
import { dkimHost, feedbackHost, selectorName, verificationName } from './records.ts'

const FOUND: Finding = { kind: 'found' }

/** v1's proof: `_amazonses.DOMAIN` holds the token. */
export async function findVerificationRecord(dns: Dns, { name, verification }: Identity): Promise<Finding> {
  return finding(await dns.txt(verificationName(name)), (records) => records.includes(verification.token))
}

/** Easy DKIM: three CNAMEs that point to us; BYODKIM: one TXT with the public key. */
export async function findDkimRecords(dns: Dns, domain: string, dkim: Dkim, hostname: string): Promise<Finding> {
  if (dkim.origin !== 'EXTERNAL') {
    const found = await Promise.all(dkim.tokens.map((token) => findCname(dns, domain, token, hostname)))
    return together(found)
  }
  const key = ownersKey(dkim)
  return key === undefined ? { kind: 'missing', error: 'INVALID_VALUE' } : await findKey(dns, domain, key)
}

/** The private keys among those that are waited for whose records others can see. */
export async function findPendingKeys(dns: Dns, domain: string, { keys }: Dkim): Promise<ReadonlySet<string>> {
  const looked = await Promise.all(
    pendingKeys(keys).map(async (key) => ((await findKey(dns, domain, key)).kind === 'found' ? [key.pem] : [])),
  )
  return new Set(looked.flat())
}

/** Where it stands under the domain's own name, for that is where receivers look; CNAMEs are followed. */
export async function findKey(dns: Dns, domain: string, { selector, pem }: DkimKey): Promise<Finding> {
  const publicKey = publicKeyOf(pem)
  const answer = await dns.txt(selectorName(selector, domain))
  return finding(answer, (records) => records.some((record) => keyRecordHolds(record, publicKey)))
}

async function findCname(dns: Dns, domain: string, token: string, hostname: string): Promise<Finding> {
  const target = dkimHost(token, hostname)
  return finding(await dns.cname(selectorName(token, domain)), (records) =>
    records.some((name) => sameName(name, target)),
  )
}

/** Exactly one MX, and that is ours: with several the setup fails (SES guide: "Using a custom MAIL FROM domain"). */
export async function findMailFromRecord(
  dns: Dns,
  { domain }: MailFrom,
  region: string,
  hostname: string,
): Promise<Finding> {
  const target = feedbackHost(region, hostname)
  return finding(await dns.mx(domain), ([first, ...others]) => {
    return first !== undefined && others.length === 0 && sameName(first.exchange, target)
  })
}

function finding<T>(answer: DnsAnswer<T>, holds: (records: readonly T[]) => boolean): Finding {
  switch (answer.kind) {
    case 'found':
      return holds(answer.records) ? FOUND : { kind: 'missing', error: 'INVALID_VALUE' }
    case 'none':
      return { kind: 'missing', error: answer.why === 'no-such-host' ? 'HOST_NOT_FOUND' : 'TYPE_NOT_FOUND' }
    case 'temporary':
    default:
      return { kind: 'temporary', error: 'DNS_SERVER_ERROR' }
  }
}

/** All must be there: one that is missing for certain outweighs one that could not be asked for. */
function together(findings: readonly Finding[]): Finding {
  return findings.find(({ kind }) => kind === 'missing') ?? findings.find(({ kind }) => kind === 'temporary') ?? FOUND
}

function sameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}
