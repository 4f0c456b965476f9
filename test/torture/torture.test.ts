/** Accepted means kept: `kill -9` under load, in short. `npm run torture` is the long form. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { openAt, sampleAcceptance } from '../support/stores.ts'
import { chance } from './chance.ts'
import { tortureDelivering } from './delivering.ts'
import { makeMail } from './mail.ts'
import { torture } from './torture.ts'
import { verify } from './verify.ts'

const SHORT = { times: 2, seed: 7, verifyEvery: 2, largest: 1_000_000, tell: () => {} }

for (const engine of ['sqlite', 'postgres'] as const) {
  test(`kill -9 under load on ${engine} loses nothing that a client saw accepted, and leaves nothing in parts`, async () => {
    const { rounds, accepted, stored, faults } = await torture({ ...SHORT, engine })
    assert.deepEqual({ rounds, faults }, { rounds: 2, faults: [] })
    assert.ok(accepted > 0 && stored >= accepted)
  })
}

test('kill -9 while mail is delivered loses none of it, and repeats no more than was on its way', async () => {
  const { lost, left, duplicates, open } = await tortureDelivering({ calls: 4, kills: 2, tell: () => {} })
  assert.deepEqual({ lost, left }, { lost: 0, left: 0 })
  assert.ok(duplicates <= open, `${duplicates} duplicates, ${open} connections open`)
})

test('the look into the store finds what is lost, there twice, in parts, or not done with', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sesame-verify-'))
  t.after(() => rm(folder, { recursive: true }))
  const database = `sqlite:${join(folder, 'sesame.db')}`
  await using store = await openAt(database)
  await store.messages.accept(sampleAcceptance('one', { subject: 'mark-1' }))
  await store.messages.accept(sampleAcceptance('two', { subject: 'mark-1' }))
  await store.close()
  const mail = makeMail(chance(1), 1_000)
  const { faults } = await verify(database, [{ mail, messageId: 'three', round: 1 }], 5)
  for (const fault of [
    /mark-1 is there twice/,
    /three, accepted over \w+ in round 1, is lost/,
    /has no body, or not all of it/,
    /has recipients without an outcome/,
    /has 0 Delivery events for 1 domains/,
    /2 jobs or more are left/,
    /the counters know of -3 recipients, and there are/,
  ]) {
    assert.ok(
      faults.some((each) => fault.test(each)),
      `${fault} in\n${faults.join('\n')}`,
    )
  }
})
