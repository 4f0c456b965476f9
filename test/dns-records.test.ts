/** `sesame dns`: that what it prints is enough, once it is published, and what else it tells. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { SetIdentityMailFromDomainCommand, VerifyDomainIdentityCommand } from '@aws-sdk/client-ses'
import { CreateEmailIdentityCommand, GetEmailIdentityCommand } from '@aws-sdk/client-sesv2'
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'
import { spf } from 'mailauth/lib/spf/index.js'
import { startApp } from './support/app.ts'
import { emptyDirectory, sesame } from './support/cli.ts'
import type { Zone } from './support/dns.ts'
import { untilStates } from './support/proving.ts'
import { until } from './support/until.ts'
import { SENDER_DOMAIN, startWorld, type World } from './support/world.ts'
import { readZone } from './support/zone-file.ts'

const HOST = 'out.sesame.test'
const OWN = ['--address', '192.0.2.1', '--address', '2001:db8::1']

async function printed(url: string, ...args: string[]): Promise<string> {
  const { code, out, err } = await sesame(['dns', '--url', url, ...args])
  assert.equal(code, 0, err)
  return out
}

/** A server whose domains prove themselves, with the records that `sesame dns` prints for it published. */
async function published(arrange: (world: World) => Promise<unknown>): Promise<World> {
  const world = await startWorld({ autoVerify: false, mailDomain: HOST })
  await arrange(world)
  Object.assign(world.zone, readZone(await printed(world.app.url, '--format', 'zone', ...OWN)))
  await world.pass(60)
  return world
}

/** mailauth's resolver, over the table. */
function resolver(zone: Zone) {
  return async (name: string, type: string): Promise<never[]> => {
    const records = zone[name.toLowerCase()]
    const own = records === undefined || records === 'servfail' ? undefined : records
    const alias = own?.cname
    if (alias !== undefined) return await resolver(zone)(alias, type)
    const values = type === 'TXT' ? own?.txt?.map((each) => [each]) : type === 'A' ? own?.a : own?.aaaa
    if (values === undefined) throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })
    return values as never[]
  }
}

describe('what `sesame dns` prints, once it is published,', () => {
  test('proves an Easy DKIM domain, and makes its mail pass DKIM and SPF', async () => {
    await using world = await published(({ app }) =>
      app.ses.send(
        new SetIdentityMailFromDomainCommand({ Identity: SENDER_DOMAIN, MailFromDomain: `mail.${SENDER_DOMAIN}` }),
      ),
    )
    const { zone, app } = world
    await untilStates(app, 'SUCCESS', 'SUCCESS', 'SUCCESS')
    const there = await world.domain('one.test', '127.0.0.2')
    await world.send(['bob@one.test'])
    await app.idle()
    const [mail] = there.mails
    const { results } = await dkimVerify(Buffer.from(mail!.data, 'latin1'), {
      curTime: new Date(app.clock.now()),
      resolver: resolver(zone),
    })
    assert.deepEqual(
      results.map(({ signingDomain, status }) => [signingDomain, status.result]),
      [
        [SENDER_DOMAIN, 'pass'],
        [HOST, 'pass'],
      ],
    )
    const [, sender = ''] = /<(.*)>/.exec(mail!.sender) ?? []
    assert.match(sender, new RegExp(`@mail\\.${SENDER_DOMAIN}$`))
    const verdicts = await Promise.all(
      ['192.0.2.1', '2001:db8::1', '192.0.2.2'].map(async (ip) => {
        const { status } = await spf({ sender, ip, helo: HOST, mta: 'mx.one.test', resolver: resolver(zone) })
        return status.result
      }),
    )
    assert.deepEqual(verdicts, ['pass', 'pass', 'softfail'])
  })

  test('proves domains that have a key of their own, or a TXT record', async () => {
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs8', format: 'der' },
      publicKeyEncoding: { type: 'spki', format: 'der' },
    })
    await using world = await published(async ({ app }) => {
      const DkimSigningAttributes = {
        DomainSigningSelector: 'mine',
        DomainSigningPrivateKey: privateKey.toString('base64'),
      }
      await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: 'own.example', DkimSigningAttributes }))
      await app.ses.send(new VerifyDomainIdentityCommand({ Domain: 'text.example' }))
    })
    for (const EmailIdentity of ['own.example', 'text.example']) {
      await until(
        () => world.app.sesv2.send(new GetEmailIdentityCommand({ EmailIdentity })),
        ({ VerifiedForSendingStatus }) => VerifiedForSendingStatus === true,
      )
    }
  })

  test('lets bounces come back, and names the server forwards and backwards', async () => {
    await using world = await published(({ app }) =>
      app.clients('eu-west-1').sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: SENDER_DOMAIN })),
    )
    const { zone } = world
    const place = { a: ['192.0.2.1'], aaaa: ['2001:db8::1'] }
    const { txt, ...host } = zone[HOST] as Exclude<Zone[string], 'servfail' | undefined>
    assert.deepEqual(host, { ...place, mx: [`10 ${HOST}`] })
    assert.deepEqual(txt, ['v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 -all'])
    assert.deepEqual(zone[`eu-west-1.${HOST}`], { mx: [`10 ${HOST}`], txt })
    for (const region of ['us-east-1', 'eu-west-1']) assert.deepEqual(zone[`feedback-smtp.${region}.${HOST}`], place)
    assert.deepEqual(zone['1.2.0.192.in-addr.arpa'], { ptr: [HOST] })
    assert.deepEqual(zone[`_dmarc.${HOST}`], { txt: ['v=DMARC1; p=none'] })
    assert.deepEqual(zone[`_dmarc.${SENDER_DOMAIN}`], { txt: ['v=DMARC1; p=none'] })
    // TLS reports that nobody reads are not asked for.
    assert.equal(zone[`_smtp._tls.${HOST}`], undefined)
  })
})

