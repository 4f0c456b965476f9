/** Mail that an operator has leave from another egress pool. */
import { fail } from '../../errors/fail.ts'
import type { Services } from '../context.ts'
import { holdOurs, type QueueControl, type Selection, walk, type Walked } from '../queued.ts'

/** `underWay`: of those moved such as another node has, or as are being delivered: an attempt of theirs may still leave as before. */
export type Moved = Walked & { readonly moved: number; readonly underWay: number }

/**
 * Has the selected jobs leave from a pool of `--egress` from their next attempt on, whatever their configuration sets
 * say. Each has it among its attempts. Throws InvalidParameterValue for a pool that has no addresses.
 */
export async function move(
  services: Services,
  queue: QueueControl,
  selection: Selection,
  { pool, after }: { readonly pool: string; readonly after: number },
): Promise<Moved> {
  const pools = [...new Set(services.config.egress.map((each) => each.pool))]
  if (!pools.includes(pool)) {
    const there = pools.length === 0 ? 'There are none (--egress).' : `There are ${pools.join(', ')}.`
    fail('InvalidParameterValue', `There is no pool ${pool}. ${there}`)
  }
  let moved = 0
  let underWay = 0
  const { next } = await walk(services, selection, after, async (jobs) => {
    const held = jobs.filter((job) => holdOurs(queue, job))
    let there: readonly number[] = []
    let isMoved = false
    try {
      there = await services.store.jobs.move(jobs, { pool, at: services.clock.now(), transport: transportOf(services) })
      isMoved = true
    } finally {
      const known = new Set(there)
      for (const job of held) queue.release(isMoved ? { ...job, pool } : job, isMoved && !known.has(job.id))
      const heldIds = new Set(held.map(({ id }) => id))
      moved += there.length
      underWay += there.filter((id) => !heldIds.has(id)).length
    }
  })
  return { moved, underWay, next }
}

function transportOf({ config }: Services): string {
  return config.transport === 'smarthost' ? 'smarthost' : 'direct'
}
