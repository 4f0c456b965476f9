/** What SES refuses in the MIME structure of a message, before it accepts it. */
import { blockedExtension } from './attachment-types.ts'
import { listParts, MAX_DEPTH, MAX_PARTS } from './mime-parts.ts'
import type { Part } from './mime-parts.ts'
import type { RawMessage } from './headers.ts'

/**
 * Checks the parts in their order; attached messages are not looked into (a bounce may return half a message).
 * `error` is SES's text; `blockedExtension` is that of an attachment which SES does not take, with its dot.
 */
export function checkMime(
  message: RawMessage,
): { readonly error: string } | { readonly blockedExtension: string } | null {
  const { parts, excess } = listParts(message, false)
  if (excess === 'parts') return { error: `Number of MIME parts exceeds ${MAX_PARTS}.` }
  if (excess === 'depth') return { error: `MIME parts are nested more than ${MAX_DEPTH} deep.` }
  for (const part of parts) {
    const error = partError(part)
    if (error !== null) return { error }
  }
  for (const part of parts) {
    const extension = blockedExtensionOf(part)
    if (extension !== null) return { blockedExtension: extension }
  }
  return null
}

function partError(part: Part): string | null {
  return part.contentType.error ?? part.disposition?.error ?? (part.lacksStart ? 'Missing start boundary' : null)
}

function blockedExtensionOf(part: Part): string | null {
  const names = [part.disposition?.parameters.get('filename'), part.contentType.parameters.get('name')]
  for (const name of names) {
    const extension = name === undefined ? null : blockedExtension(name)
    if (extension !== null) return extension
  }
  return null
}
