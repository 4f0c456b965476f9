/** The TLS report of a domain and a day, out of what was counted (RFC 8460). */
import { buildTlsReport, type TlsReport } from '../../message/reports/tls-report.ts'
import type { Services } from '../context.ts'
import { isForeign } from '../foreign.ts'

/** Under which domain we report. Where mail goes out under SES's own, the host name has to do. */
export function submitterOf({ config }: Pick<Services, 'config'>): string {
  return isForeign(config.mailDomain) ? config.hostname : config.mailDomain
}

/** undefined: nothing was counted of it. `day`: since the epoch, in UTC. */
export async function tlsReport(services: Services, domain: string, day: number): Promise<TlsReport | undefined> {
  const sessions = await services.store.tlsResults.find(day, domain)
  if (sessions.length === 0) return undefined
  const submitter = submitterOf(services)
  return buildTlsReport({ domain, day, submitter, contact: `postmaster@${submitter}`, sessions })
}
