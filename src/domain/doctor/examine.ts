/** The doctor: all checks of the server, its names and its machine, and those of identities. */
import { realMachine } from '../../platform/machine.ts'
import type { Services } from '../context.ts'
import { sendingAddresses } from '../dns/addresses.ts'
import { operatorDns } from '../dns/operator-dns.ts'
import { identityDns, type IdentityDns } from '../dns/identities.ts'
import { operatorRecords } from '../dns/operator.ts'
import type { IdentityPage } from '../dns/scopes.ts'
import { checkBlocklists } from './blocklists.ts'
import { checkCertificate } from './certificate.ts'
import { checkClock } from './clock.ts'
import { checkDisk } from './disk.ts'
import { checkDnssec } from './dnssec.ts'
import type { Check, Exam } from './exam.ts'
import { type Finding, reporter } from './finding.ts'
import { checkHostname } from './hostname.ts'
import { checkMtaSts } from './policies.ts'
import { checkInbound, checkOutbound } from './ports.ts'
import { checkRecord, type Place } from './published.ts'
import { checkReverse } from './reverse.ts'

/** By the names that they are skipped by, in the order in which they are told. */
const CHECKS = {
  hostname: checkHostname,
  ptr: checkReverse,
  records: checkRecords,
  'mta-sts': checkMtaSts,
  dnssec: checkDnssec,
  port25: checkOutbound,
  inbound: checkInbound,
  blocklists: checkBlocklists,
  certificate: checkCertificate,
  clock: checkClock,
  disk: checkDisk,
} as const satisfies Record<string, Check>

export const CHECK_NAMES = Object.keys(CHECKS)

export type ExamOptions = Pick<Exam, 'callees' | 'ntp'> & {
  readonly addresses: readonly string[]
  readonly skip: readonly string[]
}

/** Every check that is not skipped, side by side; one that fails by itself is told as a finding. */
export async function examine(
  services: Services,
  options: ExamOptions,
  machine = realMachine,
): Promise<readonly Finding[]> {
  const { config, dns } = services
  const { operator } = await operatorDns(services, options.addresses, undefined)
  const sendsFrom = visible(config, operator.addresses)
  const { callees, ntp } = options
  const exam: Exam = { ...services, dns: dns.fresh(), operator, sendsFrom, machine, callees, ntp }
  const wanted = Object.entries(CHECKS).filter(([name]) => !options.skip.includes(name))
  const findings = await Promise.all(wanted.map(([name, check]) => guarded(exam, name, check)))
  return findings.flat()
}

/** A smarthost stands before our own. */
function visible({ transport }: Exam['config'], addresses: readonly string[]): readonly string[] {
  return transport === 'smarthost' ? [] : addresses
}

async function guarded(exam: Exam, name: string, check: Check): Promise<readonly Finding[]> {
  try {
    return await check(exam)
  } catch (error) {
    exam.log.warn('a check of the doctor failed', { check: name, error })
    const found = error instanceof Error ? error.message : String(error)
    return [reporter(name).warning('the check itself', `failed: ${found}`, 'That is a bug: report it, with the log.')]
  }
}

async function checkRecords({ operator, dns, sendsFrom }: Exam): Promise<readonly Finding[]> {
  // The host of the MTA-STS policy is only needed with its record, and looked at with it.
  const records = operatorRecords(operator).filter(({ name }) => !name.startsWith('mta-sts.'))
  const place = { dns, addresses: sendsFrom }
  const found = await Promise.all(records.map((record) => checkRecord(place, record)))
  return found.filter((each) => each !== undefined)
}

export type IdentityFindings = Pick<IdentityDns, 'scope' | 'identity'> & { readonly findings: readonly Finding[] }

/** Each has some six questions to DNS. */
const AT_ONCE = 8

/** A page of identities, with what became of their records. */
export async function examineIdentities(
  services: Services,
  page: IdentityPage,
  given: readonly string[],
): Promise<{ readonly items: readonly IdentityFindings[]; readonly next: string | undefined }> {
  const { items, next } = await identityDns(services, page)
  const { config, dns } = services
  const { addresses } = sendingAddresses(given, config)
  const place = { dns: dns.fresh(), addresses: visible(config, addresses) }
  const found: IdentityFindings[] = []
  for (let start = 0; start < items.length; start += AT_ONCE) {
    found.push(...(await Promise.all(items.slice(start, start + AT_ONCE).map((each) => examineOne(place, each)))))
  }
  return { items: found, next }
}

async function examineOne(place: Place, { scope, identity, records }: IdentityDns): Promise<IdentityFindings> {
  // What was never there is for its owner to do; what mail depends on already must not go away.
  const isUsed = identity.verification.state === 'SUCCESS'
  const found = await Promise.all(
    records.map((record) =>
      checkRecord(place, record, record.publishedBy === 'operator' || isUsed ? 'problem' : 'warning'),
    ),
  )
  return { scope, identity, findings: found.filter((each) => each !== undefined) }
}
