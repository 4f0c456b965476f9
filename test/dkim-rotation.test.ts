/** DKIM keys that are replaced: the next one beside the one that signs, until DNS shows it. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { GetIdentityDkimAttributesCommand } from '@aws-sdk/client-ses'
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'
import { platformSigners } from '../src/domain/delivery/platform-key.ts'
import { tendPlatformKeys } from '../src/domain/delivery/platform-rotation.ts'
import { pending } from '../src/domain/identities/checks.ts'
import { makePrivateKey } from '../src/domain/identities/dkim-keys.ts'
import { addIdentity, NO_DKIM } from '../src/domain/identities/identity.ts'
import { realDns } from '../src/platform/dns/real.ts'
import { dnsServers } from '../src/platform/dns/servers.ts'
import type { Dns } from '../src/platform/platform.ts'
import { realRandom } from '../src/platform/random.ts'
import { startApp, type TestApp } from './support/app.ts'
import { fakeClock } from './support/clock.ts'
import { emptyDirectory, sesame } from './support/cli.ts'
import { freePort } from './support/ports.ts'
import { keyRecordOf } from './support/dkim.ts'
import { fakeDns, type Zone } from './support/dns.ts'
import {
  create,
  DOMAIN,
  get,
  HOST,
  HOUR,
  MINUTE,
  publish,
  putSigning,
  untilLooked,
  untilStates,
} from './support/proving.ts'
import { sampleIdentity, SCOPE } from './support/stores.ts'
import { until } from './support/until.ts'
import { SENDER_DOMAIN, startWorld, type World } from './support/world.ts'

const DAY = 24 * HOUR
const OF_DOMAIN = `/_sesame/accounts/${SCOPE.account}/regions/${SCOPE.region}/identities/${DOMAIN}/dkim`

type Key = { readonly selector: string; readonly algorithm: string; readonly state: string }

/** `STATE ALGORITHM` of each key, the oldest first. */
async function keys(app: TestApp, path = OF_DOMAIN): Promise<readonly string[]> {
  return (await keyList(app, path)).map(({ state, algorithm }) => `${state} ${algorithm}`)
}

async function keyList(app: TestApp, path = OF_DOMAIN): Promise<readonly Key[]> {
  const { status, body } = await app.admin('GET', path)
  assert.equal(status, 200, JSON.stringify(body))
  return (body as { keys: readonly Key[] }).keys
}

async function untilKeys(app: TestApp, wanted: readonly string[], path = OF_DOMAIN): Promise<void> {
  await until(
    () => keys(app, path),
    (found) => found.join() === wanted.join(),
  )
}

/** A server whose domain has proved itself by Easy DKIM and signs. */
async function startProved(zone: Zone, config: Parameters<typeof startApp>[0] = {}): Promise<TestApp> {
  const app = await startApp({
    profile: 'strict',
    ...config,
    config: { hostname: HOST, ...config.config },
    dns: fakeDns(zone),
  })
  await create(app, { DkimSigningAttributes: { NextSigningKeyLength: 'RSA_1024_BIT' } })
  await publish(app, zone as never)
  app.clock.advance(MINUTE)
  await untilStates(app, 'SUCCESS', 'SUCCESS')
  await until(
    () => keys(app),
    (found) => found[0] === 'active rsa',
  )
  return app
}

/** Puts the operator's records of the domain's keys into DNS, as they are now. */
async function publishKeys(app: TestApp, zone: Zone): Promise<void> {
  const { body } = await app.admin('GET', `/_sesame/dns/identities?identity=${DOMAIN}`)
  const [identity] = (body as { identities: { records: { name: string; type: string; value: string }[] }[] }).identities
  for (const { name, value } of identity!.records.filter((each) => each.name.endsWith(`.dkim.${HOST}`))) {
    zone[name] = { txt: [value] }
  }
}

