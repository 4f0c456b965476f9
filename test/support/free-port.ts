/** For programs that have to be told where to listen, and cannot be asked where they do. */
import { once } from 'node:events'
import { createServer } from 'node:net'

/** A port of this host's that nobody listens on: until somebody else does. What of ours listens takes port 0 instead. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
