import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signPost } from './sigv4.ts'

const CREDENTIALS = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: undefined,
}
const REQUEST = {
  url: new URL('http://127.0.0.1:8005/v2/email/outbound-emails'),
  body: '{"a":1}',
  headers: { 'content-type': 'application/json' },
  region: 'us-east-1',
  now: Date.UTC(2026, 0, 15, 12, 0, 0, 123),
}

test('a request is signed for its time, region, headers and body', () => {
  const headers = signPost(REQUEST, CREDENTIALS)
  assert.equal(headers['x-amz-date'], '20260115T120000Z')
  assert.match(
    headers['authorization'] ?? '',
    /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/20260115\/us-east-1\/ses\/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=[0-9a-f]{64}$/,
  )
  const others = [
    { ...REQUEST, body: '{"a":2}' },
    { ...REQUEST, region: 'eu-west-1' },
    { ...REQUEST, now: REQUEST.now + 1000 },
  ].map((request) => signPost(request, CREDENTIALS)['authorization'])
  assert.equal(new Set([headers['authorization'], ...others]).size, 4)
})

test('a session token is sent, and signed with the rest', () => {
  const headers = signPost(REQUEST, { ...CREDENTIALS, sessionToken: 'token' })
  assert.equal(headers['x-amz-security-token'], 'token')
  assert.match(headers['authorization'] ?? '', /SignedHeaders=content-type;host;x-amz-date;x-amz-security-token,/)
})
