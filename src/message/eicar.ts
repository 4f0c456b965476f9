/** The EICAR test file, with which SES's guide has people try how an infected message is rejected. */
import type { RawMessage } from './headers.ts'
import { listParts } from './mime-parts.ts'
import { decodeTransfer } from './transfer-encoding.ts'

// In two halves, lest a virus scanner take this source file for an infected one.
const EICAR = Buffer.from(['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-', 'STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join(''))

/** An infected file begins with the string (EICAR, “Anti-Malware Testfile”), so that the beginning of a part is enough. */
const MAX_ENCODED = 16_384

/** Nothing but text as it stands there, and so nothing that could hide in it. */
function isPlain({ headers }: RawMessage): boolean {
  return headers.every(({ lower, value }) => {
    if (lower === 'content-type') return /^\s*text\//i.test(value)
    return lower !== 'content-transfer-encoding' || /^[78]bit$/i.test(value)
  })
}

/** Whether the message holds the test file: as it is, in a base64 or quoted-printable part, or in an attached message. */
export function containsEicar(message: RawMessage): boolean {
  const { body } = message
  if (Buffer.from(body.buffer, body.byteOffset, body.byteLength).includes(EICAR)) return true
  if (isPlain(message)) return false
  return listParts(message, true).parts.some(
    ({ transferEncoding, body: encoded }) =>
      (transferEncoding === 'base64' || transferEncoding === 'quoted-printable') &&
      decodeTransfer(encoded.subarray(0, MAX_ENCODED), transferEncoding).includes(EICAR),
  )
}
