import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { fakeClock } from '../../test/support/clock.ts'
import { NOON, keptLog, openAt, sampleAcceptance } from '../../test/support/stores.ts'
import type { JobStore, Store } from '../store/store.ts'
import type { Job } from '../store/types.ts'
import { createQueue } from './queue.ts'
import type { Delivered, QueueDeps } from './queue.ts'

/** Accepts messages m1, m2, … and gives their jobs. */
async function accepted(store: Store, count: number): Promise<readonly Job[]> {
  const ids = Array.from({ length: count }, (_, index) => `m${index + 1}`)
  return (await Promise.all(ids.map((id) => store.messages.accept(sampleAcceptance(id))))).flat()
}

/** Ends a job in the store, as a settlement does. */
async function end(store: Store, { scope, messageId, id }: Job): Promise<'done'> {
  const counts = { bounces: 0, complaints: 0, rejects: 0 }
  await store.messages.settle({ scope, messageId, jobId: id, at: NOON, updates: [], events: [], attempt: null, counts })
  return 'done'
}

/** A queue over a store, with what it ran. */
function queueOf(store: Store, deliver: (job: Job) => Promise<Delivered>, changes: Partial<QueueDeps> = {}) {
  const clock = fakeClock(NOON)
  const log = keptLog()
  const ran: Job[] = []
  const queue = createQueue({
    store,
    clock,
    log,
    concurrency: 4,
    maxInMemory: 100,
    ...changes,
    deliver: (job) => {
      ran.push(job)
      return deliver(job)
    },
  })
  return { queue, clock, log, ran, idsRan: () => ran.map(({ messageId }) => messageId) }
}

/** Settles when the turn of everything that could go on has come. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise<void>((resolve) => void setImmediate(resolve))
}

/** The jobs of a store, with some calls replaced: a database that fails. */
function failing(store: Store, replaced: Partial<JobStore>): Store {
  return { ...store, jobs: { ...store.jobs, ...replaced } }
}

