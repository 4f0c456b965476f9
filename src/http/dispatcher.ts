/** Which of AWS's APIs or our own routes a request is for. */
import type { ServerResponse } from 'node:http'
import { createAwsHandler } from './aws.ts'
import { createBodies } from './body.ts'
import type { Exchange, Reply } from './exchange.ts'
import { answerPreflight } from './origin.ts'
import { createRouteHandler } from './routes.ts'
import { hasSignature } from './signature.ts'
import type { Dispatcher, HttpDeps } from './types.ts'
import { v1 } from './v1.ts'
import { v2 } from './v2.ts'

/** One operation of v2 is at `/v1/email/` in earlier clients. */
const V2_PATH = /^\/v[12]\//

/** Makes the function that answers requests; it rejects only with ClientGone. */
export function createDispatcher<P>(deps: HttpDeps<P>): Dispatcher {
  const bodies = createBodies()
  const aws = createAwsHandler(deps, bodies)
  const routes = createRouteHandler(deps, bodies)
  return async (exchange, response) => {
    try {
      const protocol = exchange.path === '/' ? v1 : V2_PATH.test(exchange.path) ? v2 : undefined
      if (!protocol) return await routes(exchange, goneSignal(response))
      const short = answerPreflight(exchange, deps.config) ?? (protocol === v1 ? answerRoot(exchange) : undefined)
      return short ?? (await aws(exchange, protocol))
    } finally {
      bodies.release(exchange)
    }
  }
}

/** What comes to `/` and is no call: a browser is shown the console, anything else learns what AWS says there. */
function answerRoot(exchange: Exchange): Reply | undefined {
  const { method, query, headers } = exchange
  if (method === 'POST') return undefined
  if (method === 'GET' && (hasSignature(exchange) || /(?:^|&)Action=/.test(query))) return undefined
  const isBrowser = (method === 'GET' || method === 'HEAD') && headers.get('accept')?.includes('text/html')
  if (isBrowser) return { status: 302, headers: { Location: '/console/' }, body: '' }
  return { status: 404, headers: { 'Content-Type': 'text/xml' }, body: '<UnknownOperationException/>\n' }
}

function goneSignal(response: ServerResponse): AbortSignal {
  const controller = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) controller.abort()
  })
  return controller.signal
}
