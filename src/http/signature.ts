/**
 * What a request says of its signature (AWS Signature Version 4), from the Authorization header or a presigned URL.
 * Only form is judged here; sigv4.ts judges whether it is true.
 */
import { hash } from 'node:crypto'
import { fail } from '../errors/fail.ts'
import type { Api } from '../model/load.ts'
import type { Exchange } from './exchange.ts'
import { decodeForm, forEachParameter } from './form.ts'

export type SignatureClaim = {
  readonly accessKeyId: string
  /** The credential scope's parts, as sent. */
  readonly date: string
  readonly region: string
  readonly service: string
  readonly terminator: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
  /** When it was signed, as `20260131T235959Z`, and in milliseconds since the epoch. */
  readonly timestamp: string
  readonly signedAt: number
  readonly sessionToken: string | null
  /** Seconds that a presigned URL holds from its timestamp on; null: the signature is in the header. */
  readonly expiresSeconds: number | null
}

type Request = Pick<Exchange, 'headers' | 'query'>

const ALGORITHM = 'AWS4-HMAC-SHA256'
const MAX_EXPIRES_SECONDS = 7 * 24 * 60 * 60
/** Presigned URLs without X-Amz-Expires hold as long as a signature in a header. */
const DEFAULT_EXPIRES_SECONDS = 300

// Observed of SES, as InvalidClientTokenId, on requests signed the way before version 4.
export const OLD_SIGNATURE =
  'Signature Version 3 requests are deprecated from March 1, 2021. From that date on, we are progressively rejecting such requests. To resolve the issue you must migrate to Signature Version 4. If you are self-signing your requests, refer to the documentation for Authenticating requests to the Amazon SES API [1] with Signature Version 4 [2]. If you are not self-signing your requests, simply update your SDK/CLI to the latest version. [1] https://docs.aws.amazon.com/ses/latest/DeveloperGuide/using-ses-api-authentication.html [2] https://docs.aws.amazon.com/general/latest/gr/sigv4-create-canonical-request.html'

/** Whether the request bears any signature, be it good or not. */
export function hasSignature({ headers, query }: Request): boolean {
  return (
    headers.has('authorization') ||
    headers.has('x-amzn-authorization') ||
    /(?:^|&)(?:X-Amz-(?:Algorithm|Signature|Credential)|AWSAccessKeyId)=/.test(query)
  )
}

/** Reads the claim. Throws MissingAuthenticationToken, IncompleteSignature, or for an older signature UnknownAccessKey. */
export function readSignature(request: Request, api: Api): SignatureClaim {
  const { headers, query } = request
  const authorization = headers.get('authorization')
  if (authorization !== undefined) return readAuthorization(authorization.trim(), headers)
  if (headers.has('x-amzn-authorization')) fail('UnknownAccessKey', OLD_SIGNATURE)
  if (hasSignature(request)) return readPresigned(query)
  return fail(
    'MissingAuthenticationToken',
    api === 'v1' ? 'Request is missing Authentication Token' : 'Missing Authentication Token',
  )
}

/** What a client sends before each of its signatures is the same all day, so that it is taken apart once. */
type Opening = Pick<SignatureClaim, 'accessKeyId' | 'date' | 'region' | 'service' | 'terminator' | 'signedHeaders'>
const OPENINGS = new Map<string, Opening>()
const MOST_OPENINGS = 1000
const LONGEST_OPENING = 1000
const SIGNATURE_LAST = /[, ]Signature=[0-9a-f]{64}$/
const SIGNATURE_LENGTH = 64

function readAuthorization(authorization: string, headers: ReadonlyMap<string, string>): SignatureClaim {
  const openingEnd = authorization.length - SIGNATURE_LENGTH
  const isUsual = openingEnd <= LONGEST_OPENING && SIGNATURE_LAST.test(authorization)
  const opening = authorization.slice(0, openingEnd)
  const known = isUsual ? OPENINGS.get(opening) : undefined
  const date = headers.get('x-amz-date')
  if (known !== undefined && date !== undefined) {
    const sessionToken = headers.get('x-amz-security-token') ?? null
    const signature = authorization.slice(openingEnd)
    return { ...known, signature, ...readTimestamp(date), sessionToken, expiresSeconds: null }
  }
  const claim = readWhole(authorization, headers)
  if (isUsual) {
    if (OPENINGS.size >= MOST_OPENINGS) OPENINGS.clear()
    const { accessKeyId, region, service, terminator, signedHeaders } = claim
    OPENINGS.set(opening, { accessKeyId, date: claim.date, region, service, terminator, signedHeaders })
  }
  return claim
}

