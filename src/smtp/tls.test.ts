import { describe, test } from 'node:test'
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { generate } from 'selfsigned'
import { createLog } from '../platform/log.ts'
import { fakeClock } from '../../test/support/clock.ts'
import { converse } from '../../test/support/dialog.ts'
import { startSubmission } from '../../test/support/smtp.ts'
import { type Certificate, loadCertificate } from './tls.ts'

/** A data directory of its own, with a log that is kept and a watch that is pulled by hand. */
function place() {
  const dataDir = mkdtempSync(join(tmpdir(), 'sesame-tls-'))
  const logged: string[] = []
  const watching = new Map<string, () => void>()
  const log = createLog('debug', fakeClock(), (line) => void logged.push(line))
  const config = {
    profile: 'local' as const,
    dataDir,
    hostname: 'mail.example',
    tlsCert: undefined,
    tlsKey: undefined,
    tlsMinVersion: 'TLSv1.2' as const,
  }
  const files = { ...config, tlsCert: join(dataDir, 'cert.pem'), tlsKey: join(dataDir, 'key.pem') }
  const watch = (directory: string, pull: () => void) => {
    watching.set(directory, pull)
    return () => void watching.delete(directory)
  }
  return {
    dataDir,
    logged,
    log,
    config,
    files,
    watch,
    watching,
    [Symbol.dispose]: () => rmSync(dataDir, { recursive: true }),
  }
}

async function write(files: { tlsCert: string; tlsKey: string }, name: string) {
  const { cert, private: key } = await generate([{ name: 'commonName', value: name }], { keyType: 'ec' })
  writeFileSync(files.tlsKey, key)
  writeFileSync(files.tlsCert, cert)
  return { cert, key }
}

function changed(certificate: Certificate): Promise<unknown> {
  return new Promise((resolve) => {
    certificate.onChange(resolve)
  })
}

async function handshake(port: number, options: object = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
  await once(socket, 'secureConnect')
  return socket
}

