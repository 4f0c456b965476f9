/** What the operator's records are made of, put together from the settings and the store. */
import type { Services } from '../context.ts'
import { platformRecords } from '../delivery/platform-key.ts'
import { type Addresses, sendingAddresses } from './addresses.ts'
import type { OperatorDns } from './operator.ts'
import { usedRegions } from './scopes.ts'

/** `given`: addresses that whoever asks has named; `reportsTo`: where reports about us are to go. */
export async function operatorDns(
  services: Services,
  given: readonly string[],
  reportsTo: string | undefined,
): Promise<{ readonly operator: OperatorDns; readonly sending: Addresses }> {
  const { config } = services
  const sending = sendingAddresses(given, config)
  const regions = await usedRegions(services)
  const platform = await platformRecords(services)
  return { operator: { config, addresses: sending.addresses, regions, platform, reportsTo }, sending }
}
