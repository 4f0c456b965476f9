/** The platform's DKIM keys over time: what is old is replaced, and what DNS shows begins to sign. */
import { fail } from '../../errors/fail.ts'
import type { DkimKey } from '../../store/types.ts'
import type { Services } from '../context.ts'
import { activated, type Algorithm, hasKey, isDue, pendingKeys, retired, type Ring, swept } from '../dkim/ring.ts'
import { rotationMs, wantedAlgorithms } from '../identities/dkim-rotation.ts'
import { findKey } from '../identities/lookups.ts'
import { signsForPlatform } from './platform-domain.ts'
import { changePlatformRing, forgetFirstKey, hasPlatformKeys, makePlatformKey, platformRing } from './platform-key.ts'

/** More than a rotation a week leaves published, so that nobody fills DNS by asking again and again. */
const MOST_KEYS = 8

/** One look at the platform's keys, and what is to be done about them. Nothing while none was ever needed. */
export async function tendPlatformKeys(services: Services): Promise<void> {
  const { config, clock } = services
  if (!signsForPlatform(config) || !(await hasPlatformKeys(services))) return
  const wanted = wantedAlgorithms(config)
  const shown = await shownOf(services, pendingKeys(await platformRing(services)))
  const ring = await changePlatformRing(services, (present) => {
    const now = clock.now()
    const found = activated(present, ({ pem }) => shown.has(pem), now)
    return swept(
      retired(found, ({ algorithm }) => !wanted.includes(algorithm), now),
      now,
    )
  })
  await forgetFirstKey(services, ring)
  const missing = wanted.filter(
    (algorithm) => !hasKey(ring, algorithm) || isDue(ring, algorithm, clock.now(), rotationMs(config)),
  )
  for (const algorithm of missing) await addKey(services, algorithm)
}

/**
 * Begins to replace the platform's key now, whatever its age; where that is under way already nothing changes. Throws
 * InvalidParameterValue where the platform does not sign with such a key, or has too many.
 */
export async function rotatePlatformKeys(services: Services, algorithm: Algorithm): Promise<Ring> {
  const ring = await platformRing(services)
  const isSigning = ring.some((key) => key.algorithm === algorithm && key.state === 'active')
  if (!isSigning) fail('InvalidParameterValue', 'The platform does not sign with such a key.')
  if (ring.length >= MOST_KEYS) {
    fail('InvalidParameterValue', `There are ${ring.length} keys: the oldest is withdrawn 8 days after its last use.`)
  }
  return await addKey(services, algorithm)
}

async function addKey(services: Services, algorithm: Algorithm): Promise<Ring> {
  const key = await makePlatformKey(services, algorithm)
  return await changePlatformRing(services, (ring) => {
    const isWaiting = pendingKeys(ring).some((each) => each.algorithm === algorithm)
    return isWaiting || ring.length >= MOST_KEYS ? ring : [...ring, key]
  })
}

async function shownOf({ dns, config }: Services, keys: readonly DkimKey[]): Promise<ReadonlySet<string>> {
  const looked = await Promise.all(
    keys.map(async (key) => ((await findKey(dns, config.mailDomain, key)).kind === 'found' ? [key.pem] : [])),
  )
  return new Set(looked.flat())
}
