import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, test } from 'node:test'
import { fakeDns, type Zone } from '../../../test/support/dns.ts'
import type { Dkim, Identity, MailFrom } from '../../store/types.ts'
import { newKey } from '../dkim/ring.ts'
import { pending } from './checks.ts'
import { publicKeyOf } from './dkim-keys.ts'
import { NO_DKIM } from './identity.ts'
import { findDkimRecords, findMailFromRecord, findVerificationRecord } from './lookups.ts'
import { recordsOf } from './records.ts'

const DOMAIN = 'example.com'
const HOST = 'ses.example.net'
const REGION = 'eu-west-1'

const easy: Dkim = { ...NO_DKIM, ...pending(0), tokens: ['one', 'two', 'three'] }
const mailFrom: MailFrom = { ...pending(0), domain: 'mail.example.com', behaviorOnMxFailure: 'USE_DEFAULT_VALUE' }
const identity: Identity = {
  name: DOMAIN,
  kind: 'DOMAIN',
  createdAt: 0,
  verification: { ...pending(0), token: 'tXt+/=', byTxt: true },
  dkim: easy,
  mailFrom,
  feedback: { forwardingEnabled: true },
  configurationSet: null,
  tags: [],
  nextCheckAt: 0,
}

/** A zone with every record of the owner, as docs/dns.md would have him publish them. */
function published(of: Identity): Zone {
  const zone: Record<string, { txt: string[]; cname?: string; mx: string[] }> = {}
  for (const { name, type, value, publishedBy } of recordsOf(of, REGION, HOST)) {
    if (publishedBy !== 'owner') continue
    const records = (zone[name] ??= { txt: [], mx: [] })
    if (type === 'CNAME') records.cname = value
    else records[type === 'TXT' ? 'txt' : 'mx'].push(value)
  }
  return zone
}

const dkim = (zone: Zone, wanted = easy) => findDkimRecords(fakeDns(zone), DOMAIN, wanted, HOST)
const mx = (zone: Zone) => findMailFromRecord(fakeDns(zone), mailFrom, REGION, HOST)

test('what is to be published is what is found', async () => {
  const zone = published(identity)
  assert.deepEqual(await findVerificationRecord(fakeDns(zone), identity), { kind: 'found' })
  assert.deepEqual(await dkim(zone), { kind: 'found' })
  assert.deepEqual(await mx(zone), { kind: 'found' })
})

describe('the TXT record', () => {
  test('is found among others', async () => {
    const zone = { '_amazonses.example.com': { txt: ['other', 'tXt+/='] } }
    assert.deepEqual(await findVerificationRecord(fakeDns(zone), identity), { kind: 'found' })
  })

  test('must be exact, and says what is wrong', async () => {
    const errors = {
      INVALID_VALUE: { '_amazonses.example.com': { txt: ['txt+/='] } },
      TYPE_NOT_FOUND: { '_amazonses.example.com': { mx: ['1 a.example'] } },
      HOST_NOT_FOUND: {},
    }
    for (const [error, zone] of Object.entries(errors)) {
      assert.deepEqual(await findVerificationRecord(fakeDns(zone), identity), { kind: 'missing', error })
    }
    assert.deepEqual(await findVerificationRecord(fakeDns({ '_amazonses.example.com': 'servfail' }), identity), {
      kind: 'temporary',
      error: 'DNS_SERVER_ERROR',
    })
  })
})

describe('the DKIM records', () => {
  test('must be there all three', async () => {
    const { 'two._domainkey.example.com': _, ...two } = published(identity)
    assert.deepEqual(await dkim(two), { kind: 'missing', error: 'HOST_NOT_FOUND' })
  })

  test('are the same in capitals', async () => {
    const zone = { ...published(identity), 'two._domainkey.example.com': { cname: 'TWO.DKIM.Ses.Example.NET' } }
    assert.deepEqual(await dkim(zone), { kind: 'found' })
  })

  test('are missing for certain when one is, whatever became of the others', async () => {
    const zone: Zone = { ...published(identity), 'one._domainkey.example.com': 'servfail' }
    assert.deepEqual(await dkim(zone), { kind: 'temporary', error: 'DNS_SERVER_ERROR' })
    zone['two._domainkey.example.com'] = { cname: 'two.dkim.elsewhere.example' }
    assert.deepEqual(await dkim(zone), { kind: 'missing', error: 'INVALID_VALUE' })
  })

  test('are one TXT record with the public key where the owner brings the key', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
    const key = newKey({ selector: 'sel', algorithm: 'rsa', pem, publishedBy: 'owner' }, 0)
    const own: Dkim = { ...easy, origin: 'EXTERNAL', tokens: [], selector: 'sel', keys: [key] }
    assert.deepEqual(await dkim(published({ ...identity, dkim: own }), own), { kind: 'found' })
    const spread = { 'sel._domainkey.example.com': { txt: [`v=DKIM1; k=rsa; p=${publicKeyOf(pem)}`] } }
    assert.deepEqual(await dkim(spread, own), { kind: 'found' })
    const other = { 'sel._domainkey.example.com': { txt: ['p=MIGf'] } }
    assert.deepEqual(await dkim(other, own), { kind: 'missing', error: 'INVALID_VALUE' })
  })
})

describe('the MX record of a MAIL FROM domain', () => {
  test('must be the only one', async () => {
    const ours = '10 feedback-smtp.eu-west-1.ses.example.net'
    assert.deepEqual(await mx({ 'mail.example.com': { mx: [ours] } }), { kind: 'found' })
    assert.deepEqual(await mx({ 'mail.example.com': { mx: [ours, '20 mx.example.com'] } }), {
      kind: 'missing',
      error: 'INVALID_VALUE',
    })
  })

  test('must point to the region', async () => {
    assert.deepEqual(await mx({ 'mail.example.com': { mx: ['10 feedback-smtp.us-east-1.ses.example.net'] } }), {
      kind: 'missing',
      error: 'INVALID_VALUE',
    })
  })
})
