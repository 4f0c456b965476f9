/** moto's reset route, for suites written against its server. */
import type { Route } from '../route.ts'

/** `POST /moto-api/reset` empties everything; any other method is told to use POST, as moto does. */
export function motoRoutes(reset: () => Promise<void>): readonly Route[] {
  const path = '/moto-api/reset'
  const others = ['GET', 'PUT', 'DELETE', 'PATCH'] as const
  return [
    {
      method: 'POST',
      path,
      access: 'controls',
      async handle() {
        await reset()
        return { status: 200, body: { status: 'ok' } }
      },
    },
    ...others.map((method): Route => ({
      method,
      path,
      access: 'controls',
      handle: async () => ({ status: 400, body: { Error: 'Need to POST to reset Moto' } }),
    })),
  ]
}
