/** The message that comes back in a report: its header fields, wherever a program puts them. */
import { readPartHeaders } from '../headers.ts'
import type { HeaderField } from '../headers.ts'
import type { Part } from '../mime-parts.ts'
import { decodeTransfer } from '../transfer-encoding.ts'

export type Returned = {
  readonly headers: readonly HeaderField[]
  /** As its header has it, angle brackets included. */
  readonly messageId: string | null
}

const TYPES: ReadonlySet<string> = new Set([
  'message/rfc822',
  'message/global',
  'text/rfc822-headers',
  'message/rfc822-headers',
  'message/global-headers',
  'text/rfc822',
])

/** Of the report's own fields there are a few dozen; a message on its way collects as many again. */
const MAX_SECTION = 65_536

/** The fields of the first part that is a message or its header section; null: there is none. */
export function returnedIn(parts: readonly Part[]): Returned | null {
  const part = parts.slice(1).find(({ contentType }) => TYPES.has(contentType.value))
  if (part === undefined) return null
  const octets = decodeTransfer(part.body.subarray(0, 2 * MAX_SECTION), part.transferEncoding)
  return returnedFrom(octets.toString('latin1', 0, MAX_SECTION))
}

/** The fields at the beginning of a text that is a message. null: it is none. */
export function returnedFrom(text: string): Returned | null {
  const headers = readPartHeaders(text.replace(/^\s{1,1000}/, ''))
  if (headers.length === 0) return null
  return { headers, messageId: headers.find(({ lower }) => lower === 'message-id')?.value ?? null }
}
