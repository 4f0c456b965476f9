/** Bodies that are small on the wire and large in memory. */
import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { SesError } from '../errors/fail.ts'
import { createBodies } from './body.ts'
import type { Exchange } from './exchange.ts'

function gzipped(): Exchange {
  return {
    method: 'POST',
    path: '/',
    query: '',
    headers: new Map([['content-encoding', 'gzip']]),
    requestId: '',
    sourceIp: '127.0.0.1',
    tlsVersion: null,
    localIp: '127.0.0.1',
    request: new IncomingMessage(new Socket()),
    expectsContinue: false,
    acceptBody() {},
  }
}

test('what a compressed body may become counts among the bodies held, until it is known or released', async () => {
  const bodies = createBodies()
  const [first, second, third] = [gzipped(), gzipped(), gzipped()]
  const text = Buffer.from('small')
  // 300 kB can become 300 MB, which is more than may be held; that they are no gzip shows only later.
  const large = Buffer.alloc(300_000)
  const is = (failure: string) => (error: unknown) => error instanceof SesError && error.failure === failure
  await assert.rejects(async () => bodies.inflate(first, large, 255 * 1024 * 1024), is('Serialization'))
  assert.deepEqual(await bodies.inflate(second, gzipSync(text), 1024), text)
  assert.deepEqual(await bodies.inflate(second, gzipSync(text), 1024), text)
  await assert.rejects(async () => bodies.inflate(third, large, 2 * 1024 * 1024), is('ServiceUnavailable'))
  bodies.release(third)
  bodies.release(first)
  assert.deepEqual(await bodies.inflate(third, gzipSync(text), 2 * 1024 * 1024), text)
})
