/** The contract of the store, on every engine: messages and what hangs on them, counters. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import type { Settlement } from '../src/store/types.ts'
import { ELSEWHERE, ENGINES, NOON, SCOPE, SOMEBODY_ELSE, sampleAcceptance } from './support/stores.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

function days(count: number): number {
  return NOON + count * 24 * HOUR
}

function delivery(messageId: string, jobId: number | null, changes: Partial<Settlement> = {}): Settlement {
  const at = NOON + 500
  return {
    scope: SCOPE,
    messageId,
    jobId,
    at,
    updates: [{ position: 0, status: 'delivered', reply: '250 2.0.0 OK' }],
    events: [{ type: 'Delivery', at, json: '{"eventType":"Delivery"}' }],
    attempt: { destination: 'example.org', at, durationMs: 7, transport: 'capture', transcript: ['MAIL', '250 OK'] },
    counts: { bounces: 0, complaints: 0, rejects: 0 },
    ...changes,
  }
}

for (const engine of ENGINES) {
  describe(`messages on ${engine.name}`, () => {
    test('an acceptance is there with recipients, jobs, events and its exact octets', async () => {
      await using opened = await engine.open()
      const { messages } = opened.store
      const raw = Buffer.from([0, 13, 10, 255, 254, 0])
      const acceptance = sampleAcceptance('m1', { to: ['a@example.org', 'Bö <b@example.org>'], raw })
      const jobs = await messages.accept(acceptance)
      assert.equal(jobs.length, 1)
      assert.deepEqual(await messages.unfinishedJobs(0, 10), jobs)
      const { id, ...job } = jobs[0]!
      assert.ok(id > 0)
      const expected = {
        scope: SCOPE,
        messageId: 'm1',
        destination: 'example.org',
        recipients: [0, 1],
        attempts: 0,
        dueAt: NOON,
        owner: null,
      }
      assert.deepEqual(job, expected)
      const found = await messages.find('m1')
      assert.deepEqual(found, { seq: found!.seq, scope: SCOPE, message: acceptance.message })
      assert.deepEqual(Buffer.from((await messages.raw(SCOPE, 'm1'))!), raw)
      const asQueued = { status: 'queued', reply: null, updatedAt: NOON }
      assert.deepEqual(
        await messages.recipients(SCOPE, 'm1'),
        acceptance.recipients.map((recipient) => ({ ...recipient, ...asQueued })),
      )
      assert.deepEqual(await messages.events(SCOPE, 'm1'), [{ messageId: 'm1', ...acceptance.events[0]! }])
      assert.deepEqual(await messages.attempts(SCOPE, 'm1'), [])
    })

    test('a body of many megabytes and one cut out of a larger buffer come back as they were', async () => {
      await using opened = await engine.open()
      const { messages } = opened.store
      const large = Buffer.alloc(9 * 1024 * 1024, 'sesame ')
      const view = large.subarray(7, 14)
      await Promise.all([
        messages.accept(sampleAcceptance('large', { raw: large })),
        messages.accept(sampleAcceptance('view', { raw: view })),
        messages.accept(sampleAcceptance('empty', { raw: new Uint8Array(0) })),
      ])
      assert.ok(large.equals((await messages.raw(SCOPE, 'large'))!))
      assert.equal(Buffer.from((await messages.raw(SCOPE, 'view'))!).toString(), 'sesame ')
      assert.equal((await messages.raw(SCOPE, 'empty'))!.byteLength, 0)
    })

    test('a message is found by its id alone, what hangs on it only in its scope', async () => {
      await using opened = await engine.open()
      const { messages } = opened.store
      await messages.accept(sampleAcceptance('m1', { scope: SOMEBODY_ELSE }))
      assert.deepEqual((await messages.find('m1'))?.scope, SOMEBODY_ELSE)
      assert.equal(await messages.find('m2'), undefined)
      assert.equal(await messages.raw(SCOPE, 'm1'), undefined)
      assert.deepEqual(await messages.recipients(SCOPE, 'm1'), [])
      assert.deepEqual(await messages.events(SCOPE, 'm1'), [])
    })

    test('what was rejected for its content starts as rejected, has no job, and counts', async () => {
      await using opened = await engine.open()
      const { messages } = opened.store
      assert.deepEqual(await messages.accept(sampleAcceptance('m1', { to: ['a@x', 'b@x'], rejected: true })), [])
      assert.deepEqual(
        (await messages.recipients(SCOPE, 'm1')).map(({ status }) => status),
        ['rejected', 'rejected'],
      )
      assert.deepEqual(await messages.statistics(SCOPE, NOON), [
        { at: NOON, deliveryAttempts: 2, bounces: 0, complaints: 0, rejects: 2 },
      ])
    })

    test('a listing goes from the newest back, page by page', async () => {
      await using opened = await engine.open()
      const { messages } = opened.store
      for (const id of ['m1', 'm2', 'm3', 'm4', 'm5']) await messages.accept(sampleAcceptance(id))
      const first = await messages.list({}, { limit: 2 })
      assert.deepEqual(
        first.map(({ message }) => message.id),
        ['m5', 'm4'],
      )
      const rest = await messages.list({}, { limit: 9, before: first[1]!.seq })
      assert.deepEqual(
        rest.map(({ message }) => message.id),
        ['m3', 'm2', 'm1'],
      )
      const later = await messages.list({ afterSeq: rest[0]!.seq }, { limit: 9 })
      assert.deepEqual(
        later.map(({ message }) => message.id),
        ['m5', 'm4'],
      )
    })

    test('a page says where the next one begins, and is bounded in octets too', async () => {
      await using opened = await engine.open()
      const { messages } = opened.store
      for (const id of ['m1', 'm2', 'm3']) await messages.accept(sampleAcceptance(id))
      const first = await messages.page({}, { limit: 2 })
      assert.deepEqual(
        first.messages.map(({ message }) => message.id),
        ['m3', 'm2'],
      )
      assert.equal(first.next, first.messages[1]!.seq)
      const last = await messages.page({}, { limit: 2, before: first.next })
      assert.deepEqual([last.messages.length, last.next], [1, undefined])
      assert.equal((await messages.page({ subject: 'hello' }, { limit: 3 })).next, undefined)
      assert.equal((await messages.page({ subject: 'hello' }, { limit: 2 })).next, first.next)

      const subject = 'x'.repeat(1024 * 1024)
      for (let number = 0; number < 10; number++) {
        await messages.accept(sampleAcceptance(`large ${number}`, { subject, raw: new Uint8Array(0) }))
      }
      const [some, rest] = [
        await messages.page({}, { limit: 100 }),
        await messages.page({ subject: 'xxx' }, { limit: 100 }),
      ]
      assert.ok(some.messages.length > 5 && some.messages.length < 10)
      assert.deepEqual(rest, some)
      const others = await messages.page({}, { limit: 100, before: some.next })
      assert.equal(some.messages.length + others.messages.length, 13)
      assert.equal(others.next, undefined)
    })

    test('a search looks into recipients, sender and subject, upper and lower case alike', async () => {
      await using opened = await engine.open()
      const { messages } = opened.store
      await messages.accept(
        sampleAcceptance('m1', { to: ['Ann <ANN@example.org>', 'bob@example.net'], subject: 'Größe 50%' }),
      )
      await messages.accept(
        sampleAcceptance('m2', { from: 'Other@example.com', subject: 'plain_text', scope: ELSEWHERE }),
      )
      await messages.accept(sampleAcceptance('m3', { scope: SOMEBODY_ELSE, at: NOON + HOUR }))
      const search = async (filter: Parameters<typeof messages.list>[0]) =>
        (await messages.list(filter, { limit: 10 })).map(({ message }) => message.id)
      assert.deepEqual(await search({ to: 'ann@EXAMPLE' }), ['m1'])
      assert.deepEqual(await search({ to: 'BOB@' }), ['m1'])
      assert.deepEqual(await search({ from: 'OTHER@' }), ['m2'])
      assert.deepEqual(await search({ subject: 'GRÖSSE' }), [])
      assert.deepEqual(await search({ subject: 'GRÖßE' }), ['m1'])
      assert.deepEqual(await search({ subject: '%' }), ['m1'], '% is no wildcard')
      assert.deepEqual(await search({ subject: '_' }), ['m2'], '_ is no wildcard')
      assert.deepEqual(await search({ subject: '\\' }), [], 'nor is \\ an escape')
      assert.deepEqual(await search({ account: SCOPE.account }), ['m2', 'm1'])
      assert.deepEqual(await search({ region: 'us-east-1' }), ['m3', 'm1'])
      assert.deepEqual(await search({ since: NOON + 1 }), ['m3'])
      assert.deepEqual(
        await search({
          account: SCOPE.account,
          region: 'us-east-1',
          to: 'ann',
          from: 'sender',
          subject: 'gr',
          since: 0,
        }),
        ['m1'],
      )
    })

    test('a search goes through more messages than one query looks at', async () => {
      await using opened = await engine.open()
      const { messages } = opened.store
      const total = 4_100
      const accepted = Array.from({ length: total }, (_, index) =>
        messages.accept(sampleAcceptance(`m${index}`, { subject: index % 2_000 === 7 ? 'needle' : 'hay' })),
      )
      await Promise.all(accepted)
      const found = await messages.list({ subject: 'needle' }, { limit: 10 })
      assert.deepEqual(
        found.map(({ message }) => message.id),
        ['m4007', 'm2007', 'm7'],
      )
      assert.equal((await messages.list({ subject: 'needle' }, { limit: 2 })).length, 2)
      assert.equal((await messages.list({ subject: 'hay' }, { limit: 3_000 })).length, 3_000)
    })

    test('a settlement writes states, events and the attempt, and ends the job', async () => {
      await using opened = await engine.open()
      const { messages } = opened.store
      const [job] = await messages.accept(sampleAcceptance('m1', { to: ['a@x', 'b@x'] }))
      const settlement = delivery('m1', job!.id)
      await messages.settle(settlement)
      const [first, second] = await messages.recipients(SCOPE, 'm1')
      assert.deepEqual([first!.status, first!.reply, first!.updatedAt], ['delivered', '250 2.0.0 OK', NOON + 500])
      assert.equal(second!.status, 'queued')
      assert.deepEqual(
        (await messages.events(SCOPE, 'm1')).map(({ type }) => type),
        ['Send', 'Delivery'],
      )
      assert.deepEqual(await messages.attempts(SCOPE, 'm1'), [settlement.attempt])
      assert.deepEqual(await messages.unfinishedJobs(0, 10), [])
    })

    test('a job may go on with those who were not reached, at its time', async () => {
      await using opened = await engine.open()
      const { messages, jobs } = opened.store
      const [job] = await messages.accept(sampleAcceptance('m1', { to: ['a@x', 'b@x'] }))
      const rest = { recipients: [1], attempts: 1, dueAt: NOON + HOUR }
      await messages.settle({ ...delivery('m1', job!.id), rest })
      assert.deepEqual(await messages.unfinishedJobs(0, 10), [{ ...job, ...rest, owner: null }])
      assert.equal((await messages.attempts(SCOPE, 'm1')).length, 1)
      assert.deepEqual(await jobs.postponed(NOON, undefined, 10), [])
      assert.equal((await jobs.postponed(NOON + HOUR, undefined, 10)).length, 1)
      await messages.settle(delivery('m1', job!.id))
      assert.deepEqual(await messages.unfinishedJobs(0, 10), [])
      await messages.settle({ ...delivery('m1', job!.id), rest })
      assert.deepEqual(await messages.unfinishedJobs(0, 10), [])
    })

    test('a job that ended is not settled again; what happens after the fact is', async () => {
      await using opened = await engine.open()
      const { messages } = opened.store
      const [job] = await messages.accept(sampleAcceptance('m1'))
      await Promise.all([messages.settle(delivery('m1', job!.id)), messages.settle(delivery('m1', job!.id))])
      assert.equal((await messages.events(SCOPE, 'm1')).length, 2)
      const complaint = delivery('m1', null, {
        updates: [{ position: 0, status: 'complained', reply: null }],
        events: [{ type: 'Complaint', at: NOON + HOUR, json: '{}' }],
        attempt: null,
        counts: { bounces: 0, complaints: 1, rejects: 0 },
      })
      await messages.settle(complaint)
      assert.equal((await messages.recipients(SCOPE, 'm1'))[0]!.status, 'complained')
      assert.deepEqual(
        (await messages.events(SCOPE, 'm1')).map(({ type }) => type),
        ['Send', 'Delivery', 'Complaint'],
      )
      assert.equal((await messages.attempts(SCOPE, 'm1')).length, 1)
    })

    test('a removed message leaves nothing behind, and nothing can be hung on it', async () => {
      await using opened = await engine.open()
      const { messages } = opened.store
      const [job] = await messages.accept(sampleAcceptance('m1'))
      await messages.accept(sampleAcceptance('m2'))
      assert.equal(await messages.remove(ELSEWHERE, 'm1'), false)
      assert.equal(await messages.remove(SCOPE, 'm1'), true)
      assert.equal(await messages.remove(SCOPE, 'm1'), false)
      await messages.settle(delivery('m1', job!.id))
      await messages.settle(delivery('m1', null))
      assert.equal(await messages.find('m1'), undefined)
      assert.equal(await messages.raw(SCOPE, 'm1'), undefined)
      assert.deepEqual(await messages.recipients(SCOPE, 'm1'), [])
      assert.deepEqual(await messages.events(SCOPE, 'm1'), [])
      assert.deepEqual(await messages.attempts(SCOPE, 'm1'), [])
      assert.deepEqual(
        (await messages.unfinishedJobs(0, 10)).map(({ messageId }) => messageId),
        ['m2'],
      )
    })

    test('clearing takes the messages of one account, or all, and leaves the counters', async () => {
      await using opened = await engine.open()
      const { messages } = opened.store
      await messages.accept(sampleAcceptance('m1'))
      await messages.accept(sampleAcceptance('m2', { scope: ELSEWHERE }))
      await messages.accept(sampleAcceptance('m3', { scope: SOMEBODY_ELSE }))
      await messages.clear(SCOPE.account)
      assert.deepEqual(
        (await messages.list({}, { limit: 10 })).map(({ message }) => message.id),
        ['m3'],
      )
      assert.deepEqual(
        (await messages.unfinishedJobs(0, 10)).map(({ messageId }) => messageId),
        ['m3'],
      )
      assert.deepEqual(await messages.events(ELSEWHERE, 'm2'), [])
      assert.deepEqual(await messages.sentPerMinute(SCOPE, 0), [{ at: NOON, recipients: 1 }])
      await messages.clear(undefined)
      assert.deepEqual(await messages.list({}, { limit: 10 }), [])
      assert.equal(await messages.raw(SOMEBODY_ELSE, 'm3'), undefined)
      await messages.accept(sampleAcceptance('m3', { scope: SOMEBODY_ELSE }))
      assert.equal((await messages.recipients(SOMEBODY_ELSE, 'm3')).length, 1)
    })
  })

  describe(`counters on ${engine.name}`, () => {
    test('recipients are counted by the minute, in their scope, those that count', async () => {
      await using opened = await engine.open()
      const { messages } = opened.store
      const sent = [
        { at: NOON + 1 },
        { at: NOON + MINUTE - 1, to: ['a@x', 'b@x', 'c@x'] },
        { at: NOON + MINUTE },
        { at: NOON + MINUTE, to: ['a@x', 'b@x'], counted: 1 },
        { at: NOON + 2 * MINUTE, counted: 0 },
        { at: NOON, scope: ELSEWHERE },
      ]
      await Promise.all(sent.map((sample, index) => messages.accept(sampleAcceptance(`m${index}`, sample))))
      const all = [
        { at: NOON, recipients: 4 },
        { at: NOON + MINUTE, recipients: 2 },
      ]
      assert.deepEqual(await messages.sentPerMinute(SCOPE, 0), all)
      assert.deepEqual(
        await messages.sentPerMinute(SCOPE, NOON + MINUTE - 1),
        all,
        'the minute that it falls into counts',
      )
      assert.deepEqual(await messages.sentPerMinute(SCOPE, NOON + MINUTE), all.slice(1))
      assert.deepEqual(await messages.sentPerMinute(ELSEWHERE, 0), [{ at: NOON, recipients: 1 }])
    })

    test('statistics sum up quarters of an hour', async () => {
      await using opened = await engine.open()
      const { messages } = opened.store
      await messages.accept(sampleAcceptance('m1', { at: NOON + MINUTE, to: ['a@x', 'b@x'] }))
      await messages.accept(sampleAcceptance('m2', { at: NOON + 14 * MINUTE }))
      await messages.accept(sampleAcceptance('m3', { at: NOON + 15 * MINUTE }))
      const counts = { bounces: 1, complaints: 2, rejects: 3 }
      await messages.settle(delivery('m1', null, { at: NOON + 16 * MINUTE, counts }))
      const points = [
        { at: NOON, deliveryAttempts: 3, bounces: 0, complaints: 0, rejects: 0 },
        { at: NOON + 15 * MINUTE, deliveryAttempts: 1, ...counts },
      ]
      assert.deepEqual(await messages.statistics(SCOPE, 0), points)
      assert.deepEqual(await messages.statistics(SCOPE, NOON + 15 * MINUTE), points.slice(1))
      assert.deepEqual(await messages.statistics(ELSEWHERE, 0), [])
      assert.deepEqual(await messages.sentPerMinute(SCOPE, NOON + 16 * MINUTE), [], 'an outcome is nothing sent')
    })

    test('what is older than statistics reach is forgotten', async () => {
      await using opened = await engine.open()
      const { messages } = opened.store
      await messages.accept(sampleAcceptance('m1', { at: NOON }))
      await messages.accept(sampleAcceptance('m2', { at: days(14) }))
      assert.equal((await messages.statistics(SCOPE, 0)).length, 2)
      await messages.accept(sampleAcceptance('m3', { at: days(16) }))
      assert.deepEqual(
        (await messages.statistics(SCOPE, 0)).map(({ at }) => at),
        [days(14), days(16)],
      )
    })
  })
}
