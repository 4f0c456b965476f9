/**
 * The jobs in memory that wait for their turn, in lanes by site.
 *
 * - A lane lets so many jobs run at once; then it is closed until one ends. It is closed for a time, too, when the site
 *   turned us away, or when its rate is used up (pace.ts). Others go on.
 * - Urgent jobs go first. Then accounts take turns, and of each account its sites: who sends a million messages waits
 *   behind himself.
 * - Whatever is here, the next job is found in a few steps. A queue whose lane is closed leaves the turns when it is
 *   met there and waits at the lane, which calls as many as it has places when it opens.
 */
import type { SiteView, Went } from '../store/sites.ts'
import { isUrgent } from '../store/urgent.ts'
import type { Job } from '../store/types.ts'
import type { Clock } from '../platform/platform.ts'
import { Lane } from './lane.ts'
import type { Shape } from './pace.ts'
import { Sites } from './sites.ts'
import { type Queue, Turns } from './turns.ts'

export type ReadyOptions = {
  /** What holds for a site, or a destination whose site is not known. */
  readonly shape: (key: string) => Shape
  /** Whether limits of its own hold for a destination, whosever its hosts are. */
  readonly isApart: (destination: string) => boolean
}

export type ReadyDeps = ReadyOptions & {
  readonly clock: Clock
  /** A lane has opened by itself. */
  readonly onOpen: () => void
}

/** `isDown`: its site is, and the job shall not go there. `round`: of the site's pace. */
export type Started = { readonly job: Job; readonly lane: Lane; readonly isDown: boolean; readonly round: number }

/** What an attempt says of where it went. */
export type Seen = { readonly site?: string | undefined; readonly went?: Went | undefined }

/** Limits are so wide that there are none. */
export const UNSHAPED: ReadyOptions = { shape: () => ({ connections: Infinity }), isApart: () => false }

/** Lanes that are remembered for how their sites are doing, though nothing is there for them. */
const MOST_REMEMBERED = 10_000

/** `blocked`: jobs in closed lanes. `slowdowns`: since the start. */
export type ReadyMetrics = {
  readonly blocked: number
  readonly slowed: number
  readonly paused: number
  readonly slowdowns: number
}

type Place = { readonly job: Job; readonly queue: Queue }

export class Ready {
  readonly #deps: ReadyDeps
  readonly #sites = new Sites()
  readonly #jobs = new Map<number, Place>()
  readonly #lanes = new Map<string, Lane>()
  #urgent = new Turns()
  #ordinary = new Turns()
  /** Jobs in closed lanes. */
  #blocked = 0
  /** Those of them in lanes that are closed for a time. */
  #asleep = 0
  #slowdowns = 0
  /** Lanes of which jobs found no room. */
  readonly #awaiting = new Set<Lane>()
  #isClosed = false

  constructor(deps: ReadyDeps) {
    this.#deps = deps
  }

  get size(): number {
    return this.#jobs.size
  }

  /** Jobs that could begin if there were places for them. */
  get runnable(): number {
    return this.#jobs.size - this.#blocked
  }

  /** Jobs that are there to be run at once, or as soon as others end. */
  get awake(): number {
    return this.#jobs.size - this.#asleep
  }