function readWhole(authorization: string, headers: ReadonlyMap<string, string>): SignatureClaim {
  const space = authorization.indexOf(' ')
  const scheme = space === -1 ? authorization : authorization.slice(0, space)
  if (scheme === 'AWS' || scheme.startsWith('AWS2') || scheme.startsWith('AWS3'))
    fail('UnknownAccessKey', OLD_SIGNATURE)
  if (scheme === 'AWS4-ECDSA-P256-SHA256') refuseAsymmetric()
  const digest = () => hash('sha256', authorization, 'base64')
  const parameters = new Map<string, string>()
  for (const part of scheme === ALGORITHM ? authorization.slice(ALGORITHM.length).split(',') : []) {
    const text = part.trim()
    const equals = text.indexOf('=')
    if (equals === -1 && text !== '') {
      fail(
        'IncompleteSignature',
        `Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '${digest()}'.`,
      )
    }
    parameters.set(text.slice(0, equals), text.slice(equals + 1))
  }
  const credential = parameters.get('Credential')
  const signature = parameters.get('Signature')
  const signedHeaders = parameters.get('SignedHeaders')
  const timestamp = headers.get('x-amz-date') ?? dateHeader(headers.get('date'))
  if (!credential || !signature || !signedHeaders || !timestamp) {
    const missing = [
      !credential && "Authorization header requires 'Credential' parameter.",
      !signature && "Authorization header requires 'Signature' parameter.",
      !signedHeaders && "Authorization header requires 'SignedHeaders' parameter.",
      !timestamp && "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
      `(Hashed with SHA-256 and encoded with Base64) Authorization=${digest()}`,
    ]
    return fail('IncompleteSignature', missing.filter(Boolean).join(' '))
  }
  return {
    ...readCredential(credential),
    signedHeaders: signedHeaders.toLowerCase().split(';'),
    signature,
    ...readTimestamp(timestamp),
    sessionToken: headers.get('x-amz-security-token') ?? null,
    expiresSeconds: null,
  }
}

function readPresigned(query: string): SignatureClaim {
  const parameters = new Map<string, string>()
  forEachParameter(query, (name, value) => {
    if (name.startsWith('X-Amz-') || name.startsWith('AWS')) parameters.set(name, decodeForm(value))
  })
  if (parameters.has('AWSAccessKeyId')) fail('UnknownAccessKey', OLD_SIGNATURE)
  const algorithm = parameters.get('X-Amz-Algorithm')
  if (algorithm === 'AWS4-ECDSA-P256-SHA256') refuseAsymmetric()
  const credential = parameters.get('X-Amz-Credential')
  const signature = parameters.get('X-Amz-Signature')
  const signedHeaders = parameters.get('X-Amz-SignedHeaders')
  const timestamp = parameters.get('X-Amz-Date')
  if (algorithm !== ALGORITHM || !credential || !signature || !signedHeaders || !timestamp) {
    const missing = [
      algorithm !== ALGORITHM && "AWS query-string parameters must include 'X-Amz-Algorithm'.",
      !credential && "AWS query-string parameters must include 'X-Amz-Credential'.",
      !signature && "AWS query-string parameters must include 'X-Amz-Signature'.",
      !signedHeaders && "AWS query-string parameters must include 'X-Amz-SignedHeaders'.",
      !timestamp && "AWS query-string parameters must include 'X-Amz-Date'.",
      'Re-examine the query-string parameters.',
    ]
    return fail('IncompleteSignature', missing.filter(Boolean).join(' '))
  }
  return {
    ...readCredential(credential),
    signedHeaders: signedHeaders.toLowerCase().split(';'),
    signature,
    ...readTimestamp(timestamp),
    sessionToken: parameters.get('X-Amz-Security-Token') ?? null,
    expiresSeconds: readExpires(parameters.get('X-Amz-Expires')),
  }
}

function refuseAsymmetric(): never {
  fail(
    'NotImplemented',
    'Signatures of the kind AWS4-ECDSA-P256-SHA256 (SigV4a), which clients use for multi-region endpoints (EndpointId), are not supported yet.',
  )
}

function readCredential(credential: string) {
  const parts = credential.split('/')
  const [accessKeyId = '', date = '', region = '', service = '', terminator = ''] = parts
  if (parts.length !== 5) {
    fail(
      'IncompleteSignature',
      `Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '${credential.slice(0, 200)}'`,
    )
  }
  return { accessKeyId, date, region, service, terminator }
}

function readExpires(text: string | undefined): number {
  if (text === undefined) return DEFAULT_EXPIRES_SECONDS
  const seconds = /^[0-9]{1,9}$/.test(text) ? Number(text) : NaN
  if (Number.isNaN(seconds)) fail('IncompleteSignature', 'X-Amz-Expires should be a number')
  if (seconds > MAX_EXPIRES_SECONDS) {
    fail(
      'IncompleteSignature',
      `X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than ${MAX_EXPIRES_SECONDS} seconds`,
    )
  }
  return seconds
}

const BASIC_FORMAT = /^(\d{4})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3])([0-5]\d)([0-5]\d)Z$/

function readTimestamp(timestamp: string): { readonly timestamp: string; readonly signedAt: number } {
  const [, year, month, day, hour, minute, second] = BASIC_FORMAT.exec(timestamp) ?? []
  const signedAt = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second))
  if (Number.isNaN(signedAt)) {
    fail(
      'IncompleteSignature',
      `Date must be in ISO-8601 'basic format'. Got '${timestamp.slice(0, 40)}'. See http://en.wikipedia.org/wiki/ISO_8601`,
    )
  }
  return { timestamp, signedAt }
}

/** `20260131T235959Z` of milliseconds since the epoch. */
export function basicFormat(ms: number): string {
  return new Date(ms).toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
}

/** The Date header (RFC 9110 §5.6.7), which clients may sign in place of X-Amz-Date. */
function dateHeader(value: string | undefined): string | undefined {
  if (value === undefined || BASIC_FORMAT.test(value)) return value
  const ms = value.length <= 40 ? Date.parse(value) : NaN
  return Number.isNaN(ms) ? value : basicFormat(ms)
}