describe('the certificate of our own', () => {
  test('is made once, names the host and this machine, and is for our eyes only', async () => {
    using at = place()
    const made = await loadCertificate(at.config, at.log)
    const { subjectAltName, publicKey, ca } = new X509Certificate(made.pem().cert)
    assert.equal(subjectAltName, 'DNS:mail.example, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1')
    assert.equal(publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1')
    assert.equal(ca, false)
    for (const file of ['smtp-key.pem', 'smtp-cert.pem'])
      assert.equal(statSync(join(at.dataDir, file)).mode & 0o777, 0o600)
    assert.deepEqual((await loadCertificate(at.config, at.log)).pem(), made.pem())
  })

  test('is warned of in production, where one is to be given', async () => {
    using at = place()
    await loadCertificate(at.config, at.log)
    assert.ok(!at.logged.some((line) => line.includes('level=warn')))
    await loadCertificate({ ...at.config, profile: 'production' }, at.log)
    assert.ok(at.logged.some((line) => line.includes('level=warn') && line.includes('--tls-cert')))
  })

  test('is trusted by a client that is given it', async () => {
    using at = place()
    const certificate = await loadCertificate(at.config, at.log)
    await using server = await startSubmission({ secureContext: certificate.secureContext }, 'tls')
    const socket = await handshake(server.port, { rejectUnauthorized: true, ca: certificate.pem().cert })
    assert.equal(socket.authorized, true)
    socket.destroy()
  })

  test('is made again when it is broken, or when the host has another name', async () => {
    using at = place()
    const first = (await loadCertificate(at.config, at.log)).pem()
    writeFileSync(join(at.dataDir, 'smtp-key.pem'), 'broken')
    const second = (await loadCertificate(at.config, at.log)).pem()
    assert.notEqual(second.cert, first.cert)
    const third = (await loadCertificate({ ...at.config, hostname: 'other.example' }, at.log)).pem()
    assert.equal(new X509Certificate(third.cert).checkHost('other.example'), 'other.example')
    assert.equal(readFileSync(join(at.dataDir, 'smtp-cert.pem'), 'utf8'), third.cert)
  })
})

describe('the certificate from files', () => {
  test('that are missing is an error that names the flag and the file', async () => {
    using at = place()
    await assert.rejects(loadCertificate(at.files, at.log), {
      message: `--tls-cert ${at.files.tlsCert} cannot be read`,
    })
    await assert.rejects(
      loadCertificate({ ...at.files, tlsCert: undefined }, at.log),
      /--tls-key is given without --tls-cert/,
    )
    await assert.rejects(
      loadCertificate({ ...at.files, tlsKey: undefined }, at.log),
      /--tls-cert is given without --tls-key/,
    )
  })

  test('that do not belong together is an error', async () => {
    using at = place()
    await write(at.files, 'a.example')
    const other = await generate([], { keyType: 'ec' })
    writeFileSync(at.files.tlsKey, other.private)
    await assert.rejects(
      loadCertificate(at.files, at.log),
      /cert\.pem and .*key\.pem are not a certificate and its key/,
    )
  })

  test('changes for the next connection, and only for that', async () => {
    using at = place()
    await write(at.files, 'a.example')
    const certificate = await loadCertificate(at.files, at.log, at.watch)
    await using server = await startSubmission({ secureContext: certificate.secureContext }, 'tls')
    using before = await converse(server.port, { tls: true })
    await before.talk('S: 220 …')

    const fresh = await write(at.files, 'b.example')
    const change = changed(certificate)
    at.watching.get(at.dataDir)?.()
    assert.deepEqual(await change, fresh)
    assert.deepEqual(certificate.pem(), fresh)

    const after = await handshake(server.port)
    assert.equal(after.getPeerCertificate().subject.CN, 'b.example')
    after.destroy()
    await before.talk('C: NOOP\nS: 250 Ok')
    certificate.close()
    assert.equal(at.watching.size, 0)
  })

  test('stays as it is while only half of a change is there', async () => {
    using at = place()
    const old = await write(at.files, 'a.example')
    const certificate = await loadCertificate(at.files, at.log, at.watch)
    const fresh = await generate([{ name: 'commonName', value: 'b.example' }], { keyType: 'ec' })
    const pull = at.watching.get(at.dataDir)
    writeFileSync(at.files.tlsCert, fresh.cert)
    pull?.()
    while (!at.logged.some((line) => line.includes('not reloaded'))) await new Promise(setImmediate)
    assert.deepEqual(certificate.pem(), old)
    const change = changed(certificate)
    writeFileSync(at.files.tlsKey, fresh.private)
    pull?.()
    await change
    assert.deepEqual(certificate.pem(), { cert: fresh.cert, key: fresh.private })
  })

  test('is watched on disk', async () => {
    using at = place()
    await write(at.files, 'a.example')
    const certificate = await loadCertificate(at.files, at.log)
    const change = changed(certificate)
    await write(at.files, 'b.example')
    await change
    assert.equal(new X509Certificate(certificate.pem().cert).subject, 'CN=b.example')
    certificate.close()
  })
})

test('TLS 1.2 is spoken, TLS 1.1 is not', async () => {
  using at = place()
  const { secureContext } = await loadCertificate(at.config, at.log)
  await using server = await startSubmission({ secureContext }, 'tls')
  const socket = await handshake(server.port, { maxVersion: 'TLSv1.2' })
  assert.equal(socket.getProtocol(), 'TLSv1.2')
  socket.destroy()
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }
  await assert.rejects(handshake(server.port, old), { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' })
})

test('TLS 1.3 may be asked of clients, but not of other mail servers', async () => {
  using at = place()
  const certificate = await loadCertificate({ ...at.config, tlsMinVersion: 'TLSv1.3' }, at.log)
  const { secureContext, inboundContext } = certificate
  await using clients = await startSubmission({ secureContext }, 'tls')
  const socket = await handshake(clients.port)
  assert.equal(socket.getProtocol(), 'TLSv1.3')
  socket.destroy()
  await assert.rejects(handshake(clients.port, { maxVersion: 'TLSv1.2' }), {
    code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
  })
  await using servers = await startSubmission({ secureContext: inboundContext }, 'tls')
  const other = await handshake(servers.port, { maxVersion: 'TLSv1.2' })
  assert.equal(other.getProtocol(), 'TLSv1.2')
  other.destroy()
})
