/** The maps of handlers: every operation of an API with its types, read off AWS's own SDK. */
import type { Ctx } from '../domain/context.ts'
import type { V1Handlers, V2Handlers } from '../model/service.ts'

export type V1 = V1Handlers<Ctx>
export type V2 = V2Handlers<Ctx>
