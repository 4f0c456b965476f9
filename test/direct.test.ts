/** The transport `direct`: what a sender, his recipients' servers and his event listeners see of it. */
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { CreateConfigurationSetCommand, PutEmailIdentityFeedbackAttributesCommand } from '@aws-sdk/client-sesv2'
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'
import { DEFAULT_SHAPING } from '../src/config/shaping.ts'
import { keyRecordOf } from './support/dkim.ts'
import { SENDER_DOMAIN, startWorld, WORLD_SENDER, type World } from './support/world.ts'

const GREYLISTED = '451 4.7.1 Greylisted, try again later'

async function typesOf(world: World, id: string): Promise<readonly string[]> {
  return (await world.events(id)).map(({ type }) => type)
}

async function said(world: World, id: string, type: string) {
  return (await world.events(id)).filter((event) => event.type === type).map((event) => event.said)
}

describe('direct delivery', () => {
  test('a message arrives once at each domain, signed for its identity, and is told of', async () => {
    await using world = await startWorld({ mailDomain: 'mail.out.test' })
    const one = await world.domain('one.test', '127.0.0.2', { dot: '250 2.0.0 Ok: queued as 1' })
    const two = await world.domain('two.test', '127.0.0.3')
    const id = await world.send(['bob@one.test', 'eve@two.test', 'joe@one.test'])
    await world.app.idle()
    assert.deepEqual(
      [one, two].map(({ mails }) => mails.map(({ recipients }) => recipients)),
      [[['bob@one.test', 'joe@one.test']], [['eve@two.test']]],
    )
    const [mail] = one.mails
    // Covered by the platform's signature alone.
    assert.match(mail!.data, /^Feedback-ID: /m)
    assert.equal(mail!.helo, 'out.sesame.test')
    // A return path that proves itself, in place of the visible one.
    assert.match(mail!.sender, /^MAIL FROM:<[a-z2-7]{59}@mail\.out\.test> /)
    const records = await keyRecordOf(world.app, SENDER_DOMAIN)
    const verified = await dkimVerify(Buffer.from(mail!.data, 'latin1'), {
      curTime: new Date(world.app.clock.now()),
      resolver: async (name) => records.get(name) ?? [],
    })
    assert.deepEqual(
      verified.results.map(({ signingDomain, status }) => [signingDomain, status.result]),
      [
        [SENDER_DOMAIN, 'pass'],
        ['mail.out.test', 'pass'],
      ],
    )
    const delivery = (await said(world, id, 'Delivery')).find(({ recipients }) => String(recipients).includes('bob'))
    const { smtpResponse, remoteMtaIp, reportingMTA, recipients } = delivery!
    assert.deepEqual(
      [smtpResponse, remoteMtaIp, reportingMTA, recipients],
      ['250 2.0.0 Ok: queued as 1', '127.0.0.2', 'out.sesame.test', ['bob@one.test', 'joe@one.test']],
    )
    assert.deepEqual(await typesOf(world, id), ['Send', 'Delivery', 'Delivery'])
  })

  test('who is refused bounces, and the sender has mail about it; the others at the domain get theirs', async () => {
    await using world = await startWorld()
    const refusal = '550 5.1.1 <bob@one.test>: no such user'
    const one = await world.domain('one.test', '127.0.0.2', {
      rcpt: (line) => (line.includes('bob@') ? refusal : undefined),
    })
    const home = await world.domain(SENDER_DOMAIN, '127.0.0.4')
    const id = await world.send(['bob@one.test', 'joe@one.test'])
    await world.app.idle()
    assert.deepEqual(
      one.mails.map(({ recipients }) => recipients),
      [['joe@one.test']],
    )
    const [bounce] = await said(world, id, 'Bounce')
    assert.deepEqual([bounce!['bounceType'], bounce!['bounceSubType']], ['Permanent', 'General'])
    assert.deepEqual(bounce!['bouncedRecipients'], [
      { emailAddress: 'bob@one.test', action: 'failed', status: '5.1.1', diagnosticCode: `smtp; ${refusal}` },
    ])
    assert.deepEqual([bounce!['reportingMTA'], bounce!['remoteMtaIp']], ['dns; out.sesame.test', '127.0.0.2'])
    const [notice] = home.mails
    assert.match(notice!.sender, /^MAIL FROM:<> /)
    assert.deepEqual(notice!.recipients, [WORLD_SENDER])
    assert.match(notice!.data, /^Content-Type: multipart\/report;/m)
    assert.match(notice!.data, /^Final-Recipient: rfc822; ?bob@one\.test\r?$/im)
  })

  test('nobody is written to about a bounce who does not want it, nor about the bounce of a notice', async () => {
    await using world = await startWorld()
    await world.domain('one.test', '127.0.0.2', { rcpt: '550 5.1.1 no such user' })
    const home = await world.domain(SENDER_DOMAIN, '127.0.0.4', { rcpt: '550 5.1.1 no such user' })
    await world.send(['bob@one.test'])
    await world.app.idle()
    const asked = () => home.heard.filter((line) => line.startsWith('RCPT')).length
    assert.equal(asked(), 1)
    await world.app.sesv2.send(
      new PutEmailIdentityFeedbackAttributesCommand({ EmailIdentity: SENDER_DOMAIN, EmailForwardingEnabled: false }),
    )
    const id = await world.send(['bob@one.test'])
    await world.app.idle()
    assert.deepEqual(await typesOf(world, id), ['Send', 'Bounce'])
    assert.equal(asked(), 1)
  })

  test('who is put off gets another attempt, alone, and his sender is told of the delay', async () => {
    await using world = await startWorld()
    const one = await world.domain('one.test', '127.0.0.2', {
      rcpt: (line) => (line.includes('bob@') ? GREYLISTED : undefined),
    })
    const id = await world.send(['bob@one.test', 'joe@one.test'])
    await world.app.idle()
    assert.deepEqual(await typesOf(world, id), ['Send', 'Delivery', 'DeliveryDelay'])
    const [delay] = await said(world, id, 'DeliveryDelay')
    assert.deepEqual(delay!['delayedRecipients'], [
      { emailAddress: 'bob@one.test', status: '4.7.1', diagnosticCode: `smtp; ${GREYLISTED}` },
    ])
    assert.equal(Date.parse(String(delay!['expirationTime'])) - world.app.clock.now(), 840 * 60_000)
    one.behaviour = {}
    await world.pass(3)
    assert.deepEqual(await typesOf(world, id), ['Send', 'Delivery', 'DeliveryDelay', 'Delivery'])
    assert.deepEqual(
      one.mails.map(({ recipients }) => recipients),
      [['joe@one.test'], ['bob@one.test']],
    )
  })

  test('after 840 minutes a message expires, with the last word of the other side', async () => {
    await using world = await startWorld()
    const one = await world.domain('one.test', '127.0.0.2', { mail: '421 4.3.2 Shutting down' })
    const id = await world.send(['bob@one.test'])
    await world.app.idle()
    for (let hours = 0; hours < 13; hours++) await world.pass(60)
    assert.equal((await said(world, id, 'Bounce')).length, 0)
    await world.pass(61)
    const [bounce] = await said(world, id, 'Bounce')
    assert.deepEqual([bounce!['bounceType'], bounce!['bounceSubType']], ['Transient', 'General'])
    assert.deepEqual(bounce!['bouncedRecipients'], [
      {
        emailAddress: 'bob@one.test',
        action: 'failed',
        status: '4.4.7',
        diagnosticCode: 'smtp; 550 4.4.7 Message expired: unable to deliver in 840 minutes.<421 4.3.2 Shutting down>',
      },
    ])
    assert.ok(one.sessions > 8 && one.sessions < 30, String(one.sessions))
  })

  for (const [which, domains] of [
    ['a host', []],
    ['a domain with limits of its own', ['one.test']],
  ] as const) {
    test(`mail for ${which} that is down does not wait in line: it is delayed and expires as the first one does`, async () => {
      const limits = domains.map((name) => [name, { maxConnections: 5, maxRatePerMinute: undefined }] as const)
      await using world = await startWorld({ limitsBySite: { ...DEFAULT_SHAPING, domains: new Map(limits) } })
      const one = await world.domain('one.test', '127.0.0.2', { greeting: '421 4.3.2 Not now' })
      const ids: string[] = []
      for (let count = 0; count < 60; count++) ids.push(await world.send([`user${count}@one.test`]))
      await world.app.idle()
      for (let minutes = 0; minutes < 30; minutes += 1) await world.pass(1)
      for (const id of ids) assert.deepEqual(await typesOf(world, id), ['Send', 'DeliveryDelay'])
      // Far from one for each message.
      assert.ok(one.sessions >= 6 && one.sessions <= 40, String(one.sessions))
      for (let hours = 0; hours < 16; hours++) await world.pass(60)
      for (const id of ids) {
        const types = await typesOf(world, id)
        assert.deepEqual([types.at(-1), types.filter((type) => type === 'Bounce').length], ['Bounce', 1])
      }
    })
  }

  test('the set of a message bounds its life', async () => {
    await using world = await startWorld()
    await world.domain('one.test', '127.0.0.2', { mail: GREYLISTED })
    await world.app.sesv2.send(
      new CreateConfigurationSetCommand({
        ConfigurationSetName: 'short',
        DeliveryOptions: { MaxDeliverySeconds: 300 },
      }),
    )
    const id = await world.send(['bob@one.test'], { set: 'short' })
    await world.app.idle()
    await world.pass(3)
    await world.pass(3)
    const [bounce] = await said(world, id, 'Bounce')
    assert.deepEqual([bounce!['bounceType'], bounce!['bounceSubType']], ['Transient', 'CustomTimeoutExceeded'])
    assert.match(JSON.stringify(bounce), /unable to deliver in 5 minutes/)
  })

  test('and may ask for TLS, without which nothing is handed over', async () => {
    await using world = await startWorld()
    const one = await world.domain('one.test', '127.0.0.2')
    await world.app.sesv2.send(
      new CreateConfigurationSetCommand({ ConfigurationSetName: 'tls', DeliveryOptions: { TlsPolicy: 'REQUIRE' } }),
    )
    const id = await world.send(['bob@one.test'], { set: 'tls' })
    await world.app.idle()
    assert.deepEqual(one.mails, [])
    assert.deepEqual(await typesOf(world, id), ['Send', 'Bounce'])
  })

  test('mail leaves from the addresses of its pool, under their names', async () => {
    await using world = await startWorld({
      egress: [
        { address: '127.0.0.31', name: 'mail.out.test', pool: 'ses-shared-pool' },
        { address: '::1', name: 'mail.out.test', pool: 'ses-shared-pool' },
        { address: '127.0.0.32', name: 'news.out.test', pool: 'news' },
      ],
    })
    const one = await world.domain('one.test', '127.0.0.2')
    const delivery = { SendingPoolName: 'news' }
    await world.app.sesv2.send(
      new CreateConfigurationSetCommand({ ConfigurationSetName: 'news', DeliveryOptions: delivery }),
    )
    for (const set of [undefined, 'news']) {
      const id = await world.send(['bob@one.test'], { ...(set !== undefined && { set }) })
      await world.app.idle()
      const { mail, said: told } = (await world.events(id)).at(-1)!
      const tags = mail['tags'] as Record<string, unknown>
      const from = set === undefined ? ['127.0.0.31', 'mail.out.test'] : ['127.0.0.32', 'news.out.test']
      assert.deepEqual([...(tags['ses:outgoing-ip'] as string[]), told['reportingMTA']], from)
      assert.equal(one.mails.at(-1)!.helo, from[1])
    }
  })

  test('the mailbox simulator stays here', async () => {
    await using world = await startWorld()
    const id = await world.send(['bounce@simulator.amazonses.com'])
    await world.app.idle()
    assert.deepEqual(await typesOf(world, id), ['Send', 'Bounce'])
  })
})

describe('a smarthost', () => {
  test('gets everything, with its password', async () => {
    await using other = await startWorld()
    const relay = await other.domain('relay.test', '127.0.0.5', { extensions: ['AUTH PLAIN', 'PIPELINING'] })
    await using world = await startWorld({
      transport: 'smarthost',
      smarthost: { host: '127.0.0.5', port: relay.port, tls: 'none', credentials: undefined },
    })
    const id = await world.send(['bob@one.test', 'eve@two.test'])
    await world.app.idle()
    assert.deepEqual(
      relay.mails.map(({ recipients }) => String(recipients)).toSorted((a, b) => a.localeCompare(b)),
      ['bob@one.test', 'eve@two.test'],
    )
    assert.deepEqual(await typesOf(world, id), ['Send', 'Delivery', 'Delivery'])
  })
})
