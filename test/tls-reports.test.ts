/** TLS reports (RFC 8460), through the whole server: counted, read by the operator, sent to whoever asks. */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import { buffer } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { gunzipSync } from 'node:zlib'
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'
import { simpleParser } from 'mailparser'
import type { CountedDomains } from '../src/domain/tls-reports/reading.ts'
import { sendDueReports } from '../src/domain/tls-reports/send.ts'
import type { TlsReport } from '../src/message/reports/tls-report.ts'
import { call, get } from './support/admin.ts'
import { startApp, type TestApp } from './support/app.ts'
import { emptyDirectory, sesame } from './support/cli.ts'
import { keyRecordOf } from './support/dkim.ts'
import { certificateFor } from './support/internet/certificates.ts'
import type { Mx } from './support/internet/mx.ts'
import { emptyDatabase, openShared } from './support/nodes.ts'
import { until } from './support/until.ts'
import { startWorld, type World } from './support/world.ts'

const TODAY = '2026-01-15'
const HOUR = 60
const GOOD = await certificateFor('mx.one.test')
const ASKING = 'v=TLSRPTv1; rua=mailto:tls@reports.test'
const REPORTING = { tlsReports: true, mailDomain: 'mail.out.test' }

type Served = { readonly app: TestApp }

function reportOf({ app }: Served, domain: string, day = TODAY): Promise<TlsReport> {
  return get<TlsReport>(app, `/_sesame/tls-reports/${domain}?day=${day}`)
}

async function domainsOf({ app }: Served, day = TODAY): Promise<CountedDomains['domains']> {
  return (await get<CountedDomains>(app, `/_sesame/tls-reports?day=${day}`)).domains
}

/** Until a report, or a word that none is wanted, is written down for each domain. */
async function reported(world: World, day = TODAY): Promise<CountedDomains['domains']> {
  const domains = await until(
    () => domainsOf(world, day),
    (all) => all.every(({ sentTo }) => sentTo !== undefined),
  )
  await world.app.idle()
  return domains
}

async function attachedTo({ data }: Mx['mails'][number]): Promise<TlsReport> {
  const { attachments } = await simpleParser(Buffer.from(data, 'latin1'))
  return JSON.parse(gunzipSync(attachments[0]!.content).toString()) as TlsReport
}

type Posted = { readonly type: string | undefined; readonly path: string | undefined; readonly body: Buffer }

