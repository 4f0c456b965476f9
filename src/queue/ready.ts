/**
 * The jobs in memory that wait for their turn, in lanes by site.
 *
 * - A lane lets so many jobs run at once; then it is closed until one ends. Others go on.
 * - Urgent jobs go first. Then accounts take turns, and of each account its sites: who sends a million messages waits
 *   behind himself.
 * - Whatever is here, the next job is found in a few steps. A queue whose lane is closed leaves the turns when it is
 *   met there and waits at the lane, which calls as many as it has places when it opens.
 */
import { isUrgent } from '../store/urgent.ts'
import type { Job } from '../store/types.ts'
import { Lane, type Shape } from './lane.ts'
import { Sites } from './sites.ts'
import { type Queue, Turns } from './turns.ts'

export type ReadyOptions = {
  /** What holds for a site, or a destination whose site is not known. */
  readonly shape: (key: string) => Shape
}

export type Started = { readonly job: Job; readonly lane: Lane }

/** Limits are so wide that there are none. */
export const UNSHAPED: ReadyOptions = { shape: () => ({ connections: Infinity }) }

type Place = { readonly job: Job; readonly queue: Queue }

export class Ready {
  readonly #options: ReadyOptions
  readonly #sites = new Sites()
  readonly #jobs = new Map<number, Place>()
  readonly #lanes = new Map<string, Lane>()
  #urgent = new Turns()
  #ordinary = new Turns()
  /** Jobs in closed lanes. */
  #blocked = 0

  constructor(options: ReadyOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#jobs.size
  }

  /** Jobs that could begin if there were places for them. */
  get runnable(): number {
    return this.#jobs.size - this.#blocked
  }

  get lanes(): number {
    return this.#lanes.size
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
    if (lane.isClosed) this.#blocked += 1
    if (queue.place === undefined) this.#place(queue)
  }

  /** Begins the next job, an urgent one if only those may be begun. */
  next(isOnlyUrgent: boolean): Started | undefined {
    return this.#nextOf(this.#urgent) ?? (isOnlyUrgent ? undefined : this.#nextOf(this.#ordinary))
  }

  /** A job that was begun has ended. `site`: where it went, if that was seen. */
  end({ job, lane }: Started, site: string | undefined, now: number): void {
    if (site !== undefined && this.#sites.learn(job.destination, site)) this.#move(job.destination)
    let current = lane
    while (current.successor !== undefined) current = current.successor
    current.running -= 1
    current.ended(now)
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
      lane.size = 0
      this.#review(lane)
    }
    this.#jobs.clear()
    this.#urgent = new Turns()
    this.#ordinary = new Turns()
    this.#blocked = 0
  }

  /** Whether a job would fill memory that others need: its lane is closed, and has more of `room` than its share. */
  isExcess(job: Job, room: number): boolean {
    const lane = this.#lanes.get(this.#keyOf(job.destination))
    return lane !== undefined && lane.isClosed && !isUrgent(job) && lane.size >= Math.max(lane.limit, room / 2)
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

  /** When a job that finds no room shall come back. */
  returnTime(job: Job, now: number): number {
    return this.#laneOf(job.destination).returnTime(now)
  }

  #keyOf(destination: string): string {
    return this.#sites.get(destination) ?? destination
  }

  #laneOf(destination: string): Lane {
    const key = this.#keyOf(destination)
    const known = this.#lanes.get(key)
    if (known !== undefined) return known
    const lane = new Lane(key, this.#options.shape(key))
    this.#lanes.set(key, lane)
    return lane
  }

  #nextOf(turns: Turns): Started | undefined {
    for (let queue = turns.shift(); queue !== undefined; queue = turns.shift()) {
      const { lane } = queue
      if (lane.isClosed) {
        lane.wait(queue)
        continue
      }
      const job = this.#firstOf(queue)
      if (job === undefined) lane.forgetQueue(queue)
      else this.#begin(job, queue)
      // Others wait for a place that the lane has.
      if (!lane.isClosed) this.#call(lane, 1)
      if (job !== undefined) return { job, lane }
    }
    return undefined
  }

  #begin(job: Job, queue: Queue): void {
    const { lane } = queue
    this.#jobs.delete(job.id)
    lane.size -= 1
    lane.running += 1
    if (lane.isFull) this.#close(lane)
    if (queue.jobs.size > 0) this.#place(queue)
    else lane.forgetQueue(queue)
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

  #close(lane: Lane): void {
    lane.isClosed = true
    this.#blocked += lane.size
  }

  /** Opens a lane that has places again, and forgets one that nothing is known of any more. */
  #review(lane: Lane): void {
    if (lane.isClosed && !lane.isFull) {
      lane.isClosed = false
      this.#blocked -= lane.size
      this.#call(lane, lane.limit - lane.running)
    }
    if (lane.isIdle && this.#lanes.get(lane.key) === lane) this.#lanes.delete(lane.key)
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
    lane.size -= 1
    if (lane.isClosed) this.#blocked -= 1
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
    if (site.isFull && !site.isClosed) this.#close(site)
    for (const job of jobs) this.add(job)
  }
}
