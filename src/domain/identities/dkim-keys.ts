/** DKIM tokens and keys (RFC 6376, RFC 8463): made, read from what a caller brings, and told from a published record. */
import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { keyRecord } from '../../message/dkim/keys.ts'
import type { Parsed } from '../../message/parsed.ts'
import type { Random } from '../../platform/platform.ts'

export type KeyLength = 'RSA_1024_BIT' | 'RSA_2048_BIT'

const BITS = { RSA_1024_BIT: 1024, RSA_2048_BIT: 2048 } as const satisfies Record<KeyLength, number>

/** Easy DKIM has three selectors at once, so that keys can be rotated without a change in the owner's DNS. */
const TOKENS = 3
/** 20 octets make the 32 letters and digits of SES's tokens. */
const TOKEN_OCTETS = 20

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'

/** Three selectors of 32 lower-case letters and digits. */
export function makeTokens(random: Random): readonly string[] {
  return Array.from({ length: TOKENS }, () => base32(random.bytes(TOKEN_OCTETS)))
}

function base32(octets: Uint8Array): string {
  const bits = [...octets].map((octet) => octet.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{5}/g) ?? []).map((five) => BASE32.charAt(Number.parseInt(five, 2))).join('')
}

const generate = promisify(generateKeyPair)

const ENCODING = {
  publicKeyEncoding: { type: 'spki', format: 'der' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
} as const

/** A new key as PKCS#8 PEM. Made in libuv's threads: RSA of 2048 bits takes some 100 ms there, and none here. */
export async function makePrivateKey(kind: KeyLength | 'ED25519'): Promise<string> {
  const made =
    kind === 'ED25519'
      ? await generate('ed25519', ENCODING)
      : await generate('rsa', { modulusLength: BITS[kind], ...ENCODING })
  return made.privateKey
}

/** The length that SES would call that of a key which was made here. */
export function keyLengthOf(privateKey: string): KeyLength {
  const bits = createPublicKey(privateKey).asymmetricKeyDetails?.modulusLength
  return bits === BITS.RSA_1024_BIT ? 'RSA_1024_BIT' : 'RSA_2048_BIT'
}

/**
 * A caller's own private key: base64 of PKCS#1 or PKCS#8 DER, which is a PEM file without its first and last line and
 * line ends (SES guide: "Provide your own DKIM authentication token"), RSA of 1024 to 2048 bits. Gives PKCS#8 PEM.
 */
export function readPrivateKey(base64: string): Parsed<string> {
  const key = parseDer(Buffer.from(base64, 'base64'))
  if (key?.asymmetricKeyType !== 'rsa') return { ok: false, error: 'it must be a base64-encoded RSA private key' }
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
  if (bits < BITS.RSA_1024_BIT || bits > BITS.RSA_2048_BIT) {
    return { ok: false, error: 'its length must be between 1024 and 2048 bits' }
  }
  return { ok: true, value: key.export({ type: 'pkcs8', format: 'pem' }) }
}

function parseDer(key: Buffer): KeyObject | undefined {
  for (const type of ['pkcs1', 'pkcs8'] as const) {
    try {
      return createPrivateKey({ key, format: 'der', type })
    } catch {
      // Not of this type; OpenSSL says no more than that.
    }
  }
  return undefined
}

/** The whole key record of a private key. */
export function keyRecordOf(privateKey: string): string {
  return keyRecord(createPublicKey(privateKey))
}

/** The public half, as `p=` of a key record has it. */
export function publicKeyOf(privateKey: string): string {
  const record = keyRecordOf(privateKey)
  return record.slice(record.indexOf('p=') + 2)
}

/** Whether a DKIM key record (`v=DKIM1; k=rsa; p=…`, or just `p=…`) has this public key. */
export function keyRecordHolds(record: string, publicKey: string): boolean {
  return record.split(';').some((tag) => {
    const equals = tag.indexOf('=')
    // Folding whitespace may stand anywhere in base64 (RFC 6376 §3.2).
    return tag.slice(0, equals).trim() === 'p' && tag.slice(equals + 1).replaceAll(/\s/g, '') === publicKey
  })
}
