/** Admin API: how connections to others went as to TLS, as their owners are told (RFC 8460). */
import type { Services } from '../../domain/context.ts'
import { countedDomains, dayIn, reportOf } from '../../domain/tls-reports/reading.ts'
import { fail } from '../../errors/fail.ts'
import { countIn, paramOf, wordIn } from './request.ts'
import { errorReply, type Route } from './route.ts'

const PAGE = { least: 1, most: 1000, ordinary: 100 }

/**
 * `GET /_sesame/tls-reports?day&limit&after`: the domains of a day. `GET /_sesame/tls-reports/{domain}?day`: the report of one.
 * `day`: `2026-01-15`, in UTC; today unless given.
 */
export function tlsReportRoutes(services: Services): readonly Route[] {
  const dayOf = (query: URLSearchParams) =>
    dayIn(services, wordIn(query, 'day')) ?? fail('Validation', 'day is no date like 2026-01-15.')
  return [
    {
      method: 'GET',
      path: '/_sesame/tls-reports',
      access: 'admin',
      async handle({ query }) {
        const page = { after: wordIn(query, 'after')?.toLowerCase(), limit: countIn(query, 'limit', PAGE) }
        return { status: 200, body: await countedDomains(services, dayOf(query), page) }
      },
    },
    {
      method: 'GET',
      path: '/_sesame/tls-reports/:domain',
      access: 'admin',
      async handle(request) {
        const domain = paramOf(request, 'domain').toLowerCase()
        const report = await reportOf(services, domain, dayOf(request.query))
        if (report === undefined) return errorReply(404, 'NotFound', `Nothing was counted of ${domain} on that day.`)
        return { status: 200, body: report }
      },
    },
  ]
}
