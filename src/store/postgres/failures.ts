/** Whose fault it is when PostgreSQL refuses: the statement's, that of others who write at the same time, or its own. */
import { DatabaseError } from 'pg'

/** The database cannot do its work, or cannot be reached. `lost`: the connection is of no more use. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
  readonly lost: boolean

  constructor(reason: string, lost: boolean, cause: unknown) {
    super(reason, { cause })
    this.lost = lost
  }
}

/** Two transactions stood in one another's way and this one was undone: it may be run again. */
export class Collision extends Error {
  override readonly name: string = 'Collision'
}

/** A pooler gave us a connection that does not know our prepared statements, or knows them already. */
export class Unprepared extends Collision {
  override readonly name = 'Unprepared'
}

/** Classes of SQLSTATE that blame the statement or its values: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const STATEMENT_FAILURES: ReadonlySet<string> = new Set([
  '0A', // feature not supported
  '21', // cardinality violation
  '22', // data exception
  '23', // integrity constraint violation
  '42', // syntax error or access rule violation
  '54', // program limit exceeded
])

/** serialization_failure, deadlock_detected */
const COLLISIONS: ReadonlySet<string> = new Set(['40001', '40P01'])

/** invalid_sql_statement_name, duplicate_prepared_statement */
const UNPREPARED: ReadonlySet<string> = new Set(['26000', '42P05'])

/** Classes in which the server lives and the connection stays: insufficient resources, locks, input and output, bugs. */
const CONNECTION_STAYS: ReadonlySet<string> = new Set(['25', '53', '55', '58', 'XX'])
/** query_canceled: by an operator, or by a timeout that he has set. */
const CANCELED = '57014'
/**
 * Of these classes, but the connection goes. read_only_sql_transaction: it leads to a server that is no longer the one
 * to write to, and a new one may find that. idle_in_transaction_session_timeout: the server has closed it.
 */
const CONNECTION_GOES: ReadonlySet<string> = new Set(['25006', '25P03'])

/** The error that stands for what `pg` threw: {@link Unavailable}, {@link Collision}, or the statement's own. */
export function explained(error: unknown): unknown {
  // What the server did not say is said of the connection: refused, reset, timed out.
  if (!(error instanceof DatabaseError)) {
    return new Unavailable(error instanceof Error ? error.message : String(error), true, error)
  }
  const { code = '', message } = error
  if (COLLISIONS.has(code)) return new Collision(message, { cause: error })
  if (UNPREPARED.has(code)) return new Unprepared(message, { cause: error })
  const group = code.slice(0, 2)
  if (STATEMENT_FAILURES.has(group)) return error
  const stays = (CONNECTION_STAYS.has(group) || code === CANCELED) && !CONNECTION_GOES.has(code)
  return new Unavailable(message, !stays, error)
}

/** too_many_connections, and PgBouncer's word for it: the server lives, but has no connection to spare. */
export function isFull({ cause }: Unavailable): boolean {
  return cause instanceof DatabaseError && (cause.code === '53300' || /no more connections allowed/.test(cause.message))
}

/** cannot_connect_now: it starts, or recovers from a crash. */
export function isStarting({ cause }: Unavailable): boolean {
  return cause instanceof DatabaseError && cause.code === '57P03'
}

/** A statement of which the server has said nothing: it may be at it still. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof Unavailable && error.lost && !(error.cause instanceof DatabaseError)
}
