/**
 * This process as one of those on a shared database: its lease, and what becomes of those who let theirs lapse.
 *
 *   live    renews its lease every `heartbeatMs`; it may begin jobs, and does what is its turn
 *   lapsed  could not renew it for `leaseMs` (it was paused, the database was away): it begins no job, since others may
 *           have its jobs by now; it still tries to renew                               → live, when nobody gave it up
 *   gone    was given up: whatever it had is others'                                    → live, as a new node
 *
 * One lease covers all that a node has, so that a heartbeat costs one row whatever the length of its queue. It runs out
 * by the database's clock; a node judges its own by the time that passed since it asked for it, which is never later.
 */
import type { Cancel, Clock, Log } from '../platform/platform.ts'
import type { Beat, NodeStore } from '../store/store.ts'
import type { Node as NodeRow, NodeSelf } from '../store/types.ts'
import { type Share, WHOLE } from './share.ts'

export type LeaseTimes = {
  readonly heartbeatMs: number
  readonly leaseMs: number
}

/**
 * Ten seconds: longer than any pause of a healthy process (a collection, a stalled disk), and the delay that mail on a
 * node that died suffers at least. Five heartbeats in it: four may fail.
 */
export const LEASE_TIMES: LeaseTimes = { heartbeatMs: 2_000, leaseMs: 10_000 }

/** How often, in leases, jobs are looked for that somebody wrote who had been given up. It hardly ever happens. */
const ORPHANS_EVERY_LEASES = 6

export type NodeMetrics = { readonly live: number; readonly rejoined: number; readonly jobsGivenBack: number }

export type Node = {
  /** Another one after this process was given up as a node. */
  readonly id: number
  /** The lease has not lapsed, as far as this process can tell. */
  isCurrent(): boolean
  /** Calls back when the lease is good again after a lapse, and when `id` is another. */
  onChange(listener: () => void): void
  /** This node's among those that deliver, as of the last heartbeat. */
  readonly share: Share
  /** Calls back when `share` is another. */
  onShare(listener: () => void): void
  /** All nodes. */
  list(): Promise<readonly NodeRow[]>
  metrics(): NodeMetrics
  /** Gives everything back. The lease does it when the database cannot be reached. */
  leave(): Promise<void>
}

export type NodeDeps = {
  readonly nodes: NodeStore
  readonly self: NodeSelf
  /** Real time: leases are no part of SES's. */
  readonly wallClock: Clock
  readonly log: Log
  readonly times?: LeaseTimes
}

/** Joins the nodes of the database, and keeps the lease from now on. Throws when the database does not answer. */
export async function joinNodes(deps: NodeDeps): Promise<Node> {
  const { nodes, self, wallClock, times = LEASE_TIMES } = deps
  const askedAt = wallClock.now()
  const id = await nodes.join(self, times.leaseMs)
  // How many there are is to be known before the first job.
  const beat = await nodes.beat(id, times.leaseMs)
  return new Membership({ ...deps, times }, id, askedAt, shareIn(beat))
}

function shareIn({ delivering, rank }: Beat): Share {
  return delivering === 0 ? WHOLE : { nodes: delivering, rank }
}

class Membership implements Node {
  readonly #deps: NodeDeps & { readonly times: LeaseTimes }
  readonly #listeners: (() => void)[] = []
  readonly #shareListeners: (() => void)[] = []
  #share: Share
  #id: number
  #validUntil: number
  /** Since when the lease was renewed without a gap. */
  #steadySince: number
  #orphansDueAt: number
  #timer: Cancel
  #beating: Promise<void> | undefined
  #hasLeft = false
  #failures = 0
  #live = 1
  #rejoined = 0
  #jobsGivenBack = 0

  constructor(deps: NodeDeps & { readonly times: LeaseTimes }, id: number, askedAt: number, share: Share) {
    this.#deps = deps
    this.#share = share
    this.#id = id
    this.#validUntil = askedAt + deps.times.leaseMs
    this.#steadySince = askedAt
    this.#orphansDueAt = askedAt
    this.#timer = this.#arm()
  }

  get id(): number {
    return this.#id
  }

  isCurrent(): boolean {
    return this.#deps.wallClock.now() < this.#validUntil
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  get share(): Share {
    return this.#share
  }

  onShare(listener: () => void): void {
    this.#shareListeners.push(listener)
  }

  list(): Promise<readonly NodeRow[]> {
    return this.#deps.nodes.list()
  }

  metrics(): NodeMetrics {
    return { live: this.#live, rejoined: this.#rejoined, jobsGivenBack: this.#jobsGivenBack }
  }

  async leave(): Promise<void> {
    this.#hasLeft = true
    this.#timer()
    await this.#beating
    try {
      await this.#deps.nodes.leave(this.#id)
    } catch (error) {
      this.#deps.log.warn('this node could not give its jobs back: they come back when its lease has lapsed', { error })
    }
  }

  #arm(): Cancel {
    return this.#deps.wallClock.after(this.#deps.times.heartbeatMs, () => {
      this.#beating = this.#beat()
    })
  }

  async #beat(): Promise<void> {
    const { nodes, log, times } = this.#deps
    try {
      const askedAt = this.#deps.wallClock.now()
      const beat = await nodes.beat(this.#id, times.leaseMs)
      const { isKnown, live, lapsed } = beat
      this.#live = live
      this.#takeShare(shareIn(beat))
      if (isKnown) this.#renewed(this.#id, askedAt)
      else await this.#rejoin()
      if (this.#failures > 0) log.info('this node renews its lease again', { node: this.#id })
      this.#failures = 0
      await this.#tidy(lapsed)
    } catch (error) {
      if (this.#failures === 0) log.warn('this node could not renew its lease', { node: this.#id, error })
      this.#failures += 1
    }
    if (!this.#hasLeft) this.#timer = this.#arm()
  }

  #renewed(id: number, askedAt: number): void {
    const hasChanged = id !== this.#id || !this.isCurrent()
    this.#id = id
    this.#validUntil = askedAt + this.#deps.times.leaseMs
    if (!hasChanged) return
    this.#steadySince = askedAt
    for (const listener of this.#listeners) listener()
  }

  #takeShare(share: Share): void {
    const { nodes, rank } = this.#share
    this.#share = share
    if (share.nodes === nodes && share.rank === rank) return
    for (const listener of this.#shareListeners) listener()
  }

  async #rejoin(): Promise<void> {
    const { nodes, self, log, times, wallClock } = this.#deps
    const askedAt = wallClock.now()
    const id = await nodes.join(self, times.leaseMs)
    log.warn('this node was given up, since it did not renew its lease: it goes on as a new one', {
      was: this.#id,
      node: id,
    })
    this.#rejoined += 1
    this.#renewed(id, askedAt)
  }

  /**
   * Gives up who has lapsed. After a gap of our own we wait for as long as a lease: when the database was away from all
   * of us, the others are about to come back too.
   */
  async #tidy(lapsed: number): Promise<void> {
    const { nodes, log, times, wallClock } = this.#deps
    const now = wallClock.now()
    if (now < this.#steadySince + times.leaseMs || (lapsed === 0 && now < this.#orphansDueAt)) return
    this.#orphansDueAt = now + times.leaseMs * ORPHANS_EVERY_LEASES
    const givenBack = await nodes.giveBack()
    this.#jobsGivenBack += givenBack.jobs
    if (!givenBack.isDone) this.#orphansDueAt = now
    if (givenBack.nodes + givenBack.jobs === 0) return
    log.warn('nodes that did not renew their leases were given up', { nodes: givenBack.nodes, jobs: givenBack.jobs })
  }
}