/** Takes reports over HTTPS, with a certificate that nobody trusts; at first it is busy. */
async function reportEndpoint(address: string) {
  const posted: Posted[] = []
  const { cert, key } = await certificateFor('reports.test', 'selfSigned')
  async function take(request: IncomingMessage): Promise<void> {
    posted.push({ type: request.headers['content-type'], path: request.url, body: await buffer(request) })
  }
  const server = createServer({ cert, key }, (request, response) => {
    void take(request).then(() => response.writeHead(endpoint.status).end())
  })
  server.listen(0, address)
  await once(server, 'listening')
  const at = server.address()
  const endpoint = {
    posted,
    status: 503,
    port: typeof at === 'object' && at !== null ? at.port : 0,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
  return endpoint
}

describe('what TLS came to', () => {
  test('is counted by domain and day, and told in the words of RFC 8460', async () => {
    await using world = await startWorld()
    await world.domain('one.test', '127.0.0.2', { certificate: GOOD, dot: ['250 Ok', 'drop'] })
    await world.domain('two.test', '127.0.0.3', { ehlo: '250 mail.two.test' })
    for (const to of ['bob@one.test', 'eve@one.test', 'joe@TWO.test']) {
      await world.send([to])
      await world.app.idle()
    }
    assert.deepEqual(await domainsOf(world), [
      { domain: 'one.test', successes: 2, failures: 0 },
      { domain: 'two.test', successes: 0, failures: 1 },
    ])
    const { policies, ...head } = await reportOf(world, 'Two.test')
    assert.deepEqual(head['date-range'], {
      'start-datetime': `${TODAY}T00:00:00Z`,
      'end-datetime': `${TODAY}T23:59:59Z`,
    })
    assert.deepEqual(policies, [
      {
        policy: { 'policy-type': 'no-policy-found', 'policy-domain': 'two.test' },
        summary: { 'total-successful-session-count': 0, 'total-failure-session-count': 1 },
        'failure-details': [
          {
            'result-type': 'starttls-not-supported',
            'sending-mta-ip': '127.0.0.1',
            'receiving-mx-hostname': 'mx.two.test',
            'receiving-mx-helo': 'mail.two.test',
            'receiving-ip': '127.0.0.3',
            'failed-session-count': 1,
            'failure-reason-code': 'STARTTLS is not offered',
          },
        ],
      },
    ])
    world.app.clock.advance(24 * 3_600_000)
    await world.send(['bob@one.test'])
    await world.app.idle()
    assert.deepEqual(await domainsOf(world, '2026-01-16'), [{ domain: 'one.test', successes: 1, failures: 0 }])
    assert.equal((await domainsOf(world)).length, 2)
  })

  test('is listed page by page, and asked for with care', async () => {
    await using world = await startWorld()
    const { tlsResults } = world.app.services.store
    const policy = { type: 'no-policy-found', domain: '', lines: [], mxHosts: [] }
    const names = ['a.test', 'b.test', 'c.test']
    await tlsResults.add(names.map((domain) => ({ day: 20_468, domain, policy, failure: null, sessions: 1 })))
    const page = (query: string) => get<CountedDomains>(world.app, `/_sesame/tls-reports?day=${TODAY}&${query}`)
    const first = await page('limit=2')
    assert.deepEqual([first.domains.map(({ domain }) => domain), first.next], [['a.test', 'b.test'], 'b.test'])
    const second = await page('limit=2&after=b.test')
    assert.deepEqual([second.domains.map(({ domain }) => domain), second.next], [['c.test'], undefined])
    assert.equal((await call(world.app, 'GET', '/_sesame/tls-reports?day=yesterday')).status, 400)
    const missing = await call(world.app, 'GET', '/_sesame/tls-reports/nobody.test')
    assert.deepEqual([missing.status, missing.body.error.code], [404, 'NotFound'])
  })

  test('outlives the process, is read without one, and is forgotten after some days', async (t) => {
    const database = `sqlite:${await emptyDirectory(t)}/kept.db`
    {
      await using world = await startWorld({ database })
      await world.domain('one.test', '127.0.0.2', { certificate: GOOD })
      await world.send(['bob@one.test'])
      await world.app.idle()
    }
    const day = ['--day', TODAY, '--database', database]
    const listed = await sesame(['tls-report', ...day])
    assert.deepEqual([listed.code, listed.out], [0, 'one.test  1 as they had to be, 0 failed\n'], listed.err)
    const told = JSON.parse((await sesame(['tls-report', 'one.test', ...day])).out) as TlsReport
    assert.equal(told['report-id'], `${TODAY}.one.test@localhost`)
    assert.equal((await sesame(['tls-report', 'two.test', ...day])).code, 3)
    await using app = await startApp({ config: { database, transport: 'direct', retentionTlsDays: 2 } })
    app.clock.advance(2 * 24 * HOUR * 60_000)
    assert.equal((await domainsOf({ app })).length, 1)
    app.clock.advance(24 * HOUR * 60_000)
    await until(
      async () => {
        app.clock.advance(15 * 60_000)
        return domainsOf({ app })
      },
      (domains) => domains.length === 0,
    )
  })
})

describe('a report', () => {
  test('is mail to whoever asks for it, signed by the platform, once; and is not reported on', async () => {
    await using world = await startWorld(REPORTING)
    await world.domain('one.test', '127.0.0.2', { certificate: GOOD })
    await world.domain('two.test', '127.0.0.3')
    // It takes no TLS: a report must get there all the same.
    const receiver = await world.domain('reports.test', '127.0.0.4')
    world.zone['_smtp._tls.one.test'] = { txt: [ASKING] }
    await world.send(['bob@one.test', 'eve@two.test'])
    await world.app.idle()
    await world.pass(12 * HOUR + 4)
    assert.equal(receiver.mails.length, 0)
    await world.pass(5 * HOUR)
    assert.deepEqual(
      (await reported(world)).map(({ domain, sentTo }) => [domain, sentTo]),
      [
        ['one.test', ['mailto:tls@reports.test']],
        ['two.test', []],
      ],
    )
    assert.deepEqual(
      receiver.mails.map(({ recipients }) => recipients),
      [['tls@reports.test']],
    )
    const [mail] = receiver.mails
    assert.match(mail!.sender, /^MAIL FROM:<[a-z2-7]{59}@mail\.out\.test>/)
    assert.match(mail!.data, /^TLS-Report-Domain: one\.test\r$/m)
    assert.match(mail!.data, /^TLS-Report-Submitter: mail\.out\.test\r$/m)
    const told = await attachedTo(mail!)
    assert.deepEqual(told, await reportOf(world, 'one.test'))
    assert.equal(told['contact-info'], 'postmaster@mail.out.test')
    const records = await keyRecordOf(world.app, 'example.com')
    const { results } = await dkimVerify(Buffer.from(mail!.data, 'latin1'), {
      curTime: new Date(world.app.clock.now()),
      resolver: async (name) => records.get(name) ?? [],
    })
    assert.deepEqual(
      results.map(({ signingDomain, status }) => [signingDomain, status.result]),
      [['mail.out.test', 'pass']],
    )
    assert.match(mail!.data, /^DKIM-Signature:(?:.*\r\n[ \t])*.*tls-report-domain/im)
    // The next day is none of reports about the report, and nothing is sent again.
    await world.pass(24 * HOUR)
    assert.deepEqual(await domainsOf(world, '2026-01-16'), [])
    assert.equal(receiver.mails.length, 1)
  })

  test('that is refused comes back to nobody, and is not sent again', async () => {
    await using world = await startWorld(REPORTING)
    await world.domain('one.test', '127.0.0.2')
    const receiver = await world.domain('reports.test', '127.0.0.4', { rcpt: '550 5.1.1 no such user' })
    const home = await world.domain('mail.out.test', '127.0.0.5')
    world.zone['_smtp._tls.one.test'] = { txt: [ASKING] }
    await world.send(['bob@one.test'])
    await world.app.idle()
    await world.pass(17 * HOUR)
    await reported(world)
    await world.pass(HOUR)
    assert.equal(receiver.heard.filter((line) => line.startsWith('RCPT')).length, 1)
    assert.deepEqual([home.mails, await domainsOf(world, '2026-01-16')], [[], []])
  })

  test('is posted over HTTPS, and again later where nobody took it', async () => {
    await using endpoint = await reportEndpoint('127.0.0.6')
    const { posted } = endpoint
    const uri = `https://reports.test:${endpoint.port}/tls?from=us`
    await using world = await startWorld(REPORTING)
    await world.domain('one.test', '127.0.0.2')
    world.zone['reports.test'] = { a: ['127.0.0.6'] }
    world.zone['_smtp._tls.one.test'] = { txt: [`v=TLSRPTv1; rua=${uri}`] }
    await world.send(['bob@one.test'])
    await world.app.idle()
    await world.pass(17 * HOUR)
    await until(
      async () => posted.length,
      (count) => count === 1,
    )
    endpoint.status = 201
    await until(
      async () => {
        await world.pass(20)
        return (await domainsOf(world))[0]!.sentTo
      },
      (sentTo) => sentTo !== undefined,
    )
    assert.deepEqual((await domainsOf(world))[0]!.sentTo, [uri])
    const [, second] = posted
    assert.deepEqual([posted.length, second!.type, second!.path], [2, 'application/tlsrpt+gzip', '/tls?from=us'])
    assert.deepEqual(JSON.parse(gunzipSync(second!.body).toString()), await reportOf(world, 'one.test'))
  })

  test('goes nowhere unless the operator wants it, nor where a resolver gives no answer until it does', async () => {
    await using silent = await startWorld({ mailDomain: 'mail.out.test' })
    await silent.domain('one.test', '127.0.0.2')
    const nobody = await silent.domain('reports.test', '127.0.0.4')
    silent.zone['_smtp._tls.one.test'] = { txt: [ASKING] }
    await silent.send(['bob@one.test'])
    await silent.app.idle()
    await silent.pass(24 * HOUR)
    assert.deepEqual([nobody.mails, (await domainsOf(silent))[0]!.sentTo], [[], undefined])

    await using world = await startWorld({ ...REPORTING, mxPort: nobody.port })
    world.zone['one.test'] = silent.zone['one.test']!
    world.zone['mx.one.test'] = silent.zone['mx.one.test']!
    world.zone['_smtp._tls.one.test'] = 'servfail'
    await world.send(['bob@one.test'])
    await world.app.idle()
    await world.pass(17 * HOUR)
    await world.pass(1)
    assert.equal((await domainsOf(world))[0]!.sentTo, undefined)
    world.zone['_smtp._tls.one.test'] = { txt: ['v=spf1 -all'] }
    await until(
      async () => {
        await world.pass(15)
        return (await domainsOf(world))[0]!.sentTo
      },
      (sentTo) => sentTo?.length === 0,
    )
  })

  test('is sent by one of two processes that would', async () => {
    const database = await emptyDatabase()
    // Of themselves they send nothing here: both are asked at once below.
    await using world = await startWorld({ mailDomain: 'mail.out.test', database })
    await using other = await openShared(database)
    const receiver = await world.domain('reports.test', '127.0.0.4')
    const policy = { type: 'no-policy-found', domain: '', lines: [], mxHosts: [] }
    const names = Array.from({ length: 30 }, (_, index) => `d${index}.test`)
    await other.tlsResults.add(names.map((domain) => ({ day: 20_468, domain, policy, failure: null, sessions: 1 })))
    for (const name of names) world.zone[`_smtp._tls.${name}`] = { txt: [ASKING] }
    world.app.clock.advance(17 * HOUR * 60_000)
    const { services } = world.app
    const post = async () => 'not wanted'
    const isStopped = () => false
    const twin = { ...services, store: { ...services.store, tlsResults: other.tlsResults } }
    await Promise.all([services, twin].map((each) => sendDueReports(each, post, isStopped)))
    await world.app.idle()
    const told = await Promise.all(receiver.mails.map(attachedTo))
    assert.deepEqual(
      told.map((report) => report['report-id']).toSorted(),
      names.map((name) => `${TODAY}.${name}@mail.out.test`).toSorted(),
    )
  })
})
