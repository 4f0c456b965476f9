/** Reads request bodies within limits, and inflates compressed ones within the same. */
import { SesError, fail } from '../errors/fail.ts'
import { ClientGone, type Exchange } from './exchange.ts'

/** Bodies held at once, over all connections. */
const MAX_HELD_BYTES = 256 * 1024 * 1024
/** So much of a body that is too large is read and dropped, since many clients read no answer before they have sent all. */
const MAX_DROPPED_BYTES = 128 * 1024 * 1024

export type Bodies = {
  /**
   * The body as sent. Throws RequestTooLarge beyond `limit` bytes, ServiceUnavailable when too many bodies are held,
   * ClientGone. What it holds counts until `release`.
   */
  read(exchange: Exchange, limit: number): Promise<Buffer>
  /**
   * Undoes Content-Encoding (RFC 9110 §8.4.1: gzip, deflate) without ever making more than `limit` bytes, which are held
   * as those of the body are. Throws RequestTooLarge, ServiceUnavailable, Serialization.
   */
  inflate(exchange: Exchange, body: Buffer, limit: number): Buffer | Promise<Buffer>
  release(exchange: Exchange): void
}

export function createBodies(): Bodies {
  let held = 0
  const shares = new Map<Exchange, number>()
  const hold = (exchange: Exchange, bytes: number): boolean => {
    held += bytes
    shares.set(exchange, (shares.get(exchange) ?? 0) + bytes)
    return held <= MAX_HELD_BYTES
  }
  return {
    async read(exchange, limit) {
      const declared = exchange.headers.get('content-length')
      if (declared === '0' || (declared === undefined && !exchange.headers.has('transfer-encoding'))) return EMPTY
      if (exchange.expectsContinue && Number(declared ?? 0) > limit) tooLarge(limit)
      exchange.acceptBody()
      return collect(exchange, limit, (bytes) => hold(exchange, bytes))
    },
    inflate(exchange, body, limit) {
      const coding = exchange.headers.get('content-encoding')?.trim().toLowerCase() ?? ''
      return coding === '' || coding === 'identity' ? body : inflateHeld(exchange, body, coding, limit)
    },
    release(exchange) {
      held -= shares.get(exchange) ?? 0
      shares.delete(exchange)
    },
  }

  async function inflateHeld(exchange: Exchange, body: Buffer, coding: string, limit: number): Promise<Buffer> {
    // What it may become is held beforehand: sixty small bodies at once would be gigabytes otherwise.
    const most = Math.min(limit, body.length * MAX_RATIO)
    if (!hold(exchange, most)) fail('ServiceUnavailable', 'Service is temporarily unavailable.')
    const inflated = await inflateBody(body, coding, limit)
    hold(exchange, inflated.length - most)
    return inflated
  }
}

const EMPTY = Buffer.alloc(0)
/** Deflate makes at most 1032 octets of one (https://zlib.net/zlib_tech.html, “Maximum Compression Factor”). */
const MAX_RATIO = 1032

function collect({ request }: Exchange, limit: number, hold: (bytes: number) => boolean): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // Gone before we came to it: none of the events below would tell.
    if (request.destroyed) return reject(new ClientGone())
    let chunks: Buffer[] = []
    let size = 0
    let refusal: SesError | undefined
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (refusal === undefined) {
        if (size > limit) refusal = new SesError('RequestTooLarge', tooLargeText(limit))
        else if (!hold(chunk.length))
          refusal = new SesError('ServiceUnavailable', 'Service is temporarily unavailable.')
        else chunks.push(chunk)
      }
      if (refusal) {
        chunks = []
        if (size > MAX_DROPPED_BYTES) {
          request.pause()
          reject(refusal)
        }
      }
    })
    let ended = false
    request.on('end', () => {
      ended = true
      if (refusal) reject(refusal)
      else resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size))
    })
    const gone = () => {
      if (!ended) reject(new ClientGone())
    }
    request.on('error', gone)
    request.on('close', gone)
  })
}

function tooLargeText(limit: number): string {
  return `Request must be smaller than ${limit} bytes.`
}

function tooLarge(limit: number): never {
  fail('RequestTooLarge', tooLargeText(limit))
}

async function inflateBody(body: Buffer, coding: string, limit: number): Promise<Buffer> {
  const zlib = await import('node:zlib')
  const inflate = { gzip: zlib.gunzip, 'x-gzip': zlib.gunzip, deflate: isZlib(body) ? zlib.inflate : zlib.inflateRaw }
  if (coding !== 'gzip' && coding !== 'x-gzip' && coding !== 'deflate') {
    fail('Serialization', `Unsupported content encoding: ${coding.slice(0, 40)}`)
  }
  return new Promise((resolve, reject) => {
    inflate[coding](body, { maxOutputLength: limit }, (error, result) => {
      if (!error) resolve(result)
      else if ('code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') {
        reject(new SesError('RequestTooLarge', tooLargeText(limit)))
      } else reject(new SesError('Serialization', null, {}, error))
    })
  })
}

/** RFC 1950 §2.2. Some clients send `deflate` without this wrapper. */
function isZlib(body: Buffer): boolean {
  return body.length > 2 && (body.readUInt8(0) & 0x0f) === 8 && body.readUInt16BE(0) % 31 === 0
}
