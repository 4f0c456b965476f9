/** Real HTTP, as far as services beside us are asked by it. */
import { codeOf, readReply } from './https-get.ts'
import type { HttpPost, HttpsReply } from './platform.ts'

export const realHttpPost: HttpPost = async ({ url, headers, body, maxBytes }, signal) => {
  const { request } = url.startsWith('https:') ? await import('node:https') : await import('node:http')
  const { promise, resolve } = Promise.withResolvers<HttpsReply | string>()
  const asked = request(url, {
    method: 'POST',
    headers: { ...headers, 'content-length': body.byteLength, connection: 'close' },
    signal,
    agent: false,
  })
  asked.on('error', (error) => resolve(signal.aborted ? 'ETIMEDOUT' : codeOf(error)))
  asked.on('response', (response) => {
    const replied = readReply(response, maxBytes).catch((error: unknown) => codeOf(error))
    resolve(replied.finally(() => asked.destroy()))
  })
  asked.end(body)
  return promise
}
