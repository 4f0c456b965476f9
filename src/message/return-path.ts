/**
 * Return paths that say what came back (VERP): the local part holds the message, the recipient and a MAC, so that a bounce
 * is believed only where we wrote the address, and nobody can have another's recipients suppressed.
 *
 * Base32 in lower case, because some hosts change the case of local parts. 59 characters of the 64 that RFC 5321
 * §4.5.3.1.1 allows: one names the key, 58 hold 36 octets:
 *
 *     2 region · 6 milliseconds · 16 UUID   the MessageId without its hyphens and its last six zeros
 *     2                                     the recipient's position; plus 32768: the first of several at his domain
 *     10                                    HMAC-SHA256 of all that, cut short
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

export type ReturnPathKey = {
  /** 0 to 31. A new key gets another id, and the old one stays among those to read with for as long as bounces come. */
  readonly id: number
  /** At least 32 octets of chance. */
  readonly secret: KeyObject | Uint8Array
}

export type ReturnTarget = {
  /** SES's MessageId. */
  readonly messageId: string
  /** Position among the message's recipients. */
  readonly recipient: number
  /** Others at his domain got the message in the same transaction, which has one return path. */
  readonly isShared: boolean
}

const MESSAGE_ID = /^[0-9a-f]{16}-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}-000000$/
const ID_OCTETS = 24
const TARGET_OCTETS = 26
const MAC_OCTETS = 10
const TEXT_LENGTH = 58
const SHARED = 0x8000

/** The local part. Throws on a MessageId that is not ours, on a position over 32767 and on a key id over 31: bugs. */
export function makeReturnPath({ messageId, recipient, isShared }: ReturnTarget, key: ReturnPathKey): string {
  const keyName = BASE32[key.id]
  const isTarget = MESSAGE_ID.test(messageId) && recipient < SHARED
  if (keyName === undefined || !isTarget) throw new RangeError(`no return path for ${messageId}`)
  const octets = Buffer.alloc(TARGET_OCTETS + MAC_OCTETS)
  octets.write(messageId.slice(0, -7).replaceAll('-', ''), 'hex')
  octets.writeUInt16BE(isShared ? recipient + SHARED : recipient, ID_OCTETS)
  macOf(octets, key).copy(octets, TARGET_OCTETS)
  return keyName + encodeBase32(octets)
}

/** What the local part was made for; null: we did not make it, or with none of these keys. Any case, any octets. */
export function readReturnPath(localPart: string, keys: readonly ReturnPathKey[]): ReturnTarget | null {
  if (localPart.length !== 1 + TEXT_LENGTH) return null
  const text = localPart.toLowerCase()
  const key = keys.find(({ id }) => BASE32[id] === text[0])
  const octets = decodeBase32(text.slice(1))
  if (key === undefined || octets === null) return null
  if (!timingSafeEqual(macOf(octets, key), octets.subarray(TARGET_OCTETS))) return null
  const recipient = octets.readUInt16BE(ID_OCTETS)
  return {
    messageId: messageIdOf(octets.toString('hex', 0, ID_OCTETS)),
    recipient: recipient % SHARED,
    isShared: recipient >= SHARED,
  }
}

/** The MessageId in a Message-ID header of ours (`<MessageId@email.amazonses.com>`), or null. Proves nothing by itself. */
export function messageIdIn(header: string): string | null {
  const id = header.trim().replace(/^</, '').slice(0, 60).toLowerCase()
  return MESSAGE_ID.test(id) ? id : null
}

function messageIdOf(hex: string): string {
  const parts = [
    hex.slice(0, 16),
    hex.slice(16, 24),
    hex.slice(24, 28),
    hex.slice(28, 32),
    hex.slice(32, 36),
    hex.slice(36),
  ]
  return `${parts.join('-')}-000000`
}

/** Of the key's id too, so that one key's text says nothing under another's name. */
function macOf(octets: Uint8Array, { id, secret }: ReturnPathKey): Buffer {
  const mac = createHmac('sha256', secret).update(`return path ${id}:`).update(octets.subarray(0, TARGET_OCTETS))
  return mac.digest().subarray(0, MAC_OCTETS)
}

/** RFC 4648 §6, in lower case and without padding. */
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'

function encodeBase32(octets: Uint8Array): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const octet of octets) {
    held = ((held << 8) | octet) & 0xfff
    bits += 8
    for (; bits >= 5; bits -= 5) text += BASE32[(held >> (bits - 5)) & 31] ?? ''
  }
  return bits === 0 ? text : text + (BASE32[(held << (5 - bits)) & 31] ?? '')
}

/** null: another character, or bits at the end that are not zero, so that each target has one text only. */
function decodeBase32(text: string): Buffer | null {
  const octets = Buffer.alloc((text.length * 5) >> 3)
  let to = 0
  let bits = 0
  let held = 0
  for (const character of text) {
    const value = BASE32.indexOf(character)
    if (value < 0) return null
    held = ((held << 5) | value) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    octets[to++] = held >> bits
  }
  return (held & ((1 << bits) - 1)) === 0 ? octets : null
}
