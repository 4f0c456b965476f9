/** The embedded engine: SQLite with one writer. */
import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import type { Log } from '../../platform/platform.ts'
import { COMMANDS } from '../commands.ts'
import type { Engine } from '../engine.ts'
import { GroupCommit, serviceUnavailable } from '../group-commit.ts'
import type { BatchReply } from '../group-commit.ts'
import { runBatch } from './batch.ts'
import { openConnection } from './connection.ts'
import type { Connection } from './connection.ts'
import { pack, unpack } from './crossing.ts'
import type { Crossing } from './crossing.ts'
import { isDatabaseFailure } from './failures.ts'
import { migrate } from './migrate.ts'
import { serial } from '../serial.ts'
import { WriterThread } from './writer-thread.ts'

/** Two: while one is being committed the next lies ready, so that the writer never waits for the event loop. */
const BATCHES_AT_ONCE = 2

/**
 * Opens an SQLite database; makes it where there is none. The thread that writes starts beside whatever the caller
 * does next. Throws an Error that an operator can act on.
 */
export function openSqlite(path: string, log: Log): Engine {
  return path === ':memory:' ? openInMemory(log) : openFile(path, log)
}

function openFile(path: string, log: Log): Engine {
  const reader = explained(path, () => {
    makePrivateFile(path)
    return openMigrated(path)
  })
  // From here on this connection only reads: on the calling thread, beside the writer, as WAL lets it.
  // Whatever it has cached is void after each commit of the writer's: 2 MB are enough.
  reader.database.exec('pragma query_only = on; pragma cache_size = -2048')
  const thread = new WriterThread(path, log)
  const commit = new GroupCommit(thread.send, log, BATCHES_AT_ONCE)
  return {
    db: {
      get: (query, values) => readable(() => reader.get(query, values)),
      all: (query, values) => readable(() => reader.all(query, values)),
      write: commit.write,
    },
    isShared: false,
    metrics: () => commit.metrics(),
    async close() {
      await commit.close()
      reader.database.close()
      await thread.close()
    },
  }
}

/** A database that lives in this one connection: for tests. Reads wait while a batch is open, so as not to see into it. */
function openInMemory(log: Log): Engine {
  const connection = openMigrated(':memory:')
  const oneByOne = serial()
  const commit = new GroupCommit(
    (calls) =>
      oneByOne(async () => {
        // Cloned both ways, as between threads.
        const crossed: Crossing = deserialize(serialize(pack(calls, COMMANDS)))
        const reply: BatchReply<never> = deserialize(
          serialize(await runBatch(connection, COMMANDS, unpack(crossed, COMMANDS))),
        )
        return reply
      }),
    log,
    BATCHES_AT_ONCE,
  )
  return {
    db: {
      get: (query, values) => oneByOne(() => connection.get(query, values)),
      all: (query, values) => oneByOne(() => connection.all(query, values)),
      write: commit.write,
    },
    isShared: false,
    metrics: () => commit.metrics(),
    async close() {
      await commit.close()
      await oneByOne(() => connection.database.close())
    },
  }
}

/** Also a read may need the disk: for the index of the WAL, or for what it sorts. */
function readable<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw isDatabaseFailure(error) ? serviceUnavailable(error.message) : error
  }
}

function openMigrated(path: string): Connection {
  const opened = openConnection(path)
  try {
    migrate(opened.database)
    return opened
  } catch (error) {
    opened.database.close()
    throw error
  }
}

/** Secrets lie in the database: it and its folder are for their owner only. SQLite gives the WAL the file's mode. */
export function makePrivateFile(path: string): void {
  const folder = dirname(path)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = openSync(path, 'a', 0o600)
  closeSync(file)
  // A file that power loss could take out of its folder would take the mail with it.
  const directory = openSync(folder, 'r')
  fsyncSync(directory)
  closeSync(directory)
}

function explained<T>(path: string, open: () => T): T {
  try {
    return open()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`Cannot open the database ${path}: ${reason}`, { cause: error })
  }
}
