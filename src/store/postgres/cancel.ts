/** Asks the server to stop a statement that nobody waits for any more, so that it holds no locks and does no work. */
import { connect } from 'node:net'

/** By what the server knows a connection: told to the client when it connects (message BackendKeyData). */
export type BackendKey = { readonly processID: number; readonly secretKey: number }

/** https://www.postgresql.org/docs/current/protocol-message-formats.html, CancelRequest */
const CANCEL_REQUEST = 80_877_102
const TIMEOUT_MS = 3_000

/**
 * Sends the request over a connection of its own, as the protocol has it, and does not wait: there is no answer. It
 * may come too late, and a server that does not answer does not cancel either: whatever the statement would have
 * written may be there.
 */
export function cancel(host: string, port: number, { processID, secretKey }: BackendKey): void {
  const request = Buffer.alloc(16)
  request.writeInt32BE(16, 0)
  request.writeInt32BE(CANCEL_REQUEST, 4)
  request.writeInt32BE(processID, 8)
  request.writeInt32BE(secretKey, 12)
  // As `pg` does: a host that is a path is the folder of a Unix socket.
  const address = host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { port, host }
  const socket = connect({ ...address, timeout: TIMEOUT_MS })
  socket.on('timeout', () => socket.destroy())
  socket.on('error', () => {})
  socket.unref()
  socket.end(request)
}
