/** `sesame doctor`: a server in a small Internet of its own, where all is well, and then one thing at a time is not. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { CreateEmailIdentityCommand } from '@aws-sdk/client-sesv2'
import type { Config } from '../src/config/config.ts'
import { BLOCKLISTS } from '../src/domain/doctor/blocklists.ts'
import { type ExamOptions, examine } from '../src/domain/doctor/examine.ts'
import type { Finding } from '../src/domain/doctor/finding.ts'
import type { Services } from '../src/domain/context.ts'
import { realMachine } from '../src/platform/machine.ts'
import { startApp, type TestApp } from './support/app.ts'
import { sesame } from './support/cli.ts'
import { fakeDns, type Records, type Zone } from './support/dns.ts'
import { Mx } from './support/internet/mx.ts'
import { readZone } from './support/zone-file.ts'

const HOST = 'ses.example.net'
const OWN = '127.0.0.1'
const OTHER = 'other.example'
/** An address on which nothing else listens, in any test: what is free on our own is free on it. */
const OTHERS_ADDRESS = '127.0.0.25'

type Ward = AsyncDisposable & {
  readonly app: TestApp
  readonly zone: Zone
  readonly others: Mx
  /** The findings of `sesame doctor --json`. */
  readonly ask: (...args: string[]) => Promise<{ readonly code: number; readonly findings: readonly Finding[] }>
  /** Those of the checks alone, with parts of the server replaced. */
  readonly look: (services?: Partial<Services>, options?: Partial<ExamOptions>) => Promise<readonly Finding[]>
}

/** Everything is published as `sesame dns` says, and one mail server of others answers. */
async function startWard(config: Partial<Config> = {}): Promise<Ward> {
  const zone: Zone = {}
  const app = await startApp({
    profile: 'strict',
    config: {
      hostname: HOST,
      mailDomain: HOST,
      transport: 'direct',
      allowPrivateDestinations: true,
      ...config,
    },
    dns: fakeDns(zone),
    isPortShared: true,
  })
  const others = await Mx.start(OTHERS_ADDRESS, app.inboundPort)
  const printed = await sesame(['dns', '--url', app.url, '--format', 'zone', '--address', OWN])
  Object.assign(zone, readZone(printed.out))
  delete zone[`_mta-sts.${HOST}`]
  zone[OTHER] = { mx: [`10 mx.${OTHER}`] }
  zone[`mx.${OTHER}`] = { a: [OTHERS_ADDRESS] }
  zone['ietf.org'] = { a: ['192.0.2.80'], isSigned: true }
  for (const list of BLOCKLISTS) zone[`2.0.0.127.${list.zone}`] = { a: ['127.0.0.2'] }
  const options = { addresses: [OWN], skip: [], callees: [OTHER], ntp: undefined }
  return {
    app,
    zone,
    others,
    async ask(...args) {
      const given = ['--url', app.url, '--json', '--address', OWN, '--port25', OTHER]
      const { code, out, err } = await sesame(['doctor', ...given, ...args])
      assert.notEqual(out, '', err)
      const { findings, identities } = JSON.parse(out) as { findings: Finding[]; identities: { findings: Finding[] }[] }
      return { code, findings: [...findings, ...identities.flatMap((each) => each.findings)] }
    },
    look: (services = {}, more = {}) => examine({ ...app.services, ...services }, { ...options, ...more }),
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await others[Symbol.asyncDispose]()
    },
  }
}

/** `problem ptr 127.0.0.1: has no PTR record`, of those that are not ok. */
function bad(findings: readonly Finding[], ...checks: string[]): readonly string[] {
  return findings
    .filter(({ level, check }) => level !== 'ok' && (checks.length === 0 || checks.includes(check)))
    .map(({ level, check, subject, found }) => `${level} ${check} ${subject}: ${found}`)
}

