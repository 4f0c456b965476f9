/** Outcomes that are known when a message is accepted, on both engines. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { ENGINES, NOON, SCOPE, sampleAcceptance } from './support/stores.ts'

for (const engine of ENGINES) {
  describe(`outcomes on ${engine.name}`, () => {
    test('outcomes that are known at the acceptance are written with it, and count', async () => {
      await using opened = await engine.open()
      const { messages } = opened.store
      const attempts = ['one', 'two'].map((word, index) => ({
        destination: `${word}.example`,
        at: NOON + index,
        durationMs: 0,
        transport: 'simulator',
        transcript: [`250 ${word}`],
      }))
      const acceptance = sampleAcceptance('m1', { to: ['a@x', 'b@x'], attempts, counts: { bounces: 1, complaints: 1 } })
      const [first, second] = acceptance.recipients
      const recipients = [
        { ...first!, status: 'delivered' as const, reply: '250 2.0.0 Ok' },
        { ...second!, status: 'bounced' as const, reply: '550 5.1.1 no' },
      ]
      await messages.accept({ ...acceptance, recipients, jobs: [] })
      assert.deepEqual(
        await messages.recipients(SCOPE, 'm1'),
        recipients.map((recipient) => ({ ...recipient, updatedAt: NOON })),
      )
      assert.deepEqual(await messages.attempts(SCOPE, 'm1'), attempts)
      assert.deepEqual(await messages.statistics(SCOPE, NOON), [
        { at: NOON, deliveryAttempts: 2, bounces: 1, complaints: 1, rejects: 0 },
      ])
      assert.deepEqual(await messages.unfinishedJobs(0, 10), [])
    })

    test('how it ended is told without what else happened', async () => {
      await using opened = await engine.open()
      const { messages } = opened.store
      const of = (type: string) => ({ type, at: NOON, json: `{"${type}":1}` })
      const events = ['Send', 'DeliveryDelay', 'Delivery', 'Open', 'Bounce', 'Click', 'Complaint'].map(of)
      await messages.accept({ ...sampleAcceptance('m1'), events })
      await messages.accept({ ...sampleAcceptance('m2'), events })
      assert.deepEqual(
        await messages.ends(SCOPE, 'm1'),
        ['Delivery', 'Bounce', 'Complaint'].map((type) => ({ messageId: 'm1', ...of(type) })),
      )
      assert.deepEqual(await messages.ends(SCOPE, 'm3'), [])
    })
  })
}
