/** A web server with an MTA-STS policy. */
import { once } from 'node:events'
import { createServer } from 'node:https'
import { ending } from '../ending.ts'
import type { Pem } from './certificates.ts'

export type PolicyHost = {
  readonly port: number
  /** Requests so far: `HOST PATH`. */
  readonly asked: string[]
  policy: string
  status: number
  contentType: string
} & AsyncDisposable

export const ENFORCE = 'version: STSv1\r\nmode: enforce\r\nmx: mx.example.test\r\nmax_age: 604800\r\n'

export async function policyHost(address: string, certificate: Pem, policy = ENFORCE): Promise<PolicyHost> {
  const asked: string[] = []
  const server = createServer(certificate, (request, response) => {
    asked.push(`${request.headers.host} ${request.url}`)
    response.writeHead(host.status, {
      'content-type': host.contentType,
      location: 'https://mta-sts.example.test/other',
    })
    response.end(host.policy)
  })
  server.listen(0, address)
  await once(server, 'listening')
  const at = server.address()
  const host: PolicyHost = {
    port: typeof at === 'object' && at !== null ? at.port : 0,
    asked,
    policy,
    status: 200,
    contentType: 'text/plain; charset=utf-8',
    [Symbol.asyncDispose]: ending(async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    }),
  }
  return host
}