  metrics(): ReadyMetrics {
    const now = this.#deps.clock.now()
    const lanes = [...this.#lanes.values()]
    return {
      blocked: this.#blocked,
      slowed: lanes.filter(({ pace }) => pace.isSlowed).length,
      paused: lanes.filter(({ pace }) => pace.pausedUntil(now) !== undefined).length,
      slowdowns: this.#slowdowns,
    }
  }

  /** The lanes with the most jobs. */
  sites(most: number): readonly SiteView[] {
    const now = this.#deps.clock.now()
    return [...this.#lanes.values()]
      .toSorted((one, other) => other.size + other.running - one.size - one.running)
      .slice(0, most)
      .map(({ key, size, running, pace }) => ({
        site: key,
        ready: size,
        running,
        limit: Number.isFinite(pace.limit) ? pace.limit : null,
        perMinute: pace.shape.perMinute ?? null,
        pausedUntil: pace.pausedUntil(now) ?? null,
        isSlowed: pace.isSlowed,
      }))
  }

  has(id: number): boolean {
    return this.#jobs.has(id)
  }

  add(job: Job): void {
    const lane = this.#laneOf(job.destination)
    const queue = lane.queueOf(job.scope.account, isUrgent(job))
    queue.jobs.push(job)
    this.#jobs.set(job.id, { job, queue })
    lane.size += 1
    this.#count(lane, 1)
    if (queue.place === undefined) this.#place(queue)
  }

  /** Begins the next job, an urgent one if only those may be begun. */
  next(isOnlyUrgent: boolean): Started | undefined {
    return this.#nextOf(this.#urgent) ?? (isOnlyUrgent ? undefined : this.#nextOf(this.#ordinary))
  }

  /** A job that was begun has ended. */
  end({ job, lane, isDown, round }: Started, { site, went }: Seen): void {
    if (isDown) return
    const now = this.#deps.clock.now()
    if (site !== undefined && this.#sites.learn(job.destination, site)) this.#move(job.destination)
    let current = lane
    while (current.successor !== undefined) current = current.successor
    current.running -= 1
    current.ended(now)
    if (went !== undefined) {
      // The round of another lane says nothing: it was this destination's own, and is over.
      const before = current.pace.round
      current.pace.note(went, current === lane ? round : before, now)
      if (current.pace.round > before) this.#slowdowns += 1
    }
    this.#review(current)
  }

  /** Takes a job out that has not begun. */
  remove(id: number): Job | undefined {
    const place = this.#jobs.get(id)
    if (place === undefined) return undefined
    this.#jobs.delete(id)
    this.#left(place.queue.lane)
    return place.job
  }

  /** Lets go of everything that has not begun. */
  clear(): void {
    for (const lane of this.#lanes.values()) {
      while (lane.wake() !== undefined);
      lane.queues.clear()
      this.#count(lane, -lane.size)
      lane.size = 0
      this.#review(lane)
    }
    this.#jobs.clear()
    this.#awaiting.clear()
    this.#urgent = new Turns()
    this.#ordinary = new Turns()
  }

  /** Sets no more timers. */
  close(): void {
    this.clear()
    this.#isClosed = true
    for (const lane of this.#lanes.values()) lane.alarm?.()
    this.#lanes.clear()
  }

  /** Has sites that turned us away tried again now: that of a destination, or all. */
  endPauses(destination: string | undefined): void {
    const lanes = destination === undefined ? this.#lanes.values() : [this.#lanes.get(this.#keyOf(destination))]
    for (const lane of lanes) {
      lane?.pace.endPause()
      if (lane !== undefined) this.#review(lane)
    }
  }

  /** Whether a job would fill memory that others need: its lane is closed, and has more of `room` than its share. */
  isExcess(job: Job, room: number): boolean {
    const lane = this.#lanes.get(this.#keyOf(job.destination))
    return lane !== undefined && lane.isClosed && !isUrgent(job) && lane.size >= Math.max(lane.pace.limit, room / 2)
  }

  /** Takes half of the jobs out of each closed lane, the last ones. */
  takeExcess(): readonly Job[] {
    const taken: Job[] = []
    for (const lane of this.#lanes.values()) {
      if (!lane.isClosed) continue
      const jobs = this.#jobsOf(lane)
      const last = jobs.slice(Math.floor(jobs.length / 2))
      for (const job of last) this.remove(job.id)
      for (const { jobs: kept } of lane.queues.values()) kept.keep((job) => this.#isHere(job))
      taken.push(...last)
    }
    return taken
  }

  /** Takes out the jobs that pass. */
  takeWhere(passes: (job: Job) => boolean): readonly Job[] {
    const taken = [...this.#jobs.values()].flatMap(({ job }) => (passes(job) ? [job] : []))
    for (const { id } of taken) this.remove(id)
    for (const lane of this.#lanes.values()) {
      for (const { jobs } of lane.queues.values()) jobs.keep((job) => this.#isHere(job))
    }
    return taken
  }

  /** What holds for sites has changed. */
  reshape(): void {
    for (const lane of this.#lanes.values()) {
      lane.pace.reshape(this.#deps.shape(lane.key))
      this.#review(lane)
    }
  }

  /** When a job that finds no room shall come back. */
  returnTime(job: Job, now: number): number {
    const lane = this.#laneOf(job.destination)
    this.#awaiting.add(lane)
    return lane.returnTime(now)
  }

  /**
   * A time to which jobs were put off of which a lane could run some now, since it has hardly any others left. Whoever
   * takes it calls them back: the lane was faster than it was taken to be.
   */
  takeReturn(now: number): number | undefined {
    for (const lane of this.#awaiting) {
      if (!lane.awaits(now)) {
        this.#awaiting.delete(lane)
        this.#review(lane)
      } else if (lane.size < lane.pace.limit && lane.pace.opensAt(now) <= now && !lane.pace.isDown(now)) {
        return lane.takeReturn(now)
      }
    }
    return undefined
  }

  #keyOf(destination: string): string {
    if (this.#deps.isApart(destination)) return destination
    return this.#sites.get(destination) ?? destination
  }

  #laneOf(destination: string): Lane {
    const key = this.#keyOf(destination)
    const known = this.#lanes.get(key)
    if (known !== undefined) return known
    const lane = new Lane(key, this.#deps.shape(key), this.#deps.clock.now())
    this.#lanes.set(key, lane)
    if (this.#lanes.size > MOST_REMEMBERED) this.#forgetOne()
    return lane
  }

  #nextOf(turns: Turns): Started | undefined {
    for (let queue = turns.shift(); queue !== undefined; queue = turns.shift()) {
      const { lane } = queue
      if (lane.isClosed) {
        lane.wait(queue)
        continue
      }
      // The pause of a site that was down may have ended.
      if (this.#review(lane)) {
        lane.wait(queue)
        continue
      }
      const job = this.#firstOf(queue)
      const started = job && this.#begin(job, queue)
      if (job === undefined) lane.forgetQueue(queue)
      // Others wait for a place that the lane has.
      if (!lane.isClosed) this.#call(lane, 1)
      if (started !== undefined) return started
    }
    return undefined
  }

  #begin(job: Job, queue: Queue): Started {
    const { lane } = queue
    const { pace } = lane
    const now = this.#deps.clock.now()
    const isDown = pace.isDown(now)
    this.#jobs.delete(job.id)
    this.#count(lane, -1)
    lane.size -= 1
    if (!isDown) {
      lane.running += 1
      pace.take(now)
    }
    const started = { job, lane, isDown, round: pace.round }
    this.#review(lane)
    if (queue.jobs.size > 0) this.#place(queue)
    else lane.forgetQueue(queue)
    return started
  }

  /** The first job of a queue, without it; those that were taken out meanwhile are passed over. */
  #firstOf({ jobs }: Queue): Job | undefined {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) if (this.#isHere(job)) return job
    return undefined
  }

  #jobsOf(lane: Lane): readonly Job[] {
    return [...lane.queues.values()].flatMap((queue) => [...queue.jobs].filter((job) => this.#isHere(job)))
  }

  #isHere(job: Job): boolean {
    return this.#jobs.get(job.id)?.job === job
  }

  #place(queue: Queue): void {
    if (queue.lane.isClosed) queue.lane.wait(queue)
    else this.#turnsOf(queue).push(queue)
  }

  #turnsOf(queue: Queue): Turns {
    return queue.isUrgent ? this.#urgent : this.#ordinary
  }

  /** Counts jobs that come to a lane or leave it with those that cannot begin. */
  #count(lane: Lane, jobs: number): void {
    if (lane.isClosed) this.#blocked += jobs
    if (lane.alarm !== undefined) this.#asleep += jobs
  }

  /** Closes or opens a lane, as things are now; true: it is closed. One that nothing is known of any more is forgotten. */
  #review(lane: Lane): boolean {
    const now = this.#deps.clock.now()
    this.#count(lane, -lane.size)
    lane.alarm?.()
    lane.alarm = undefined
    const wasClosed = lane.isClosed
    lane.isClosed = lane.mustClose(now)
    if (lane.isClosed && !lane.isFull) this.#setAlarm(lane, lane.pace.opensAt(now))
    this.#count(lane, lane.size)
    if (wasClosed && !lane.isClosed) this.#call(lane, Math.max(1, lane.pace.limit - lane.running))
    const isForgotten =
      lane.isEmpty && !this.#awaiting.has(lane) && lane.pace.isOrdinary(now) && this.#lanes.get(lane.key) === lane
    if (isForgotten) this.#lanes.delete(lane.key)
    return lane.isClosed
  }

  #setAlarm(lane: Lane, at: number): void {
    if (this.#isClosed) return
    lane.alarm = this.#deps.clock.after(Math.max(0, at - this.#deps.clock.now()), () => {
      this.#review(lane)
      this.#deps.onOpen()
    })
  }

