/** Statements that do the work of a command for many of its callers. */
import type { Tx } from '../db.ts'

/** A command for many payloads at once. It gives the results in their order, and does all or, when it throws, nothing. */
export type Together<P = never, R = unknown> = {
  /** Of the command. */
  readonly name: string
  /** Payloads with the same key are not run in the same statement: it would not see what the other does. */
  readonly key: (payload: P) => string
  /** Only payloads of the same group are run in the same statement. */
  readonly group?: (payload: P) => number
  /** `data`: the octets that go with each payload. */
  readonly run: (tx: Tx, payloads: readonly P[], data: readonly Uint8Array[]) => Promise<readonly R[]>
}
