/**
 * How octets are kept: as they are, or compressed where that pays.
 *
 * zstd at level 1 takes 70 µs of CPU for 2 kB, more than all that SQLite does for such a message, and 100 for 20 kB:
 * small bodies stay as they are. From 64 kB on it saves more in writing than it takes; in Node's thread pool it costs
 * the event loop 0.1 to 0.2 ms for each piece of 256 kB (0.9 ms if it were done there). Text shrinks to a quarter,
 * base64 of what cannot be compressed to three quarters. Deflate costs twice as much for text and ten times for base64.
 */
import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'

export const ENCODINGS = ['identity', 'zstd'] as const
export type Encoding = (typeof ENCODINGS)[number]
export type Encoded = { readonly encoding: Encoding; readonly data: Uint8Array }

export const LEAST_COMPRESSED_BYTES = 64 * 1024
/** Saving less is not worth the reading. */
const LARGEST_SHARE = 0.9
const FAST = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/** Compresses where it pays. The data may be a view of `octets`. */
export async function encode(octets: Uint8Array): Promise<Encoded> {
  if (octets.byteLength < LEAST_COMPRESSED_BYTES) return { encoding: 'identity', data: octets }
  const data = await compress(octets, FAST)
  return data.byteLength <= octets.byteLength * LARGEST_SHARE
    ? { encoding: 'zstd', data }
    : { encoding: 'identity', data: octets }
}

/** What {@link encode} was given. Throws when the data is damaged. */
export async function decode({ encoding, data }: Encoded): Promise<Uint8Array> {
  return encoding === 'identity' ? data : decompress(data)
}
