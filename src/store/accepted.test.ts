import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deserialize, serialize } from 'node:v8'
import fc from 'fast-check'
import { type Accepted, acceptedFlat } from './accepted.ts'
import { FIELDS, STATUSES } from './outcomes.ts'
import type { Value } from './db.ts'

const text = fc.string({ unit: 'binary', maxLength: 20 })
const whole = fc.integer()
const few = { maxLength: 4 }

const accepted: fc.Arbitrary<Accepted> = fc.record({
  scope: fc.record({ account: text, region: text }),
  messageId: text,
  day: whole,
  acceptedAt: whole,
  counted: whole,
  counts: fc.record({ bounces: whole, complaints: whole, rejects: whole }),
  recipientsSearch: text,
  senderSearch: text,
  subjectSearch: text,
  document: text,
  body: fc.record({ encoding: fc.constantFrom('identity' as const, 'zstd' as const), stored: whole, pieces: whole }),
  recipients: fc.array(
    fc.record({
      position: whole,
      address: text,
      mailbox: text,
      field: fc.constantFrom(...FIELDS),
      status: fc.constantFrom(...STATUSES),
      reply: fc.option(text),
    }),
    few,
  ),
  jobs: fc.array(fc.record({ destination: text, recipients: text, dueAt: whole }), few),
  events: fc.array(fc.record({ type: text, at: whole, json: text }), few),
  attempts: fc.array(
    fc.record({ destination: text, at: whole, durationMs: whole, transport: text, transcript: fc.array(text, few) }),
    few,
  ),
  owner: fc.option(whole),
})

test('an acceptance arrives as it was sent', () => {
  fc.assert(
    fc.property(accepted, (sent) => {
      const crossed: readonly Value[] = deserialize(serialize(acceptedFlat.flatten(sent)))
      // What fast-check makes has no prototype.
      assert.deepEqual(acceptedFlat.restore(crossed), structuredClone(sent))
    }),
  )
})

test('what was not written so is not read so', () => {
  assert.throws(() => acceptedFlat.restore([]), TypeError)
  assert.throws(() => acceptedFlat.restore(['account', 'region', 5]), TypeError)
})
