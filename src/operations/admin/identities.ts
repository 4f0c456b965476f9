/** Admin API: marking an identity as verified. */
import type { Services } from '../../domain/context.ts'
import { markVerified } from '../../domain/identities/verification.ts'
import { fail } from '../../errors/fail.ts'
import { paramOf } from './request.ts'
import type { Route } from './route.ts'

export function identityRoutes(services: Services): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/_sesame/accounts/:account/regions/:region/identities/:identity/verify',
      access: 'admin',
      async handle(request) {
        const scope = { account: paramOf(request, 'account'), region: paramOf(request, 'region') }
        const name = paramOf(request, 'identity')
        const identity =
          (await markVerified(services, scope, name)) ??
          fail('NotFound', `Identity ${name} does not exist in account ${scope.account}, region ${scope.region}.`)
        return {
          status: 200,
          body: { identity: identity.name, type: identity.kind, verificationStatus: identity.verification.state },
        }
      },
    },
  ]
}
