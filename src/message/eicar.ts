/** The EICAR test file, with which SES's guide has people try how an infected message is rejected. */
import { splitMessage } from './headers.ts'
import { listParts } from './mime-parts.ts'
import { decodeTransfer } from './transfer-encoding.ts'

// In two halves, lest a virus scanner take this source file for an infected one.
const EICAR = Buffer.from(['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-', 'STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join(''))

/** An infected file begins with the string (EICAR, “Anti-Malware Testfile”), so that the beginning of a part is enough. */
const MAX_ENCODED = 16_384

/** Whether the message holds the test file: as it is, in a base64 or quoted-printable part, or in an attached message. */
export function containsEicar(raw: Uint8Array): boolean {
  const octets = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength)
  if (octets.includes(EICAR)) return true
  const message = splitMessage(raw)
  if (!message.ok) return false
  return listParts(message.value, true).parts.some(
    ({ transferEncoding, body }) =>
      (transferEncoding === 'base64' || transferEncoding === 'quoted-printable') &&
      decodeTransfer(body.subarray(0, MAX_ENCODED), transferEncoding).includes(EICAR),
  )
}
