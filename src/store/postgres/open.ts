/** The engine for several machines: PostgreSQL 15 or later, over bounded pools of connections. */
import { Pool, types } from 'pg'
import type { PoolClient } from 'pg'
import type { Log } from '../../platform/platform.ts'
import { COMMANDS } from '../commands.ts'
import { query } from '../db.ts'
import type { Awaitable } from '../db.ts'
import type { Engine } from '../engine.ts'
import { GroupCommit, serviceUnavailable } from '../group-commit.ts'
import type { BatchReply, Call } from '../group-commit.ts'
import { integer, row, text } from '../rows.ts'
import { runBatch } from './batch.ts'
import { Collision, Unavailable, explained } from './failures.ts'
import { migrate } from './migrate.ts'
import { PATIENT_TIMEOUT_MS, sessionOn } from './session.ts'
import type { Session } from './session.ts'

/** Transactions that write at once, each on its own connection. */
const LANES = 4
/** Connections for reading, and how many reads may wait for one of them. */
const READERS = 4
const READS_WAITING = 1_000
/** To open a connection, or to wait for one that is free. */
const CONNECT_TIMEOUT_MS = 3_000
const IDLE_MS = 60_000

/** `int8`, and `numeric`, which sums of `int8` are: none of ours is beyond the safe integers. */
const NUMBERS: ReadonlySet<number> = new Set([20, 1700])

/**
 * Opens the database that a `postgres://` URL names and brings its schema up to date. Throws an Error that an operator
 * can act on.
 */
export async function openPostgres(url: string, log: Log): Promise<Engine> {
  const writers = poolOf(url, LANES, log)
  const readers = poolOf(url, READERS, log)
  try {
    await withSession(writers, prepare, PATIENT_TIMEOUT_MS)
  } catch (error) {
    await Promise.all([writers.end(), readers.end()])
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`Cannot open the database ${withoutPassword(url)}: ${reason}`, { cause: error })
  }
  const commit = new GroupCommit(async (calls) => onReturn(await send(writers, calls)), log, LANES)
  const read = readingFrom(readers)
  return {
    db: {
      get: (asked, values) => read((session) => session.get(asked, values)),
      all: (asked, values) => read((session) => session.all(asked, values)),
      write: commit.write,
    },
    isShared: true,
    metrics: () => commit.metrics(),
    async close() {
      await commit.close()
      await Promise.all([writers.end(), readers.end()])
    },
  }
}

function poolOf(url: string, max: number, log: Log): Pool {
  const pool = new Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_MS,
    keepAlive: true,
    fallback_application_name: 'sesame',
    types: {
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        NUMBERS.has(oid) ? Number : format === 'binary' ? types.getTypeParser(oid, format) : types.getTypeParser(oid),
    },
  })
  // A connection that breaks while nobody uses it: the pool has let it go already, and opens another when it is needed.
  pool.on('error', (error) => log.debug('an idle connection to the database ended', { error }))
  // One that breaks in somebody's hands fails what he asks of it; unheard, its own cry would end the process.
  pool.on('connect', (client) => void client.on('error', () => {}))
  return pool
}

const SERVER = query(
  `select current_setting('server_version_num')::int as version, current_setting('server_encoding') as encoding,
     current_setting('synchronous_commit') as "synchronousCommit"`,
  row({ version: integer, encoding: text, synchronousCommit: text }),
)
const OLDEST_VERSION = 150_000

async function prepare(session: Session): Promise<void> {
  const server = await session.get(SERVER, [])
  if (server === undefined || server.version < OLDEST_VERSION) throw new Error('PostgreSQL 15 or later is needed')
  if (server.encoding !== 'UTF8') throw new Error(`its encoding is ${server.encoding}, and has to be UTF8`)
  // What is acknowledged has to be on disk. A setting of a session's own would not get through a pooler.
  if (server.synchronousCommit === 'off') {
    throw new Error('synchronous_commit is off: set it to on, for this database or this user')
  }
  await migrate(session)
}

/** Gives the connection back when it can be used again. */
async function withSession<T>(
  pool: Pool,
  use: (session: Session, client: PoolClient) => Promise<T>,
  timeoutMs?: number,
): Promise<T> {
  const client = await connect(pool)
  let isGood = false
  try {
    const result = await use(sessionOn(client, timeoutMs), client)
    isGood = true
    return result
  } finally {
    // Otherwise it may be broken, or within a transaction.
    client.release(!isGood)
  }
}

async function connect(pool: Pool): Promise<PoolClient> {
  try {
    return await pool.connect()
  } catch (error) {
    const reason = explained(error)
    // Whatever the server has against us (a password, a database that is not there): nobody can write now.
    throw reason instanceof Unavailable ? reason : new Unavailable(messageOf(error), true, error)
  }
}

/** Runs a batch on a lane; never rejects. */
async function send(pool: Pool, calls: readonly Call[]): Promise<BatchReply> {
  try {
    const answers = await withSession(pool, (_, client) =>
      runBatch((timeoutMs) => sessionOn(client, timeoutMs), COMMANDS, onArrival(calls)),
    )
    return { committed: true, answers }
  } catch (error) {
    return { committed: false, unavailable: messageOf(error), lost: error instanceof Unavailable && error.lost }
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
function readingFrom(pool: Pool): Read {
  return async (ask) => {
    if (pool.waitingCount >= READS_WAITING) throw serviceUnavailable('too many reads wait')
    try {
      return await withSession(pool, async (session) => ask(session))
    } catch (error) {
      throw error instanceof Unavailable || error instanceof Collision ? serviceUnavailable(error.message) : error
    }
  }
}

function withoutPassword(url: string): string {
  const parsed = URL.parse(url)
  if (parsed === null) return 'postgres://…'
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
