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

/** A lane is what makes sessions interchangeable: hosts, our address, what is asked of TLS, the user. */
export class Connections {
  readonly #clock: Clock
  readonly #limits: Limits
  readonly #lanes = new Map<string, Idle[]>()
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

  /** Says QUIT on all idle sessions, and on those that come back later. */
  close(): void {
    this.#isClosed = true
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
