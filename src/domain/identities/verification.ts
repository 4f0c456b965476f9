/** Verification by decree: what the admin API and the command line do for an identity. */
import type { Identity, Scope } from '../../store/types.ts'
import type { Services } from '../context.ts'
import { decreed, nextCheckOf } from './checks.ts'
import { changeIdentity } from './identity.ts'

/** Marks an identity as verified, for good: its proof is not looked for any more. Its DKIM stays what it is. */
export async function markVerified(services: Services, scope: Scope, name: string): Promise<Identity | undefined> {
  const now = services.clock.now()
  return await changeIdentity(services, scope, name, (identity) => {
    const verification = { ...identity.verification, ...decreed(now) }
    return { verification, nextCheckAt: nextCheckOf({ ...identity, verification }, now) }
  })
}