describe('the key of an Easy DKIM domain', () => {
  test('is replaced when it is asked for: the next one signs when DNS shows it, and the old one is withdrawn after 8 days', async () => {
    const zone: Zone = {}
    await using app = await startProved(zone)
    const [first] = await keyList(app)
    const { out } = await sesame(['dkim', 'rotate', DOMAIN, '--url', app.url])
    assert.match(out, /active.*\n.*pending.*\nThe pending key signs when its record is found/)
    assert.deepEqual(await keys(app), ['active rsa', 'pending rsa'])
    // Again is not once more.
    await app.admin('POST', `${OF_DOMAIN}/rotate`)
    const [, second] = await keyList(app)
    app.clock.advance(HOUR)
    await untilLooked(app)
    assert.deepEqual(await keys(app), ['active rsa', 'pending rsa'], 'nobody can see it yet')
    const { DkimAttributes } = await get(app)
    assert.equal(DkimAttributes?.Status, 'SUCCESS')
    assert.deepEqual(
      [first, second].map((key) => DkimAttributes?.Tokens?.indexOf(key!.selector)),
      [0, 1],
    )

    await publishKeys(app, zone)
    app.clock.advance(HOUR)
    await untilKeys(app, ['retired rsa', 'active rsa'])
    assert.equal((await get(app)).DkimAttributes?.LastKeyGenerationTimestamp?.getTime(), app.clock.now() - 2 * HOUR)
    const stillThere = (await keyRecordOf(app, DOMAIN)).has(`${first!.selector}._domainkey.${DOMAIN}`)
    assert.ok(stillThere, 'mail is under way')
    app.clock.advance(9 * DAY)
    await untilKeys(app, ['withdrawn rsa', 'active rsa'])
    const stored = await app.services.store.identities.find(SCOPE, DOMAIN)
    assert.equal(stored?.dkim.keys[0]?.pem, '')
    app.clock.advance(2 * DAY)
    await untilKeys(app, ['active rsa'])
    const listed = await sesame(['dkim', 'list', DOMAIN, '--url', app.url])
    assert.match(listed.out, new RegExp(`^${DOMAIN}\\n  ${second!.selector}  rsa      active     since \\S+\\n$`))
  })

  test('changes its length without new records for the owner', async () => {
    const zone: Zone = {}
    await using app = await startProved(zone)
    const before = (await get(app)).DkimAttributes
    await putSigning(app, {
      SigningAttributesOrigin: 'AWS_SES',
      SigningAttributes: { NextSigningKeyLength: 'RSA_2048_BIT' },
    })
    const during = (await get(app)).DkimAttributes
    assert.deepEqual(
      [during?.Status, during?.CurrentSigningKeyLength, during?.NextSigningKeyLength, during?.Tokens],
      ['PENDING', 'RSA_1024_BIT', 'RSA_2048_BIT', before?.Tokens],
    )
    const v1 = await app.ses.send(new GetIdentityDkimAttributesCommand({ Identities: [DOMAIN] }))
    assert.equal(v1.DkimAttributes?.[DOMAIN]?.DkimVerificationStatus, 'Pending')
    assert.deepEqual(await keys(app), ['active rsa', 'pending rsa'], 'the old one signs on')
    await publishKeys(app, zone)
    app.clock.advance(HOUR)
    await untilKeys(app, ['retired rsa', 'active rsa'])
    const after = (await get(app)).DkimAttributes
    assert.deepEqual(
      [after?.Status, after?.CurrentSigningKeyLength, after?.NextSigningKeyLength],
      ['SUCCESS', 'RSA_2048_BIT', 'RSA_2048_BIT'],
    )
  })

  test('is replaced by itself at the age that is set', async () => {
    const zone: Zone = {}
    await using app = await startProved(zone, { config: { dkimRotationDays: 30 } })
    app.clock.advance(29 * DAY)
    await untilLooked(app)
    assert.deepEqual(await keys(app), ['active rsa'])
    app.clock.advance(2 * DAY)
    await untilKeys(app, ['active rsa', 'pending rsa'])
  })

  test('has an Ed25519 key beside it where that is set, and the two take turns', async () => {
    const zone: Zone = {}
    await using app = await startProved(zone, { config: { dkimEd25519: true } })
    await untilKeys(app, ['active rsa', 'pending ed25519'])
    await publishKeys(app, zone)
    app.clock.advance(HOUR)
    await untilKeys(app, ['active rsa', 'active ed25519'])
    const rotated = await app.admin('POST', `${OF_DOMAIN}/rotate`, { algorithm: 'ed25519' })
    assert.equal(rotated.status, 200)
    assert.deepEqual(await keys(app), ['active rsa', 'active ed25519', 'pending ed25519'])
    const refused = await app.admin('POST', `${OF_DOMAIN}/rotate`, { algorithm: 'rsa' })
    assert.match(JSON.stringify(refused.body), /All selectors of example.com have keys/)
    assert.equal((await app.admin('POST', `${OF_DOMAIN}/rotate`, { algorithm: 'dsa' })).status, 400)
  })
})