describe('the queue', () => {
  test('runs what is offered, once it is started, in order', async () => {
    await using store = await openAt('sqlite::memory:')
    const { queue, idsRan } = queueOf(store, (job) => end(store, job))
    const jobs = await accepted(store, 3)
    queue.offer(jobs.slice(0, 2))
    assert.deepEqual(idsRan(), [])
    await queue.start()
    queue.offer(jobs.slice(2))
    await queue.idle()
    assert.deepEqual(idsRan(), ['m1', 'm2', 'm3'])
    await queue.close()
  })

  test('runs what an earlier process left, and nothing twice that is offered as well', async () => {
    await using store = await openAt('sqlite::memory:')
    const { queue, idsRan } = queueOf(store, (job) => end(store, job))
    const jobs = await accepted(store, 5)
    queue.offer(jobs.slice(3))
    const started = queue.start()
    queue.offer(jobs.slice(2))
    await started
    queue.offer(jobs)
    await queue.idle()
    assert.deepEqual(idsRan().toSorted(), ['m1', 'm2', 'm3', 'm4', 'm5'])
    assert.deepEqual(await store.messages.unfinishedJobs(0, 9), [])
    await queue.close()
  })

  test('runs as many at once as it may', async () => {
    await using store = await openAt('sqlite::memory:')
    let running = 0
    let most = 0
    const { queue, ran } = queueOf(store, async (job) => {
      most = Math.max(most, (running += 1))
      await settled()
      running -= 1
      return end(store, job)
    })
    await queue.start()
    queue.offer(await accepted(store, 10))
    await queue.idle()
    assert.equal(most, 4)
    assert.equal(ran.length, 10)
    await queue.close()
  })

  test('leaves in the store what memory has no room for, and fetches it later', async () => {
    await using store = await openAt('sqlite::memory:')
    let rows = 0
    const counted = failing(store, {
      async fresh(afterId, limit) {
        const page = await store.jobs.fresh(afterId, limit)
        rows += page.length
        return page
      },
    })
    const { queue, idsRan } = queueOf(store, (job) => end(store, job), {
      store: counted,
      concurrency: 2,
      maxInMemory: 8,
    })
    await queue.start()
    queue.offer(await accepted(store, 1_200))
    await queue.idle()
    assert.equal(new Set(idsRan()).size, 1_200)
    assert.equal(idsRan().length, 1_200)
    assert.ok(rows >= 1_192)
    await queue.close()
  })

  test('tries a job again when it is due and not before, also after a restart', async () => {
    await using store = await openAt('sqlite::memory:')
    const first = queueOf(store, async ({ dueAt }) => ({ retryAt: dueAt + 60_000 }))
    await first.queue.start()
    first.queue.offer(await accepted(store, 1))
    await first.queue.idle()
    first.clock.advance(59_999)
    await first.queue.idle()
    assert.equal(first.ran.length, 1)
    first.clock.advance(1)
    await first.queue.idle()
    assert.deepEqual(
      first.ran.map(({ attempts, dueAt }) => [attempts, dueAt]),
      [
        [0, NOON],
        [1, NOON + 60_000],
      ],
    )
    await first.queue.close()

    const second = queueOf(store, (job) => end(store, job))
    await second.queue.start()
    await second.queue.idle()
    assert.equal(second.ran.length, 0)
    second.clock.advance(119_999)
    await second.queue.idle()
    assert.equal(second.ran.length, 0)
    second.clock.advance(1)
    await second.queue.idle()
    assert.deepEqual(
      second.ran.map(({ attempts }) => attempts),
      [2],
    )
    await second.queue.close()
  })

  test('does not try a job without end whose next attempt lies in the past', async () => {
    await using store = await openAt('sqlite::memory:')
    const { queue, clock, ran } = queueOf(store, async () => ({ retryAt: 0 }))
    await queue.start()
    queue.offer(await accepted(store, 1))
    await queue.idle()
    clock.advance(1_000)
    await queue.idle()
    assert.deepEqual(
      ran.map(({ dueAt }) => dueAt),
      [NOON, NOON + 1_000],
    )
    await queue.close()
  })

  test('postpones what is offered before it is due', async () => {
    await using store = await openAt('sqlite::memory:')
    const { queue, clock, ran } = queueOf(store, (job) => end(store, job))
    await queue.start()
    queue.offer(
      await store.messages.accept({
        ...sampleAcceptance('m1'),
        jobs: [{ destination: 'x', recipients: [0], dueAt: NOON + 5 }],
      }),
    )
    await queue.idle()
    assert.equal(ran.length, 0)
    clock.advance(5)
    await queue.idle()
    assert.deepEqual(
      ran.map(({ attempts }) => attempts),
      [0],
    )
    await queue.close()
  })

  test('logs a job that fails, tries it again with growing pauses, and goes on with the others', async () => {
    await using store = await openAt('sqlite::memory:')
    const { queue, clock, log, ran, idsRan } = queueOf(store, async (job) => {
      if (job.messageId === 'm1' && job.attempts < 2) throw new Error('a bug')
      return end(store, job)
    })
    await queue.start()
    queue.offer(await accepted(store, 2))
    await queue.idle()
    assert.deepEqual(idsRan(), ['m1', 'm2'])
    assert.deepEqual(log.lines, ['a job failed'])
    clock.advance(1_000)
    await queue.idle()
    clock.advance(1_999)
    await queue.idle()
    assert.equal(ran.length, 3)
    clock.advance(1)
    await queue.idle()
    assert.deepEqual(
      ran.map(({ attempts }) => attempts),
      [0, 0, 1, 2],
    )
    assert.deepEqual(await store.messages.unfinishedJobs(0, 9), [])
    await queue.close()
  })

  test('does not run a job again before its postponement is written', async () => {
    await using store = await openAt('sqlite::memory:')
    let failures = 0
    const unwritable = failing(store, {
      async postpone(job) {
        if ((failures += 1) <= 2) throw new Error('disk full')
        return store.jobs.postpone(job)
      },
    })
    const deliver = async (job: Job): Promise<Delivered> => (job.attempts === 0 ? { retryAt: NOON } : end(store, job))
    const { queue, clock, log, ran } = queueOf(store, deliver, { store: unwritable })
    await queue.start()
    queue.offer(await accepted(store, 1))
    await settled()
    clock.advance(1_000)
    await settled()
    assert.equal(ran.length, 1)
    assert.deepEqual(log.lines, ['a job could not be postponed', 'a job could not be postponed'])
    clock.advance(2_000)
    await queue.idle()
    assert.deepEqual(
      ran.map(({ attempts }) => attempts),
      [0, 1],
    )
    await queue.close()
  })

  test('does not deliver again what was delivered while the store refused to hear of it', async () => {
    await using store = await openAt('sqlite::memory:')
    let failures = 0
    const deliver = async (job: Job): Promise<Delivered> => ({
      async settle() {
        if ((failures += 1) <= 2) throw new Error('disk full')
        await end(store, job)
      },
    })
    const { queue, clock, log, ran } = queueOf(store, deliver)
    await queue.start()
    queue.offer(await accepted(store, 1))
    await settled()
    clock.advance(1_000)
    await settled()
    assert.deepEqual(log.lines, ['a job could not be settled', 'a job could not be settled'])
    assert.equal((await store.messages.unfinishedJobs(0, 9)).length, 1)
    clock.advance(2_000)
    await queue.idle()
    assert.equal(ran.length, 1)
    assert.deepEqual(await store.messages.unfinishedJobs(0, 9), [])
    await queue.close()
  })

  test('serves what waits in the store before what comes later and finds room', async () => {
    await using store = await openAt('sqlite::memory:')
    const { queue, idsRan } = queueOf(store, (job) => end(store, job), { concurrency: 1, maxInMemory: 4 })
    await queue.start()
    const jobs = await accepted(store, 9)
    queue.offer(jobs.slice(0, 8))
    await new Promise<void>((resolve) => void setImmediate(resolve))
    queue.offer(jobs.slice(8))
    await queue.idle()
    assert.equal(idsRan().at(-1), 'm9')
    await queue.close()
  })

  test('reads the store again after a while when it could not be read', async () => {
    await using store = await openAt('sqlite::memory:')
    let failures = 0
    const unreadable = failing(store, {
      async fresh(afterId, limit) {
        if ((failures += 1) <= 2) throw new Error('I/O error')
        return store.jobs.fresh(afterId, limit)
      },
    })
    const { queue, clock, log, idsRan } = queueOf(store, (job) => end(store, job), { store: unreadable })
    await accepted(store, 2)
    await queue.start()
    await settled()
    clock.advance(1_000)
    await settled()
    assert.deepEqual(idsRan(), [])
    assert.deepEqual(log.lines, ['the queue could not be read', 'the queue could not be read'])
    clock.advance(2_000)
    await queue.idle()
    assert.deepEqual(idsRan(), ['m1', 'm2'])
    await queue.close()
  })

  test('closing waits for what runs, and starts nothing more', async () => {
    await using store = await openAt('sqlite::memory:')
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    const { queue, ran } = queueOf(
      store,
      async (job) => {
        await released
        return end(store, job)
      },
      { concurrency: 2, maxInMemory: 3 },
    )
    await queue.start()
    queue.offer(await accepted(store, 5))
    let isClosed = false
    const closed = queue.close().then(() => (isClosed = true))
    await settled()
    assert.equal(isClosed, false)
    release()
    await closed
    assert.equal(ran.length, 2)
    assert.equal((await store.messages.unfinishedJobs(0, 9)).length, 3)
  })

  test('ends every job once whatever deliveries come to and the store refuses, and runs none twice at a time', async () => {
    const plan = fc.array(fc.constantFrom('done', 'now', 'later', 'bug'), { maxLength: 4 })
    const plans = fc.array(plan, { minLength: 1, maxLength: 30 })
    const refusals = fc.array(fc.boolean(), { maxLength: 20 })
    const sizes = fc.integer({ min: 1, max: 6 })
    await fc.assert(
      fc.asyncProperty(plans, refusals, sizes, async (outcomes, refused, maxInMemory) => {
        await using store = await openAt('sqlite::memory:')
        const running = new Set<string>()
        const refuse = (): void => assert.ok(refused.pop() !== true, 'I/O error')
        const unreliable = failing(store, {
          fresh: async (...rest) => (refuse(), store.jobs.fresh(...rest)),
          postpone: async (...rest) => (refuse(), store.jobs.postpone(...rest)),
          postponed: async (...rest) => (refuse(), store.jobs.postponed(...rest)),
          nextPostponed: async (...rest) => (refuse(), store.jobs.nextPostponed(...rest)),
        })
        const deliver = async (job: Job): Promise<Delivered> => {
          assert.ok(!running.has(job.messageId))
          running.add(job.messageId)
          await settled()
          running.delete(job.messageId)
          const outcome = outcomes[Number(job.messageId.slice(1)) - 1]?.[job.attempts] ?? 'done'
          if (outcome === 'bug') throw new Error('a bug')
          if (outcome === 'done') return end(store, job)
          return { retryAt: clock.now() + (outcome === 'now' ? 0 : 5_000) }
        }
        const bounds = { store: unreliable, concurrency: Math.min(2, maxInMemory), maxInMemory }
        const { queue, clock, ran } = queueOf(store, deliver, bounds)
        await queue.start()
        const jobs = await accepted(store, outcomes.length)
        for (const job of jobs.slice(2)) queue.offer([job])
        await settled()
        queue.offer(jobs.slice(0, 2))
        for (let hour = 0; hour < 300 && (await store.messages.unfinishedJobs(0, 1)).length > 0; hour++) {
          await settled()
          clock.advance(3_600_000)
        }
        refused.length = 0
        await settled()
        clock.advance(3_600_000)
        await queue.idle()
        assert.deepEqual(await store.messages.unfinishedJobs(0, 99), [])
        const attempts = outcomes.map((each) => (each.includes('done') ? each.indexOf('done') : each.length) + 1)
        assert.equal(
          ran.length,
          attempts.reduce((sum, each) => sum + each, 0),
        )
        await queue.close()
      }),
      { numRuns: 20 },
    )
  })
})
