/** What can be wrong with a signature, and what SES says to it on either API. */
import type { Api } from '../../src/model/load.ts'
import type { HttpOptions, TestHttp } from './http.ts'
import { KEYS } from './http.ts'
import type { Sent, Signing } from './signing.ts'
import { NOW, presign, sign, signWithDateHeader } from './signing.ts'

const INVALID_TOKEN = 'The security token included in the request is invalid.'
const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.'

type Told = readonly [code: string, status: number]
export const CODES = {
  missing: { v1: ['MissingAuthenticationToken', 403], v2: ['MissingAuthenticationTokenException', 403] },
  incomplete: { v1: ['IncompleteSignature', 400], v2: ['IncompleteSignatureException', 400] },
  unknown: { v1: ['InvalidClientTokenId', 403], v2: ['UnrecognizedClientException', 403] },
  mismatch: { v1: ['SignatureDoesNotMatch', 403], v2: ['InvalidSignatureException', 403] },
  expiredToken: { v1: ['ExpiredToken', 403], v2: ['ExpiredTokenException', 403] },
  expired: { v1: ['RequestExpired', 400], v2: ['RequestExpired', 400] },
  later: { v1: ['NotImplemented', 501], v2: ['NotImplementedException', 501] },
} as const satisfies Record<string, Record<Api, Told>>

export type Fault = {
  readonly name: string
  readonly make: (http: TestHttp, plain: Sent) => Promise<Sent>
  readonly told: keyof typeof CODES
  readonly message: string | RegExp | Readonly<Record<Api, string>>
  readonly options?: HttpOptions
}

/** Changes the Authorization header after signing. */
function altered(change: (authorization: string) => string, signing?: Signing): Fault['make'] {
  return async (http, plain) => {
    const sent = await sign(http, plain, signing)
    return { ...sent, headers: { ...sent.headers, authorization: change(sent.headers['authorization']!) } }
  }
}

function without(header: string): Fault['make'] {
  return async (http, plain) => {
    const { headers, ...sent } = await sign(http, plain)
    return { ...sent, headers: Object.fromEntries(Object.entries(headers).filter(([name]) => name !== header)) }
  }
}

function withHeaders(headers: Record<string, string>): Fault['make'] {
  return async (http, plain) => {
    const sent = await sign(http, plain)
    return { ...sent, headers: { ...sent.headers, ...headers } }
  }
}

const HASHED = String.raw`\(Hashed with SHA-256 and encoded with Base64\) Authorization=[A-Za-z0-9+/]{43}=`

