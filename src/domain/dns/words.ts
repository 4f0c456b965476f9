/** What may stand in a record: it goes into zone files, so nothing else is let through. */
import { addressKind, isIpAddress } from '../../platform/addresses.ts'

/** An address that a host can have, in any spelling. */
export function isAddress(text: string): boolean {
  const kind = addressKind(text)
  return isIpAddress(text) && kind !== 'multicast' && kind !== 'unspecified'
}

/** An email address of plain letters, which needs no quoting in a record (RFC 7489 §6.2: `,` and `!` would). */
export function isMailbox(text: string): boolean {
  return text.length <= 254 && /^[A-Za-z0-9._+=-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{1,63}$/.test(text)
}

export function isHostName(text: string): boolean {
  return (
    text.length <= 253 &&
    text.split('.').every((label) => /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(label))
  )
}
