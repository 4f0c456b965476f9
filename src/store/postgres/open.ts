/**
 * The engine for several machines: PostgreSQL 15 or later.
 *
 * A process has ten connections at most, docs/scaling.md counts with it: four that write, four that read, one that
 * looks whether the database is still there, and one that asks to cancel.
 */
import { realPause } from '../../platform/clock.ts'
import type { Clock, Log } from '../../platform/platform.ts'
import { COMMANDS } from '../commands.ts'
import { query } from '../db.ts'
import type { Awaitable } from '../db.ts'
import type { Engine } from '../engine.ts'
import { GroupCommit, serviceUnavailable } from '../group-commit.ts'
import type { BatchReply, Call } from '../group-commit.ts'
import { integer, row, text } from '../rows.ts'
import { Availability } from './availability.ts'
import { runBatch } from './batch.ts'
import { Connection, messageOf } from './connection.ts'
import type { ConnectionDeps } from './connection.ts'
import { Connections } from './connections.ts'
import { postgresDays } from './days.ts'
import type { WithSession } from './days.ts'
import { Collision, Unavailable, Unprepared, isFull, isStarting } from './failures.ts'
import { migrate } from './migrate.ts'
import { PATIENT_TIMEOUT_MS, sessionOn } from './session.ts'
import type { Preparing, Session } from './session.ts'

/** Transactions that write at once, each on its own connection. */
const LANES = 4
/** Connections for reading, and how many reads may wait for one of them. */
const READERS = 4
const READS_WAITING = 1_000
/** What a sound database answers in: longer, and it counts as one that does not answer. */
const PROBE_TIMEOUT_MS = 2_000
/** How long a server that starts waits for a database that does so too, and how often it asks. */
const STARTING_MS = 60_000
const STARTING_PAUSE_MS = 250
/** An operator may change `synchronous_commit` while we are connected: that often it is looked at again. */
const CHECKED_EVERY_MS = 10_000

/**
 * Opens the database that a `postgres://` URL names and brings its schema up to date. Throws an Error that an operator
 * can act on.
 */
export async function openPostgres(url: string, log: Log, clock: Clock): Promise<Engine> {
  const deps: ConnectionDeps = { url, clock, log }
  await prepare(deps)
  const availability = new Availability({ clock, log, probe, onDown })
  const shared = { ...deps, availability, check: durable }
  const writers = new Connections({ ...shared, max: LANES, maxWaiting: LANES })
  const readers = new Connections({ ...shared, max: READERS, maxWaiting: READS_WAITING })

  async function probe(): Promise<void> {
    try {
      await onOwnConnection({ ...deps, connectTimeoutMs: PROBE_TIMEOUT_MS }, PROBE_TIMEOUT_MS, check)
    } catch (error) {
      // It lives, and we have what we need.
      if (error instanceof Unavailable && isFull(error) && (writers.isAnyOpen || readers.isAnyOpen)) return
      throw error
    }
  }

  function onDown(reason: string): void {
    writers.drop(reason)
    readers.drop(reason)
  }

  const preparing: Preparing = { isOn: true }
  const commit = new GroupCommit(
    async (calls) => onReturn(await send({ writers, availability, clock, preparing }, calls)),
    log,
    LANES,
  )
  const read = readingFrom(readers, preparing)
  return {
    db: {
      get: (asked, values) => read((session) => session.get(asked, values)),
      all: (asked, values) => read((session) => session.all(asked, values)),
      write: commit.write,
    },
    isShared: true,
    days: postgresDays(transactingOn(readers), log),
    metrics: () => commit.metrics(),
    async close() {
      await commit.close()
      availability.close()
      await Promise.all([writers.close(), readers.close()])
    },
  }
}

async function prepare(deps: ConnectionDeps): Promise<void> {
  const { clock, log } = deps
  const giveUpAt = clock.now() + STARTING_MS
  for (;;) {
    try {
      await onOwnConnection(deps, PATIENT_TIMEOUT_MS, async (session) => {
        await check(session)
        await migrate(session)
      })
      return
    } catch (error) {
      // It may have been started together with us, or be at work after a crash.
      if (!(error instanceof Unavailable && isStarting(error)) || clock.now() > giveUpAt) {
        throw new Error(`Cannot open the database ${withoutPassword(deps.url)}: ${messageOf(error)}`, { cause: error })
      }
      log.info('the database starts: waiting for it', { reason: error.message })
    }
    await realPause(STARTING_PAUSE_MS)
  }
}

