/** SES v1, whole: an operation that is missing here does not compile. */
import type { V1 } from '../handlers.ts'
import { later, LATER_V1 } from '../later.ts'
import { account } from './account.ts'
import { configurationSets } from './configuration-sets.ts'
import { identities } from './identities.ts'
import { sending } from './sending.ts'

export const v1: V1 = {
  ...later(LATER_V1),
  ...account,
  ...configurationSets,
  ...identities,
  ...sending,
}
