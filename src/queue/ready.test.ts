import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { fakeClock } from '../../test/support/clock.ts'
import { NOON, keptLog, openAt, sampleAcceptance } from '../../test/support/stores.ts'
import type { Store } from '../store/store.ts'
import type { Acceptance, Job } from '../store/types.ts'
import { urgentlyDue } from '../store/urgent.ts'
import type { Went } from '../store/sites.ts'
import { createQueue, type QueueDeps } from './queue.ts'

type Mail = { readonly to: string; readonly account?: string; readonly isUrgent?: boolean }

let made = 0

function mail({ to, account = '000000000000', isUrgent = false }: Mail): Acceptance {
  const scope = { account, region: 'us-east-1' }
  const acceptance = sampleAcceptance(`m${(made += 1)}`, { scope })
  const dueAt = isUrgent ? urgentlyDue(NOON) : NOON
  return { ...acceptance, jobs: [{ destination: to, recipients: [0], dueAt }] }
}

async function acceptAll(store: Store, mails: readonly Mail[]): Promise<readonly Job[]> {
  return (await Promise.all(mails.map((each) => store.messages.accept(mail(each))))).flat()
}

const times = <T>(count: number, value: T): readonly T[] => Array.from({ length: count }, () => value)

/** Settles when the turn of everything that could go on has come. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise<void>((resolve) => void setImmediate(resolve))
}

/**
 * A queue whose jobs run until they are let go of. `hosts`: which site is seen for a destination; others are their own.
 */
function heldQueue(
  store: Store,
  changes: Partial<QueueDeps> & {
    readonly hosts?: Readonly<Record<string, string>>
    readonly went?: (job: Job) => Went
  } = {},
) {
  const { hosts = {}, went = () => 'well', ...rest } = changes
  const clock = fakeClock(NOON)
  const running = new Map<number, { readonly job: Job; readonly end: () => void }>()
  const ran: Job[] = []
  const spared: Job[] = []
  const held = new Set<string>()
  let isFree = false
  const queue = createQueue({
    store,
    clock,
    log: keptLog(),
    concurrency: 4,
    maxInMemory: 100,
    ...rest,
    async deliver(job, where) {
      ran.push(job)
      if (where.isDown) {
        spared.push(job)
        return { retryAt: clock.now() + 600_000 }
      }
      const { promise, resolve } = Promise.withResolvers<void>()
      running.set(job.id, { job, end: resolve })
      if (isFree && !held.has(job.destination)) resolve()
      await promise
      running.delete(job.id)
      const { scope, messageId, id: jobId } = job
      const counts = { bounces: 0, complaints: 0, rejects: 0 }
      const settlement = { scope, messageId, jobId, at: NOON, updates: [], events: [], attempt: null, counts }
      const seen = { site: hosts[job.destination] ?? job.destination, went: went(job) }
      return seen.went === 'well'
        ? { settle: () => store.messages.settle(settlement), ...seen }
        : {
            settle: async () => void (await store.jobs.postpone({ ...job, dueAt: clock.now() + 600_000 })),
            retryAt: clock.now() + 600_000,
            ...seen,
          }
    },
  })
  return {
    queue,
    clock,
    ran,
    spared,
    destinations: () => ran.map(({ destination }) => destination),
    runningAt: () => [...running.values()].map(({ job }) => job.destination).toSorted(),
    /** Lets everything run to its end from now on, except what goes to these. */
    free: async (...except: readonly string[]) => {
      isFree = true
      held.clear()
      for (const destination of except) held.add(destination)
      for (const { job, end } of running.values()) if (!held.has(job.destination)) end()
      await settled()
    },
    endOne: async (destination: string) => {
      const [first] = [...running.values()].filter(({ job }) => job.destination === destination)
      first?.end()
      await settled()
    },
  }
}