async function onOwnConnection(
  deps: ConnectionDeps,
  timeoutMs: number,
  task: (session: Session) => Promise<void>,
): Promise<void> {
  const connection = new Connection(deps)
  try {
    await connection.open()
    await task(sessionOn(connection.client, timeoutMs))
  } catch (error) {
    // It may hang, or be within a transaction.
    connection.abandon(error)
    throw error
  }
  await connection.end()
}

const SERVER = query(
  `select current_setting('server_version_num')::int as version, current_setting('server_encoding') as encoding,
     current_setting('synchronous_commit') as "synchronousCommit"`,
  row({ version: integer, encoding: text, synchronousCommit: text }),
)
const OLDEST_VERSION = 150_000

/** Throws when the server is none to keep mail in. */
export async function check(session: Session): Promise<void> {
  const server = await session.get(SERVER, [])
  if (server === undefined || server.version < OLDEST_VERSION) throw new Error('PostgreSQL 15 or later is needed')
  if (server.encoding !== 'UTF8') throw new Error(`its encoding is ${server.encoding}, and has to be UTF8`)
  // What is acknowledged has to be on disk. A setting of a session's own would not get through a pooler.
  if (server.synchronousCommit === 'off') {
    throw new Error('synchronous_commit is off: set it to on, for this database or this user')
  }
}

/** As {@link check}, unless that was done a moment ago; throws {@link Unavailable}. */
async function durable(connection: Connection, now = connection.openedAt): Promise<void> {
  if (now - connection.checkedAt < CHECKED_EVERY_MS) return
  try {
    await check(sessionOn(connection.client))
  } catch (error) {
    throw error instanceof Unavailable ? error : new Unavailable(messageOf(error), true, error)
  }
  connection.checkedAt = now
}

type Writing = {
  readonly writers: Connections
  readonly availability: Availability
  readonly clock: Clock
  readonly preparing: Preparing
}

/** Runs a batch on a lane; never rejects. */
async function send({ writers, availability, clock, preparing }: Writing, calls: readonly Call[]): Promise<BatchReply> {
  try {
    const answers = await writers.use(async (connection) => {
      await durable(connection, clock.now())
      const open = (timeoutMs?: number) => sessionOn(connection.client, timeoutMs, preparing)
      return await runBatch(open, COMMANDS, onArrival(calls))
    })
    return { committed: true, answers }
  } catch (error) {
    return { committed: false, unavailable: messageOf(error), lost: availability.downBecause !== undefined }
  }
}

/** On its way a call's payload is anything, and on arrival what its command takes; its result likewise on the way back. */
function onArrival(calls: readonly Call[]): readonly Call<never>[]
function onArrival(calls: readonly Call[]): readonly Call[] {
  return calls
}

function onReturn(reply: BatchReply): BatchReply<never>
function onReturn(reply: BatchReply): BatchReply {
  return reply
}

type Read = <T>(ask: (session: Session) => Awaitable<T>) => Promise<T>

/** Reads on any free connection, outside transactions. Throws SesError `ServiceUnavailable` as writes do. */
function readingFrom(readers: Connections, preparing: Preparing): Read {
  const read: Read = (ask) => readers.use(async ({ client }) => ask(sessionOn(client, undefined, preparing)))
  return async (ask) => {
    try {
      return await read(ask).catch((error: unknown) => {
        if (error instanceof Unprepared) return read(ask)
        throw error
      })
    } catch (error) {
      throw error instanceof Unavailable || error instanceof Collision ? serviceUnavailable(error.message) : error
    }
  }
}

/** For those who begin transactions by themselves: one that fails is rolled back before others get the connection. */
function transactingOn(connections: Connections): WithSession {
  return (use, timeoutMs) =>
    connections.use(async ({ client }) => {
      const session = sessionOn(client, timeoutMs)
      try {
        return await use(session)
      } catch (error) {
        if (!(error instanceof Unavailable && error.lost)) await session.execute('rollback')
        throw error
      }
    })
}

export function withoutPassword(url: string): string {
  const parsed = URL.parse(url)
  if (parsed === null) return 'postgres://…'
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`
}
