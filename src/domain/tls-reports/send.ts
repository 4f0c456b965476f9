/** Sends the TLS reports of days that are over to whoever asks for them by `_smtp._tls.DOMAIN` (RFC 8460 §3, §5). */
import { hash } from 'node:crypto'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { parseMailbox } from '../../message/addresses.ts'
import type { TlsReport } from '../../message/reports/tls-report.ts'
import { buildTlsReportMail } from '../../message/reports/tls-report-mail.ts'
import { reportAddresses, type ReportTo } from '../../message/reports/tls-rua.ts'
import { DEFAULT_REGION } from '../accounts/regions.ts'
import type { Services } from '../context.ts'
import { acceptLetter } from '../sending/accept.ts'
import { TLS_REPORT } from './count.ts'
import { submitterOf, tlsReport } from './report.ts'

/** Posts a report to a stranger's server; the text says what was wrong. */
export type PostReport = (url: URL, report: Uint8Array) => Promise<string | undefined>

const DAY_MS = 86_400_000
/** Longer than any node takes to write what it counted. */
const AFTER_MIDNIGHT_MS = 300_000
/** RFC 8460 §4.1: not everybody's at midnight. */
const SPREAD_MS = 4 * 3_600_000
/** A report that was not sent by the end of another day is not sent any more. */
const DAYS_BACK = 2
const PAGE = 100
const AT_ONCE = 8
/** After which whoever was sending a report is taken to be dead, or its receiver to be worth another call. */
const LEASE_MS = 3_600_000

const compress = promisify(gzip)

/** Sends what is due. It may run on two processes at once. */
export async function sendDueReports(services: Services, post: PostReport, isStopped: () => boolean): Promise<void> {
  const today = Math.floor(services.clock.now() / DAY_MS)
  for (let day = today - DAYS_BACK; day < today; day++) await sendReportsOf(services, post, day, isStopped)
}

async function sendReportsOf(services: Services, post: PostReport, day: number, isStopped: () => boolean) {
  let after = ''
  while (!isStopped()) {
    const page = await services.store.tlsResults.unreported(day, { after, limit: PAGE })
    const due = page.filter((domain) => services.clock.now() >= dueAt(services, domain, day))
    for (let at = 0; at < due.length && !isStopped(); at += AT_ONCE) {
      await Promise.all(due.slice(at, at + AT_ONCE).map((domain) => sendReport(services, post, domain, day)))
    }
    if (page.length < PAGE) return
    after = page.at(-1) ?? after
  }
}

function dueAt({ config }: Services, domain: string, day: number): number {
  const chance = Number.parseInt(hash('sha256', `${config.hostname} ${domain}`).slice(0, 8), 16) / 2 ** 32
  return (day + 1) * DAY_MS + AFTER_MIDNIGHT_MS + Math.floor(chance * SPREAD_MS)
}

/** One domain; whatever goes wrong is nobody else's, and is tried again later. */
async function sendReport(services: Services, post: PostReport, domain: string, day: number): Promise<void> {
  const { dns, store, clock, log } = services
  try {
    const answer = await dns.txt(`_smtp._tls.${domain}`)
    if (answer.kind === 'temporary') return
    const wanted = answer.kind === 'found' ? reportAddresses(answer.records) : []
    if (wanted.length > 0 && !(await store.tlsResults.claim({ day, domain, now: clock.now(), leaseMs: LEASE_MS })))
      return
    const report = wanted.length === 0 ? undefined : await tlsReport(services, domain, day)
    const sentTo = report === undefined ? [] : await sendTo(services, post, { wanted, domain, day, report })
    // Where no server took it, it stays ours for a while, and is tried again then.
    if (sentTo.length > 0 || report === undefined) await store.tlsResults.reported(day, domain, sentTo)
  } catch (error) {
    log.warn('a TLS report could not be sent', { domain, error })
  }
}

type Sending = {
  readonly wanted: readonly ReportTo[]
  readonly domain: string
  readonly day: number
  readonly report: TlsReport
}

/** Gives the URIs that took it; mail has it taken when it is in the queue. */
async function sendTo(services: Services, post: PostReport, sending: Sending): Promise<readonly string[]> {
  const compressed = await compress(JSON.stringify(sending.report))
  const sentTo: string[] = []
  for (const to of sending.wanted) {
    if (to.kind === 'mailto') {
      await mail(services, sending, to, compressed)
      sentTo.push(to.uri)
      continue
    }
    const problem = await post(to.url, compressed)
    if (problem === undefined) sentTo.push(to.uri)
    else services.log.info('a TLS report was not taken', { domain: sending.domain, uri: to.uri, problem })
  }
  return sentTo
}

async function mail(
  services: Services,
  { domain, day, report }: Sending,
  { mailbox: to }: ReportTo & { readonly kind: 'mailto' },
  compressed: Uint8Array,
): Promise<void> {
  const submitter = submitterOf(services)
  const from = parseMailbox(`tls-reports@${submitter}`)
  if (!from.ok) return
  await acceptLetter(
    services,
    { account: services.config.accountId, region: DEFAULT_REGION },
    {
      surface: 'system',
      operation: TLS_REPORT,
      isRaw: true,
      source: from.value,
      sourceArn: null,
      // Not the null path, which such addresses have no reason to take mail from: what comes back ends in an event.
      returnPath: () => from.value.address,
      feedbackAddress: '',
      configurationSet: null,
      tags: [],
      automaticTags: { 'ses:operation': [TLS_REPORT] },
      recipients: [{ mailbox: to, field: 'to' }],
      message: buildTlsReportMail({
        from: from.value.address,
        to: to.address,
        domain,
        day,
        submitter,
        report,
        compressed,
      }),
      tenantName: null,
      listManagement: null,
    },
  )
}
