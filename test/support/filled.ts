/** A store with something in every table, and what has to be there when another version, or another engine, opens it. */
import assert from 'node:assert/strict'
import { openStore } from '../../src/store/open.ts'
import type { Store } from '../../src/store/store.ts'
import type { Job } from '../../src/store/types.ts'
import {
  ELSEWHERE,
  NOON,
  SCOPE,
  SETTINGS,
  SOMEBODY_ELSE,
  keptLog,
  sampleAcceptance,
  sampleIdentity,
  sampleKey,
  sampleSet,
} from './stores.ts'

const SENDER = 'sender@example.com'
const DAY_MS = 86_400_000
const AT_ONCE = 100
const NO_COUNTS = { bounces: 0, complaints: 0, rejects: 0 }
const ACCOUNT = { id: '000000000000', name: 'Straße 🙂', email: null, createdAt: NOON }
const KEY = { ...sampleKey('AKIA1'), policy: '{"Version":"2012-10-17"}', expiresAt: NOON }
const POLICY = { name: 'policy', policy: `{"it's":"quoted"}` }
const IDENTITIES = [
  [SCOPE, 'example.com'],
  [SCOPE, SENDER],
  [ELSEWHERE, 'example.com'],
] as const
const STS_POLICY = { domain: 'example.org', id: '1', policy: 'version: STSv1', fetchedAt: NOON, until: NOON + DAY_MS }
const TLS_DAY = Math.floor(NOON / DAY_MS)
const TLS_COUNT = {
  policy: { type: 'no-policy-found', domain: 'example.org', lines: [], mxHosts: [] },
  failure: null,
  day: TLS_DAY,
  domain: 'example.org',
  sessions: 3,
}
const EVENT = '{"eventType":"Delivery"}'

export type Filling = {
  /** At least six. */
  readonly messages: number
  /** Bodies of messages besides. */
  readonly bodies: readonly Uint8Array[]
}

function identity(name: string) {
  const verification = { ...sampleIdentity(name).verification, state: 'SUCCESS' as const }
  return sampleIdentity(name, { verification, nextCheckAt: NOON + DAY_MS })
}

function message(index: number) {
  const scope = index % 3 === 0 ? SOMEBODY_ELSE : SCOPE
  const to = [`${index}@example.org`, `${index}@example.net`]
  return sampleAcceptance(`m${index}`, { scope, to, at: NOON + index * 1_000 })
}

/** The first third of the jobs is done, the second postponed by a day. */
function thirdOf({ messages }: Filling): number {
  return Math.floor(messages / 3)
}

/** Something in every table, and numbers that are behind those of the rows that are there. */
export async function fill(database: string, filling: Filling): Promise<void> {
  const store = await openStore({ database, log: keptLog() })
  await store.accounts.insert(ACCOUNT)
  await store.accounts.patchSettings(SCOPE, SETTINGS, { productionAccess: true })
  await store.keys.insert(KEY)
  for (const [scope, name] of IDENTITIES) {
    await store.identities.insert(scope, identity(name))
    await store.identities.putPolicy(scope, { identity: name, ...POLICY })
  }
  await store.configurationSets.insert(SCOPE, sampleSet('set'))
  await store.secrets.keep('name', () => 'secret')
  await store.suppressions.put(SCOPE, {
    address: 'gone@example.org',
    reason: 'COMPLAINT',
    updatedAt: NOON,
    messageId: 'm0',
    feedbackId: null,
  })
  await store.stsPolicies.keep(STS_POLICY)
  await store.tlsResults.add([TLS_COUNT])
  await store.tlsResults.reported(TLS_DAY, 'example.org', ['mailto:tls@example.org'])
  const messages = Array.from({ length: filling.messages }, (_, index) => message(index))
  for (let at = 0; at < messages.length; at += AT_ONCE) {
    // A few one after another, in their order; many at once, in whatever order.
    if (messages.length <= AT_ONCE) for (const each of messages) await store.messages.accept(each)
    else await Promise.all(messages.slice(at, at + AT_ONCE).map((each) => store.messages.accept(each)))
  }
  for (const [index, raw] of filling.bodies.entries())
    await store.messages.accept(sampleAcceptance(`b${index}`, { raw }))
  const third = thirdOf(filling)
  const jobs = await store.messages.unfinishedJobs(0, 2 * third)
  const settle = async ({ id, scope, messageId }: Job) => {
    const attempt = {
      destination: 'example.org',
      at: NOON,
      durationMs: 5,
      transport: 'capture',
      transcript: ['250 Ok'],
    }
    const updates = [{ position: 0, status: 'delivered' as const, reply: '250 Ok' }]
    const events = [{ type: 'Delivery', at: NOON, json: EVENT }]
    await store.messages.settle({ scope, messageId, jobId: id, at: NOON, updates, events, attempt, counts: NO_COUNTS })
  }
  await Promise.all(jobs.slice(0, third).map(settle))
  await Promise.all(jobs.slice(third).map((job) => store.jobs.postpone({ ...job, attempts: 1, dueAt: NOON + DAY_MS })))
  // The last message and the last job: their numbers must not come again.
  await store.messages.accept(sampleAcceptance('removed'))
  await store.messages.remove(SCOPE, 'removed')
  await store.close()
}

