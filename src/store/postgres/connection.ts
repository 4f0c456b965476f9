/** One connection to the server, from its opening to its end. */
import { Client, types } from 'pg'
import type { Clock, Log } from '../../platform/platform.ts'
import { cancel } from './cancel.ts'
import type { BackendKey } from './cancel.ts'
import { Unavailable, explained, isUnanswered } from './failures.ts'

/** To connect and log in, unless it is said otherwise. */
const CONNECT_TIMEOUT_MS = 3_000
/** To say goodbye: a server that is paused never answers. */
const GOODBYE_MS = 1_000
/** A server that vanished without a word (a cable, a firewall) is noticed while the connection idles. */
const KEEPALIVE_MS = 10_000

/** `int8`, and `numeric`, which sums of `int8` are: none of ours is beyond the safe integers. */
const NUMBERS: ReadonlySet<number> = new Set([20, 1700])

export type ConnectionDeps = {
  readonly url: string
  readonly clock: Clock
  readonly log: Log
  readonly connectTimeoutMs?: number
}

export class Connection {
  readonly client: Client
  readonly #deps: ConnectionDeps
  #key: BackendKey | undefined
  #isBroken = false
  /** Since when a task has it; undefined: it is free. */
  busySince: number | undefined
  /** When it was last given back. */
  freeSince: number
  /** When it was last found to be one that keeps what it acknowledges. */
  checkedAt = Number.NEGATIVE_INFINITY
  readonly openedAt: number

  constructor(deps: ConnectionDeps) {
    this.#deps = deps
    this.openedAt = deps.clock.now()
    this.freeSince = this.openedAt
    this.busySince = this.openedAt
    this.client = new Client({
      connectionString: deps.url,
      connectionTimeoutMillis: deps.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEPALIVE_MS,
      fallback_application_name: 'sesame',
      types: {
        getTypeParser: (oid: number, format?: 'text' | 'binary') =>
          NUMBERS.has(oid) ? Number : format === 'binary' ? types.getTypeParser(oid, format) : types.getTypeParser(oid),
      },
    })
    // For as long as it lives: without a listener a connection that breaks would end the process.
    this.client.on('error', (error) => {
      this.#isBroken = true
      deps.log.debug('a connection to the database broke', { error })
    })
    this.client.connection.on('backendKeyData', (key: BackendKey) => (this.#key = key))
  }

  /** Of no more use. */
  get isBroken(): boolean {
    return this.#isBroken
  }

  /** Throws {@link Unavailable}. */
  async open(): Promise<void> {
    try {
      await this.client.connect()
    } catch (error) {
      this.#isBroken = true
      const reason = explained(error)
      // Whatever the server has against us (a password, a database that is not there): nobody can write now.
      throw reason instanceof Unavailable ? reason : new Unavailable(messageOf(error), true, error)
    }
  }

  /** Ends it in good order, or by force when the server does not answer. */
  async end(): Promise<void> {
    const giveUp = this.#deps.clock.after(GOODBYE_MS, () => this.destroy())
    await this.client.end()
    giveUp()
  }

  /** Ends it at once: whoever waits for an answer is told that it is lost. */
  destroy(): void {
    this.#isBroken = true
    this.client.connection.stream.destroy()
  }

  /** As {@link destroy}; a server that lives and has not answered is asked to drop what it still does for us. */
  abandon(error: unknown): void {
    if (!this.#isBroken && isUnanswered(error) && this.#key !== undefined) {
      cancel(this.client.host, this.client.port, this.#key)
    }
    this.destroy()
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
