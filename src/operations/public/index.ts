/** Pages that people open from a mail. */
import type { Services } from '../../domain/context.ts'
import type { Route } from '../admin/route.ts'
import { verifyRoute } from './verify.ts'

export function publicRoutes(services: Services): readonly Route[] {
  return [verifyRoute(services)]
}
