/** MAIL FROM domains, and which identity an address stands for. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { CreateEmailIdentityCommand } from '@aws-sdk/client-sesv2'
import { resolveIdentity } from '../src/domain/identities/resolution.ts'
import { startApp, type TestApp } from './support/app.ts'
import { until } from './support/until.ts'
import {
  DOMAIN,
  HOST,
  OWNER,
  MINUTE,
  HOUR,
  type MutableZone,
  startStrict,
  create,
  setMailFrom,
  untilStates,
  publish,
  mailTo,
} from './support/proving.ts'

describe('a MAIL FROM domain', () => {
  const NAME = 'mail.example.com'
  const OURS = `10 feedback-smtp.us-east-1.${HOST}`
  const mx = (zone: MutableZone, ...records: string[]) => {
    zone[NAME] = { mx: records }
  }

  async function startVerified(zone: MutableZone) {
    const app = await startStrict(zone)
    await app.services.store.accounts.update(app.services.config.accountId, { email: OWNER })
    await create(app)
    await publish(app, zone)
    app.clock.advance(MINUTE)
    await untilStates(app, 'SUCCESS', 'SUCCESS')
    return app
  }

  test('works with exactly one MX record, fails for a while without, and is given up after 72 hours', async () => {
    const zone: MutableZone = {}
    await using app = await startVerified(zone)
    mx(zone, OURS, '20 mx.example.com')
    await setMailFrom(app, NAME)
    await untilStates(app, 'SUCCESS', 'SUCCESS', 'PENDING')
    mx(zone, OURS)
    app.clock.advance(MINUTE)
    await untilStates(app, 'SUCCESS', 'SUCCESS', 'SUCCESS')
    mx(zone, '10 elsewhere.example.com')
    app.clock.advance(24 * HOUR)
    await untilStates(app, 'SUCCESS', 'SUCCESS', 'TEMPORARY_FAILURE')
    app.clock.advance(72 * HOUR)
    await untilStates(app, 'SUCCESS', 'SUCCESS', 'FAILED')
    const subjects = async () => (await mailTo(app, OWNER)).map(({ subject }) => subject)
    const place = `for ${DOMAIN} in US East (N. Virginia) region`
    await until(subjects, (all) =>
      ['SUCCESS', 'REVOCATION PENDING', 'FAILED'].every((state) =>
        all.includes(`Custom MAIL FROM domain setup ${state} ${place}`),
      ),
    )
    mx(zone, OURS)
    await setMailFrom(app, NAME)
    await untilStates(app, 'SUCCESS', 'SUCCESS', 'SUCCESS')
  })

  test('has failed when its record is not there for 72 hours', async () => {
    const zone: MutableZone = {}
    await using app = await startVerified(zone)
    await setMailFrom(app, NAME)
    app.clock.advance(72 * HOUR)
    await untilStates(app, 'SUCCESS', 'SUCCESS', 'FAILED')
  })
})

describe('an address that is used', () => {
  const scope = { account: '000000000000', region: 'us-east-1' }
  const resolve = async (app: TestApp, localPart: string, domain: string) =>
    await resolveIdentity(app.services.store.cached, scope, { localPart, domain })

  test('stands for the most granular identity that is verified', async () => {
    await using app = await startApp({ config: { accountId: scope.account } })
    const names = ['ann@a.b.example.com', 'b.example.com', 'example.com']
    for (const EmailIdentity of names) await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity }))
    const nameOf = async (localPart: string, domain: string) => {
      const found = await resolve(app, localPart, domain)
      return found.identity?.name ?? null
    }
    assert.equal(await nameOf('ann', 'A.B.example.com'), 'ann@a.b.example.com')
    assert.equal(await nameOf('ann+label', 'a.b.example.com'), 'ann@a.b.example.com')
    assert.equal(await nameOf('Ann', 'a.b.example.com'), 'b.example.com')
    assert.equal(await nameOf('bob', 'x.y.EXAMPLE.COM'), 'example.com')
    assert.equal(await nameOf('bob', 'example.org'), null)
    assert.equal(await nameOf('bob', 'notexample.com'), null)
  })

  test('stands for none while none is verified, and the nearest one is known', async () => {
    await using app = await startApp({ profile: 'strict', config: { accountId: scope.account } })
    await create(app)
    const found = await resolve(app, 'ann', 'shop.example.com')
    assert.equal(found.identity, undefined)
    assert.equal(found.identity === undefined ? found.nearest?.name : '', DOMAIN)
  })
})
