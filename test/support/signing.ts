/** Requests signed by AWS's own signer, sent by hand so that a test may change them in between. */
import { createHmac, hash } from 'node:crypto'
import { request } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import { request as requestTls } from 'node:https'
import { Sha256 } from '@smithy/core/checksum'
import { HttpRequest } from '@smithy/core/transport'
import { SignatureV4 } from '@smithy/signature-v4'
import type { Api } from '../../src/model/load.ts'
import type { Keys, TestHttp } from './http.ts'
import { KEYS } from './http.ts'

/** The time of the server, and of signatures unless they say otherwise. */
export const NOW = Date.UTC(2026, 0, 31, 23, 59, 30)

export type Sent = { method: string; path: string; headers: Record<string, string>; body: string | Uint8Array }
export type Signing = {
  keys?: Keys
  service?: string
  region?: string
  at?: number
  headers?: Record<string, string>
  query?: Record<string, string>
}
export type Answer = {
  status: number
  code: string
  message: string | null
  headers: IncomingHttpHeaders
  text: string
}

/** A call of each API that has a body. */
export const PLAIN: Readonly<Record<Api, Sent>> = {
  v1: {
    method: 'POST',
    path: '/',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'Action=GetSendQuota&Version=2010-12-01',
  },
  v2: {
    method: 'PUT',
    path: '/v2/email/suppression/addresses',
    headers: { 'content-type': 'application/json' },
    body: '{"EmailAddress":"a@example.com","Reason":"BOUNCE"}',
  },
}

function signer({ keys = KEYS, service = 'ses', region = 'us-east-1' }: Signing): SignatureV4 {
  return new SignatureV4({ credentials: keys, service, region, sha256: Sha256, applyChecksum: false })
}

function toSign(http: TestHttp, plain: Sent, { headers, query }: Signing): HttpRequest {
  return new HttpRequest({
    method: plain.method,
    protocol: 'http:',
    hostname: '127.0.0.1',
    port: http.port,
    path: plain.path,
    query: query ?? {},
    headers: { host: http.host, ...plain.headers, ...headers },
    body: plain.body,
  })
}

function queryText(query: HttpRequest['query'] = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    [value ?? ''].flat().map((each) => [name, each] as const),
  )
  return pairs.map((pair) => pair.map(encodeURIComponent).join('=')).join('&')
}

/** A good signature in the header. */
export async function sign(http: TestHttp, plain: Sent, signing: Signing = {}): Promise<Sent> {
  const signed = await signer(signing).sign(toSign(http, plain, signing), { signingDate: new Date(signing.at ?? NOW) })
  const query = queryText(signed.query)
  return { ...plain, path: plain.path + (query && `?${query}`), headers: { ...signed.headers } }
}

/** A good signature in the URL. */
export async function presign(
  http: TestHttp,
  plain: Sent,
  signing: Signing & { expiresIn?: number } = {},
): Promise<Sent> {
  const options = { signingDate: new Date(signing.at ?? NOW), expiresIn: signing.expiresIn ?? 900 }
  const signed = await signer(signing).presign(toSign(http, plain, signing), options)
  return { ...plain, path: `${plain.path}?${queryText(signed.query)}`, headers: { ...signed.headers } }
}

export function exchange(http: TestHttp, { method, path, headers, body }: Sent): Promise<Answer> {
  const send = http.url.startsWith('https') ? requestTls : request
  return new Promise((resolve, reject) => {
    const sent = send(http.url, { method, path, headers, rejectUnauthorized: false, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          ...reading(response.headers, text),
        })
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

function reading(headers: IncomingHttpHeaders, text: string): { code: string; message: string | null } {
  const type = headers['x-amzn-errortype']
  if (typeof type === 'string') return { code: type, message: (JSON.parse(text) as { message: string | null }).message }
  const unescaped = text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
  return {
    code: /<Code>(.*)<\/Code>/.exec(text)?.[1] ?? '',
    message: /<Message>([^]*)<\/Message>/.exec(unescaped)?.[1] ?? null,
  }
}

export function hashOf({ body }: Sent): string {
  return hash('sha256', body)
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

/** By hand, as AWS's guide describes it; `names` are those of SignedHeaders. */
export function signWithDateHeader(
  http: TestHttp,
  plain: Sent,
  at: number,
  names: readonly ('date' | 'host')[] = ['date', 'host'],
): Sent {
  const date = new Date(at).toUTCString()
  const timestamp = new Date(at).toISOString().replace(/[-:]|\.\d{3}/g, '')
  const scope = `${timestamp.slice(0, 8)}/us-east-1/ses/aws4_request`
  const values = { date, host: http.host }
  const lines = names.map((name) => `${name}:${values[name]}\n`).join('')
  const canonical = `${plain.method}\n${plain.path}\n\n${lines}\n${names.join(';')}\n${hashOf(plain)}`
  const key = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${KEYS.secretAccessKey}`)
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${hash('sha256', canonical)}`).toString('hex')
  const authorization = `AWS4-HMAC-SHA256 Credential=${KEYS.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`
  return { ...plain, headers: { ...plain.headers, host: http.host, date, authorization } }
}
