/** Judges a signature (AWS Signature Version 4, as the services other than S3 have it). */
import { createHmac, createSecretKey, hash, timingSafeEqual } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { fail } from '../errors/fail.ts'
import { canonicalHeaders, canonicalPath, canonicalQuery } from './canonical.ts'
import type { Exchange } from './exchange.ts'
import type { SignatureClaim } from './signature.ts'
import { basicFormat } from './signature.ts'

type Signer = {
  readonly secret: string
  readonly sessionToken: string | null
  readonly expiresAt: number | null
  readonly active: boolean
  readonly anySecret?: boolean
}
type SignedRequest = Pick<Exchange, 'method' | 'path' | 'query' | 'headers' | 'tlsVersion'>

const SERVICE = 'ses'
const TERMINATOR = 'aws4_request'
const MAX_SKEW_MS = 5 * 60 * 1000
/** `us-east-1`, `us-gov-west-1`, `us-isob-east-1`. */
const REGION = /^[a-z]{2,4}(?:-[a-z]{3,12}){1,2}-[0-9]{1,2}$/
const ANY_REGION = /^[a-z0-9-]{1,64}$/
const UNSIGNED = 'UNSIGNED-PAYLOAD'

/** Whether the claimed key may sign at all. Throws UnknownAccessKey for one that is unknown, inactive or has another token. */
export function checkSigner<S extends Signer>(claim: SignatureClaim, signer: S | undefined): S {
  if (signer?.anySecret) return signer
  if (!signer?.active || !sameText(claim.sessionToken, signer.sessionToken)) {
    return fail('UnknownAccessKey', 'The security token included in the request is invalid.')
  }
  return signer
}

/**
 * Judges credential scope and age, for which the body is not needed. `now`: real time in ms. Where any secret will do
 * any region will too: suites written for other stand-ins make names up.
 */
export function checkScope(claim: SignatureClaim, { anySecret = false }: Pick<Signer, 'anySecret'>, now: number): void {
  const { date, region, service, terminator, timestamp } = claim
  if (terminator !== TERMINATOR) {
    fail('SignatureDoesNotMatch', `Credential should be scoped with a valid terminator: '${TERMINATOR}'. `)
  }
  if (service !== SERVICE) {
    fail('SignatureDoesNotMatch', `Credential should be scoped to correct service: '${SERVICE}'. `)
  }
  if (!(anySecret ? ANY_REGION : REGION).test(region))
    fail('SignatureDoesNotMatch', 'Credential should be scoped to a valid region.')
  const day = timestamp.slice(0, 8)
  if (date !== day) {
    fail(
      'SignatureDoesNotMatch',
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${date.slice(0, 40)}' != '${day}', from '${timestamp}'.`,
    )
  }
  checkAge(claim, now)
}

function checkAge({ timestamp, signedAt, expiresSeconds }: SignatureClaim, now: number): void {
  if (signedAt > now + MAX_SKEW_MS) {
    const latest = basicFormat(now + MAX_SKEW_MS)
    fail(
      'SignatureDoesNotMatch',
      `Signature not yet current: ${timestamp} is still later than ${latest} (${basicFormat(now)} + 5 min.)`,
    )
  }
  if (expiresSeconds !== null) {
    if (now > signedAt + expiresSeconds * 1000) fail('RequestExpired', 'Request has expired.')
  } else if (signedAt < now - MAX_SKEW_MS) {
    const earliest = basicFormat(now - MAX_SKEW_MS)
    fail(
      'SignatureDoesNotMatch',
      `Signature expired: ${timestamp} is now earlier than ${earliest} (${basicFormat(now)} - 5 min.)`,
    )
  }
}

export type Verifier = (
  request: SignedRequest,
  body: Uint8Array,
  claim: SignatureClaim,
  signer: Signer,
  now: number,
) => void

/**
 * Makes the function that recomputes a signature over request and body (as it came over the wire).
 * It throws SignatureDoesNotMatch, or ExpiredToken where the signature is good and the temporary credential is not.
 * `onMismatch` is told what should have been signed, for the operator's log.
 */
