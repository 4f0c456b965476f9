/**
 * A bounded set of connections, opened when they are needed and kept for a while. What takes one gives it back, or it
 * is thrown away. A pool of our own, because that of `pg` neither lets go what hangs nor uses what is open when the
 * server has no room for more.
 */
import type { Cancel } from '../../platform/platform.ts'
import type { Availability } from './availability.ts'
import { Connection, messageOf } from './connection.ts'
import type { ConnectionDeps } from './connection.ts'
import { Unavailable } from './failures.ts'

/** How long a call waits for a connection that others use, before it is refused. */
const WAIT_MS = 5_000
/** A connection that idles so long is closed. */
const IDLE_MS = 60_000
/** None gets older, so that each process finds its way to the server that a name stands for by now. */
const LIFETIME_MS = 30 * 60_000
/** A task that takes longer raises a suspicion; one that goes on and on does so again and again. */
const SLOW_MS = 1_000
const SLOW_AGAIN_MS = 2_000
const TICK_MS = 250

export type ConnectionsDeps = ConnectionDeps & {
  readonly max: number
  /** How many calls may wait for a connection. */
  readonly maxWaiting: number
  readonly availability: Availability
  /** Looks at a connection that was just opened; rejects when it is not to be used. */
  readonly check: (connection: Connection) => Promise<void>
}

type Waiting = { readonly resolve: (connection: Connection) => void; readonly reject: (error: Unavailable) => void }

export class Connections {
  readonly #deps: ConnectionsDeps
  /** All of them: those being opened, used, and free. */
  readonly #all = new Set<Connection>()
  readonly #free: Connection[] = []
  readonly #waiting = new Set<Waiting>()
  #tick: Cancel | undefined
  #suspectedAt = Number.NEGATIVE_INFINITY
  #closed = false

  constructor(deps: ConnectionsDeps) {
    this.#deps = deps
  }

  /** Whether any connection is open, of use as far as we know. */
  get isAnyOpen(): boolean {
    return [...this.#all].some((connection) => !connection.isBroken)
  }

  /**
   * Hands a connection to a task and takes it back. Throws {@link Unavailable} when there is none to be had, at once
   * while the database is down; otherwise what the task throws. A task that fails leaves no transaction open, unless it
   * says that the connection is lost.
   */
  async use<T>(task: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = await this.#take()
    try {
      const result = await task(connection)
      this.#giveBack(connection)
      return result
    } catch (error) {
      if (error instanceof Unavailable && error.lost) {
        this.#throwAway(connection, error)
        this.#deps.availability.suspect()
      } else this.#giveBack(connection)
      throw error
    }
  }

  /** The database went down: whoever has or wants a connection is told. */
  drop(reason: string): void {
    for (const { reject } of this.#waiting) reject(new Unavailable(reason, true, undefined))
    for (const connection of this.#all) connection.destroy()
    this.#all.clear()
    this.#free.length = 0
  }

  /** Closes what is free now, and what is used when it is given back. Resolves when what was free is closed. */
  async close(): Promise<void> {
    this.#closed = true
    this.#tick?.()
    for (const { reject } of this.#waiting) reject(new Unavailable('the store is closed', true, undefined))
    await Promise.all(this.#free.splice(0).map((connection) => this.#end(connection)))
  }

  async #take(): Promise<Connection> {
    const { downBecause } = this.#deps.availability
    if (downBecause !== undefined) throw new Unavailable(downBecause, true, undefined)
    if (this.#closed) throw new Unavailable('the store is closed', true, undefined)
    for (let free = this.#free.pop(); free !== undefined; free = this.#free.pop()) {
      if (!free.isBroken) return this.#occupy(free)
      this.#all.delete(free)
    }
    if (this.#all.size >= this.#deps.max) return await this.#wait()
    try {
      return await this.#open()
    } catch (error) {
      // The server may have no room for one more: then those that are open have to do.
      if (this.isAnyOpen && !this.#closed) return await this.#wait()
      this.#deps.availability.suspect()
      throw error
    }
  }

  #occupy(connection: Connection): Connection {
    connection.busySince = this.#deps.clock.now()
    return connection
  }

  async #open(): Promise<Connection> {
    const connection = new Connection(this.#deps)
    this.#all.add(connection)
    this.#tick ??= this.#deps.clock.after(TICK_MS, () => this.#look())
    try {
      await connection.open()
      await this.#deps.check(connection)
      return this.#occupy(connection)
    } catch (error) {
      this.#throwAway(connection, error)
      throw error
    }
  }

  #wait(): Promise<Connection> {
    if (this.#waiting.size >= this.#deps.maxWaiting) {
      return Promise.reject(new Unavailable('too many calls wait for a connection', false, undefined))
    }
    return new Promise((resolve, reject) => {
      const done = () => {
        this.#waiting.delete(waiting)
        giveUp()
      }
      const waiting: Waiting = {
        resolve: (connection) => (done(), resolve(connection)),
        reject: (error) => (done(), reject(error)),
      }
      const giveUp = this.#deps.clock.after(WAIT_MS, () =>
        waiting.reject(new Unavailable('no connection to the database became free', false, undefined)),
      )
      this.#waiting.add(waiting)
    })
  }

  #giveBack(connection: Connection): void {
    const now = this.#deps.clock.now()
    if (!this.#all.has(connection) || connection.isBroken) return this.#throwAway(connection, undefined)
    connection.busySince = undefined
    connection.freeSince = now
    if (this.#closed || now - connection.openedAt > LIFETIME_MS) {
      void this.#end(connection)
      this.#openForWaiting()
      return
    }
    const [next] = this.#waiting
    if (next === undefined) this.#free.push(connection)
    else next.resolve(this.#occupy(connection))
  }

  #throwAway(connection: Connection, error: unknown): void {
    this.#all.delete(connection)
    connection.abandon(error)
    this.#openForWaiting()
  }

  /** Those who wait for others' connections must not wait for ever when these others' are gone. */
  #openForWaiting(): void {
    const [next] = this.#waiting
    if (next === undefined || this.#closed || this.#all.size >= this.#deps.max) return
    void this.#openFor(next)
  }

  async #openFor(waiting: Waiting): Promise<void> {
    try {
      const connection = await this.#open()
      if (this.#waiting.has(waiting)) waiting.resolve(connection)
      else this.#giveBack(connection)
    } catch (error) {
      if (this.isAnyOpen) return
      this.#deps.availability.suspect()
      const reason = error instanceof Unavailable ? error : new Unavailable(messageOf(error), true, error)
      for (const { reject } of this.#waiting) reject(reason)
    }
  }

  async #end(connection: Connection): Promise<void> {
    this.#all.delete(connection)
    await connection.end()
  }

  /** From time to time, while there are connections: is one too slow, or too long without work? */
  #look(): void {
    this.#tick = undefined
    const { clock, availability } = this.#deps
    const now = clock.now()
    const isSlow = [...this.#all].some(({ busySince }) => busySince !== undefined && now - busySince > SLOW_MS)
    if (isSlow && now - this.#suspectedAt > SLOW_AGAIN_MS) {
      this.#suspectedAt = now
      availability.suspect()
    }
    for (const connection of this.#free.filter(({ freeSince, isBroken }) => isBroken || now - freeSince > IDLE_MS)) {
      this.#free.splice(this.#free.indexOf(connection), 1)
      void this.#end(connection)
    }
    if (this.#all.size > 0 && !this.#closed) this.#tick = clock.after(TICK_MS, () => this.#look())
  }
}
