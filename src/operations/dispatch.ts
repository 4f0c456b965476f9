/** From a decoded call to its handler: faults first, then the resource's authorization, then the operation. */
import { authorizeResource } from '../domain/authorization/operations.ts'
import type { Caller, Ctx, Principal, Services } from '../domain/context.ts'
import { fail } from '../errors/fail.ts'
import { resourceOf } from './resources.ts'
import { v1 } from './v1/index.ts'
import { v2 } from './v2/index.ts'

/** What the HTTP room knows of a call when its request has been read. */
export type Call = {
  readonly service: 'v1' | 'v2'
  readonly operation: string
  readonly principal: Principal
  readonly region: string
  readonly requestId: string
  readonly sourceIp: string
  readonly userAgent: string
  readonly tlsVersion: string | null
}

/** Fault injection: what is to happen to a call instead of, or before, its answer. */
export type FaultHook = {
  strike(call: {
    readonly service: 'v1' | 'v2' | 'smtp'
    readonly operation: string
    readonly account: string
    readonly region: string
  }): { readonly delayMs: number; readonly error: Error | null } | undefined
}

export type Dispatch = (call: Call, input: unknown) => Promise<unknown>

/**
 * A method, so that TypeScript lets a handler of any operation's input stand for it. That is true here, and only here:
 * `input` was decoded by the schema of the very operation whose handler is looked up, from which the handler's input
 * type is made too.
 */
type Operation = { run(ctx: Ctx, input: unknown): Promise<unknown> }['run']

const OPERATIONS: Readonly<Record<Call['service'], ReadonlyMap<string, Operation>>> = {
  v1: new Map<string, Operation>(Object.entries(v1)),
  v2: new Map<string, Operation>(Object.entries(v2)),
}

/** Runs operations of both APIs; gives the members of the answer, or throws the SesError that SES answers. */
export function createDispatch(services: Services, faults?: FaultHook): Dispatch {
  return async (call, input) => {
    const { service, operation, region } = call
    const run = OPERATIONS[service].get(operation) ?? fail('UnknownOperation', `Could not find operation ${operation}`)
    const caller = callerOf(call)
    const struck = faults?.strike({ service, operation, account: caller.scope.account, region })
    if (struck !== undefined) await suffer(services, struck)
    if (service === 'v2') authorizeResource(services, caller, operation, resourceOf(caller, input))
    return await run({ ...services, caller }, input)
  }
}

/** Who calls, and for which account and region: those of the key and of its credential scope. */
export function callerOf({ service, principal, region, requestId, sourceIp, userAgent, tlsVersion }: Call): Caller {
  const scope = { account: principal.account, region }
  return { scope, principal, surface: service, requestId, sourceIp, userAgent, tlsVersion }
}

/** Delays are real time: a test that holds SES's clock still wants them too. */
export async function suffer(
  { wallClock }: Services,
  { delayMs, error }: { readonly delayMs: number; readonly error: Error | null },
): Promise<void> {
  if (delayMs > 0) await new Promise<void>((resolve) => void wallClock.after(delayMs, resolve))
  if (error !== null) throw error
}
