/** Group commit, the writing side: many commands in one transaction, one round trip for those that come in numbers. */
import { finishCalls } from '../db.ts'
import type { AnyCommand } from '../db.ts'
import type { Answer, Call } from '../group-commit.ts'
import { Collision, Unavailable } from './failures.ts'
import { changesOf, notifyOf } from './notices.ts'
import { PATIENT_TIMEOUT_MS } from './session.ts'
import type { Session } from './session.ts'
import { TOGETHER } from './together.ts'
import type { Together } from './statement.ts'

/** Makes sessions of the connection that the batch has for itself; `timeoutMs` bounds each statement. */
export type OpenSession = (timeoutMs?: number) => Session

/** Commands that empty tables. */
const SLOW: ReadonlySet<string> = new Set(['store.reset'])
/** Collisions are a matter of order among accounts: whoever comes again finds the way free. */
const ATTEMPTS = 5

/**
 * A process that is paused within a transaction keeps its locks: on the minute of an account, which every acceptance
 * of it changes on every node. So the server ends a transaction whose client says nothing for long, well within the
 * lease of a node. In one round trip, and for the transaction alone.
 */
const BEGIN = `begin; set local idle_in_transaction_session_timeout = 3000`

/** Part of a batch: calls that share a statement, or one alone. `positions`: where they stand in the batch. */
type Step = { readonly positions: readonly number[]; readonly run: () => Promise<readonly unknown[]> }

/**
 * Runs calls in one transaction and commits it. A call that fails does so alone; when the database itself fails, the
 * whole batch does. Throws {@link Unavailable} then: nothing was written, or the connection broke during the commit.
 */
export async function runBatch(
  open: OpenSession,
  commands: ReadonlyMap<string, AnyCommand>,
  calls: readonly Call<never>[],
): Promise<readonly Answer<unknown>[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      // What failed together is run apart, to find out whose fault it was.
      return attempt === 1 ? await runTogether(open, commands, calls) : await runApart(open, commands, calls)
    } catch (error) {
      if (error instanceof Unavailable && error.lost) throw error
      await open().execute('rollback')
      if (error instanceof Unavailable) throw error
      if (attempt < ATTEMPTS) continue
      throw new Unavailable(error instanceof Error ? error.message : String(error), false, error)
    }
  }
}

async function runTogether(
  open: OpenSession,
  commands: ReadonlyMap<string, AnyCommand>,
  calls: readonly Call<never>[],
): Promise<readonly Answer<unknown>[]> {
  const shared = sharedSteps(open(), calls)
  const alone = calls.flatMap((call, position) =>
    TOGETHER.has(call.name) ? [] : [stepOf(open, commands, call, position)],
  )
  const steps = [...shared, ...alone]
  // One statement is a transaction by itself: the usual case, and the only round trip of it.
  const isOneStatement = alone.length === 0 && shared.length === 1 && changesOf(commands, calls).length === 0
  const answers: Answer<unknown>[] = []
  if (!isOneStatement) await open().execute(BEGIN)
  for (const { positions, run } of steps) {
    const results = await run()
    for (const [index, position] of positions.entries()) answers[position] = { ok: true, result: results[index] }
  }
  const callsAlone = calls.filter(({ name }) => !TOGETHER.has(name))
  await finishCalls(open(), commands, callsAlone)
  await notifyOf(open(), commands, calls)
  if (!isOneStatement) await open().commit()
  return answers
}

type Shared = {
  readonly together: Together
  readonly group: number
  readonly keys: Set<string>
  readonly positions: number[]
}

function sharedSteps(session: Session, calls: readonly Call<never>[]): readonly Step[] {
  const statements: Shared[] = []
  for (const [position, { name, payload }] of calls.entries()) {
    const together = TOGETHER.get(name)
    if (together === undefined) continue
    const key = together.key(payload)
    const group = together.group?.(payload) ?? 0
    let statement = statements.find((some) => some.together === together && some.group === group && !some.keys.has(key))
    if (statement === undefined) {
      statement = { together, group, keys: new Set(), positions: [] }
      statements.push(statement)
    }
    statement.keys.add(key)
    statement.positions.push(position)
  }
  return statements.map(({ together, positions }) => ({
    positions,
    run: () => {
      const some = positions.flatMap((position) => calls[position] ?? [])
      return together.run(
        session,
        some.map(({ payload }) => payload),
        some.map(({ data }) => data),
      )
    },
  }))
}

function stepOf(
  open: OpenSession,
  commands: ReadonlyMap<string, AnyCommand>,
  call: Call<never>,
  position: number,
): Step {
  return { positions: [position], run: async () => [await runCall(open, commands, call)] }
}

/** As {@link runTogether}, each call by itself in a savepoint, so that one can be undone without the others. */
async function runApart(
  open: OpenSession,
  commands: ReadonlyMap<string, AnyCommand>,
  calls: readonly Call<never>[],
): Promise<readonly Answer<unknown>[]> {
  const { execute, commit } = open()
  const answers: Answer<unknown>[] = []
  await execute(BEGIN)
  for (const call of calls) {
    await execute('savepoint call')
    try {
      const result = await runCall(open, commands, call)
      await execute('release savepoint call')
      answers.push({ ok: true, result })
    } catch (error) {
      if (error instanceof Unavailable || error instanceof Collision) throw error
      await execute('rollback to savepoint call; release savepoint call')
      answers.push({ ok: false, error })
    }
  }
  const succeeded = calls.filter((_, position) => answers[position]?.ok === true)
  await finishCalls(open(), commands, succeeded)
  await notifyOf(open(), commands, succeeded)
  await commit()
  return answers
}

async function runCall(
  open: OpenSession,
  commands: ReadonlyMap<string, AnyCommand>,
  { name, payload, data }: Call<never>,
): Promise<unknown> {
  const command = commands.get(name)
  if (command === undefined) throw new Error(`no write command is called ${name}`)
  return command.run(SLOW.has(name) ? open(PATIENT_TIMEOUT_MS) : open(), payload, data)
}
