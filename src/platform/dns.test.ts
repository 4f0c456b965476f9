import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dnsServer, fakeDns, type Zone } from '../../test/support/dns.ts'
import { realDns } from './dns.ts'
import type { Dns } from './platform.ts'

const ZONE: Zone = {
  '_amazonses.example.com': { txt: ['one', `two${'x'.repeat(300)}`] },
  'token._domainkey.example.com': { cname: 'token.dkim.sesame.test' },
  'bounce.example.com': { mx: ['10 feedback.sesame.test'], txt: ['v=spf1 include:sesame.test ~all'] },
  'broken.example.com': 'servfail',
}

async function each(check: (dns: Dns) => Promise<void>): Promise<void> {
  await using server = await dnsServer(ZONE)
  await check(realDns(server.address))
  await check(fakeDns(ZONE))
}

test('records are found, with the strings of a TXT record joined and names without their final dot', () =>
  each(async (dns) => {
    assert.deepEqual(await dns.txt('_amazonses.example.com'), {
      kind: 'found',
      records: ['one', `two${'x'.repeat(300)}`],
    })
    assert.deepEqual(await dns.cname('token._domainkey.example.com'), {
      kind: 'found',
      records: ['token.dkim.sesame.test'],
    })
    assert.deepEqual(await dns.mx('bounce.example.com'), {
      kind: 'found',
      records: [{ exchange: 'feedback.sesame.test', preference: 10 }],
    })
  }))

test('no such name, no such type and no answer are told apart', () =>
  each(async (dns) => {
    assert.deepEqual(await dns.txt('nothing.example.org'), { kind: 'none', why: 'no-such-host' })
    assert.deepEqual(await dns.mx('_amazonses.example.com'), { kind: 'none', why: 'no-such-type' })
    assert.deepEqual(await dns.txt('example.com'), { kind: 'none', why: 'no-such-type' })
    assert.deepEqual(await dns.cname('broken.example.com'), { kind: 'temporary', reason: 'ESERVFAIL' })
  }))

test('a resolver that is not there is a temporary failure', async () => {
  const dns = realDns('127.0.0.1:9')
  assert.equal((await dns.txt('example.com')).kind, 'temporary')
})

test('a name that DNS cannot hold is no host', async () => {
  const dns = realDns('127.0.0.1:9')
  assert.deepEqual(await dns.txt(`${'a'.repeat(64)}.example.com`), { kind: 'none', why: 'no-such-host' })
  assert.deepEqual(await dns.txt('a..example.com'), { kind: 'none', why: 'no-such-host' })
})
