/** The admin API without a server: its routes, called on the store, which the caller owns. */
import type { Config } from '../config/config.ts'
import { ensureDefaultAccount } from '../domain/accounts/accounts.ts'
import { createQuotas } from '../domain/accounts/quotas.ts'
import { createStandings } from '../domain/sending/standing.ts'
import type { Services } from '../domain/context.ts'
import type { QueueControl } from '../domain/queued.ts'
import { createTlsCounts } from '../domain/tls-reports/count.ts'
import { FAILURES } from '../errors/catalogue.ts'
import { SesError } from '../errors/fail.ts'
import { accountRoutes } from '../operations/admin/accounts.ts'
import { dkimRoutes } from '../operations/admin/dkim.ts'
import { dnsRoutes } from '../operations/admin/dns.ts'
import { doctorRoutes } from '../operations/admin/doctor.ts'
import { identityRoutes } from '../operations/admin/identities.ts'
import { queueRoutes } from '../operations/admin/queue.ts'
import type { Route, RouteReply } from '../operations/admin/route.ts'
import { tlsReportRoutes } from '../operations/admin/tls-reports.ts'
import { realPlatform } from '../platform/real.ts'
import { createTasks } from '../queue/tasks.ts'
import { openStore } from '../store/open.ts'
import type { Reply } from './reply.ts'
import { CommandError, type World } from './world.ts'

export type Direct = {
  readonly send: (method: string, path: string, body: object | undefined) => Promise<Reply>
  readonly close: () => Promise<void>
}

export async function openDirectly(config: Config, world: World): Promise<Direct> {
  const platform = realPlatform({ dns: config.dns, logLevel: config.logLevel, writeLog: world.err })
  const { log, wallClock } = platform
  const store = await openStore({ database: config.database, log, wallClock }).catch((error: unknown) => {
    throw new CommandError(error instanceof Error ? error.message : String(error))
  })
  const services: Services = {
    ...platform,
    config,
    store,
    quotas: createQuotas({ clock: platform.clock, store }),
    standings: createStandings(store),
    // Only a database file is opened like this, which nobody shares.
    tasks: createTasks({ ...platform, shared: undefined }),
    tlsCounts: createTlsCounts({ ...platform, store }),
    gate: { underWay: 0 },
    // A notice that a change sends is accepted here; the server delivers it when it starts.
    deliverAtOnce: () => undefined,
    onAccepted: () => {},
    publicUrl: () => config.publicUrl ?? `http://${config.hostname}:${config.httpPort}`,
  }
  await ensureDefaultAccount(services)
  const routes = [
    ...accountRoutes(services),
    ...identityRoutes(services),
    ...dnsRoutes(services),
    ...dkimRoutes(services),
    ...doctorRoutes(services),
    ...queueRoutes(services, NO_QUEUE),
    ...tlsReportRoutes(services),
  ]
  return {
    send: async (method, target, body) => {
      const [path = '', query = ''] = target.split('?')
      return await answer(routes, { method, path, query, body })
    },
    close: () => store.close(),
  }
}

/** No process delivers: jobs are in the store, and nowhere else. */
const NO_QUEUE: QueueControl = {
  sites: () => [],
  retry: () => {},
  hold: () => true,
  release: () => {},
  node: () => undefined,
}

type Call = {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly body: object | undefined
}

async function answer(routes: readonly Route[], call: Call): Promise<Reply> {
  for (const route of routes) {
    const params = route.method === call.method ? match(route.path, call.path) : undefined
    if (params) return await settle(route, params, call)
  }
  throw new Error(`no route for ${call.method} ${call.path}`)
}

async function settle(
  route: Route,
  params: Record<string, string>,
  { method, path, query, body }: Call,
): Promise<Reply> {
  try {
    const reply = await route.handle({
      method,
      path,
      params,
      query: new URLSearchParams(query),
      headers: new Map(),
      body: Buffer.from(body === undefined ? '' : JSON.stringify(body)),
      sourceIp: '127.0.0.1',
      signal: new AbortController().signal,
    })
    return { status: reply.status, body: plain(reply) }
  } catch (error) {
    if (!(error instanceof SesError)) throw error
    const [code, status] = FAILURES[error.failure].v2
    return { status, body: { error: { code, message: error.text } } }
  }
}

/** As it would come over HTTP: nothing but JSON. */
function plain({ body }: RouteReply): unknown {
  const value: unknown = body === undefined ? null : JSON.parse(JSON.stringify(body))
  return value
}

/** The values of the pattern's `:names`, or undefined when the path is another. */
function match(pattern: string, path: string): Record<string, string> | undefined {
  const expected = pattern.split('/')
  const given = path.split('/')
  if (expected.length !== given.length) return undefined
  const params: Record<string, string> = {}
  for (const [index, segment] of expected.entries()) {
    const word = given[index] ?? ''
    if (segment.startsWith(':')) params[segment.slice(1)] = decodeURIComponent(word)
    else if (segment !== word) return undefined
  }
  return params
}
