/** `--dns-zone`: the server as the name server of a zone, asked by our own resolver and by hand. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import { CreateEmailIdentityCommand, DeleteEmailIdentityCommand } from '@aws-sdk/client-sesv2'
import dnsPacket from 'dns-packet'
import { realDns } from '../src/platform/dns/real.ts'
import { dnsServers } from '../src/platform/dns/servers.ts'
import type { Dns } from '../src/platform/platform.ts'
import { platformSigners } from '../src/domain/delivery/platform-key.ts'
import { keyRecord } from '../src/message/dkim/keys.ts'
import { startApp, type TestApp } from './support/app.ts'
import { ANY_PORTS, emptyDirectory, launch, sesame } from './support/cli.ts'
import { fakeDns } from './support/dns.ts'
import { until } from './support/until.ts'
import { readZone } from './support/zone-file.ts'

const ZONE = 'ses.example.net'
const HOST = `mail.${ZONE}`
const ADDRESSES = ['192.0.2.1', '2001:db8::1']

type Served = AsyncDisposable & { readonly app: TestApp; readonly port: number; readonly dns: () => Dns }

async function startZone(publicAddresses: readonly string[] = ADDRESSES): Promise<Served> {
  const config = { hostname: HOST, mailDomain: HOST, dnsZone: ZONE, publicAddresses }
  const app = await startApp({ profile: 'strict', config, dns: fakeDns({}) })
  const { dnsPort: port } = app
  const { wallClock: clock, random } = app.services
  return {
    app,
    port,
    dns: () => realDns({ servers: dnsServers(`127.0.0.1:${port}`), clock, random }),
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  }
}

/** One packet by UDP, and what comes back. */
async function udp(port: number, packet: Buffer): Promise<Buffer> {
  const socket = createSocket('udp4')
  socket.send(packet, port, '127.0.0.1')
  const [answer] = await once(socket, 'message')
  socket.close()
  return answer as Buffer
}

function question(name: string, type: dnsPacket.RecordType, more: Partial<dnsPacket.Packet> = {}): Buffer {
  return dnsPacket.encode({ type: 'query', id: 4711, questions: [{ name, type, class: 'IN' }], ...more })
}

async function asked(port: number, name: string, type: dnsPacket.RecordType, more?: Partial<dnsPacket.Packet>) {
  const packet = dnsPacket.decode(await udp(port, question(name, type, more)))
  // dns-packet has the code, and its types do not know of it.
  const { rcode } = packet as dnsPacket.DecodedPacket & { rcode: string }
  return { ...packet, rcode }
}

function tokensOf({ app }: Served, domain: string) {
  return app.services.store.identities.find({ account: '000000000000', region: 'us-east-1' }, domain)
}

