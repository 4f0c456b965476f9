/** Whose fault it is when SQLite refuses: the statement's, or that of the database and the disk below it. */

/** Result codes that blame the statement or its values, not the database: https://www.sqlite.org/rescode.html */
const STATEMENT_FAILURES: ReadonlySet<number> = new Set([
  1, // SQLITE_ERROR
  18, // SQLITE_TOOBIG
  19, // SQLITE_CONSTRAINT
  20, // SQLITE_MISMATCH
  25, // SQLITE_RANGE
])

/** Whether the database cannot do its work: full, input and output, busy for too long, damaged. */
export function isDatabaseFailure(error: unknown): error is Error {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return false
  return !STATEMENT_FAILURES.has(error.errcode & 0xff)
}
