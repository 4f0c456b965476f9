/** Admin API: the doctor's checks, made by the server itself, with its settings, resolver and machine. */
import type { Services } from '../../domain/context.ts'
import { CHECK_NAMES, examine, examineIdentities } from '../../domain/doctor/examine.ts'
import { isHostName } from '../../domain/dns/words.ts'
import { fail } from '../../errors/fail.ts'
import { addressesIn, identityPageIn } from './dns-query.ts'
import { wordIn } from './request.ts'
import type { Route } from './route.ts'

const MOST_CALLEES = 8

/**
 * `GET /_sesame/doctor?address&skip&port25&ntp`: the server and its machine. `GET /_sesame/doctor/identities?address&…`:
 * the records of identities, by pages as `/_sesame/dns/identities` has them.
 */
export function doctorRoutes(services: Services): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/_sesame/doctor',
      access: 'admin',
      async handle({ query }) {
        const options = {
          addresses: addressesIn(query),
          skip: skipIn(query),
          callees: calleesIn(query),
          ntp: wordIn(query, 'ntp'),
        }
        return { status: 200, body: { findings: await examine(services, options) } }
      },
    },
    {
      method: 'GET',
      path: '/_sesame/doctor/identities',
      access: 'admin',
      async handle({ query }) {
        const { items, next } = await examineIdentities(services, identityPageIn(query), addressesIn(query))
        const identities = items.map(({ scope, identity, findings }) => ({
          account: scope.account,
          region: scope.region,
          identity: identity.name,
          findings,
        }))
        return { status: 200, body: { identities, ...(next === undefined ? {} : { next }) } }
      },
    },
  ]
}

function skipIn(query: URLSearchParams): readonly string[] {
  const skip = query.getAll('skip')
  const stranger = skip.find((name) => !CHECK_NAMES.includes(name))
  if (stranger !== undefined) {
    fail('Validation', `There is no check ${JSON.stringify(stranger)}; there are ${CHECK_NAMES.join(', ')}.`)
  }
  return skip
}

function calleesIn(query: URLSearchParams): readonly string[] {
  const callees = query.getAll('port25')
  const wrong = callees.find((name) => !isHostName(name))
  if (wrong !== undefined) fail('Validation', `${JSON.stringify(wrong)} is no host name.`)
  if (callees.length > MOST_CALLEES) fail('Validation', `There are more than ${MOST_CALLEES} hosts to call.`)
  return callees
}
