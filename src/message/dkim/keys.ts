/** DKIM keys: read once into KeyObjects (a PEM at each signature would cost 0.6 ms), and the records that publish them. */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { parsed, unparsed } from '../parsed.ts'
import type { Parsed } from '../parsed.ts'

export type Algorithm = 'rsa-sha256' | 'ed25519-sha256'

/** Who signs. Keep it for as long as the key is used; it can be posted to a thread. */
export type Signer = {
  /** `d=`, ASCII. */
  readonly domain: string
  /** `s=`. */
  readonly selector: string
  readonly algorithm: Algorithm
  readonly key: KeyObject
  /** Whether the signature covers Feedback-ID, as that of SES's own domain does (RFC 6376 has no rule on it). */
  readonly coversFeedbackId: boolean
}

export type SignerFields = {
  readonly domain: string
  readonly selector: string
  /** PKCS#8 or PKCS#1, RSA or Ed25519. */
  readonly pem: string
  readonly coversFeedbackId?: boolean
}

/** RFC 8301 §3.2: verifiers take none shorter. */
const LEAST_RSA_BITS = 1024

/** Reads a key and checks the names that go into the header field. The error says what is wrong, without the key. */
export function readSigner({ domain, selector, pem, coversFeedbackId = false }: SignerFields): Parsed<Signer> {
  if (!isDnsName(domain)) return unparsed('the domain is not a DNS name')
  if (!isDnsName(selector)) return unparsed('the selector is not a DNS name')
  const key = readKey(pem)
  if (key === undefined) return unparsed('the key is no private key in PEM')
  if (key.asymmetricKeyType === 'ed25519') {
    return parsed({ domain, selector, algorithm: 'ed25519-sha256', key, coversFeedbackId })
  }
  if (key.asymmetricKeyType !== 'rsa') return unparsed('the key is neither RSA nor Ed25519')
  if ((key.asymmetricKeyDetails?.modulusLength ?? 0) < LEAST_RSA_BITS) return unparsed('the key is too short')
  return parsed({ domain, selector, algorithm: 'rsa-sha256', key, coversFeedbackId })
}

function readKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    // OpenSSL's words say nothing that an owner could use.
    return undefined
  }
}

const MAX_NAME = 253

function isDnsName(name: string): boolean {
  return (
    name.length <= MAX_NAME && name.split('.').every((label) => /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})$/.test(label))
  )
}

/**
 * The text of the TXT record at `SELECTOR._domainkey.DOMAIN`, of a private or public key. RSA keys are written as
 * SubjectPublicKeyInfo, as everybody does (RFC 6376 §3.6.1 says RSAPublicKey, erratum 3017), Ed25519 ones as their 32
 * octets (RFC 8463 §4.2).
 */
export function keyRecord(key: KeyObject): string {
  const spki = (key.type === 'private' ? createPublicKey(key) : key).export({ type: 'spki', format: 'der' })
  if (key.asymmetricKeyType === 'ed25519') return `v=DKIM1; k=ed25519; p=${spki.subarray(-32).toString('base64')}`
  return `v=DKIM1; k=rsa; p=${spki.toString('base64')}`
}

/** A TXT record's character-strings hold 255 octets each (RFC 1035 §3.3): the text in as many as it takes. */
export function characterStrings(record: string): string[] {
  return record.match(/[\s\S]{1,255}/g) ?? ['']
}