describe('the doctor', () => {
  test('has nothing to say where all is well, but for what a test cannot have', async () => {
    await using ward = await startWard()
    const { code, findings } = await ward.ask('--skip', 'disk,clock')
    assert.deepEqual(bad(findings), [`warning hostname ${HOST}: leads to 127.0.0.1, which others cannot reach`])
    assert.equal(code, 0)
    const checks = new Set(findings.map(({ check }) => check))
    const expected = ['blocklist', 'certificate', 'dnssec', 'hostname', 'inbound', 'port25', 'ptr', 'record']
    assert.deepEqual(
      [...checks].toSorted((a, b) => a.localeCompare(b)),
      expected,
    )
    assert.ok(ward.others.sessions > 0)
    assert.ok(findings.every(({ advice, level }) => (advice === null) === (level === 'ok')))
  })

  type Change = (zone: Zone) => void
  const put = (name: string, records: Records | 'servfail') => (zone: Zone) => void (zone[name] = records)
  const drop = (name: string) => (zone: Zone) => void delete zone[name]
  const change = (name: string, records: Records) => (zone: Zone) => {
    const before = zone[name]
    zone[name] = { ...(before === 'servfail' ? {} : before), ...records }
  }
  const reverse = '1.0.0.127.in-addr.arpa'
  const spam = BLOCKLISTS[0]!.zone

  const ILLS: readonly (readonly [what: string, Change, expected: string])[] = [
    ['no PTR record', drop(reverse), `problem ptr ${OWN}: has no PTR record`],
    [
      'another PTR record',
      put(reverse, { ptr: ['a.isp.example'] }),
      `problem ptr ${OWN}: is called a.isp.example, not ${HOST}`,
    ],
    ['a PTR that cannot be had', put(reverse, 'servfail'), `warning ptr ${OWN}: no answer from DNS (ESERVFAIL)`],
    ['two PTR records', put(reverse, { ptr: ['a.isp.example', HOST] }), `warning ptr ${OWN}: has 2 PTR records`],
    [
      'a name that leads elsewhere',
      change(HOST, { a: ['127.0.0.3'] }),
      `problem ptr ${OWN}: is called ${HOST}, but that does not lead back to it`,
    ],
    ['a name that leads nowhere', change(HOST, { a: [] }), `problem hostname ${HOST}: there is no such record`],
    [
      'an alias',
      change(HOST, { cname: 'host.example.net' }),
      `problem hostname ${HOST}: is an alias of host.example.net`,
    ],
    ['no MX record', change(HOST, { mx: [] }), `problem record ${HOST} MX: there is no such record`],
    [
      'an MX record too many',
      change(HOST, { mx: [`10 ${HOST}`, '5 mx.example.net'] }),
      `problem record ${HOST} MX: is 10 ${HOST}, 5 mx.example.net instead`,
    ],
    ['no SPF', change(HOST, { txt: ['hello'] }), `problem record ${HOST} SPF: there is no such record`],
    [
      'SPF twice',
      change(HOST, { txt: ['v=spf1 a -all', 'v=spf1 -all'] }),
      `problem record ${HOST} SPF: there are 2, so that none counts`,
    ],
    [
      'SPF without us',
      change(HOST, { txt: ['v=spf1 ip4:192.0.2.0/24 ~all'] }),
      `problem record ${HOST} SPF: does not let us pass (127.0.0.1: softfail)`,
    ],
    [
      'no host for MAIL FROM',
      drop(`feedback-smtp.us-east-1.${HOST}`),
      `problem record feedback-smtp.us-east-1.${HOST} A: there is no such name`,
    ],
    ['no DMARC', drop(`_dmarc.${HOST}`), `warning record _dmarc.${HOST} TXT: there is no DMARC record`],
    [
      'DMARC twice',
      change(`_dmarc.${HOST}`, { txt: ['v=DMARC1; p=none', 'v=DMARC1; p=none'] }),
      `warning record _dmarc.${HOST} TXT: there are 2, so that none counts`,
    ],
    ['no DNSSEC', change('ietf.org', { isSigned: false }), 'does not vouch for its answers by DNSSEC|not believed'],
    [
      'a listing',
      put(`1.0.0.127.${spam}`, { a: ['127.0.0.3'] }),
      `problem blocklist ${OWN} at ${spam}: is listed (CSS: it looks like a spammer)`,
    ],
    [
      'a list that refuses',
      put(`2.0.0.127.${spam}`, { a: ['127.255.255.254'] }),
      `warning blocklist ${spam}: does not answer this resolver (127.255.255.254)`,
    ],
    [
      'a list that is gone',
      drop(`2.0.0.127.${spam}`),
      `warning blocklist ${spam}: cannot be asked: there is no such name`,
    ],
    [
      'a resolver that invents answers',
      put(`1.0.0.127.${spam}`, { a: ['192.0.2.7'] }),
      `warning blocklist ${OWN} at ${spam}: was answered 192.0.2.7, which is no answer of a blocklist`,
    ],
    [
      'others that are not there',
      drop(`mx.${OTHER}`),
      `problem port25 port PORT of others: cannot be called (${OTHER}: no host was found in DNS)`,
    ],
    [
      'others who do not answer',
      put(`mx.${OTHER}`, { a: ['127.0.0.9'] }),
      `problem port25 port PORT of others: cannot be called (${OTHER}: ECONNREFUSED)`,
    ],
    [
      'nobody where bounces come',
      change(HOST, { a: [OWN, '127.0.0.9'] }),
      'problem inbound 127.0.0.9 port PORT: does not answer (ECONNREFUSED)',
    ],
    [
      'somebody else where bounces come',
      change(HOST, { a: [OWN, OTHERS_ADDRESS] }),
      `problem inbound ${OTHERS_ADDRESS} port PORT: is answered by another server`,
    ],
  ]
  test('tells what ails a server, one at a time', async (t) => {
    await using ward = await startWard()
    const healthy = structuredClone(ward.zone)
    for (const [what, sicken, expected] of ILLS) {
      await t.test(what, async () => {
        for (const name of Object.keys(ward.zone)) delete ward.zone[name]
        Object.assign(ward.zone, structuredClone(healthy))
        sicken(ward.zone)
        const { code, findings } = await ward.ask('--skip', 'disk,clock')
        const told = bad(findings)
        const wanted = expected.replace('PORT', String(ward.app.inboundPort))
        assert.ok(
          told.some((line) => line.startsWith(wanted) || wanted.split('|').some((part) => line.includes(part))),
          `${wanted}\n  is not in\n${told.join('\n')}`,
        )
        assert.equal(code, told.some((line) => line.startsWith('problem')) ? 1 : 0)
      })
    }
  })

  test('follows SPF through include, a, mx and redirect, and minds its bounds', async () => {
    await using ward = await startWard()
    const { zone } = ward
    const spfOf = async (txt: string) => {
      zone[HOST] = { a: [OWN], mx: [`10 ${HOST}`], txt: [txt] }
      return bad(await ward.look({}, { skip: ['port25', 'inbound', 'disk', 'clock'] }), 'record')
    }
    Object.assign(zone, {
      'inc.example': { txt: ['v=spf1 ip4:127.0.0.0/8 -all'] },
      'not.example': { txt: ['v=spf1 -all'] },
      'loop.example': { txt: ['v=spf1 include:loop.example -all'] },
    })
    for (const good of [
      'include:inc.example -all',
      'a -all',
      'mx/24 -all',
      'redirect=inc.example',
      `a:${HOST}/30 -all`,
    ]) {
      assert.deepEqual(await spfOf(`v=spf1 ${good}`), [], good)
    }
    const failing: readonly (readonly [string, string])[] = [
      ['include:not.example -all', 'fail'],
      ['include:gone.example -all', 'permerror'],
      ['include:loop.example -all', 'permerror'],
      ['redirect=not.example', 'fail'],
      ['~all', 'softfail'],
      ['nonsense -all', 'permerror'],
      ['ip4:192.0.2.1', 'neutral'],
    ]
    for (const [text, verdict] of failing) {
      const expected = `problem record ${HOST} SPF: does not let us pass (127.0.0.1: ${verdict})`
      assert.deepEqual(await spfOf(`v=spf1 ${text}`), [expected], text)
    }
    assert.match((await spfOf('v=spf1 exists:%{i}.example -all')).join(), /cannot be told from here/)
  })

  test('fetches an MTA-STS policy that is announced', async () => {
    await using ward = await startWard()
    ward.zone[`_mta-sts.${HOST}`] = { txt: ['v=STSv1; id=1'] }
    const told = async (status: number, body: string) => {
      const httpsGet: Services['httpsGet'] = async ({ host, path }) => {
        assert.deepEqual([host, path], [`mta-sts.${HOST}`, '/.well-known/mta-sts.txt'])
        return { status, contentType: 'text/plain', body }
      }
      return bad(await ward.look({ httpsGet }, { skip: ['disk', 'clock'] }), 'mta-sts')
    }
    const url = `https://mta-sts.${HOST}/.well-known/mta-sts.txt`
    assert.deepEqual(await told(200, `version: STSv1\nmx: ${HOST}\n`), [])
    assert.deepEqual(await told(200, 'mx: *.example.net\n'), [])
    assert.deepEqual(await told(200, 'mx: mx.example.net\n'), [`problem mta-sts ${url}: does not name ${HOST}`])
    assert.deepEqual(await told(404, ''), [`problem mta-sts ${url}: answers HTTP 404`])
  })

  test('compares the clock with that of a server that was named', async () => {
    await using ward = await startWard()
    for (const [seconds, level] of [
      [0, 'ok'],
      [-10, 'warning'],
      [3600, 'problem'],
    ] as const) {
      await using time = await timeServer(seconds)
      const skip = ['port25', 'inbound', 'disk']
      const findings = await ward.look({}, { skip, ntp: time.address })
      const clock =
        findings.find(({ check, subject }) => check === 'clock' && subject === time.address) ?? assert.fail()
      assert.equal(clock.level, level, clock.found)
      assert.match(clock.found, seconds < 0 ? /^this machine is (?:9|10)\.\d+ s ahead$/ : /^this machine is /)
    }
    const silent = await ward.look({}, { ntp: '127.0.0.1:1', skip: ['port25', 'inbound'] })
    assert.match(bad(silent, 'clock').join(), /warning clock 127\.0\.0\.1:1: did not answer \(ECONNREFUSED\)/)
  })

  test('looks at the disk', async () => {
    await using ward = await startWard()
    const GB = 1024 ** 3
    for (const [free, level] of [
      [100 * GB, 'ok'],
      [4 * GB, 'warning'],
      [GB / 2, 'problem'],
    ] as const) {
      const machine = { ...realMachine, diskSpace: async () => ({ free, total: 200 * GB }) }
      const options = { addresses: [OWN], skip: ['port25', 'inbound'], callees: [OTHER], ntp: undefined }
      const findings = await examine(ward.app.services, options, machine)
      assert.equal(findings.find(({ check }) => check === 'disk')?.level, level)
    }
  })

  test('says of a smarthost whether it answers, and calls nobody else', async () => {
    await using ward = await startWard()
    const smarthost = { host: OTHERS_ADDRESS, port: ward.app.inboundPort, tls: 'none', credentials: undefined } as const
    const config = { ...ward.app.services.config, transport: 'smarthost', smarthost } as const
    const at = (host: string) => ward.look({ config: { ...config, smarthost: { ...smarthost, host } } })
    // Whose addresses, name and SPF are not ours to look after.
    delete ward.zone['1.0.0.127.in-addr.arpa']
    ward.zone[HOST] = { a: [OWN], mx: [`10 ${HOST}`], txt: [`v=spf1 a:${OTHER} -all`] }
    ward.zone[`1.0.0.127.${BLOCKLISTS[0]!.zone}`] = { a: ['127.0.0.3'] }
    assert.deepEqual(bad(await at(OTHERS_ADDRESS), 'port25', 'ptr', 'record', 'blocklist'), [])
    const [gone] = bad(await at('127.0.0.9'), 'port25')
    assert.match(gone ?? '', /^problem port25 the smarthost 127\.0\.0\.9:\d+: does not answer \(ECONNREFUSED\)$/)
  })

  test('tells of identities whose records are missing, and of keys that are not published', async () => {
    await using ward = await startWard()
    const { app, zone } = ward
    for (const EmailIdentity of ['one.example', 'two.example']) {
      await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity }))
    }
    const printed = await sesame(['dns', '--url', app.url, '--format', 'zone', '--identity', 'one.example'])
    Object.assign(zone, readZone(printed.out), { [HOST]: zone[HOST] })
    delete zone[`_mta-sts.${HOST}`]
    const one = await ward.ask('--skip', 'disk,clock', '--identity', 'one.example')
    assert.deepEqual(bad(one.findings, 'record'), [])
    const two = await ward.ask('--skip', 'disk,clock', '--identity', 'two.example')
    const told = bad(two.findings, 'record')
    assert.equal(told.filter((line) => /^warning record \w+\._domainkey\.two\.example CNAME: /.test(line)).length, 3)
    assert.equal(told.filter((line) => /^problem record \w+\.dkim\.ses\.example\.net TXT: /.test(line)).length, 1)
    assert.equal(two.code, 1)
    assert.equal((await ward.ask('--skip', 'disk,clock,identities')).code, 0)
  })

  test('prints the gravest first, and what to do', async () => {
    await using ward = await startWard()
    delete ward.zone[reverse]
    const { code, out } = await sesame([
      'doctor',
      '--url',
      ward.app.url,
      '--address',
      OWN,
      '--port25',
      OTHER,
      '--skip',
      'disk,clock',
    ])
    assert.equal(code, 1)
    assert.match(
      out,
      /^The server\n {2}problem {2}ptr: 127\.0\.0\.1: has no PTR record\n {11}→ Have whoever gave you the address set its PTR/,
    )
    assert.match(out, /\n1 problem, 1 warning, \d+ ok\n$/)
  })

  test('refuses checks and hosts that are none', async () => {
    await using ward = await startWard()
    const wrong = async (...args: string[]) => (await sesame(['doctor', '--url', ward.app.url, ...args])).err
    assert.match(await wrong('--skip', 'dsik'), /There is no check "dsik"; there are hostname, ptr, /)
    assert.match(await wrong('--port25', 'a b'), /"a b" is no host name/)
  })
})

/** SNTP, by a clock that is `seconds` ahead. */
async function timeServer(seconds: number): Promise<AsyncDisposable & { readonly address: string }> {
  const socket = createSocket('udp4')
  socket.bind(0, OWN)
  await once(socket, 'listening')
  socket.on('message', (question, { port, address }) => {
    const answer = Buffer.alloc(48)
    answer[0] = 0x24
    answer[1] = 2
    question.copy(answer, 24, 40, 48)
    for (const at of [32, 40]) {
      const now = Date.now() / 1000 + seconds + 2_208_988_800
      answer.writeUInt32BE(Math.floor(now) % 2 ** 32, at)
      answer.writeUInt32BE(Math.floor((now % 1) * 2 ** 32), at + 4)
    }
    socket.send(answer, port, address)
  })
  return {
    address: `${OWN}:${socket.address().port}`,
    async [Symbol.asyncDispose]() {
      socket.close()
      await once(socket, 'close')
    },
  }
}
