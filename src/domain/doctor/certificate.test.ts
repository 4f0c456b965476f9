import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { generate } from 'selfsigned'
import { judgeCertificate } from './certificate.ts'

const NOW = Date.UTC(2026, 5, 1)
const DAY = 86_400_000
const HOST = 'ses.example.net'
const PRODUCTION = { hostname: HOST, profile: 'production' } as const

type Made = Awaited<ReturnType<typeof generate>>

async function make(name: string, days: number, ca?: Made): Promise<Made> {
  return await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(NOW - DAY),
    notAfterDate: new Date(NOW + days * DAY),
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: name }] }],
    ...(ca === undefined ? {} : { ca: { key: ca.private, cert: ca.cert } }),
  })
}

function told(pem: string, isOwn = false, now = NOW, config: Parameters<typeof judgeCertificate>[0] = PRODUCTION) {
  return judgeCertificate(config, { file: 'cert.pem', pem, isOwn }, now).map(({ level, found }) => `${level}: ${found}`)
}

describe('the certificate', () => {
  const authority = make('Authority', 3000)

  test('of an authority, with its chain, is good until its end comes near', async () => {
    const root = await authority
    const pem = `${(await make(HOST, 60, root)).cert}\n${root.cert}`
    assert.deepEqual(told(pem), ['ok: is good until 2026-07-31'])
    assert.deepEqual(told(pem, false, NOW + 50 * DAY), ['warning: ends in 10 days, on 2026-07-31'])
    assert.deepEqual(told(pem, false, NOW + 61 * DAY), ['problem: ended on 2026-07-31'])
    assert.deepEqual(told(pem, false, NOW - 2 * DAY), ['problem: begins only on 2026-05-31'])
  })

  test('for another name, or without its chain, is told', async () => {
    const root = await authority
    const other = `${(await make('mail.example.net', 60, root)).cert}\n${root.cert}`
    assert.deepEqual(told(other), ['ok: is good until 2026-07-31', `problem: is not for ${HOST}`])
    const [, bare] = told((await make(HOST, 60, root)).cert)
    assert.equal(bare, 'warning: comes without the certificates between it and its authority')
  })

  test('of our own making will do for a developer, and not for real mail', async () => {
    const { cert } = await make(HOST, 36_500)
    assert.deepEqual(told(cert, true), ['ok: does not end', 'warning: is of our own making'])
    assert.deepEqual(told(cert, true, NOW, { hostname: HOST, profile: 'local' }), ['ok: does not end'])
    assert.deepEqual(told(cert, false), ['ok: does not end', 'warning: is signed by itself'])
  })

  test('that is none is told', () => {
    assert.deepEqual(told('nonsense'), ['problem: is no certificate in PEM'])
  })
})
