/** MTA-STS policies outlive the process that fetched them (RFC 8461 §10.2), on every engine. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readPolicy, type StsMemory, StsPolicies } from '../src/delivery/mta-sts.ts'
import { stsMemory } from '../src/deliver.ts'
import { realHttpsGet } from '../src/platform/https-get.ts'
import { realRandom } from '../src/platform/random.ts'
import type { Store } from '../src/store/store.ts'
import { fakeClock } from './support/clock.ts'
import { fakeDns, type Zone } from './support/dns.ts'
import { certificateFor, theAuthority } from './support/internet/certificates.ts'
import { ENFORCE, policyHost } from './support/internet/policy-host.ts'
import { ENGINES, keptLog } from './support/stores.ts'

const DOMAIN = 'example.test'
const ADDRESS = '127.0.0.9'
const DAY = 86_400_000
const CERTIFICATE = await certificateFor(`mta-sts.${DOMAIN}`)
const { cert: AUTHORITY } = await theAuthority()

async function world() {
  const host = await policyHost(ADDRESS, CERTIFICATE)
  const zone: Zone = {
    [`_mta-sts.${DOMAIN}`]: { txt: ['v=STSv1; id=1'] },
    [`mta-sts.${DOMAIN}`]: { a: [ADDRESS] },
  }
  const clock = fakeClock(Date.now())
  const log = keptLog()
  const counting = (store: Store) => {
    let finds = 0
    const memory = stsMemory({ store, log }, readPolicy)
    const counted: StsMemory = {
      ...memory,
      async find(domain) {
        finds += 1
        return memory.find(domain)
      },
    }
    return { memory: counted, finds: () => finds }
  }
  return {
    host,
    zone,
    clock,
    log,
    counting,
    /** As after a start. */
    process: (memory: StsMemory) =>
      new StsPolicies({
        dns: fakeDns(zone),
        random: realRandom(),
        httpsGet: realHttpsGet,
        clock,
        port: host.port,
        ca: [AUTHORITY],
        memory,
        rules: {
          allowPrivate: true,
          ownNames: new Set(),
          ownAddresses: new Set(),
          allowLiterals: false,
          families: [4],
          maxHosts: 10,
        },
      }),
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  }
}

for (const engine of ENGINES) {
  describe(`MTA-STS policies on ${engine.name}`, () => {
    test('hold after a restart, whoever blocks the record and the policy', async () => {
      await using opened = await engine.open()
      await using at = await world()
      const { memory } = at.counting(opened.store)
      assert.equal((await at.process(memory).find(DOMAIN)).policy?.mode, 'enforce')
      for (const blocked of ['servfail', { txt: ['v=STSv1; id=2'] }, undefined] as const) {
        at.host.status = 500
        if (blocked === undefined) delete at.zone[`_mta-sts.${DOMAIN}`]
        else at.zone[`_mta-sts.${DOMAIN}`] = blocked
        const { policy } = await at.process(memory).find(DOMAIN)
        assert.deepEqual([policy?.mode, policy?.mx, policy?.id], ['enforce', ['mx.example.test'], '1'])
      }
      at.clock.advance(7 * DAY)
      assert.equal((await at.process(memory).find(DOMAIN)).policy, undefined)
    })

    test('are fetched by one process for all, and renewed by whichever is first', async () => {
      await using opened = await engine.open()
      await using at = await world()
      const { memory } = at.counting(opened.store)
      const processes = [1, 2, 3].map(() => at.process(memory))
      const all = async () => {
        for (const each of processes) assert.equal((await each.find(DOMAIN)).policy?.id, '1')
      }
      await all()
      assert.equal(at.host.asked.length, 1)
      at.clock.advance(DAY)
      await all()
      assert.equal(at.host.asked.length, 2)
    })

    test('are not asked for in the store with each message', async () => {
      await using opened = await engine.open()
      await using at = await world()
      const { memory, finds } = at.counting(opened.store)
      const here = at.process(memory)
      for (let count = 0; count < 5; count++) assert.equal((await here.find('other.test')).policy, undefined)
      assert.equal(finds(), 1)
      await here.find(DOMAIN)
      const after = finds()
      for (let count = 0; count < 5; count++) await here.find(DOMAIN)
      assert.equal(finds(), after)
    })
  })
}

test('a store that takes nothing in keeps nobody’s policy from holding; one that cannot be asked does not let mail go', async () => {
  await using at = await world()
  const broken = { find: async () => undefined, keep: () => Promise.reject(new Error('full')), trim: async () => false }
  const here = at.process(stsMemory({ store: { stsPolicies: broken }, log: at.log }, readPolicy))
  assert.equal((await here.find(DOMAIN)).policy?.mode, 'enforce')
  assert.deepEqual(at.log.lines, ['an MTA-STS policy could not be kept'])
  const away = { ...broken, find: () => Promise.reject(new Error('away')) }
  const there = at.process(stsMemory({ store: { stsPolicies: away }, log: at.log }, readPolicy))
  await assert.rejects(there.find(DOMAIN), /away/)
})

test('what is kept of a policy reads as the policy did', () => {
  const policy = readPolicy('1', ENFORCE)!
  assert.deepEqual(readPolicy('1', policy.lines.join('\n')), policy)
  assert.equal(readPolicy('1', `${ENFORCE}${'x: y\n'.repeat(200)}`), undefined)
  assert.equal(readPolicy('1', `${ENFORCE}x: \0\n`), undefined)
})
