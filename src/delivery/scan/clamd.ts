/** ClamAV's daemon (clamd(8), INSTREAM): a message as chunks with their lengths in front, and one line for an answer. */
import type { Dial, Wire } from '../../platform/platform.ts'
import type { Scannable, ScanVerdict } from '../../message/scan.ts'

/** `address`: an IP address or a name, or the path of a Unix socket. */
export type ClamdTarget = { readonly address: string; readonly port: number }

const CHUNK_OCTETS = 64 * 1024
const LONGEST_REPLY = 4_096
const NO_MORE = Buffer.alloc(4)

/** Asks over a connection of its own. `signal`: there is no more time. */
export async function askClamd(
  dial: Dial,
  target: ClamdTarget,
  { raw }: Pick<Scannable, 'raw'>,
  signal: AbortSignal,
): Promise<ScanVerdict> {
  const wire = await dial({ ...target, localAddress: undefined }, signal)
  if (typeof wire === 'string') return away(wire)
  try {
    return await converse(wire, Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength), signal)
  } finally {
    wire.destroy()
  }
}

function converse(wire: Wire, message: Buffer, signal: AbortSignal): Promise<ScanVerdict> {
  const { promise, resolve } = Promise.withResolvers<ScanVerdict>()
  let reply = ''
  const frames = framesOf(message)
  // Goes on where it stopped.
  const sendOn = () => {
    for (let next = frames.next(); next.done !== true; next = frames.next()) if (!wire.send(...next.value)) return
  }
  wire.listen({
    data(octets) {
      reply += octets.toString('latin1')
      // `z` in the command: replies end with a zero.
      if (reply.includes('\0') || reply.length > LONGEST_REPLY) resolve(verdictOf(reply))
    },
    drained: sendOn,
    // It may answer and hang up before it has read everything: its limit on size.
    closed: (code) => resolve(reply === '' ? away(code ?? 'hung up') : verdictOf(reply)),
  })
  signal.addEventListener('abort', () => resolve(away('no answer in time')), { once: true })
  if (signal.aborted) return Promise.resolve(away('no answer in time'))
  sendOn()
  return promise
}

/** The command, the chunks and the end. */
function* framesOf(message: Buffer): Generator<readonly (Buffer | string)[], void> {
  yield ['zINSTREAM\0']
  for (let start = 0; start < message.length; start += CHUNK_OCTETS) {
    const chunk = message.subarray(start, start + CHUNK_OCTETS)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(chunk.length)
    yield [length, chunk]
  }
  yield [NO_MORE]
}

function verdictOf(reply: string): ScanVerdict {
  const line = reply.split('\0', 1)[0]?.trim().slice(0, LONGEST_REPLY) ?? ''
  if (line === 'stream: OK') return { kind: 'clean', said: 'clamd: OK' }
  if (/^stream: .+ FOUND$/.test(line)) return { kind: 'bad', said: `clamd: ${line.slice('stream: '.length)}` }
  return away(line.slice(0, 200))
}

function away(why: string): ScanVerdict {
  return { kind: 'away', said: `clamd: ${why}` }
}
