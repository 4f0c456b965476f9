/** Sessions that are kept for the next message to the same hosts. */
import type { Cancel, Clock } from '../platform/platform.ts'
import type { DeliveryLimits } from './limits.ts'
import type { Session } from './session.ts'
import { Transcript } from './transcript.ts'

type Limits = Pick<
  DeliveryLimits,
  'messagesPerConnection' | 'connectionAgeMs' | 'connectionIdleMs' | 'idlePerLane' | 'idleConnections'
>
type Idle = { readonly session: Session; readonly lane: string; readonly cancel: Cancel }

/** What an attempt does with sessions: it takes those that are kept, and leaves those that may be used again. */
export type Keeping = Pick<Connections, 'take' | 'put'>

/** Sessions of one attempt, which nobody else gets before `free`. */
export type Hold = Keeping & {
  /** The outcome is written: they are for the next messages. */
  readonly free: () => void
}

/** A lane is what makes sessions interchangeable: hosts, our address, what is asked of TLS, the user. */
export class Connections {
  readonly #clock: Clock
  readonly #limits: Limits
  readonly #lanes = new Map<string, Idle[]>()
  readonly #held = new Set<Idle>()
  #count = 0
  #isClosed = false

  constructor(clock: Clock, limits: Limits) {
    this.#clock = clock
    this.#limits = limits
  }

  /** Idle sessions. */
  get size(): number {
    return this.#count
  }

  /** An idle session of the lane, the one used last: the others may then grow old and be closed. */
  take(lane: string): Session | undefined {
    const idle = this.#lanes.get(lane)?.at(-1)
    if (idle === undefined) return undefined
    this.#remove(idle)
    return idle.session
  }

  /** Keeps a session for the next message, or says QUIT when it has done enough. */
  put(lane: string, session: Session): void {
    if (!session.isOpen) return
    const { messagesPerConnection, connectionAgeMs, connectionIdleMs, idlePerLane, idleConnections } = this.#limits
    const isDone =
      this.#isClosed ||
      session.messages >= Math.min(messagesPerConnection, session.extensions.maxMessages) ||
      this.#clock.now() - session.openedAt >= connectionAgeMs ||
      this.#count >= idleConnections ||
      (this.#lanes.get(lane)?.length ?? 0) >= idlePerLane
    if (isDone) return session.quit()
    const close = () => {
      this.#remove(idle)
      session.quit()
    }
    const idle: Idle = { session, lane, cancel: this.#clock.after(connectionIdleMs, close) }
    this.#lanes.set(lane, [...(this.#lanes.get(lane) ?? []), idle])
    this.#count += 1
    session.onEnd = () => this.#remove(idle)
    // What is said now belongs to no message.
    session.transcript = new Transcript(this.#clock)
    session.giveUpAt = Infinity
  }

  /**
   * Keeps sessions for an attempt until its outcome is written: a crash before that has one message of each connection
   * delivered twice, never several. They are closed when that takes longer than a session may be idle.
   */
  hold(): Hold {
    const mine: Idle[] = []
    return {
      take: (lane) => this.take(lane),
      put: (lane, session) => {
        const close = () => {
          this.#held.delete(idle)
          session.quit()
        }
        const idle: Idle = { session, lane, cancel: this.#clock.after(this.#limits.connectionIdleMs, close) }
        this.#held.add(idle)
        mine.push(idle)
        // What is said now belongs to no message.
        session.transcript = new Transcript(this.#clock)
        session.giveUpAt = Infinity
      },
      free: () => {
        for (const idle of mine.splice(0)) {
          idle.cancel()
          if (this.#held.delete(idle)) this.put(idle.lane, idle.session)
        }
      },
    }
  }

  /** Says QUIT on all idle sessions, and on those that come back later. */
  close(): void {
    this.#isClosed = true
    for (const { session, cancel } of this.#held) {
      cancel()
      session.quit()
    }
    this.#held.clear()
    for (const idle of [...this.#lanes.values()].flat()) {
      this.#remove(idle)
      idle.session.quit()
    }
  }

  #remove(idle: Idle): void {
    idle.cancel()
    idle.session.onEnd = () => {}
    const rest = (this.#lanes.get(idle.lane) ?? []).filter((each) => each !== idle)
    if (rest.length === 0) this.#lanes.delete(idle.lane)
    else this.#lanes.set(idle.lane, rest)
    this.#count -= 1
  }
}
