/** What was counted of TLS, for operators. */
import { dayName, dayNamed, type TlsReport } from '../../message/reports/tls-report.ts'
import type { Services } from '../context.ts'
import { tlsReport } from './report.ts'

const DAY_MS = 86_400_000

/** The day that a text names, today for none; undefined: it names none. */
export function dayIn({ clock }: Pick<Services, 'clock'>, text: string | undefined): number | undefined {
  return text === undefined ? Math.floor(clock.now() / DAY_MS) : dayNamed(text)
}

export type CountedDomains = {
  /** `2026-01-15` */
  readonly day: string
  readonly domains: readonly {
    readonly domain: string
    readonly successes: number
    readonly failures: number
    /** The URIs that the report went to; absent while there was none. */
    readonly sentTo?: readonly string[]
  }[]
  /** For `after`; absent on the last page. */
  readonly next?: string
}

type Page = { readonly after: string | undefined; readonly limit: number }

/** Domains of a day by name, with what this process has not written yet. */
export async function countedDomains(services: Services, day: number, { after, limit }: Page): Promise<CountedDomains> {
  await services.tlsCounts.flush()
  const found = await services.store.tlsResults.domains(day, { after, limit: limit + 1 })
  const domains = found
    .slice(0, limit)
    .map(({ sentTo, ...counted }) => ({ ...counted, ...(sentTo === undefined ? {} : { sentTo }) }))
  const next = found.length > limit ? domains.at(-1)?.domain : undefined
  return { day: dayName(day), domains, ...(next === undefined ? {} : { next }) }
}

export async function reportOf(services: Services, domain: string, day: number): Promise<TlsReport | undefined> {
  await services.tlsCounts.flush()
  return tlsReport(services, domain, day)
}
