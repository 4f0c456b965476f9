/** What one process does for all with TLS results and policies: keeps them in bounds, and sends the reports. */
import { once } from '../../platform/once.ts'
import type { Services } from '../context.ts'
import { signsForPlatform } from '../delivery/platform-domain.ts'
import type { PostReport } from './send.ts'

const EVERY_MS = 900_000
const DAY_MS = 86_400_000
/** Policies of others that are kept: as many as any sender meets, some 15 MB, and 3 GB if all were made to hurt. */
const MOST_POLICIES = 50_000

export type TlsTask = {
  /** Settles when nothing of it runs any more. */
  stop(): Promise<void>
}

const sending = once(async () => import('./send.ts'))

/** Runs from now on, every quarter of an hour of SES's time. */
export function startTlsTask(services: Services, post: PostReport): TlsTask {
  const { config, clock, wallClock, log, store, tlsCounts, tasks } = services
  // RFC 8460 §3: mail with a report is to be signed, by the domain that reports.
  const isSending = config.tlsReports && signsForPlatform(config)
  if (config.tlsReports && !isSending) {
    log.warn('TLS reports are not sent: --mail-domain is not a domain of ours that could sign them')
  }
  const state = { isStopped: false }

  /** Piece by piece, for others write too. */
  async function untilDone(remove: () => Promise<boolean>): Promise<void> {
    for (let isMore = true; isMore && !state.isStopped;) isMore = await remove()
  }

  async function run(): Promise<void> {
    const before = Math.floor(clock.now() / DAY_MS) - config.retentionTlsDays
    if (config.retentionTlsDays > 0) await untilDone(() => store.tlsResults.removeBefore(before))
    // Policies live in real time, as connections do.
    await untilDone(() => store.stsPolicies.trim(wallClock.now(), MOST_POLICIES))
    if (!isSending || state.isStopped) return
    await tlsCounts.flush()
    const { sendDueReports } = await sending()
    await sendDueReports(services, post, () => state.isStopped)
  }

  // Under another name, so that a process that sends none does not keep one that would from it.
  const task = tasks.runAlone(isSending ? 'tls reports' : 'tls upkeep', EVERY_MS, run)
  return {
    async stop() {
      state.isStopped = true
      await task.stop()
    },
  }
}
