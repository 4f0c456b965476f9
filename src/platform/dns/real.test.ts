import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import dnsPacket from 'dns-packet'
import { fakeClock } from '../../../test/support/clock.ts'
import { type DnsBehaviour, dnsServer, fakeDns, type TestDnsServer, type Zone } from '../../../test/support/dns.ts'
import { reverseName } from '../addresses.ts'
import type { Dns } from '../platform.ts'
import { realRandom } from '../random.ts'
import { realDns } from './real.ts'
import { dnsServers } from './servers.ts'

const ZONE: Zone = {
  '_amazonses.example.com': { txt: ['one', `two${'x'.repeat(300)}`] },
  'token._domainkey.example.com': { cname: 'token.dkim.sesame.test' },
  'bounce.example.com': { mx: ['10 feedback.sesame.test'], txt: ['v=spf1 include:sesame.test ~all'] },
  'broken.example.com': 'servfail',
  'mx.example.com': { a: ['192.0.2.1', '192.0.2.2'], aaaa: ['2001:db8::1'] },
  'alias.example.com': { cname: 'other.example.com' },
  'other.example.com': { cname: 'mx.example.com' },
  'null.example.com': { mx: ['0 .'] },
  'signed.example.com': { a: ['192.0.2.3'], isSigned: true },
  '_25._tcp.mx.example.com': { tlsa: ['3 1 1 abcd'] },
  '1.2.0.192.in-addr.arpa': { ptr: ['mx.example.com'] },
}

const clock = fakeClock()
const random = realRandom()

function asking(address: string): Dns {
  return realDns({ servers: dnsServers(address), clock, random })
}

async function served(
  behaviour: DnsBehaviour,
  check: (dns: Dns, server: TestDnsServer) => Promise<void>,
): Promise<void> {
  await using server = await dnsServer(structuredClone(ZONE), behaviour)
  await check(asking(server.address), server)
}

async function everywhere(check: (dns: Dns) => Promise<void>): Promise<void> {
  await served({}, check)
  await check(fakeDns(ZONE))
}

const found = <T>(...records: T[]) => ({ kind: 'found', records, isAuthentic: false })
const none = (why: string) => ({ kind: 'none', why, isAuthentic: false })

describe('answers', () => {
  test('are records, with the strings of a TXT record joined and names without their final dot', () =>
    everywhere(async (dns) => {
      assert.deepEqual(await dns.txt('_amazonses.example.com'), found('one', `two${'x'.repeat(300)}`))
      assert.deepEqual(await dns.cname('token._domainkey.example.com'), found('token.dkim.sesame.test'))
      assert.deepEqual(await dns.mx('bounce.example.com'), found({ exchange: 'feedback.sesame.test', preference: 10 }))
      assert.deepEqual(await dns.ptr(reverseName('192.0.2.1')), found('mx.example.com'))
      assert.deepEqual(await dns.a('mx.example.com.'), found('192.0.2.1', '192.0.2.2'))
      assert.deepEqual(await dns.aaaa('MX.example.com'), found('2001:db8::1'))
      const data = Buffer.from('abcd', 'hex')
      assert.deepEqual(
        await dns.tlsa('_25._tcp.mx.example.com'),
        found({ usage: 3, selector: 1, matchingType: 1, data }),
      )
    }))

  test('are found behind aliases', () =>
    everywhere(async (dns) => {
      assert.deepEqual(await dns.a('alias.example.com'), found('192.0.2.1', '192.0.2.2'))
      assert.deepEqual(await dns.mx('alias.example.com'), none('no-such-type'))
    }))

  test('tell no such name, no such type and no answer apart', () =>
    everywhere(async (dns) => {
      assert.deepEqual(await dns.txt('nothing.example.org'), none('no-such-host'))
      assert.deepEqual(await dns.mx('_amazonses.example.com'), none('no-such-type'))
      assert.deepEqual(await dns.txt('example.com'), none('no-such-type'))
      assert.deepEqual(await dns.cname('broken.example.com'), { kind: 'temporary', reason: 'ESERVFAIL' })
    }))

  test('say the root of a null MX as nothing', () =>
    served({}, async (dns) => {
      assert.deepEqual(await dns.mx('null.example.com'), found({ exchange: '', preference: 0 }))
    }))

  test('from a resolver that is not there are temporary failures', async () => {
    assert.equal((await asking('127.0.0.1:9').txt('example.com')).kind, 'temporary')
  })

  test('about names that DNS cannot hold are no', async () => {
    const dns = asking('127.0.0.1:9')
    for (const name of [
      `${'a'.repeat(64)}.example.com`,
      'a..example.com',
      '',
      'ä.example',
      'a b.example',
      'a\0.example',
    ]) {
      assert.deepEqual(await dns.txt(name), none('no-such-host'), name)
    }
  })
})

describe('DNSSEC', () => {
  test('is believed of a server that the operator named', () =>
    served({}, async (dns) => {
      assert.deepEqual(await dns.a('signed.example.com'), { ...found('192.0.2.3'), isAuthentic: true })
    }))

  test('is not believed of any other', async () => {
    await using server = await dnsServer(ZONE)
    const servers = dnsServers(server.address).map((each) => ({ ...each, isTrusted: false }))
    const dns = realDns({ servers, clock, random })
    assert.deepEqual(await dns.a('signed.example.com'), found('192.0.2.3'))
  })
})

