/** Which versions of TLS clients and other servers may use with us. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { startApp } from './support/app.ts'
import { emptyDirectory } from './support/cli.ts'
import { startHttp } from './support/http.ts'
import { certificateFor } from './support/internet/certificates.ts'

type Version = 'TLSv1.2' | 'TLSv1.3'

/** The version that came about, or the error. */
async function versionOf(options: ConnectionOptions, maxVersion: Version): Promise<string | null> {
  const socket = connectTls({ host: '127.0.0.1', rejectUnauthorized: false, maxVersion, ...options })
  try {
    await once(socket, 'secureConnect')
    return socket.getProtocol()
  } catch (error) {
    return (error as { code: string }).code
  } finally {
    socket.destroy()
  }
}

/** A connection on which STARTTLS was said. */
async function afterStartTls(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  for (const line of ['EHLO out.test', 'STARTTLS']) {
    await once(socket, 'data')
    socket.write(`${line}\r\n`)
  }
  await once(socket, 'data')
  return socket
}

const REFUSED = 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'

describe('listeners', () => {
  test('hold clients to --tls-min-version, and other mail servers to TLS 1.2', async (t) => {
    const { cert, key } = await certificateFor('localhost')
    const folder = await emptyDirectory(t)
    const [tlsCert, tlsKey] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    await writeFile(tlsCert, cert)
    await writeFile(tlsKey, key)
    for (const [tlsMinVersion, wanted] of [
      ['TLSv1.2', 'TLSv1.2'],
      ['TLSv1.3', REFUSED],
    ] as const) {
      await using app = await startApp({ config: { tlsCert, tlsKey, tlsMinVersion } })
      const http = Number(new URL(app.url).port)
      for (const port of [http, app.smtpsPort]) {
        assert.equal(await versionOf({ port }, 'TLSv1.2'), wanted)
        assert.equal(await versionOf({ port }, 'TLSv1.3'), 'TLSv1.3')
      }
      assert.equal(await versionOf({ socket: await afterStartTls(app.smtpPort) }, 'TLSv1.2'), wanted)
      assert.equal(await versionOf({ socket: await afterStartTls(app.inboundPort) }, 'TLSv1.2'), 'TLSv1.2')
    }
  })

  test('do so with the next certificate too', async () => {
    await using http = await startHttp({ tls: await certificateFor('localhost'), config: { tlsMinVersion: 'TLSv1.3' } })
    http.server.renewTls(await certificateFor('localhost', 'selfSigned'))
    assert.equal(await versionOf({ port: http.port }, 'TLSv1.2'), REFUSED)
    assert.equal(await versionOf({ port: http.port }, 'TLSv1.3'), 'TLSv1.3')
  })
})
