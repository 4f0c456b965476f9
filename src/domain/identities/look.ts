/** One look at the records of one identity, and what it means for it. */
import type { Check, Dkim, DkimKey, Identity, Scope } from '../../store/types.ts'
import type { Services } from '../context.ts'
import { domainFinding, type Finding, isSearched, judge, LINK_MS, nextCheckOf } from './checks.ts'
import { pendingKeys } from '../dkim/ring.ts'
import { findPrimary, takenOver } from './dkim-origins.ts'
import { tendKeys, wantedAlgorithms } from './dkim-rotation.ts'
import { ownersKey, withFoundKeys } from './dkim-state.ts'
import { type Change, changeIdentity } from './identity.ts'
import { findDkimRecords, findMailFromRecord, findPendingKeys, findVerificationRecord } from './lookups.ts'
import { tellChanges } from './state-notices.ts'

/** What a look found of each proof; undefined: not looked for. */
type Findings = {
  readonly txt: Finding | undefined
  readonly dkim: Finding | undefined
  readonly mailFrom: Finding | undefined
  /** Keys that are waited for, and there. */
  readonly keys: ReadonlySet<string>
}

/** Looks for the records of an identity as it was `seen`, and writes what that means, unless it was set up anew meanwhile. */
export async function lookAt(services: Services, scope: Scope, seen: Identity): Promise<void> {
  // What is found is true of the time of asking: whatever is published later is for the next look.
  const now = services.clock.now()
  const { dkim, broken } = await currentDkim(services, scope, seen)
  const findings = await find(services, scope, { ...seen, dkim }, broken)
  let before = seen
  const after = await changeIdentity(services, scope, seen.name, (present) => {
    before = present
    if (!isSameSearch(present, seen)) return undefined
    const current = dkim === seen.dkim ? present.dkim : { ...present.dkim, ...takenOver(dkim) }
    return judged(services, { ...present, dkim: current }, findings, now)
  })
  if (after === undefined) return
  await tellChanges(services, scope, before, after)
  // So that the key is there, and its record can be published, before the first mail is signed.
  await tendKeys(services, scope, after.name, after.dkim)
}

/** A replica has what its primary has now. `broken`: why it has not. */
async function currentDkim(services: Services, scope: Scope, { name, dkim }: Identity) {
  if (dkim.origin === 'AWS_SES' || dkim.origin === 'EXTERNAL' || !isSearched(dkim)) return { dkim, broken: undefined }
  const primary = await findPrimary(services, scope, name, dkim)
  return primary.ok
    ? { dkim: { ...dkim, ...takenOver(primary.dkim) }, broken: undefined }
    : { dkim, broken: { kind: 'missing', error: primary.error } as const }
}

async function find(
  services: Services,
  { region }: Scope,
  identity: Identity,
  broken: Finding | undefined,
): Promise<Findings> {
  const { dns, log, config } = services
  const { name, kind, verification, dkim, mailFrom } = identity
  const isDomain = kind === 'DOMAIN'
  try {
    const isWaiting = isDomain && isSearched(dkim) && pendingKeys(dkim.keys).length > 0
    const [txt, foundDkim, foundMailFrom, keys] = await Promise.all([
      isDomain && verification.byTxt && isSearched(verification) ? findVerificationRecord(dns, identity) : undefined,
      broken ?? (isDomain && isSearched(dkim) ? findDkimRecords(dns, name, dkim, config.hostname) : undefined),
      mailFrom !== null && isSearched(mailFrom)
        ? findMailFromRecord(dns, mailFrom, region, config.hostname)
        : undefined,
      isWaiting ? findPendingKeys(dns, name, dkim) : NO_KEYS,
    ])
    return { txt, dkim: foundDkim, mailFrom: foundMailFrom, keys }
  } catch (error) {
    log.error('the records of an identity could not be looked for', { identity: name, error })
    const failed: Finding = { kind: 'temporary', error: 'SERVICE_ERROR' }
    return { txt: failed, dkim: failed, mailFrom: failed, keys: NO_KEYS }
  }
}

const NO_KEYS: ReadonlySet<string> = new Set()

/** Whether what was looked for is what is to be found now. */
function isSameSearch(one: Identity, other: Identity): boolean {
  return (
    one.verification.token === other.verification.token &&
    one.mailFrom?.domain === other.mailFrom?.domain &&
    isSameDkim(one.dkim, other.dkim)
  )
}

function isSameDkim(one: Dkim, other: Dkim): boolean {
  const isSameOwn = one.selector === other.selector && ownersKey(one)?.pem === ownersKey(other)?.pem
  return (
    one.origin === other.origin && one.tokens.join() === other.tokens.join() && (one.origin !== 'EXTERNAL' || isSameOwn)
  )
}

function judged({ config }: Services, identity: Identity, findings: Findings, now: number): Change {
  const algorithms = wantedAlgorithms(config)
  const rules = {
    isShown: ({ pem }: DkimKey) => findings.keys.has(pem),
    isWanted: ({ algorithm }: DkimKey) => algorithms.includes(algorithm),
  }
  const dkim = withFoundKeys(looked(identity.dkim, findings.dkim, now), rules, now)
  const mailFrom = identity.mailFrom && looked(identity.mailFrom, findings.mailFrom, now)
  const verification =
    identity.kind === 'DOMAIN'
      ? looked(identity.verification, domainFinding(identity.verification, findings.txt, dkim), now)
      : withinTime(identity.verification, now)
  return { verification, dkim, mailFrom, nextCheckAt: nextCheckOf({ ...identity, verification, dkim, mailFrom }, now) }
}

function looked<C extends Check>(check: C, finding: Finding | undefined, now: number): C {
  return finding !== undefined && isSearched(check) ? judge(check, finding, now) : check
}

/** An address whose link was not opened in time has failed. */
function withinTime<C extends Check>(verification: C, now: number): C {
  const isOver = verification.state === 'PENDING' && now - verification.since >= LINK_MS
  return isOver ? { ...verification, state: 'FAILED' } : verification
}