describe('the lanes of the queue', () => {
  test('a slow destination takes its places and no more', async () => {
    await using store = await openAt('sqlite::memory:')
    const { queue, free, runningAt } = heldQueue(store, { shape: () => ({ connections: 2 }) })
    await queue.start()
    queue.offer(await acceptAll(store, [...times(10, { to: 'slow.test' }), { to: 'a.test' }, { to: 'b.test' }]))
    await settled()
    assert.deepEqual(runningAt(), ['a.test', 'b.test', 'slow.test', 'slow.test'])
    await free()
    await queue.idle()
    assert.deepEqual(await store.messages.unfinishedJobs(0, 9), [])
    await queue.close()
  })

  test('domains with the same hosts share their places, as soon as that is seen', async () => {
    await using store = await openAt('sqlite::memory:')
    const hosts = { 'one.test': 'provider', 'two.test': 'provider' }
    const { queue, free, endOne, runningAt } = heldQueue(store, {
      hosts,
      concurrency: 8,
      shape: () => ({ connections: 2 }),
    })
    await queue.start()
    const jobs = await acceptAll(store, [...times(5, { to: 'one.test' }), ...times(5, { to: 'two.test' })])
    queue.offer(jobs)
    await settled()
    assert.deepEqual(runningAt(), ['one.test', 'one.test', 'two.test', 'two.test'])
    await endOne('one.test')
    // It is not known of the other yet.
    assert.deepEqual(runningAt(), ['one.test', 'one.test', 'two.test', 'two.test'])
    const left: number[] = []
    for (const destination of ['two.test', 'two.test', 'one.test']) {
      await endOne(destination)
      left.push(runningAt().length)
    }
    assert.deepEqual(left, [3, 2, 2])
    await free()
    await queue.idle()
    assert.deepEqual(await store.messages.unfinishedJobs(0, 9), [])
    await queue.close()
  })

  test('accounts take turns, and of an account its destinations', async () => {
    await using store = await openAt('sqlite::memory:')
    const { queue, free, ran, destinations } = heldQueue(store, { concurrency: 1 })
    await queue.start()
    const [big, small] = ['111111111111', '222222222222']
    queue.offer(
      await acceptAll(store, [
        ...times(20, { to: 'a.test', account: big }),
        ...times(2, { to: 'b.test', account: big }),
        ...times(3, { to: 'a.test', account: small }),
      ]),
    )
    await free()
    await queue.idle()
    assert.deepEqual(
      ran.slice(0, 7).map(({ scope }) => scope.account),
      [big, small, big, small, big, small, big],
    )
    assert.equal(
      destinations()
        .slice(0, 7)
        .filter((each) => each === 'b.test').length,
      2,
    )
    assert.equal(ran.length, 25)
    await queue.close()
  })

  test('accounts take turns at a destination that is full, too', async () => {
    await using store = await openAt('sqlite::memory:')
    const { queue, ran, endOne, free } = heldQueue(store, { shape: () => ({ connections: 1 }) })
    await queue.start()
    queue.offer(
      await acceptAll(store, [
        ...times(20, { to: 'a.test', account: '111111111111' }),
        ...times(2, { to: 'a.test', account: '222222222222' }),
      ]),
    )
    await settled()
    for (let ended = 0; ended < 5; ended++) await endOne('a.test')
    assert.equal(ran.filter(({ scope }) => scope.account === '222222222222').length, 2)
    await free()
    await queue.idle()
    assert.equal(ran.length, 22)
    await queue.close()
  })

  test('urgent mail goes first, finds a place of its own, and is found first after a restart', async () => {
    await using store = await openAt('sqlite::memory:')
    const first = heldQueue(store, { concurrency: 20 })
    await first.queue.start()
    first.queue.offer(await acceptAll(store, times(50, { to: 'a.test' })))
    await settled()
    assert.equal(first.runningAt().length, 19)
    first.queue.offer(await acceptAll(store, [{ to: 'urgent.test', isUrgent: true }]))
    await settled()
    assert.deepEqual([first.runningAt().length, first.destinations().at(-1)], [20, 'urgent.test'])
    await first.free()
    await first.queue.close()

    await acceptAll(store, [...times(300, { to: 'a.test' }), { to: 'urgent.test', isUrgent: true }])
    const second = heldQueue(store, { concurrency: 2, maxInMemory: 20 })
    await second.queue.start()
    assert.equal(second.destinations()[0], 'urgent.test')
    await second.free()
    await second.queue.idle()
    assert.deepEqual(await store.messages.unfinishedJobs(0, 9), [])
    await second.queue.close()
  })

  test('a destination that is blocked and has more than memory holds does not starve those behind it', async () => {
    await using store = await openAt('sqlite::memory:')
    const maxInMemory = 60
    const { queue, clock, free, destinations } = heldQueue(store, {
      concurrency: 4,
      maxInMemory,
      shape: () => ({ connections: 2 }),
    })
    await acceptAll(store, times(700, { to: 'blocked.test' }))
    const others = Array.from({ length: 200 }, (_, index) => ({ to: `d${index % 10}.test` }))
    await acceptAll(store, others)
    await free('blocked.test')
    await queue.start()
    let most = 0
    for (let turn = 0; turn < 200; turn++) {
      await settled()
      const { ready, running } = queue.metrics()
      most = Math.max(most, ready + running)
      if (destinations().filter((each) => each !== 'blocked.test').length === 200) break
    }
    assert.equal(destinations().filter((each) => each !== 'blocked.test').length, 200)
    assert.equal(destinations().filter((each) => each === 'blocked.test').length, 2)
    assert.ok(most <= maxInMemory, `${most} jobs in memory`)
    await free()
    // What found no room comes back when there is some, and not only when that was thought to be.
    for (let turn = 0; turn < 1000 && destinations().length < 900; turn++) await settled()
    assert.deepEqual([destinations().length, clock.now()], [900, NOON])
    await queue.idle()
    assert.deepEqual(await store.messages.unfinishedJobs(0, 9), [])
    await queue.close()
  })

  test('a site that turns us away is left alone for a while, and others go on', async () => {
    await using store = await openAt('sqlite::memory:')
    let isOpen = false
    const { queue, clock, free, destinations } = heldQueue(store, {
      shape: () => ({ connections: 2 }),
      went: ({ destination }) => (destination === 'busy.test' && !isOpen ? 'refused' : 'well'),
    })
    await queue.start()
    await free()
    queue.offer(await acceptAll(store, [...times(6, { to: 'busy.test' }), ...times(3, { to: 'a.test' })]))
    await queue.idle()
    assert.deepEqual(destinations().toSorted(), [...times(3, 'a.test'), ...times(2, 'busy.test')])
    assert.deepEqual(
      queue.sites(9).map(({ site, ready, limit, pausedUntil }) => [site, ready, limit, pausedUntil]),
      [['busy.test', 4, 1, NOON + 5_000]],
    )
    assert.equal(queue.metrics().sites.paused, 1)
    isOpen = true
    clock.advance(4_999)
    await queue.idle()
    assert.equal(destinations().length, 5)
    clock.advance(1)
    await queue.idle()
    assert.equal(destinations().length, 9)
    clock.advance(600_000)
    await queue.idle()
    assert.deepEqual(await store.messages.unfinishedJobs(0, 9), [])
    await queue.close()
  })

  test('where a site is down one job tries it, and the others are spared the way', async () => {
    await using store = await openAt('sqlite::memory:')
    const { queue, clock, free, ran, spared } = heldQueue(store, {
      shape: () => ({ connections: 2 }),
      went: () => 'refused',
    })
    await queue.start()
    await free()
    queue.offer(await acceptAll(store, times(20, { to: 'down.test' })))
    for (const pause of [5_000, 15_000]) {
      await queue.idle()
      clock.advance(pause)
    }
    await queue.idle()
    // Two at first, and one after each pause.
    assert.deepEqual([ran.length, spared.length], [20, 16])
    assert.equal((await store.messages.unfinishedJobs(0, 99)).length, 20)
    await queue.close()
  })

  test('a rate holds, in the time of the queue', async () => {
    await using store = await openAt('sqlite::memory:')
    const { queue, clock, free, ran } = heldQueue(store, { shape: () => ({ connections: 2, perMinute: 6 }) })
    await queue.start()
    await free()
    queue.offer(await acceptAll(store, times(9, { to: 'a.test' })))
    await queue.idle()
    const counts: number[] = [ran.length]
    for (let minute = 0; minute < 2; minute++) {
      for (let step = 0; step < 60; step++) {
        clock.advance(1_000)
        await queue.idle()
      }
      counts.push(ran.length)
    }
    assert.deepEqual(counts, [1, 7, 9])
    await queue.close()
  })
})
