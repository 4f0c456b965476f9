/** What time it is elsewhere: one question of SNTP (RFC 4330). */
import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import type { Clock, Random } from './platform.ts'

export type TimeServer = { readonly address: string; readonly port: number }

const PACKET_OCTETS = 48
/** No leap warning, version 4, client. */
const HEAD = 0x23
const MODE_SERVER = 4
/** Seconds from 1900 to 1970; the 32 bits begin anew in 2036 (§3). */
const EPOCH_S = 2_208_988_800
const ERA_S = 2 ** 32
/** Octets of the packet where its times stand. */
const ORIGINATE = 24
const RECEIVE = 32
const TRANSMIT = 40

/** Milliseconds that our clock is behind theirs (negative: ahead), to some tens; a text says why nobody knows. */
export async function askTime(
  server: TimeServer,
  ms: number,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): Promise<number | string> {
  const { promise, resolve } = Promise.withResolvers<number | string>()
  const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4')
  // Where our time would stand: chance, which the answer has to repeat.
  const nonce = random.bytes(8)
  const question = Buffer.alloc(PACKET_OCTETS)
  question[0] = HEAD
  nonce.copy(question, TRANSMIT)
  const cancel = clock.after(ms, () => resolve('ETIMEOUT'))
  let sentAt = clock.now()
  socket.on('error', (error) => resolve('code' in error ? String(error.code) : error.message))
  socket.on('message', (packet) => {
    if (packet.length < PACKET_OCTETS || !packet.subarray(ORIGINATE, ORIGINATE + 8).equals(nonce)) return
    if (((packet[0] ?? 0) & 7) !== MODE_SERVER || packet[1] === 0) return resolve('no time was given')
    // §5: half way there and half way back.
    const now = clock.now()
    resolve((timeAt(packet, RECEIVE, now) - sentAt + timeAt(packet, TRANSMIT, now) - now) / 2)
  })
  socket.connect(server.port, server.address, () => {
    sentAt = clock.now()
    socket.send(question)
  })
  const answer = await promise
  cancel()
  socket.close()
  return answer
}

/** Milliseconds since 1970, in the era that is nearest to `near`. */
function timeAt(packet: Buffer, at: number, near: number): number {
  const seconds = packet.readUInt32BE(at) - EPOCH_S + packet.readUInt32BE(at + 4) / ERA_S
  const eras = Math.round((near / 1000 - seconds) / ERA_S)
  return (seconds + eras * ERA_S) * 1000
}
