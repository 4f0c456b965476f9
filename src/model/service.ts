/**
 * The type machinery of the project: an operation's request and response, read off AWS's own SDK,
 * so that a map of handlers in which one operation is missing or misspelt does not compile.
 */
import type * as SesSdk from '@aws-sdk/client-ses'
import type * as SesV2Sdk from '@aws-sdk/client-sesv2'

export type { SesSdk, SesV2Sdk }

type CommandOf<Sdk, Op extends string> = `${Op}Command` extends keyof Sdk
  ? Sdk[`${Op}Command`] extends abstract new (...args: never[]) => infer C
    ? C
    : never
  : never

export type OperationName<Sdk> = {
  [K in keyof Sdk]: K extends `${infer Op}Command` ? (`${Op}$` extends keyof Sdk ? Op : never) : never
}[keyof Sdk]

/**
 * The SDK writes a required member as `name: T | undefined` and an optional one as `name?: T`.
 * The codecs refuse a request without its required members, so a handler may rely on them.
 */
export type Checked<T> = T extends Uint8Array | Date
  ? T
  : T extends readonly (infer E)[]
    ? Checked<E>[]
    : T extends object
      ? { [K in keyof T]: object extends Pick<T, K> ? Checked<T[K]> : Checked<NonNullable<T[K]>> }
      : T

/** An operation's request, with every member that AWS requires known to be there. */
export type Input<Sdk, Op extends OperationName<Sdk>> =
  CommandOf<Sdk, Op> extends { input: infer I } ? Checked<I> : never

/** An operation's response, less the client's own `$metadata`. */
export type Output<Sdk, Op extends OperationName<Sdk>> =
  CommandOf<Sdk, Op> extends { resolveMiddleware(...args: never[]): (...args: never[]) => Promise<{ output: infer O }> }
    ? Omit<O, '$metadata'>
    : never

export type Handler<Sdk, Op extends OperationName<Sdk>, Ctx> = (
  ctx: Ctx,
  input: Input<Sdk, Op>,
) => Promise<Output<Sdk, Op>>

/** Every operation of the service, each with its handler: one missing is a compile error. */
export type Handlers<Sdk, Ctx> = { readonly [Op in OperationName<Sdk>]: Handler<Sdk, Op, Ctx> }

export type V1OperationName = OperationName<typeof SesSdk>
export type V2OperationName = OperationName<typeof SesV2Sdk>
export type V1Handlers<Ctx> = Handlers<typeof SesSdk, Ctx>
export type V2Handlers<Ctx> = Handlers<typeof SesV2Sdk, Ctx>