describe("the owner's own key", () => {
  const own = (DomainSigningSelector: string) => ({
    DomainSigningSelector,
    DomainSigningPrivateKey: generateKeyPairSync('rsa', { modulusLength: 1024 })
      .privateKey.export({ type: 'pkcs1', format: 'der' })
      .toString('base64'),
  })

  test('signs until the next one that he brings is found', async () => {
    const zone: Zone = {}
    await using app = await startApp({ profile: 'strict', config: { hostname: HOST }, dns: fakeDns(zone) })
    await create(app, { DkimSigningAttributes: own('one') })
    await publish(app, zone as never)
    app.clock.advance(MINUTE)
    await untilKeys(app, ['active rsa'])
    await putSigning(app, { SigningAttributesOrigin: 'EXTERNAL', SigningAttributes: own('two') })
    assert.equal((await get(app)).DkimAttributes?.Status, 'PENDING')
    assert.deepEqual(await keys(app), ['active rsa', 'pending rsa'])
    const refused = await app.admin('POST', `${OF_DOMAIN}/rotate`)
    assert.match(JSON.stringify(refused.body), /its owner brings its keys/)
    await publish(app, zone as never)
    app.clock.advance(HOUR)
    await untilKeys(app, ['retired rsa', 'active rsa'])
    assert.deepEqual((await get(app)).DkimAttributes?.Tokens, ['two'])
  })

  test('gives way to Easy DKIM when that is found', async () => {
    const zone: Zone = {}
    await using app = await startApp({ profile: 'strict', config: { hostname: HOST }, dns: fakeDns(zone) })
    await create(app, { DkimSigningAttributes: own('one') })
    await publish(app, zone as never)
    app.clock.advance(MINUTE)
    await untilKeys(app, ['active rsa'])
    await putSigning(app, { SigningAttributesOrigin: 'AWS_SES', SigningAttributes: {} })
    await untilKeys(app, ['active rsa', 'pending rsa'])
    await publish(app, zone as never)
    app.clock.advance(HOUR)
    await untilStates(app, 'SUCCESS', 'SUCCESS')
    assert.deepEqual(await keys(app), ['active rsa', 'pending rsa'], 'the key itself is not in DNS yet')
    await publishKeys(app, zone)
    app.clock.advance(HOUR)
    await untilKeys(app, ['retired rsa', 'active rsa'])
  })
})

