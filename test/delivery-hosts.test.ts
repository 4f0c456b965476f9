/** Which hosts get the mail of a domain (RFC 5321 §5.1). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { mailHosts } from '../src/delivery/hosts.ts'
import { rollUp } from '../src/delivery/providers.ts'
import { realDns } from '../src/platform/dns/real.ts'
import { dnsServers } from '../src/platform/dns/servers.ts'
import { realRandom } from '../src/platform/random.ts'
import { fakeClock } from './support/clock.ts'
import { dnsServer, type Zone } from './support/dns.ts'
import { Internet, type InternetOptions, tellAll } from './support/internet/internet.ts'

const OK = 'delivered 250 2.0.0 Ok: queued'

type Row = readonly [name: string, zone: Zone, outcome: string, rules?: InternetOptions['rules'], domain?: string]

const noDns = (name: string) => `deferred 421 4.4.0 Unable to lookup DNS for ${name} (dns at lookup, destination)`
const noHost = (name: string) =>
  `bounced 550 5.4.4 Unable to lookup DNS for ${name}: it has no address (no-host at lookup, destination)`
const forbidden = (host: string, address: string) =>
  `bounced 554 5.4.4 ${host} [${address}] is not an address on the public Internet (forbidden at lookup, destination)`
const noConnection = 'deferred 421 4.4.1 Failed to establish connection (connect at connect, destination)'
const loop = (name: string) => `bounced 554 5.4.6 Mail for ${name} leads back to us (loop at lookup, destination)`
const PUBLIC = { allowPrivate: false }

// A mail server listens on 127.0.0.2 and nowhere else.
const ROWS: readonly Row[] = [
  ['an MX', { 'd.test': { mx: ['10 a.test'] }, 'a.test': { a: ['127.0.0.2'] } }, OK],
  ['no MX is its own host', { 'd.test': { a: ['127.0.0.2'] } }, OK],
  ['no MX and an IPv6 address only is its own host', { 'd.test': { aaaa: ['::ffff:127.0.0.2'] } }, OK],
  [
    'an alias is looked up behind it',
    { 'd.test': { cname: 'e.test' }, 'e.test': { mx: ['10 a.test'] }, 'a.test': { a: ['127.0.0.2'] } },
    OK,
  ],
  [
    'an MX that is an alias is tolerated',
    { 'd.test': { mx: ['10 b.test'] }, 'b.test': { cname: 'a.test' }, 'a.test': { a: ['127.0.0.2'] } },
    OK,
  ],
  [
    'a best host that is not there is served by the next',
    { 'd.test': { mx: ['10 no.test', '20 a.test'] }, 'a.test': { a: ['127.0.0.2'] } },
    OK,
  ],
  [
    'a best host without answer from DNS is served by the next',
    { 'd.test': { mx: ['10 b.test', '20 a.test'] }, 'b.test': 'servfail', 'a.test': { a: ['127.0.0.2'] } },
    OK,
  ],
  [
    'a best host that refuses connections is served by the next',
    { 'd.test': { mx: ['10 b.test', '20 a.test'] }, 'b.test': { a: ['127.0.0.3'] }, 'a.test': { a: ['127.0.0.2'] } },
    OK,
  ],
  [
    'a host with several addresses is reached at any',
    { 'd.test': { mx: ['10 a.test'] }, 'a.test': { a: ['127.0.0.3', '127.0.0.4', '127.0.0.2'] } },
    OK,
  ],
  [
    'a null MX beside others has the others',
    { 'd.test': { mx: ['0 ', '10 a.test'] }, 'a.test': { a: ['127.0.0.2'] } },
    OK,
  ],

  [
    'a null MX takes no mail',
    { 'd.test': { mx: ['0 '] } },
    'bounced 556 5.1.10 d.test does not accept mail (null MX) (no-host at lookup, recipient)',
  ],
  [
    'no existence takes no mail',
    {},
    'bounced 550 5.1.2 Unable to lookup DNS for d.test: there is no such domain (no-host at lookup, recipient)',
  ],
  ['no host and no address takes no mail', { 'd.test': { txt: ['x'] } }, noHost('d.test')],
  [
    'only hosts without address takes no mail',
    { 'd.test': { mx: ['10 a.test'] }, 'a.test': { txt: ['x'] } },
    noHost('a.test'),
  ],
  [
    'hosts without address and one without answer may do so later',
    { 'd.test': { mx: ['10 a.test', '20 b.test'] }, 'b.test': 'servfail' },
    noDns('b.test'),
  ],
  ['no answer from DNS is not one without MX', { 'd.test': 'servfail' }, noDns('d.test')],
  [
    'hosts that all refuse connections may not later',
    { 'd.test': { mx: ['10 a.test'] }, 'a.test': { a: ['127.0.0.3'] } },
    noConnection,
  ],

  [
    'us as its best host is a loop',
    { 'd.test': { mx: ['10 out.sesame.test', '20 a.test'] }, 'a.test': { a: ['127.0.0.2'] } },
    loop('d.test'),
  ],
  [
    'us as a host is served by the better ones only',
    {
      'd.test': { mx: ['20 OUT.sesame.test.', '20 a.test', '10 b.test', '30 a.test'] },
      'b.test': { a: ['127.0.0.3'] },
      'a.test': { a: ['127.0.0.2'] },
    },
    noConnection,
  ],
  [
    'us as its host under another name is a loop',
    { 'd.test': { mx: ['10 a.test'] }, 'a.test': { a: ['8.8.8.8'] } },
    loop('a.test'),
    { allowPrivate: false, ownAddresses: new Set(['8.8.8.8']) },
  ],

  ...[
    '127.0.0.2',
    '10.0.0.1',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
  ].map((address): Row => [
    `a host at ${address} takes no mail`,
    { 'd.test': { mx: ['10 a.test'] }, 'a.test': { a: [address] } },
    forbidden('a.test', address),
    PUBLIC,
  ]),
  ...['::1', '::ffff:127.0.0.2', '64:ff9b::7f00:2', 'fe80::1', 'fd00::1', 'ff02::1', '2001:db8::1'].map(
    (address): Row => [
      `a host at ${address} takes no mail`,
      { 'd.test': { a: [], aaaa: [address] } },
      forbidden('d.test', address),
      PUBLIC,
    ],
  ),
  [
    'localhost as its host takes no mail',
    { 'd.test': { mx: ['10 localhost'] }, localhost: { a: ['127.0.0.1'] } },
    forbidden('localhost', '127.0.0.1'),
    PUBLIC,
  ],
  [
    'a host with a name that is none takes no mail',
    { 'd.test': { mx: ['10 a"b.test', '20 x/y'] } },
    'bounced 550 5.1.2 Unable to lookup DNS for d.test: its mail hosts are no host names (no-host at lookup, recipient)',
  ],

  [
    'a literal for a name takes no mail',
    {},
    'bounced 550 5.1.2 Address literals are not delivered: [127.0.0.2] (forbidden at lookup, recipient)',
    {},
    '[127.0.0.2]',
  ],
  ['a literal for a name takes mail where literals are allowed', {}, OK, { allowLiterals: true }, '[127.0.0.2]'],
  [
    'an IPv6 literal for a name takes mail where literals are allowed',
    {},
    OK,
    { allowLiterals: true },
    '[IPv6:::ffff:127.0.0.2]',
  ],
  [
    'a literal of nonsense takes no mail',
    {},
    'bounced 550 5.1.2 Address literals are not delivered: [x] (forbidden at lookup, recipient)',
    { allowLiterals: true },
    '[x]',
  ],
  [
    'a private literal takes no mail',
    {},
    forbidden('127.0.0.2', '127.0.0.2'),
    { allowLiterals: true, allowPrivate: false },
    '[127.0.0.2]',
  ],
]

describe('a domain with', () => {
  for (const [name, zone, outcome, rules = {}, domain = 'd.test'] of ROWS) {
    test(name, async () => {
      await using internet = await Internet.start({ rules })
      Object.assign(internet.zone, zone)
      await internet.mx('127.0.0.2')
      const result = await internet.deliver(`bob@${domain}`, { domain })
      assert.equal(tellAll(result).join(), outcome, result.transcript.join('\n'))
    })
  }

  test('hosts of equal preference has them tried in any order', async () => {
    await using internet = await Internet.start()
    internet.zone['d.test'] = { mx: ['20 c.test', '10 a.test', '10 b.test', '10 b.test'] }
    const orders = new Set<string>()
    for (let count = 0; count < 100; count++) {
      const found = await mailHosts(internet.deps, 'd.test')
      assert.ok('hosts' in found)
      orders.add(found.hosts.map(({ name, isBest }) => `${name}${isBest ? '!' : ''}`).join(' '))
    }
    assert.deepEqual(orders, new Set(['a.test! b.test! c.test', 'b.test! a.test! c.test']))
  })

  test('a thousand hosts has so many tried, and no more connections', async () => {
    await using internet = await Internet.start({ rules: { maxHosts: 4 }, limits: { addresses: 3 } })
    internet.zone['d.test'] = { mx: Array.from({ length: 1000 }, (_, index) => `10 h${index}.test`) }
    for (let index = 0; index < 1000; index++) internet.zone[`h${index}.test`] = { a: ['127.0.0.3', '127.0.0.4'] }
    const { connections } = await internet.deliver('bob@d.test')
    assert.deepEqual(connections, { opened: 0, failed: 3, reused: 0 })
  })

  test('several hosts that say “later” has two of them asked', async () => {
    await using internet = await Internet.start()
    internet.zone['d.test'] = { mx: ['10 a.test', '20 b.test', '30 c.test'] }
    const later = { mail: '451 4.3.0 Later' }
    await internet.mx('127.0.0.2', later, 'a.test')
    await internet.mx('127.0.0.3', later, 'b.test')
    const third = await internet.mx('127.0.0.4', {}, 'c.test')
    const result = await internet.deliver('bob@d.test')
    assert.deepEqual(tellAll(result), ['deferred 451 4.3.0 Later (reply at mail, destination)'])
    assert.equal(third.sessions, 0)
  })

  test('a best host that refuses us and one that does not has its mail delivered', async () => {
    await using internet = await Internet.start()
    internet.zone['d.test'] = { mx: ['10 a.test', '20 b.test'] }
    await internet.mx('127.0.0.2', { greeting: '554 5.7.1 No' }, 'a.test')
    await internet.mx('127.0.0.3', {}, 'b.test')
    assert.deepEqual(tellAll(await internet.deliver('bob@d.test')), [OK])
  })
})

test('mail finds its way by real DNS packets', async () => {
  const zone: Zone = { 'd.test': { cname: 'e.test' }, 'e.test': { mx: ['10 a.test'] }, 'a.test': { a: ['127.0.0.2'] } }
  await using server = await dnsServer(zone, { ttl: 60, isTruncating: true })
  const servers = dnsServers(server.address)
  await using internet = await Internet.start({
    dns: () => realDns({ servers, clock: fakeClock(), random: realRandom() }),
  })
  await internet.mx('127.0.0.2')
  assert.deepEqual(tellAll(await internet.deliver('bob@d.test')), [OK])
  const questions = server.asked.length
  assert.deepEqual(tellAll(await internet.deliver('bob@d.test')), [OK])
  assert.equal(server.asked.length, questions)
})

test('hosts are rolled up to their provider, or to themselves', () => {
  assert.equal(rollUp(['aspmx.l.google.com', 'ALT1.aspmx.l.google.com', 'aspmx2.googlemail.com']), 'google')
  assert.equal(rollUp(['contoso-com.mail.protection.outlook.com']), 'microsoft365')
  assert.equal(rollUp(['hotmail-com.olc.protection.outlook.com']), 'outlook.com')
  assert.equal(rollUp(['b.example.com', 'a.example.com', 'b.example.com']), 'a.example.com,b.example.com')
  assert.equal(rollUp(['notgoogle.com', 'aspmx.l.google.com']), 'aspmx.l.google.com,notgoogle.com')
  assert.equal(rollUp(['constructor.prototype', '__proto__.com']), '__proto__.com,constructor.prototype')
})
