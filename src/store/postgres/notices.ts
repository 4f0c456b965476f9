/**
 * Notices of changes between the nodes on one database: LISTEN and NOTIFY. A notice is sent by the transaction that
 * makes the change. It is heard on a connection of its own, which does not get through a pooler that gives every
 * transaction another connection (PgBouncer's transaction mode): so a notice to oneself must come back first.
 *
 * Transactions that notify commit one after another, all over the server: never one of those that every message costs.
 */
import { Pool } from 'pg'
import type { PoolClient } from 'pg'
import type { Clock, Log } from '../../platform/platform.ts'
import { EVERYTHING, decodeChanges, encodeChanges } from '../changes.ts'
import type { Change, ChangeListener } from '../changes.ts'
import { query } from '../db.ts'
import type { AnyCommand, Reader } from '../db.ts'
import type { Call } from '../group-commit.ts'
import { row, text } from '../rows.ts'
import type { Row } from '../rows.ts'

/** Installations in several schemas of one database do not hear one another. */
const CHANNEL = `'sesame_' || to_regnamespace(quote_ident(current_schema()))::oid`
const NOTIFY = query(`select pg_notify(${CHANNEL}, ?1)::text as sent`, row({ sent: text }))
const WHERE = `select ${CHANNEL} as channel, pg_backend_pid()::text as pid`
const where = row({ channel: text, pid: text })
/** What a notice to oneself starts with; the others have nothing to learn from it. */
const ECHO = 'echo '

const CONNECT_TIMEOUT_MS = 3_000
/** How long an answer may take, and a notice to oneself. */
const ANSWER_MS = 3_000
/** How often the connection is asked whether it lives. */
const ALIVE_EVERY_MS = 10_000
/** Before connecting again: doubled each time, up to the longest. Where notices do not get through, the last. */
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 10_000
const DEAF_PAUSE_MS = 60_000

/** What these calls change, of what caches keep. */
export function changesOf(commands: ReadonlyMap<string, AnyCommand>, calls: readonly Call<never>[]): readonly Change[] {
  return calls.flatMap(({ name, payload }) => commands.get(name)?.changes?.(payload) ?? [])
}

/** Sends the changes that these calls make, in the transaction that makes them. */
export async function notifyOf(
  tx: Reader,
  commands: ReadonlyMap<string, AnyCommand>,
  calls: readonly Call<never>[],
): Promise<void> {
  const changes = changesOf(commands, calls)
  if (changes.length > 0) await tx.get(NOTIFY, [encodeChanges(changes)])
}

export type Notices = {
  /** Whether changes of other nodes are heard of now. */
  readonly isLive: () => boolean
  readonly close: () => Promise<void>
}

export type NoticeOptions = {
  readonly url: string
  /** Another connection than the one that listens. */
  readonly db: Reader
  readonly clock: Clock
  readonly log: Log
  /** Told of every change heard of; of everything, after a time in which none could be. */
  readonly tell: ChangeListener
}

/** Listens until closed; connects by itself, and again whenever the connection breaks. */
export function listenForChanges(options: NoticeOptions): Notices {
  const listener = new Listener(options)
  const ended = listener.run()
  return {
    isLive: () => listener.isLive,
    async close() {
      listener.stop()
      await ended
    },
  }
}

type Ending = 'broken' | 'deaf' | 'closed'

class Listener {
  readonly #options: NoticeOptions
  readonly #closed = Promise.withResolvers<'closed'>()
  readonly #pool: Pool
  #isClosed = false
  #pauseMs = FIRST_PAUSE_MS
  #saidDeaf = false
  isLive = false

  constructor(options: NoticeOptions) {
    this.#options = options
    this.#pool = new Pool({
      connectionString: options.url,
      max: 1,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
      fallback_application_name: 'sesame notices',
    })
    this.#pool.on('error', () => {})
  }

  stop(): void {
    this.#isClosed = true
    this.#closed.resolve('closed')
  }

  async run(): Promise<void> {
    while (!this.#isClosed) {
      const ending = await this.#connected()
      this.isLive = false
      if (ending === 'closed') break
      if (ending === 'deaf') this.#sayDeaf()
      const pauseMs = ending === 'deaf' ? DEAF_PAUSE_MS : this.#pauseMs
      this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS)
      await this.#within(pauseMs, this.#closed.promise)
    }
    await this.#pool.end()
  }

  /** One connection, from its start to its end. Never rejects. */
  async #connected(): Promise<Ending> {
    let client: PoolClient | undefined
    try {
      client = await this.#pool.connect()
      return await this.#listen(client)
    } catch (error) {
      this.#options.log.debug('the connection for notices of changes failed', { error })
      return this.#isClosed ? 'closed' : 'broken'
    } finally {
      // Never to the pool: it listens.
      client?.release(true)
    }
  }

  async #listen(client: PoolClient): Promise<Ending> {
    const { db, tell, log } = this.#options
    const broken = new Promise<'broken'>((resolve) => {
      client.on('error', () => resolve('broken'))
      client.on('end', () => resolve('broken'))
    })
    const over = Promise.race([broken, this.#closed.promise])
    const ask = async (question: string) => {
      const config = { text: question, query_timeout: ANSWER_MS }
      return await client.query<Row>(config)
    }
    const { channel, pid } = where((await ask(WHERE)).rows[0] ?? {})
    const heard = new Promise<'heard'>((resolve) => {
      client.on('notification', ({ payload = '' }) => {
        if (payload === ECHO + pid) resolve('heard')
        else if (!payload.startsWith(ECHO)) tell(decodeChanges(payload))
      })
    })
    await ask(`listen ${client.escapeIdentifier(channel)}`)
    await db.get(NOTIFY, [ECHO + pid])
    const first = await this.#within(ANSWER_MS, Promise.race([over, heard]))
    if (first !== 'heard') return first ?? 'deaf'
    if (this.#saidDeaf) log.info('notices of changes get through now')
    this.#saidDeaf = false
    this.#pauseMs = FIRST_PAUSE_MS
    this.isLive = true
    // Whatever came before was not heard.
    tell(EVERYTHING)
    for (;;) {
      const ending = await this.#within(ALIVE_EVERY_MS, over)
      if (ending !== undefined) return ending
      await ask('select 1')
    }
  }

  /** What `promise` comes to, undefined when it takes longer than `ms`. */
  async #within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
    const late = Promise.withResolvers<undefined>()
    const cancel = this.#options.clock.after(ms, () => late.resolve(undefined))
    try {
      return await Promise.race([promise, late.promise])
    } finally {
      cancel()
    }
  }

  /** Once, not once a minute. */
  #sayDeaf(): void {
    if (this.#saidDeaf) return
    this.#saidDeaf = true
    this.#options.log.warn(
      'LISTEN does not work on this connection to the database, as behind a pooler in transaction mode: changes of other nodes are looked for every second instead',
    )
  }
}
