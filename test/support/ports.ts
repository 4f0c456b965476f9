/** Ports for servers that cannot choose one themselves. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** One that is free now, by TCP on loopback. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const at = probe.address()
  probe.close()
  await once(probe, 'close')
  return typeof at === 'object' && at !== null ? at.port : assert.fail('no port')
}