describe('the cache', () => {
  test('keeps answers for their time to live', () =>
    served({ ttl: 60 }, async (dns, { asked }) => {
      await dns.a('mx.example.com')
      clock.advance(59_000)
      await dns.a('MX.example.com')
      assert.equal(asked.length, 1)
      clock.advance(1000)
      await dns.a('mx.example.com')
      assert.equal(asked.length, 2)
    }))

  test('is left aside by who asks afresh', () =>
    served({ ttl: 60 }, async (dns, { asked }) => {
      await dns.a('mx.example.com')
      await dns.fresh().a('mx.example.com')
      assert.equal(asked.length, 2)
      await dns.a('mx.example.com')
      assert.equal(asked.length, 2)
    }))

  test('keeps what is not there for as long as the zone says, and not without its word', () =>
    served({ negativeTtl: 60 }, async (dns, { asked, behaviour }) => {
      await dns.a('nothing.example.org')
      await dns.a('nothing.example.org')
      await dns.mx('mx.example.com')
      await dns.mx('mx.example.com')
      assert.equal(asked.length, 2)
      clock.advance(60_000)
      delete behaviour.negativeTtl
      await dns.a('nothing.example.org')
      await dns.a('nothing.example.org')
      assert.equal(asked.length, 4)
    }))

  test('keeps no failure', () =>
    served({}, async (dns, { asked }) => {
      await dns.a('broken.example.com')
      await dns.a('broken.example.com')
      assert.equal(asked.length, 2)
    }))

  test('lets equal questions at the same time share one', () =>
    served({}, async (dns, { asked }) => {
      await Promise.all(Array.from({ length: 50 }, () => dns.a('mx.example.com')))
      assert.equal(asked.length, 1)
    }))
})

describe('packets', () => {
  test('that are truncated are asked for by TCP', () =>
    served({ isTruncating: true }, async (dns, { asked }) => {
      assert.deepEqual(await dns.a('mx.example.com'), found('192.0.2.1', '192.0.2.2'))
      assert.deepEqual(asked, ['udp A mx.example.com', 'tcp A mx.example.com'])
    }))

  test('that lose the case of letters are asked for by TCP', () =>
    served({ isLowering: true }, async (dns, { asked }) => {
      assert.deepEqual(await dns.a('mx.example.com'), found('192.0.2.1', '192.0.2.2'))
      assert.equal(asked.at(-1), 'tcp A mx.example.com')
    }))

  const poison = (query: dnsPacket.DecodedPacket, change: object) =>
    dnsPacket.encode({
      type: 'response',
      id: query.id ?? 0,
      questions: query.questions ?? [],
      answers: [{ name: query.questions?.[0]?.name ?? '', type: 'A', ttl: 60, data: '6.6.6.6' }],
      ...change,
    })
  const forgeries: Record<string, (query: dnsPacket.DecodedPacket) => Buffer> = {
    'another id': (query) => poison(query, { id: ((query.id ?? 0) + 1) % 65_536 }),
    'another name': (query) => poison(query, { questions: [{ type: 'A', name: 'other.example.com' }] }),
    'another type': (query) => poison(query, { questions: [{ type: 'MX', name: query.questions?.[0]?.name ?? '' }] }),
    'no question': (query) => poison(query, { questions: [] }),
    'a query': (query) => poison(query, { type: 'query' }),
    'no packet at all': () => Buffer.from('x'),
  }
  for (const [name, forgery] of Object.entries(forgeries)) {
    test(`with ${name} are not believed`, () =>
      served({ forgery }, async (dns) => {
        assert.deepEqual(await dns.a('mx.example.com'), found('192.0.2.1', '192.0.2.2'))
      }))
  }

  test('do not tell of names that were not asked for', () =>
    served(
      {
        forgery: (query) =>
          poison(query, { answers: [{ name: 'www.example.com', type: 'A', ttl: 60, data: '6.6.6.6' }] }),
      },
      async (dns) => assert.deepEqual(await dns.a('mx.example.com'), none('no-such-type')),
    ))

  test('of a server that fails are asked of the next', async () => {
    await using broken = await dnsServer({ 'mx.example.com': 'servfail' })
    await using good = await dnsServer(ZONE)
    const servers = ['127.0.0.1:9', broken.address, good.address].flatMap((address) => dnsServers(address))
    const dns = realDns({ servers, clock, random })
    assert.deepEqual(await dns.a('mx.example.com'), found('192.0.2.1', '192.0.2.2'))
    assert.deepEqual(broken.asked, ['udp A mx.example.com'])
  })
})

test('servers are read from resolv.conf, and trusted on loopback', async () => {
  const file = join(tmpdir(), `resolv-${random.uuid()}`)
  await writeFile(
    file,
    '# nameserver 9.9.9.9\nsearch a b\nnameserver 127.0.0.53\nnameserver 192.0.2.53\nnameserver x\nnameserver ::1\n nameserver 1.1.1.1',
  )
  assert.deepEqual(dnsServers(undefined, file), [
    { address: '127.0.0.53', port: 53, isTrusted: true },
    { address: '192.0.2.53', port: 53, isTrusted: false },
    { address: '::1', port: 53, isTrusted: true },
  ])
  assert.deepEqual(dnsServers(undefined, '/nowhere'), [{ address: '127.0.0.1', port: 53, isTrusted: true }])
  assert.deepEqual(dnsServers('[::1]:5353'), [{ address: '::1', port: 5353, isTrusted: true }])
  assert.deepEqual(dnsServers('192.0.2.1'), [{ address: '192.0.2.1', port: 53, isTrusted: true }])
  assert.deepEqual(dnsServers('::1'), [{ address: '::1', port: 53, isTrusted: true }])
})