/** Everything that {@link fill} has put there, as the store shows it. */
export async function assertFilled(store: Store, filling: Filling): Promise<void> {
  assert.deepEqual(await store.accounts.list(), [ACCOUNT])
  assert.deepEqual(await store.accounts.settings(SCOPE), { ...SETTINGS, productionAccess: true })
  assert.deepEqual(await store.keys.find(KEY.id), KEY)
  for (const [scope, name] of IDENTITIES) {
    assert.deepEqual(await store.identities.find(scope, name), identity(name))
    assert.deepEqual(await store.identities.policies(scope, name), [{ identity: name, ...POLICY }])
  }
  assert.deepEqual(await store.configurationSets.find(SCOPE, 'set'), sampleSet('set'))
  const listed = await store.messages.list({}, { limit: filling.messages + filling.bodies.length + 1 })
  assert.equal(listed.length, filling.messages + filling.bodies.length)
  for (let index = 0; index < filling.messages; index++) {
    const { scope, message: sent, raw } = message(index)
    assert.deepEqual((await store.messages.find(sent.id))?.message, sent)
    assert.deepEqual(Buffer.from((await store.messages.raw(scope, sent.id))!), Buffer.from(raw))
    const isDone = index < thirdOf(filling)
    const recipients = await store.messages.recipients(scope, sent.id)
    assert.deepEqual(
      recipients.map(({ address, status }) => [address, status]),
      sent.destination.map((address, position) => [address, isDone && position === 0 ? 'delivered' : 'queued']),
    )
    const events = await store.messages.events(scope, sent.id)
    assert.deepEqual(
      events.map(({ type }) => type),
      isDone ? ['Send', 'Delivery'] : ['Send'],
    )
    const attempts = await store.messages.attempts(scope, sent.id)
    assert.deepEqual(
      attempts.map(({ transcript }) => transcript),
      isDone ? [['250 Ok']] : [],
    )
  }
  for (const [index, raw] of filling.bodies.entries()) {
    assert.ok(Buffer.from((await store.messages.raw(SCOPE, `b${index}`))!).equals(raw))
  }
  const jobs = await store.messages.unfinishedJobs(0, 2 * filling.messages)
  assert.equal(jobs.length, filling.messages + filling.bodies.length - thirdOf(filling))
  assert.equal(jobs.filter(({ attempts }) => attempts === 1).length, thirdOf(filling))
  const minutes = await store.messages.sentPerMinute(SOMEBODY_ELSE, 0)
  const counted = minutes.reduce((sum, { recipients }) => sum + recipients, 0)
  assert.equal(counted, 2 * Math.ceil(filling.messages / 3))
}