export const FAULTS: readonly Fault[] = [
  {
    name: 'no signature at all',
    make: async (_, plain) => plain,
    told: 'missing',
    message: { v1: 'Request is missing Authentication Token', v2: 'Missing Authentication Token' },
  },
  {
    name: 'another scheme',
    make: async (_, plain) => ({ ...plain, headers: { ...plain.headers, authorization: 'Basic dGVzdDp0ZXN0' } }),
    told: 'incomplete',
    message: new RegExp(
      `^Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ${HASHED}$`,
    ),
  },
  {
    name: 'a header without SignedHeaders',
    make: altered((authorization) => authorization.replace(/SignedHeaders=[^,]*, /, '')),
    told: 'incomplete',
    message: new RegExp(`^Authorization header requires 'SignedHeaders' parameter. ${HASHED}$`),
  },
  {
    name: 'a part without an equals sign',
    make: altered((authorization) => authorization.replace('Signature=', 'Signature')),
    told: 'incomplete',
    message:
      /^Invalid key=value pair \(missing equal-sign\) in Authorization header \(hashed with SHA-256 and encoded with Base64\): '[A-Za-z0-9+/]{43}='\.$/,
  },
  {
    name: 'a credential without a scope',
    make: altered((authorization) => authorization.replace(/Credential=[^,]*/, 'Credential=AKIDEXAMPLE')),
    told: 'incomplete',
    message:
      "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'AKIDEXAMPLE'",
  },
  {
    name: 'no date',
    make: without('x-amz-date'),
    told: 'incomplete',
    message: new RegExp(
      `^Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ${HASHED}$`,
    ),
  },
  {
    name: 'a date of another form',
    make: withHeaders({ 'x-amz-date': '2026-01-31T23:59:30Z' }),
    told: 'incomplete',
    message:
      "Date must be in ISO-8601 'basic format'. Got '2026-01-31T23:59:30Z'. See http://en.wikipedia.org/wiki/ISO_8601",
  },
  {
    name: 'an unknown key',
    make: (http, plain) => sign(http, plain, { keys: { ...KEYS, accessKeyId: 'AKIDOTHER' } }),
    told: 'unknown',
    message: INVALID_TOKEN,
  },
  {
    name: 'an inactive key',
    make: sign,
    told: 'unknown',
    message: INVALID_TOKEN,
    options: { credential: { active: false } },
  },
  {
    name: 'a temporary key without its token',
    make: sign,
    told: 'unknown',
    message: INVALID_TOKEN,
    options: { credential: { sessionToken: 'the token' } },
  },
  {
    name: 'a temporary key with another token',
    make: (http, plain) => sign(http, plain, { keys: { ...KEYS, sessionToken: 'another' } }),
    told: 'unknown',
    message: INVALID_TOKEN,
    options: { credential: { sessionToken: 'the token' } },
  },
  {
    name: 'a token with a key that has none',
    make: (http, plain) => sign(http, plain, { keys: { ...KEYS, sessionToken: 'a token' } }),
    told: 'unknown',
    message: INVALID_TOKEN,
  },
  {
    name: 'an expired temporary key',
    make: (http, plain) => sign(http, plain, { keys: { ...KEYS, sessionToken: 'the token' } }),
    told: 'expiredToken',
    message: 'The security token included in the request is expired',
    options: { credential: { sessionToken: 'the token', expiresAt: NOW } },
  },
  {
    name: 'another secret, even where the key is expired too',
    make: (http, plain) => sign(http, plain, { keys: { ...KEYS, secretAccessKey: 'x' } }),
    told: 'mismatch',
    message: MISMATCH,
    options: { credential: { expiresAt: NOW } },
  },
  {
    name: 'a changed body',
    make: async (http, plain) => ({ ...(await sign(http, plain)), body: `${String(plain.body)}&x=1` }),
    told: 'mismatch',
    message: MISMATCH,
  },
  {
    name: 'a changed signed header',
    make: async (http, plain) => {
      const sent = await sign(http, plain, { headers: { 'x-amz-note': 'a' } })
      return { ...sent, headers: { ...sent.headers, 'x-amz-note': 'b' } }
    },
    told: 'mismatch',
    message: MISMATCH,
  },
  {
    name: 'a changed query string',
    make: async (http, plain) => {
      const sent = await sign(http, plain)
      return { ...sent, path: `${sent.path}?more=1` }
    },
    told: 'mismatch',
    message: MISMATCH,
  },
  {
    name: 'a signature cut short',
    make: altered((authorization) => authorization.slice(0, -2)),
    told: 'mismatch',
    message: MISMATCH,
  },
  {
    name: 'a signature that is no hexadecimal number',
    make: altered((authorization) => authorization.replace(/Signature=.*/, `Signature=${'zz'.repeat(32)}`)),
    told: 'mismatch',
    message: MISMATCH,
  },
  {
    name: 'a signed hash of another body',
    make: (http, plain) => sign(http, plain, { headers: { 'x-amz-content-sha256': '0'.repeat(64) } }),
    told: 'mismatch',
    message: MISMATCH,
  },
  {
    name: 'an unsigned body in the clear',
    make: (http, plain) => sign(http, plain, { headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } }),
    told: 'mismatch',
    message: MISMATCH,
  },
  {
    name: 'an unsigned Host',
    make: altered((authorization) => authorization.replace(';host', '')),
    told: 'mismatch',
    message: "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
  },
  {
    name: 'a header that is named twice in SignedHeaders',
    make: async (http, plain) => signWithDateHeader(http, plain, NOW, ['date', 'host', 'host']),
    told: 'mismatch',
    message: MISMATCH,
  },
  {
    name: 'an x-amz header that is not signed',
    make: withHeaders({ 'x-amz-added': '1' }),
    told: 'mismatch',
    message: "'x-amz-added' must be a 'SignedHeader' in the AWS Authorization.",
  },
  {
    name: 'the scope of another service',
    make: (http, plain) => sign(http, plain, { service: 'email' }),
    told: 'mismatch',
    message: "Credential should be scoped to correct service: 'ses'. ",
  },
  {
    name: 'a scope without a region',
    make: (http, plain) => sign(http, plain, { region: 'nowhere' }),
    told: 'mismatch',
    message: 'Credential should be scoped to a valid region.',
  },
  {
    name: 'another terminator',
    make: altered((authorization) => authorization.replace('aws4_request', 'aws5_request')),
    told: 'mismatch',
    message: "Credential should be scoped with a valid terminator: 'aws4_request'. ",
  },
  {
    name: 'the scope of another day',
    make: altered((authorization) => authorization.replace('20260131', '20260201')),
    told: 'mismatch',
    message:
      "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20260201' != '20260131', from '20260131T235930Z'.",
  },
  {
    name: 'a signature more than five minutes old',
    make: (http, plain) => sign(http, plain, { at: NOW - 301_000 }),
    told: 'mismatch',
    message: 'Signature expired: 20260131T235429Z is now earlier than 20260131T235430Z (20260131T235930Z - 5 min.)',
  },
  {
    name: 'a signature more than five minutes ahead',
    make: (http, plain) => sign(http, plain, { at: NOW + 301_000 }),
    told: 'mismatch',
    message:
      'Signature not yet current: 20260201T000431Z is still later than 20260201T000430Z (20260131T235930Z + 5 min.)',
  },
  {
    name: 'a presigned URL past its time',
    make: (http, plain) => presign(http, plain, { at: NOW - 61_000, expiresIn: 60 }),
    told: 'expired',
    message: 'Request has expired.',
  },
  {
    name: 'a presigned URL of the future',
    make: (http, plain) => presign(http, plain, { at: NOW + 301_000 }),
    told: 'mismatch',
    message: /^Signature not yet current: 20260201T000431Z is still later than/,
  },
  {
    name: 'a presigned URL for more than a week',
    make: async (http, plain) => {
      const sent = await presign(http, plain)
      return { ...sent, path: sent.path.replace('X-Amz-Expires=900', 'X-Amz-Expires=604801') }
    },
    told: 'incomplete',
    message:
      'X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds',
  },
  {
    name: 'a presigned URL with parts missing',
    make: async (http, plain) => {
      const sent = await presign(http, plain)
      return { ...sent, path: sent.path.replace(/&X-Amz-(Date|Signature)=[^&]*/g, '') }
    },
    told: 'incomplete',
    message:
      "AWS query-string parameters must include 'X-Amz-Signature'. AWS query-string parameters must include 'X-Amz-Date'. Re-examine the query-string parameters.",
  },
  {
    name: 'a presigned URL with a parameter more than was signed',
    make: async (http, plain) => {
      const sent = await presign(http, plain)
      return { ...sent, path: `${sent.path}&Action=DeleteIdentity` }
    },
    told: 'mismatch',
    message: MISMATCH,
  },
  {
    name: "SES's signature version 3",
    make: async (_, plain) => ({
      ...plain,
      headers: {
        ...plain.headers,
        'x-amzn-authorization': 'AWS3-HTTPS AWSAccessKeyId=AKIDEXAMPLE,Algorithm=HMACSHA256,Signature=x',
      },
    }),
    told: 'unknown',
    message:
      /^Signature Version 3 requests are deprecated from March 1, 2021\. .* you must migrate to Signature Version 4/,
  },
  {
    name: 'signature version 2 in the header',
    make: async (_, plain) => ({ ...plain, headers: { ...plain.headers, authorization: 'AWS AKIDEXAMPLE:x' } }),
    told: 'unknown',
    message: /you must migrate to Signature Version 4/,
  },
  {
    name: 'signature version 2 in the URL',
    make: async (_, plain) => ({
      ...plain,
      path: `${plain.path}?AWSAccessKeyId=AKIDEXAMPLE&SignatureVersion=2&Signature=x`,
    }),
    told: 'unknown',
    message: /you must migrate to Signature Version 4/,
  },
  {
    name: 'an asymmetric signature (SigV4a)',
    make: altered((authorization) => authorization.replace('AWS4-HMAC-SHA256', 'AWS4-ECDSA-P256-SHA256')),
    told: 'later',
    message: /SigV4a/,
  },
]
