/** Admin API: the DKIM keys that are made here, those of the platform and those of identities: to see them, and to have them replaced. */
import type { Services } from '../../domain/context.ts'
import { platformRing } from '../../domain/delivery/platform-key.ts'
import { rotatePlatformKeys } from '../../domain/delivery/platform-rotation.ts'
import type { Algorithm, Ring } from '../../domain/dkim/ring.ts'
import { rotateKeys } from '../../domain/identities/dkim-rotation.ts'
import { requireIdentity } from '../../domain/identities/identity.ts'
import { bodyOf, choiceOf, paramOf } from './request.ts'
import type { Route } from './route.ts'

type Request = Parameters<Route['handle']>[0]

const OF_IDENTITY = '/_sesame/accounts/:account/regions/:region/identities/:identity/dkim'

/** `POST …/rotate` `{algorithm?}`: `rsa` unless it says `ed25519`. */
export function dkimRoutes(services: Services): readonly Route[] {
  const { mailDomain } = services.config
  return [
    {
      method: 'GET',
      path: '/_sesame/dkim',
      access: 'admin',
      handle: async () => ({ status: 200, body: view(mailDomain, await platformRing(services)) }),
    },
    {
      method: 'POST',
      path: '/_sesame/dkim/rotate',
      access: 'admin',
      handle: async (request) => ({
        status: 200,
        body: view(mailDomain, await rotatePlatformKeys(services, algorithmOf(request))),
      }),
    },
    {
      method: 'GET',
      path: OF_IDENTITY,
      access: 'admin',
      async handle(request) {
        const { name, dkim } = await requireIdentity(services, scopeIn(request), paramOf(request, 'identity'))
        return { status: 200, body: view(name, dkim.keys) }
      },
    },
    {
      method: 'POST',
      path: `${OF_IDENTITY}/rotate`,
      access: 'admin',
      async handle(request) {
        const name = paramOf(request, 'identity')
        const { dkim } = await rotateKeys(services, scopeIn(request), name, algorithmOf(request))
        return { status: 200, body: view(name, dkim.keys) }
      },
    },
  ]
}

function scopeIn(request: Request) {
  return { account: paramOf(request, 'account'), region: paramOf(request, 'region') }
}

function algorithmOf(request: Request): Algorithm {
  return choiceOf(bodyOf(request, ['algorithm']), 'algorithm', ['rsa', 'ed25519']) ?? 'rsa'
}

/** Everything but the keys themselves. */
function view(domain: string, keys: Ring) {
  return {
    domain,
    keys: keys.map(({ selector, algorithm, state, since }) => ({
      selector,
      algorithm,
      state,
      since: new Date(since).toISOString(),
    })),
  }
}