describe('mail', () => {
  const PLATFORM = '/_sesame/dkim'
  const MAIL_DOMAIN = 'mail.out.test'

  /** Domain and algorithm of each signature, with mailauth's verdict. */
  async function signatures(world: World): Promise<readonly string[]> {
    const mx = world.zone['mx.one.test'] === undefined ? await world.domain('one.test', '127.0.0.2') : undefined
    assert.ok(mx)
    await world.send(['bob@one.test'])
    await world.app.idle()
    const mail = mx.mails.at(-1)
    delete world.zone['mx.one.test']
    await mx[Symbol.asyncDispose]()
    const records = await keyRecordOf(world.app, SENDER_DOMAIN)
    const { results } = await dkimVerify(Buffer.from(mail!.data, 'latin1'), {
      curTime: new Date(world.app.clock.now()),
      resolver: async (name) => records.get(name) ?? [],
    })
    return results.map(({ signingDomain, algo, status }) => `${signingDomain} ${algo} ${status.result}`)
  }

  test('has four signatures, RSA first, where Ed25519 is set and its keys are found', async () => {
    await using world = await startWorld({ mailDomain: MAIL_DOMAIN, dkimEd25519: true })
    const { app, zone } = world
    const identity = [`${SENDER_DOMAIN} rsa-sha256 pass`, `${SENDER_DOMAIN} ed25519-sha256 pass`]
    // Of an identity that is verified by decree nothing is looked for.
    assert.deepEqual(await signatures(world), [...identity, `${MAIL_DOMAIN} rsa-sha256 pass`])
    await tendPlatformKeys(app.services)
    assert.deepEqual(await keys(app, PLATFORM), ['active rsa', 'pending ed25519'])
    for (const [name, values] of await keyRecordOf(app, SENDER_DOMAIN)) zone[name] = { txt: values.flat() }
    await tendPlatformKeys(app.services)
    assert.deepEqual(await signatures(world), [
      ...identity,
      `${MAIL_DOMAIN} rsa-sha256 pass`,
      `${MAIL_DOMAIN} ed25519-sha256 pass`,
    ])
  })

  test("is signed with the platform's next key when DNS shows it, and the old one is withdrawn after 8 days", async () => {
    await using world = await startWorld({ mailDomain: MAIL_DOMAIN })
    const { app, zone } = world
    const { secrets } = app.services.store
    // As earlier versions had it.
    const oldKey = await secrets.keep('platform DKIM key', () => makePrivateKey('RSA_1024_BIT'))
    const [platform] = await platformSigners(app.services)
    assert.equal(platform?.key.export({ type: 'pkcs8', format: 'pem' }), oldKey)
    const [first] = await keyList(app, PLATFORM)
    const { code, err, out } = await sesame(['dkim', 'rotate', '--url', app.url])
    assert.equal(code, 0, err)
    assert.match(out, /^mail\.out\.test\n/)
    const [, second] = await keyList(app, PLATFORM)
    assert.equal(second?.state, 'pending')
    const { body } = await app.admin('GET', '/_sesame/dns')
    assert.match(JSON.stringify(body), new RegExp(`${second.selector}\\._domainkey\\.mail\\.out\\.test.*next key`))
    await tendPlatformKeys(app.services)
    assert.deepEqual(await keys(app, PLATFORM), ['active rsa', 'pending rsa'])
    for (const [name, values] of await keyRecordOf(app, SENDER_DOMAIN)) zone[name] = { txt: values.flat() }
    app.clock.advance(5 * MINUTE)
    await untilKeys(app, ['retired rsa', 'active rsa'], PLATFORM)
    assert.deepEqual((await signatures(world)).at(-1), `${MAIL_DOMAIN} rsa-sha256 pass`)
    app.clock.advance(8 * DAY)
    await untilKeys(app, ['withdrawn rsa', 'active rsa'], PLATFORM)
    assert.equal((await keyRecordOf(app, SENDER_DOMAIN)).has(`${first!.selector}._domainkey.${MAIL_DOMAIN}`), false)
    await tendPlatformKeys(app.services)
    assert.equal(await secrets.find('platform DKIM key'), '')
  })
})

