/**
 * The writes that every message costs, many in one statement: what PostgreSQL needs different from SQLite. A statement
 * costs a round trip here, and seven of them for each of 64 messages would be most of the work.
 */
import type { Tx } from '../db.ts'
import { acceptTogether } from './accept.ts'
import { settleTogether } from './settle.ts'

/** A command for many payloads at once. It gives the results in their order, and does all or, when it throws, nothing. */
export type Together<P = never, R = unknown> = {
  /** Of the command. */
  readonly name: string
  /** Payloads with the same key are not run in the same statement: it would not see what the other does. */
  readonly key: (payload: P) => string
  readonly run: (tx: Tx, payloads: readonly P[]) => Promise<readonly R[]>
}

const ALL: readonly Together[] = [acceptTogether, settleTogether]

/** By the names of their commands. */
export const TOGETHER: ReadonlyMap<string, Together> = new Map(ALL.map((together) => [together.name, together]))