describe('the name server', () => {
  test('answers all that the operator would have to publish in the zone', async () => {
    await using served = await startZone()
    const dns = served.dns()
    // What is printed without the zone is what the zone has to hold.
    await using other = await startApp({ profile: 'strict', config: { hostname: HOST, mailDomain: HOST } })
    const own = ADDRESSES.flatMap((address) => ['--address', address])
    const { out } = await sesame(['dns', '--url', other.url, '--format', 'zone', '--only', 'operator', ...own])
    // The other server has a key of its own.
    const wanted = Object.entries(readZone(out)).filter(([name]) => !/\.arpa$|\._domainkey\./.test(name))
    assert.ok(wanted.length >= 4)
    for (const [name, records] of wanted) {
      assert.ok(records !== 'servfail')
      const found = await Promise.all([dns.a(name), dns.aaaa(name), dns.txt(name), dns.mx(name)])
      const values = found.map((answer) => (answer.kind === 'found' ? answer.records : []))
      const mx = records.mx?.map((text) => ({ preference: Number(text.split(' ')[0]), exchange: text.split(' ')[1] }))
      assert.deepEqual(values, [records.a ?? [], records.aaaa ?? [], records.txt ?? [], mx ?? []], name)
    }
  })

  test('has the key of the platform', async () => {
    await using served = await startZone()
    const [platform] = await platformSigners(served.app.services)
    const { selector = '', domain = '', key } = platform ?? {}
    const answer = await served.dns().txt(`${selector}._domainkey.${domain}`)
    assert.ok(key !== undefined && answer.kind === 'found')
    assert.deepEqual(answer.records, [keyRecord(key)])
  })

  test('has the key of an Easy DKIM domain as soon as there is one, and no longer', async () => {
    await using served = await startZone()
    const { app } = served
    const ask = async (token: string) => await served.dns().txt(`${token}.dkim.${HOST}`)
    // So that the new domain is not just among those of the first reading.
    assert.deepEqual(await ask('nobody'), { kind: 'none', why: 'no-such-host', isAuthentic: false })
    for (const EmailIdentity of ['one.example', 'two.example']) {
      await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity }))
    }
    const identity = await until(
      () => tokensOf(served, 'one.example'),
      (found) => (found?.dkim.keys.length ?? 0) > 0,
    )
    const [first = '', second = ''] = identity?.dkim.tokens ?? []
    const answer = await until(
      () => ask(first),
      ({ kind }) => kind === 'found',
    )
    assert.match(answer.kind === 'found' ? answer.records.join() : '', /^v=DKIM1; k=rsa; p=[A-Za-z0-9+/=]{380,}$/)
    // Its turn comes with a rotation.
    assert.equal((await ask(second)).kind, 'none')
    await app.sesv2.send(new DeleteEmailIdentityCommand({ EmailIdentity: 'one.example' }))
    assert.equal((await ask(first)).kind, 'none')
  })

  test('has the key of a domain that several regions share until the last of them is gone', async () => {
    await using served = await startZone()
    const { app } = served
    const EmailIdentity = 'one.example'
    await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity }))
    const identity = await until(
      () => tokensOf(served, EmailIdentity),
      (found) => (found?.dkim.keys.length ?? 0) > 0,
    )
    const ask = async () => (await served.dns().txt(`${identity?.dkim.tokens[0]}.dkim.${HOST}`)).kind
    const replica = app.clients('eu-west-1').sesv2
    await replica.send(
      new CreateEmailIdentityCommand({
        EmailIdentity,
        DkimSigningAttributes: { DomainSigningAttributesOrigin: 'AWS_SES_US_EAST_1' },
      }),
    )
    await until(ask, (kind) => kind === 'found')
    await replica.send(new DeleteEmailIdentityCommand({ EmailIdentity }))
    assert.equal(await ask(), 'found')
    await app.sesv2.send(new DeleteEmailIdentityCommand({ EmailIdentity }))
    assert.equal(await ask(), 'none')
  })

  test('finds the keys that were there before it started', async () => {
    await using served = await startZone()
    await served.app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: 'one.example' }))
    const identity = await until(
      () => tokensOf(served, 'one.example'),
      (found) => (found?.dkim.keys.length ?? 0) > 0,
    )
    const { createTokens } = await import('../src/domain/dns/tokens.ts')
    const tokens = createTokens(served.app.services)
    assert.match((await tokens.record(identity!.dkim.tokens[0]!)) ?? '', /^v=DKIM1/)
    tokens.stop()
  })

  test('tells what is not there from what has no such record, with the SOA that says for how long', async () => {
    await using served = await startZone()
    const { port } = served
    for (const [name, type, rcode] of [
      [`nothing.${ZONE}`, 'A', 'NXDOMAIN'],
      [HOST, 'CNAME', 'NOERROR'],
      // Names that only have names below them.
      [`dkim.${HOST}`, 'TXT', 'NOERROR'],
      [`us-east-1.${HOST}`, 'A', 'NOERROR'],
      [`_dmarc.${HOST}`, 'A', 'NOERROR'],
    ] as const) {
      const packet = await asked(port, name, type)
      assert.deepEqual([packet.rcode, packet.answers?.length, packet.flag_aa], [rcode, 0, true], name)
      const [soa] = packet.authorities ?? []
      assert.ok(soa?.type === 'SOA' && soa.name === ZONE && soa.ttl === 60 && soa.data.minimum === 60)
    }
    const { answers } = await asked(port, ZONE, 'SOA')
    assert.deepEqual(
      answers?.map(({ type }) => type),
      ['SOA'],
    )
    const ns = await asked(port, ZONE, 'NS')
    assert.deepEqual(
      ns.answers?.map((each) => each.type === 'NS' && each.data),
      [`ns.${ZONE}`],
    )
    const glue = await asked(port, `ns.${ZONE}`, 'A')
    assert.deepEqual(
      glue.answers?.map((each) => each.type === 'A' && each.data),
      ['192.0.2.1'],
    )
    assert.equal((await asked(port, HOST, 'ANY' as dnsPacket.RecordType)).answers?.length, 1)
  })

  test('refuses what is not its own: other zones, transfers, other kinds of question', async () => {
    await using served = await startZone()
    const { port } = served
    for (const name of ['example.net', `evil${ZONE}`, 'com', '']) {
      const packet = await asked(port, name, 'A')
      assert.deepEqual(
        [packet.rcode, packet.answers?.length, packet.flag_aa, packet.flag_ra],
        ['REFUSED', 0, false, false],
      )
    }
    assert.equal((await asked(port, ZONE, 'AXFR')).rcode, 'REFUSED')
    // A notification.
    assert.equal((await asked(port, ZONE, 'SOA', { flags: 4 << 11 })).rcode, 'NOTIMP')
    const two = [HOST, ZONE].map((name) => ({ name, type: 'A', class: 'IN' }) as const)
    assert.equal((await asked(port, ZONE, 'A', { questions: two })).rcode, 'FORMERR')
  })

  test('gives the question back as it came, and knows EDNS', async () => {
    await using served = await startZone()
    const { port } = served
    const name = 'mAiL.SeS.eXaMpLe.NeT'
    const opt = (udpPayloadSize: number, ednsVersion = 0): dnsPacket.OptAnswer => ({
      type: 'OPT',
      name: '.',
      udpPayloadSize,
      ednsVersion,
      extendedRcode: 0,
      flags: 0,
      flag_do: false,
      options: [],
    })
    const packet = await asked(port, name, 'A', { additionals: [opt(4096)] })
    assert.deepEqual([packet.questions?.[0]?.name, packet.id], [name, 4711])
    assert.equal(packet.additionals?.[0]?.type, 'OPT')
    assert.deepEqual((await asked(port, name, 'A')).additionals, [])
    const [other] = (await asked(port, name, 'A', { additionals: [opt(4096, 7)] })).additionals ?? []
    assert.ok(other?.type === 'OPT' && other.extendedRcode === 1)
  })

  test('answers neither answers nor noise, and goes on', async () => {
    await using served = await startZone()
    const { port } = served
    const socket = createSocket('udp4')
    const noise = [
      Buffer.alloc(0),
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      dnsPacket.encode({ type: 'response', id: 1, questions: [{ name: HOST, type: 'A' }] }),
      // A pointer to itself, and a label that ends beyond the packet.
      Buffer.from('000100000001000000000000c00c00010001', 'hex'),
      Buffer.from('0001000000010000000000003f61', 'hex'),
      Buffer.alloc(65_000, 0xff),
    ]
    for (const packet of noise) socket.send(packet, port, '127.0.0.1')
    assert.equal((await asked(port, HOST, 'A')).answers?.length, 1)
    socket.close()
  })

  test('says by UDP that there is more, and all of it by TCP', async () => {
    const many = Array.from({ length: 60 }, (_, index) => `192.0.2.${index + 1}`)
    await using served = await startZone(many)
    const short = await asked(served.port, HOST, 'A')
    assert.deepEqual([short.flag_tc, short.answers?.length], [true, 0])
    const whole = await served.dns().a(HOST)
    assert.deepEqual(whole.kind === 'found' && whole.records, many)
  })

  test('answers one question after the other over one connection', async () => {
    await using served = await startZone()
    const { port } = served
    const socket = connect(port, '127.0.0.1')
    const queries = [question(HOST, 'TXT'), question(HOST, 'MX')]
    for (const query of queries) {
      const length = Buffer.alloc(2)
      length.writeUInt16BE(query.length)
      // In pieces, as they may come.
      socket.write(length)
      socket.write(query.subarray(0, 5))
      socket.write(query.subarray(5))
    }
    let received = Buffer.alloc(0)
    const types: (string | undefined)[] = []
    while (types.length < queries.length) {
      received = Buffer.concat([received, (await once(socket, 'data'))[0] as Buffer])
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE()) {
        const end = 2 + received.readUInt16BE()
        types.push(dnsPacket.decode(received.subarray(2, end)).answers?.[0]?.type)
        received = received.subarray(end)
      }
    }
    socket.destroy()
    assert.deepEqual(types, ['TXT', 'MX'])
  })

  test('sends no more than the question where too many answers go to one net', async () => {
    await using served = await startZone()
    const { port } = served
    const socket = createSocket('udp4')
    const query = question(HOST, 'TXT')
    const seen = { whole: 0, short: 0 }
    socket.on('message', (answer) => {
      const { flag_tc: isShort } = dnsPacket.decode(answer)
      if (isShort) assert.equal(answer.length, query.length)
      seen[isShort ? 'short' : 'whole'] += 1
    })
    // As many as it takes: they may fall into more than one second.
    while (seen.short === 0 || seen.whole === 0) {
      for (let sent = 0; sent < 50; sent++) socket.send(query, port, '127.0.0.1')
      await new Promise((resolve) => setImmediate(resolve))
    }
    socket.close()
  })

  test('leaves nothing to print but the delegation', async () => {
    await using served = await startZone()
    const { app } = served
    await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: 'one.example' }))
    const { out } = await sesame(['dns', '--url', app.url, '--only', 'operator'])
    assert.match(out, new RegExp(`^ {2}${ZONE} +NS +ns\\.${ZONE}\n {2}ns\\.${ZONE} +A +192\\.0\\.2\\.1\n`, 'm'))
    assert.match(out, / PTR +mail\.ses\.example\.net\n/)
    assert.doesNotMatch(out, /v=spf1|v=DKIM1|feedback-smtp/)
  })

  test('says which port it could not have', async (t) => {
    await using served = await startZone()
    const zone = ['--hostname', HOST, '--dns-zone', ZONE, '--dns-port', String(served.port)]
    const { code, err } = await launch(['serve', ...ANY_PORTS, '--data-dir', await emptyDirectory(t), ...zone])
    assert.equal(code, 1)
    assert.match(err, /in use\. Stop what listens there, or choose another with --dns-port\.\n$/)
  })

  test('is not started for a zone without the host name', async () => {
    const { code, err } = await sesame(['serve', '--dns-zone', 'example.org', '--hostname', HOST])
    assert.equal(code, 2)
    assert.match(err, /--dns-zone example\.org does not hold the host name, mail\.ses\.example\.net/)
  })
})
