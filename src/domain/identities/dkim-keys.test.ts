import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { describe, test } from 'node:test'
import { realRandom } from '../../platform/random.ts'
import { keyRecordHolds, makePrivateKey, makeTokens, publicKeyOf, readPrivateKey } from './dkim-keys.ts'

function rsa(bits: number, type: 'pkcs1' | 'pkcs8'): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: bits })
  return privateKey.export({ type, format: 'der' }).toString('base64')
}

test('tokens are three different names of 32 lower-case letters and digits', () => {
  const tokens = makeTokens(realRandom())
  assert.equal(new Set(tokens).size, 3)
  for (const token of tokens) assert.match(token, /^[a-z2-7]{32}$/)
})

test('a key that was made signs, and its public half checks', async () => {
  const privateKey = await makePrivateKey('RSA_1024_BIT')
  assert.equal(createPrivateKey(privateKey).asymmetricKeyDetails?.modulusLength, 1024)
  const publicKey = createPublicKey({
    key: Buffer.from(publicKeyOf(privateKey), 'base64'),
    format: 'der',
    type: 'spki',
  })
  const text = Buffer.from('hello')
  assert.ok(verify('sha256', text, publicKey, sign('sha256', text, privateKey)))
})

describe('a private key that the owner brings', () => {
  test('is PKCS#1 or PKCS#8, of 1024 to 2048 bits', () => {
    for (const key of [rsa(1024, 'pkcs1'), rsa(1024, 'pkcs8'), rsa(1536, 'pkcs8'), rsa(2048, 'pkcs1')]) {
      const read = readPrivateKey(key)
      assert.ok(read.ok && read.value.startsWith('-----BEGIN PRIVATE KEY-----'))
    }
  })

  test('is no other length, no other algorithm, and no other text', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const curve = privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64')
    const pem = Buffer.from(`-----BEGIN RSA PRIVATE KEY-----\n${rsa(1024, 'pkcs1')}\n`).toString('base64')
    for (const bad of [rsa(768, 'pkcs1'), rsa(2304, 'pkcs1'), curve, pem, '', 'AAAA', rsa(1024, 'pkcs1').slice(8)]) {
      assert.equal(readPrivateKey(bad).ok, false)
    }
  })
})

test('a key record is known by its public key, however it is written', () => {
  assert.ok(keyRecordHolds('p=AbC+/=', 'AbC+/='))
  assert.ok(keyRecordHolds('v=DKIM1; k=rsa; p=AbC +/=', 'AbC+/='))
  assert.ok(keyRecordHolds('v=DKIM1;k=rsa;p=AbC+/=;', 'AbC+/='))
  for (const other of ['p=', 'AbC+/=', 'x=AbC+/=', 'pp=AbC+/=', 'p=abc+/=', ''])
    assert.ok(!keyRecordHolds(other, 'AbC+/='))
})
