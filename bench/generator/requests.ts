/** SendEmail calls as a client sends them: signed, the whole request in one Buffer, a pool of different ones. */
import { createHash, randomUUID } from 'node:crypto'
import { signPost } from '../../src/cli/sigv4.ts'

export const SENDER = 'sender@bench.example'
const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test', sessionToken: undefined }
const REGION = 'us-east-1'
/** SES takes signatures for five minutes. */
const SIGN_AGAIN_AFTER_MS = 180_000
const BODY = 'It was the best of times, it was the worst of times, it was the age of wisdom. '.repeat(13)

export type Call = { readonly path: string; readonly body: string; readonly type: string }

/** The call with that number: its recipient and its subject are its own, and it is of the same length as its neighbours. */
export function sendEmail(surface: 'v1' | 'v2', number: number): Call {
  const to = `reader${String(number).padStart(6, '0')}@dest.example`
  const subject = `Number ${String(number).padStart(6, '0')}`
  if (surface === 'v2') {
    const content = { Simple: { Subject: { Data: subject }, Body: { Text: { Data: BODY } } } }
    const body = { FromEmailAddress: SENDER, Destination: { ToAddresses: [to] }, Content: content }
    return { path: '/v2/email/outbound-emails', body: JSON.stringify(body), type: 'application/json' }
  }
  const form = new URLSearchParams({
    Action: 'SendEmail',
    Version: '2010-12-01',
    Source: SENDER,
    'Destination.ToAddresses.member.1': to,
    'Message.Subject.Data': subject,
    'Message.Body.Text.Data': BODY,
  })
  return { path: '/', body: form.toString(), type: 'application/x-www-form-urlencoded' }
}

/** A POST as AWS's SDK for JavaScript sends it, down to the headers. */
export function signedRequest(origin: string, { path, body, type }: Call): Buffer {
  const url = new URL(path, origin)
  const headers = signPost(
    {
      url,
      body,
      region: REGION,
      now: Date.now(),
      headers: {
        'amz-sdk-invocation-id': randomUUID(),
        'amz-sdk-request': 'attempt=1; max=3',
        'content-length': String(Buffer.byteLength(body)),
        'content-type': type,
        'x-amz-content-sha256': createHash('sha256').update(body).digest('hex'),
        'x-amz-user-agent': 'aws-sdk-js/3.1169.0',
      },
    },
    CREDENTIALS,
  )
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const agent = 'user-agent: aws-sdk-js/3.1169.0 ua/2.1 os/linux lang/js md/nodejs#26.10.0 api/sesv2#3.1169.0\r\n'
  return Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join('')}${agent}connection: keep-alive\r\n\r\n${body}`)
}

type Slot = { request: Buffer; signedAt: number; readonly call: Call }

/** Signed before the run, so that the run costs no CPU for it; each is signed again before its signature gets too old. */
export class RequestPool {
  readonly #origin: string
  readonly #slots: Slot[]
  #next = 0

  constructor(origin: string, surface: 'v1' | 'v2', size: number) {
    this.#origin = origin
    this.#slots = Array.from({ length: size }, (_, number) => {
      const call = sendEmail(surface, number)
      return { request: signedRequest(origin, call), signedAt: performance.now(), call }
    })
  }

  next(now: number): Buffer {
    const slot = this.#slots[this.#next]
    this.#next = (this.#next + 1) % this.#slots.length
    if (slot === undefined) throw new Error('an empty pool')
    if (now - slot.signedAt > SIGN_AGAIN_AFTER_MS) {
      slot.request = signedRequest(this.#origin, slot.call)
      slot.signedAt = now
    }
    return slot.request
  }

  all(): readonly Buffer[] {
    return this.#slots.map(({ request }) => request)
  }
}
