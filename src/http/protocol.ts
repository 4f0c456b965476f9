/** What the two AWS protocols have in common, as the way of a call (aws.ts) uses them. */
import type { SesError } from '../errors/fail.ts'
import type { Limits } from '../config/config.ts'
import type { Api } from '../model/load.ts'
import type { Operation } from '../model/shapes.ts'
import type { Exchange, Reply } from './exchange.ts'

export type RoutedCall = {
  readonly operation: Operation
  /** The operation's input, of the types of the model, within its constraints. */
  decode(): Record<string, unknown>
  /** The answer, with the operation's output. */
  reply(output: unknown): Reply
}

export type Protocol = {
  readonly api: Api
  /** The largest body that is read. */
  bodyLimit(limits: Limits): number
  /** Refuses what can be refused without the body. */
  routeTarget(exchange: Exchange): void
  /** Finds the operation; throws UnknownOperation and its like. `body` is inflated. */
  route(exchange: Exchange, body: Buffer): RoutedCall
  failure(error: SesError, requestId: string): Reply
}