export function createVerifier(onMismatch: (canonicalRequest: string, stringToSign: string) => void): Verifier {
  const keyFor = signingKeys()
  return (request, body, claim, signer, now) => {
    if (signer.anySecret) return
    checkSignedHeaders(request.headers, claim.signedHeaders)
    const canonicalRequest =
      `${request.method}\n${canonicalPath(request.path)}\n${canonicalQuery(request.query)}\n` +
      `${canonicalHeaders(request.headers, claim.signedHeaders)}\n${claim.signedHeaders.join(';')}\n` +
      payloadHash(request, body)
    const scope = `${claim.date}/${claim.region}/${SERVICE}/${TERMINATOR}`
    const stringToSign = `AWS4-HMAC-SHA256\n${claim.timestamp}\n${scope}\n${hash('sha256', canonicalRequest)}`
    const expected = createHmac('sha256', keyFor(signer.secret, claim)).update(stringToSign).digest()
    if (!sameBytes(expected, Buffer.from(claim.signature, 'hex')) || claim.signature.length !== expected.length * 2) {
      onMismatch(canonicalRequest, stringToSign)
      mismatch()
    }
    if (signer.expiresAt !== null && signer.expiresAt <= now) {
      fail('ExpiredToken', 'The security token included in the request is expired')
    }
  }
}

/** Of lists of signed headers, which signature.ts keeps from one request to the next. */
const SETS = new WeakMap<readonly string[], ReadonlySet<string>>()

function mismatch(): never {
  fail(
    'SignatureDoesNotMatch',
    'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
  )
}

/**
 * Host and every x-amz-* header must be signed, or they could be changed on the way. A name stands there once: a long
 * header that is named some thousand times would be hashed as often, a gigabyte from one request of 64 kB.
 */
function checkSignedHeaders(headers: ReadonlyMap<string, string>, names: readonly string[]): void {
  let signed = SETS.get(names)
  if (signed === undefined) {
    signed = new Set(names)
    SETS.set(names, signed)
  }
  if (signed.size < names.length) mismatch()
  if (!signed.has('host')) {
    fail('SignatureDoesNotMatch', "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
  }
  for (const name of headers.keys()) {
    if (name.startsWith('x-amz-') && !signed.has(name)) {
      fail('SignatureDoesNotMatch', `'${name}' must be a 'SignedHeader' in the AWS Authorization.`)
    }
  }
}

/**
 * The hash that was signed: of the body, which X-Amz-Content-Sha256 may only repeat.
 * UNSIGNED-PAYLOAD is taken where nobody between could put in another body: over TLS, or where there is none.
 */
function payloadHash({ headers, tlsVersion }: SignedRequest, body: Uint8Array): string {
  const declared = headers.get('x-amz-content-sha256')
  if (declared === UNSIGNED && (tlsVersion !== null || body.length === 0)) return UNSIGNED
  const computed = hash('sha256', body)
  if (declared !== undefined && declared !== computed) mismatch()
  return computed
}

const MAX_KEYS = 1024

/** Derived signing keys: four HMACs each, so the last used are kept. The secret is part of the key, which may be renewed under one id. */
function signingKeys(): (secret: string, claim: SignatureClaim) => KeyObject {
  const keys = new Map<string, KeyObject>()
  return (secret, { date, region }) => {
    const id = `${date}/${region}/${secret}`
    const key = keys.get(id) ?? deriveKey(secret, date, region)
    keys.delete(id)
    keys.set(id, key)
    for (const oldest of keys.keys()) {
      if (keys.size <= MAX_KEYS) break
      keys.delete(oldest)
    }
    return key
  }
}

function deriveKey(secret: string, date: string, region: string): KeyObject {
  let key = createSecretKey(`AWS4${secret}`, 'utf8')
  for (const part of [date, region, SERVICE, TERMINATOR]) {
    key = createSecretKey(createHmac('sha256', key).update(part).digest())
  }
  return key
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

/** Compares in a time that does not tell where two texts differ. */
export function sameText(a: string | null, b: string | null): boolean {
  if (a === null || b === null) return a === b
  return timingSafeEqual(hash('sha256', a, 'buffer'), hash('sha256', b, 'buffer'))
}