  /** The longest known lane that nothing is there for. */
  #forgetOne(): void {
    for (const lane of this.#lanes.values()) {
      if (!lane.isEmpty) continue
      this.#awaiting.delete(lane)
      lane.alarm?.()
      this.#lanes.delete(lane.key)
      return
    }
  }

  /** Has queues that wait at a lane take part in the turns again. */
  #call(lane: Lane, places: number): void {
    for (let place = 0; place < places; place++) {
      const queue = lane.wake()
      if (queue === undefined) return
      this.#turnsOf(queue).push(queue)
    }
  }

  #left(lane: Lane): void {
    this.#count(lane, -1)
    lane.size -= 1
    this.#review(lane)
  }

  /** The site of a destination is known now: what waits and runs for it joins those for the same site. */
  #move(destination: string): void {
    const lane = this.#lanes.get(destination)
    if (lane === undefined || this.#keyOf(destination) === destination) return
    const jobs = this.#jobsOf(lane)
    for (const { id } of jobs) this.remove(id)
    const site = this.#laneOf(destination)
    site.running += lane.running
    lane.running = 0
    lane.successor = site
    this.#lanes.delete(destination)
    if (this.#awaiting.delete(lane)) {
      site.inherit(lane, this.#deps.clock.now())
      this.#awaiting.add(site)
    }
    this.#review(site)
    for (const job of jobs) this.add(job)
  }
}
