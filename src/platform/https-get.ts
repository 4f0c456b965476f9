/** Real HTTPS, as far as policies are fetched and reports posted by it. */
import type { IncomingMessage } from 'node:http'
import type { HttpsGet, HttpsReply } from './platform.ts'

export const realHttpsGet: HttpsGet = async (question, signal) => {
  const { host, address, port, path, maxBytes, ca, post, isAnyCertificate = false } = question
  const { request } = await import('node:https')
  const { promise, resolve } = Promise.withResolvers<HttpsReply | string>()
  const asked = request({
    host: address,
    port,
    path,
    servername: host,
    method: post === undefined ? 'GET' : 'POST',
    headers: {
      host,
      accept: 'text/plain',
      ...(post && { 'content-type': post.contentType, 'content-length': post.body.byteLength }),
    },
    rejectUnauthorized: !isAnyCertificate,
    signal,
    agent: false,
    ...(ca !== undefined && { ca: [...ca] }),
  })
  asked.on('error', (error) => resolve(signal.aborted ? 'ETIMEDOUT' : codeOf(error)))
  asked.on('response', (response) => {
    const replied = readReply(response, maxBytes).catch((error: unknown) => codeOf(error))
    resolve(replied.finally(() => asked.destroy()))
  })
  asked.end(post?.body)
  return promise
}

/** A reply with its body, unless that is too long. */
export async function readReply(response: IncomingMessage, maxBytes: number): Promise<HttpsReply | string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) continue
    size += chunk.length
    if (size > maxBytes) return 'too long'
    chunks.push(chunk)
  }
  const { statusCode = 0, headers } = response
  return {
    status: statusCode,
    contentType: headers['content-type'] ?? '',
    body: Buffer.concat(chunks).toString('utf8'),
  }
}

export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}
