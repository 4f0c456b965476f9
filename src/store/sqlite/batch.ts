/** Group commit, the writing side: many commands in one transaction, one fsync for all of them. */
import { finishCalls } from '../db.ts'
import type { AnyCommand } from '../db.ts'
import type { Answer, BatchReply, Call } from '../group-commit.ts'
import type { Connection } from './connection.ts'
import { isDatabaseFailure } from './failures.ts'

/**
 * Runs calls in one transaction and commits it. A call that fails does so alone. When the database itself fails
 * (disk full, I/O), the whole batch does.
 *
 * Savepoints are only taken when some call has failed: each keeps a copy of every page that its command touches, which
 * doubles the cost of an acceptance (measured: 40 µs instead of 20 for its statements, 64 in a batch).
 */
export async function runBatch(
  connection: Connection,
  commands: ReadonlyMap<string, AnyCommand>,
  calls: readonly Call<never>[],
): Promise<BatchReply> {
  try {
    connection.execute('begin immediate')
    const answers: Answer<unknown>[] = []
    for (const call of calls) answers.push({ ok: true, result: await runCall(connection, commands, call) })
    await finishCalls(connection, commands, calls)
    connection.execute('commit')
    return { committed: true, answers }
  } catch (error) {
    rollBack(connection)
    if (isDatabaseFailure(error)) return unavailable(error)
    return calls.length === 1
      ? { committed: true, answers: [{ ok: false, error }] }
      : runApart(connection, commands, calls)
  }
}

/** As {@link runBatch}, each call in its own savepoint, so that one can be undone without the others. */
async function runApart(
  connection: Connection,
  commands: ReadonlyMap<string, AnyCommand>,
  calls: readonly Call<never>[],
): Promise<BatchReply> {
  try {
    connection.execute('begin immediate')
    const answers: Answer<unknown>[] = []
    for (const call of calls) answers.push(await runInSavepoint(connection, commands, call))
    const succeeded = calls.filter((_, index) => answers[index]?.ok === true)
    await finishCalls(connection, commands, succeeded)
    connection.execute('commit')
    return { committed: true, answers }
  } catch (error) {
    rollBack(connection)
    return unavailable(error)
  }
}

async function runInSavepoint(
  connection: Connection,
  commands: ReadonlyMap<string, AnyCommand>,
  call: Call<never>,
): Promise<Answer<unknown>> {
  connection.execute('savepoint call')
  try {
    const result = await runCall(connection, commands, call)
    connection.execute('release call')
    return { ok: true, result }
  } catch (error) {
    if (isDatabaseFailure(error)) throw error
    connection.execute('rollback to call')
    connection.execute('release call')
    return { ok: false, error }
  }
}

async function runCall(
  connection: Connection,
  commands: ReadonlyMap<string, AnyCommand>,
  { name, payload, data }: Call<never>,
): Promise<unknown> {
  const command = commands.get(name)
  if (command === undefined) throw new Error(`no write command is called ${name}`)
  return command.run(connection, payload, data)
}

function rollBack(connection: Connection): void {
  // SQLite has rolled back by itself after some failures (https://www.sqlite.org/lang_transaction.html, section 4).
  if (connection.database.isTransaction) connection.execute('rollback')
}

function unavailable(error: unknown): BatchReply {
  return { committed: false, unavailable: error instanceof Error ? error.message : String(error) }
}
