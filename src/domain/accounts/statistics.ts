/** What became of the mail of the last two weeks, by quarters of an hour. */
import type { Scope, SendDataPoint } from '../../store/types.ts'
import type { Services } from '../context.ts'

const TWO_WEEKS_MS = 14 * 24 * 60 * 60 * 1000

/** Data points of quarters of an hour in which anything happened (SES API: GetSendStatistics). */
export async function sendStatistics(services: Services, scope: Scope): Promise<readonly SendDataPoint[]> {
  return await services.store.messages.statistics(scope, services.clock.now() - TWO_WEEKS_MS)
}