describe('a server that is its own name server', () => {
  const ZONE = 'ses.example.net'

  test('replaces its keys by itself, asked by nobody: those of the platform and of identities', async () => {
    const port = await freePort()
    const owners: Zone = {}
    const wallClock = fakeClock()
    const own = () => realDns({ servers: dnsServers(`127.0.0.1:${port}`), clock: wallClock, random: realRandom() })
    await using app = await startApp({
      profile: 'strict',
      config: { hostname: ZONE, mailDomain: ZONE, dnsZone: ZONE, dnsPort: port, dkimRotationDays: 180 },
      dns: alsoOf(own, owners, ZONE),
      wallClock,
    })
    // What the first mail does.
    await platformSigners(app.services)
    const identity = sampleIdentity(DOMAIN, { dkim: { ...NO_DKIM, ...pending(app.clock.now()), ...EASY } })
    for (const token of EASY.tokens) owners[`${token}._domainkey.${DOMAIN}`] = { cname: `${token}.dkim.${ZONE}` }
    await addIdentity(app.services, SCOPE, { ...identity, nextCheckAt: app.clock.now() })
    const pass = (ms: number) => {
      wallClock.advance(ms)
      app.clock.advance(ms)
    }
    pass(MINUTE)
    const active = async (path?: string) => (await keyList(app, path)).filter(({ state }) => state === 'active')
    const [first] = await until(
      () => active(),
      (found) => found.length > 0,
    )
    const [platform] = await active('/_sesame/dkim')
    pass(181 * DAY)
    // The keys are made, and found within minutes.
    const [second] = await until(
      async () => {
        pass(5 * MINUTE)
        return await active()
      },
      ([now]) => now?.selector !== first?.selector,
    )
    const [next] = await until(
      async () => {
        pass(5 * MINUTE)
        return await active('/_sesame/dkim')
      },
      ([now]) => now?.selector !== platform?.selector,
    )
    assert.deepEqual([first?.selector, second?.selector], EASY.tokens.slice(0, 2))
    const seen = await own().txt(`${next?.selector}._domainkey.${ZONE}`)
    assert.equal(seen.kind, 'found')
    // What was signed with the old ones can still be verified.
    assert.equal((await own().txt(`${platform?.selector}._domainkey.${ZONE}`)).kind, 'found')
    assert.equal((await own().txt(`${first?.selector}.dkim.${ZONE}`)).kind, 'found')
  })
})

const EASY = {
  signingEnabled: true,
  tokens: ['one', 'two', 'three'],
  currentKeyLength: 'RSA_1024_BIT',
  nextKeyLength: 'RSA_1024_BIT',
} as const

/** A resolver that follows the owners' CNAMEs into the zone of the server, which it asks. */
function alsoOf(own: () => Dns, owners: Zone, zone: string): Dns {
  const outside = fakeDns(owners)
  const resolved: Dns = {
    ...outside,
    fresh: () => resolved,
    async txt(name) {
      const alias = await outside.cname(name)
      const target = alias.kind === 'found' ? (alias.records[0] ?? name) : name
      return target.endsWith(zone) ? await own().txt(target) : await outside.txt(name)
    },
  }
  return resolved
}

test('`sesame dkim` does it on the store where no server runs, and says what it takes', async (t) => {
  const where = ['--data-dir', await emptyDirectory(t), '--profile', 'production', '--hostname', HOST]
  const [listed, rotated] = [await sesame(['dkim', 'list', ...where]), await sesame(['dkim', 'rotate', ...where])]
  assert.match(listed.out, new RegExp(`^${HOST}\\n  s[0-9a-f]{10} +rsa +active .*\\n$`))
  assert.match(rotated.out, /active.*\n.*pending/)
  const again = JSON.parse((await sesame(['dkim', 'list', '--json', ...where])).out) as { keys: Key[] }
  assert.deepEqual(
    again.keys.map(({ state }) => state),
    ['active', 'pending'],
  )
  assert.equal((await sesame(['dkim', 'rotate', 'nobody.example', ...where])).code, 3)
  for (const wrong of [['renew'], ['rotate', '--algorithm', 'dsa']]) {
    assert.equal((await sesame(['dkim', ...wrong, ...where])).code, 2)
  }
})

test('--dkim-rotation-days is 180 where the server is its own name server, and never where somebody has to publish keys', async () => {
  const { loadConfig } = await import('../src/config/load.ts')
  const daysOf = async (...args: string[]) => {
    const loaded = await loadConfig({ args, env: {}, readFile: async () => '' })
    return loaded.ok ? loaded.config.dkimRotationDays : loaded.errors
  }
  assert.equal(await daysOf(), 0)
  assert.equal(await daysOf('--dns-zone', 'ses.example.net', '--hostname', 'ses.example.net'), 180)
  assert.equal(await daysOf('--dkim-rotation-days', '30'), 30)
})