describe('`sesame dns`', () => {
  test('serves the MTA-STS policy whose id it prints', async () => {
    await using app = await startApp({ profile: 'strict', config: { hostname: HOST, mailDomain: HOST } })
    const reply = await fetch(`${app.url}/.well-known/mta-sts.txt`)
    assert.deepEqual([reply.status, reply.headers.get('content-type')], [200, 'text/plain; charset=utf-8'])
    assert.equal(await reply.text(), `version: STSv1\r\nmode: testing\r\nmx: ${HOST}\r\nmax_age: 86400\r\n`)
    assert.match(await printed(app.url, ...OWN), new RegExp(`_mta-sts\\.${HOST} .*v=STSv1; id=[0-9a-f]{16}\n`))
  })

  test('prints what one identity needs, or the operator, as a table or JSON', async () => {
    await using app = await startApp({ profile: 'strict', config: { hostname: HOST, mailDomain: HOST } })
    for (const EmailIdentity of ['one.example', 'two.example', 'ann@three.example']) {
      await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity }))
    }
    const one = await printed(app.url, '--only', 'identities', '--identity', 'One.example')
    assert.match(
      one,
      /^For the owner of one\.example \(account 000000000000, us-east-1\)\n {2}Easy DKIM: .*\(required\):\n/,
    )
    assert.equal(one.match(/ CNAME /g)?.length, 3)
    assert.doesNotMatch(one, /two\.example|ann@|Note/)
    const operator = await printed(app.url, '--only', 'operator', ...OWN)
    assert.equal(operator.match(/\.dkim\.out\.sesame\.test +TXT +v=DKIM1; k=rsa; p=/g)?.length, 2)
    assert.doesNotMatch(operator, /^For the owner/m)
    assert.match(operator, /Yahoo/)
    const all = JSON.parse(await printed(app.url, '--json', ...OWN)) as {
      operator: { addresses: string[]; addressesFrom: string }
      identities: { identity: string; records: { publishedBy: string }[] }[]
    }
    assert.equal(all.operator.addressesFrom, 'given')
    assert.deepEqual(
      all.identities.map(({ identity, records }) => [identity, records.length]),
      [
        ['ann@three.example', 0],
        ['one.example', 5],
        ['two.example', 5],
      ],
    )
  })

  test('walks through the pages of all accounts and regions', async () => {
    await using app = await startApp({ profile: 'strict' })
    const places = ['us-east-1', 'eu-west-1']
    for (const region of places) {
      for (let number = 0; number < 3; number++) {
        const EmailIdentity = `a/b${number}@example.com`
        await app.clients(region).sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity }))
      }
    }
    const found: string[] = []
    let next: string | undefined = ''
    while (next !== undefined) {
      const query: string = next === '' ? '' : `&after=${encodeURIComponent(next)}`
      const { body } = await app.admin('GET', `/_sesame/dns/identities?limit=2${query}`)
      const page = body as { identities: { region: string; identity: string }[]; next?: string }
      assert.ok(page.identities.length <= 2)
      found.push(...page.identities.map(({ region, identity }) => `${region} ${identity}`))
      next = page.next
    }
    const expected = places.toSorted().flatMap((region) => [0, 1, 2].map((n) => `${region} a/b${n}@example.com`))
    assert.deepEqual(found, expected)
  })

  test('adds where reports go, and what the domain of their reader has to publish', async () => {
    await using app = await startApp({ profile: 'strict', config: { hostname: HOST, mailDomain: HOST } })
    const out = await printed(app.url, '--reports', 'dmarc@reader.example', ...OWN)
    assert.match(out, / v=DMARC1; p=none; rua=mailto:dmarc@reader\.example\n/)
    assert.match(out, /_smtp\._tls\.out\.sesame\.test .* v=TLSRPTv1; rua=mailto:dmarc@reader\.example\n/)
    assert.match(out, /out\.sesame\.test\._report\._dmarc\.reader\.example TXT "v=DMARC1"/)
  })

  test('works before the first start, and says that nobody can publish for Amazon', async (t) => {
    const data = ['--data-dir', join(await emptyDirectory(t), 'data')]
    const { code, out } = await sesame(['dns', '--format', 'zone', ...data])
    assert.equal(code, 0)
    assert.match(out, /^; Note: The mail domain is amazonses\.com, which is Amazon's/m)
    assert.doesNotMatch(out, /^[^;].*amazonses/m)
  })

  test('refuses what is no address, no format and nobody', async () => {
    await using app = await startApp({ profile: 'strict' })
    const refused = await sesame(['dns', '--url', app.url, '--address', '192.0.2.999'])
    assert.equal(refused.code, 3)
    assert.match(refused.err, /"192\.0\.2\.999" is no IP address\./)
    const injected = await sesame(['dns', '--url', app.url, '--reports', 'a@b.example; p=reject'])
    assert.match(injected.err, /reports is no email address\./)
    const usage = await sesame(['dns', '--url', app.url, '--format', 'bind'])
    assert.equal(usage.code, 2)
    assert.match(usage.err, /--format: "bind" is not one of table, zone, json\./)
  })
})
