/** Everything on the HTTP port that is no AWS API: matching, access, bodies and answers of the application's routes. */
import type { Config } from '../config/config.ts'
import { FAILURES } from '../errors/catalogue.ts'
import { SesError } from '../errors/fail.ts'
import { internalFailure } from './aws.ts'
import type { Bodies } from './body.ts'
import { ClientGone, type Exchange, type Reply } from './exchange.ts'
import { routeAccess } from './origin.ts'
import type { HttpDeps, Route, RouteReply } from './types.ts'

const PUBLIC_BODY_BYTES = 64 * 1024
const MAX_SEGMENTS = 32

type Compiled = { readonly route: Route; readonly segments: readonly string[] }
type Match = { readonly route: Route; readonly params: Readonly<Record<string, string>> }
type Deps = Pick<HttpDeps<unknown>, 'config' | 'log' | 'routes'>

/** Makes the function that answers requests for the given routes; rejects only with ClientGone. */
export function createRouteHandler(
  deps: Deps,
  bodies: Bodies,
): (exchange: Exchange, signal: AbortSignal) => Promise<Reply> {
  const compiled = deps.routes.map((route) => ({ route, segments: route.path.split('/') }))
  // What is written out goes before what is matched: `/messages/wait` before `/messages/:messageId`.
  const routes = compiled.toSorted((a, b) => looseness(a) - looseness(b))

  async function answer(exchange: Exchange, signal: AbortSignal): Promise<Reply> {
    const segments = exchange.path.split('/')
    const candidates = segments.length > MAX_SEGMENTS ? [] : routes.flatMap((each) => matchRoute(each, segments))
    const method = exchange.method === 'HEAD' ? 'GET' : exchange.method
    const found = candidates.find(({ route }) => route.method === method)
    const guard = found ?? candidates[0]
    if (!guard) return notFound()
    const access = routeAccess(guard.route.access, exchange, deps.config)
    if (access.kind === 'hidden') return notFound()
    if (access.kind === 'refused') return refused(access)
    if (!found) return methodNotAllowed(candidates)
    const limit = bodyLimit(found.route, deps.config)
    const sent = await bodies.read(exchange, limit)
    const reply = await found.route.handle({
      method: exchange.method,
      path: exchange.path,
      params: found.params,
      query: new URLSearchParams(exchange.query),
      headers: exchange.headers,
      body: await bodies.inflate(exchange, sent, limit),
      sourceIp: exchange.sourceIp,
      signal,
    })
    return finish(reply)
  }

  return async (exchange, signal) => {
    try {
      return await answer(exchange, signal)
    } catch (error) {
      if (error instanceof ClientGone) throw error
      if (error instanceof SesError) return failed(error)
      deps.log.error('a request failed', { requestId: exchange.requestId, path: exchange.path, error })
      return failed(internalFailure(error))
    }
  }
}

function looseness({ segments }: Compiled): number {
  return segments.reduce((sum, segment) => sum + (segment === '*' ? 100 : segment.startsWith(':') ? 1 : 0), 0)
}

function matchRoute({ route, segments }: Compiled, given: readonly string[]): Match[] {
  const rest = segments.at(-1) === '*'
  if (rest ? given.length < segments.length : given.length !== segments.length) return []
  const params: [string, string][] = []
  for (const [index, segment] of segments.entries()) {
    const text = rest && index === segments.length - 1 ? given.slice(index).join('/') : (given[index] ?? '')
    if (segment === '*' || segment.startsWith(':')) {
      const decoded = decode(text)
      if (decoded === undefined || (decoded === '' && segment !== '*')) return []
      params.push([segment === '*' ? '*' : segment.slice(1), decoded])
    } else if (segment !== text) return []
  }
  return [{ route, params: Object.fromEntries(params) }]
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** Mail can be posted to the admin API; what anyone may post is small. */
function bodyLimit(route: Route, { limits }: Config): number {
  return route.access === 'public' ? PUBLIC_BODY_BYTES : Math.ceil(limits.messageBytes * 1.5) + 1024 * 1024
}

function finish({ status, headers = {}, body = '' }: RouteReply): Reply {
  const isText = typeof body === 'string'
  const sent = isText || body instanceof Uint8Array ? body : JSON.stringify(body)
  const type = isText
    ? 'text/plain; charset=utf-8'
    : body instanceof Uint8Array
      ? 'application/octet-stream'
      : JSON_TYPE
  const typed = Object.keys(headers).some((name) => name.toLowerCase() === 'content-type') || sent.length === 0
  return {
    status,
    headers: { ...(typed ? {} : { 'Content-Type': type }), 'X-Content-Type-Options': 'nosniff', ...headers },
    body: sent,
  }
}

const JSON_TYPE = 'application/json'

function failed({ failure, text }: SesError): Reply {
  const [code, status] = FAILURES[failure].v2
  return finish({ status, body: { error: { code, message: text ?? code } } })
}

function notFound(): Reply {
  return finish({ status: 404, body: { error: { code: 'NotFoundException', message: 'There is nothing here.' } } })
}

function methodNotAllowed(candidates: readonly Match[]): Reply {
  const methods = new Set(candidates.map(({ route }) => route.method))
  const message = 'This path knows other methods only.'
  return finish({
    status: 405,
    headers: { Allow: [...methods, ...(methods.has('GET') ? ['HEAD'] : [])].join(', ') },
    body: { error: { code: 'MethodNotAllowedException', message } },
  })
}

function refused({ status, message }: { readonly status: 401 | 403; readonly message: string }): Reply {
  return finish({
    status,
    headers: status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {},
    body: { error: { code: status === 401 ? 'UnauthorizedException' : 'AccessDeniedException', message } },
  })
}
