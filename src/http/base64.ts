/** Base64 of the AWS protocols: RFC 4648 §4 to the letter, without line breaks, padding required. */
import { fail } from '../errors/fail.ts'

/** Decodes; anything but canonical base64 is refused in the words of AWS's own decoder. */
export function readBase64(text: string): Buffer {
  if (text.length % 4 !== 0) {
    fail('Serialization', `Base64 encoded length is expected a multiple of 4 bytes but found: ${text.length}`)
  }
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const bytes = Buffer.from(text, 'base64')
  // Node skips what is no base64, so that the result is short, and takes `-` and `_`, which belong to another alphabet.
  if (bytes.length !== (text.length / 4) * 3 - padding || text.includes('-') || text.includes('_')) {
    fail('Serialization', `Invalid Base64 character: '${text.charAt(text.search(/[^A-Za-z0-9+/]/))}'`)
  }
  if (padding > 0 && bytes.toString('base64', bytes.length - (3 - padding)) !== text.slice(-4)) {
    fail('Serialization', 'Invalid last non-pad Base64 character dectected') // sic
  }
  return bytes
}
