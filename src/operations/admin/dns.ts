/** Admin API: every DNS record that the operator and the owners of identities have to publish. */
import type { Services } from '../../domain/context.ts'
import { operatorDns } from '../../domain/dns/operator-dns.ts'
import { identityDns, type IdentityDns } from '../../domain/dns/identities.ts'
import { policyText } from '../../domain/dns/mta-sts.ts'
import { FEEDBACK_LOOPS, notesOf } from '../../domain/dns/notes.ts'
import { delegation, isWithin, operatorRecords } from '../../domain/dns/operator.ts'
import { isForeign } from '../../domain/foreign.ts'
import type { WantedRecord } from '../../domain/dns/records.ts'
import { addressesIn, identityPageIn, mailboxIn } from './dns-query.ts'
import { errorReply, type Route } from './route.ts'

/**
 * `GET /_sesame/dns?address&reports`: the operator's records. `GET /_sesame/dns/identities?account&region&identity&after&limit`:
 * those of identities, and the operator's keys for them.
 */
export function dnsRoutes(services: Services): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/_sesame/dns',
      access: 'admin',
      handle: async ({ query }) => ({ status: 200, body: await operatorView(services, query) }),
    },
    {
      method: 'GET',
      path: '/_sesame/dns/identities',
      access: 'admin',
      async handle({ query }) {
        const { items, next } = await identityDns(services, identityPageIn(query))
        return {
          status: 200,
          body: {
            identities: items.map((each) => view(each, services.config.dnsZone)),
            ...(next === undefined ? {} : { next }),
          },
        }
      },
    },
    {
      method: 'GET',
      path: '/.well-known/mta-sts.txt',
      access: 'public',
      async handle() {
        const { mailDomain, hostname } = services.config
        if (isForeign(mailDomain))
          return errorReply(404, 'NotFound', 'There is no MTA-STS policy for this mail domain.')
        return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: policyText(hostname) }
      },
    },
  ]
}

async function operatorView(services: Services, query: URLSearchParams): Promise<object> {
  const { config } = services
  const reportsTo = mailboxIn(query, 'reports')
  const { operator, sending } = await operatorDns(services, addressesIn(query), reportsTo)
  return {
    hostname: config.hostname,
    mailDomain: config.mailDomain,
    addresses: sending.addresses,
    addressesFrom: sending.from,
    records: published(config.dnsZone, sending.addresses, operatorRecords(operator)),
    ...(isForeign(config.mailDomain) ? {} : { mtaStsPolicy: policyText(config.hostname) }),
    notes: notesOf(config, sending, reportsTo),
    feedbackLoops: FEEDBACK_LOOPS,
  }
}

/** Without what the server answers for itself; with what leads others to it. */
function published(zone: string | undefined, addresses: readonly string[], records: readonly WantedRecord[]) {
  if (zone === undefined) return records
  return [...delegation(zone, addresses), ...records.filter(({ name }) => !isWithin(name, zone))]
}

function view({ scope, identity, records: all }: IdentityDns, zone: string | undefined) {
  const records = all.filter((each) => each.publishedBy === 'owner' || zone === undefined || !isWithin(each.name, zone))
  return { account: scope.account, region: scope.region, identity: identity.name, kind: identity.kind, records }
}
