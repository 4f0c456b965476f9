/** SES v2, whole: an operation that is missing here does not compile. */
import type { V2 } from '../handlers.ts'
import { later, LATER_V2 } from '../later.ts'
import { account } from './account.ts'
import { configurationSets } from './configuration-sets.ts'
import { identities } from './identities.ts'
import { sending } from './sending.ts'

export const v2: V2 = {
  ...later(LATER_V2),
  ...account,
  ...configurationSets,
  ...identities,
  ...sending,
}
