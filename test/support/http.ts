/** The HTTP room alone, behind it what a test puts there: one known key, and an `invoke` of its own. */
import { SESClient } from '@aws-sdk/client-ses'
import { SESv2Client } from '@aws-sdk/client-sesv2'
import { defaultConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/config.ts'
import { createDispatcher } from '../../src/http/dispatcher.ts'
import { createHttpServer, type HttpServer } from '../../src/http/server.ts'
import type { Credential, HttpCall, HttpDeps, Route, Tls } from '../../src/http/types.ts'
import type { Log } from '../../src/platform/platform.ts'
import { realPlatform } from '../../src/platform/real.ts'

export type Call = HttpCall<string>
export type Keys = { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }

export const KEYS: Keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }

export type HttpOptions = {
  readonly config?: Partial<Config>
  /** Asked at every call, so that a test may change it. */
  readonly credential?: Partial<Credential<string>>
  readonly invoke?: (call: Call, input: unknown) => Promise<unknown>
  readonly authorize?: HttpDeps<string>['authorize']
  readonly routes?: HttpDeps<string>['routes']
  readonly ready?: () => boolean
  /** Real time as the server sees it. */
  readonly now?: () => number
  readonly tls?: Tls
}

export type TestHttp = AsyncDisposable & {
  readonly server: HttpServer
  readonly url: string
  readonly host: string
  readonly port: number
  readonly ses: SESClient
  readonly sesv2: SESv2Client
  /** What reached `invoke`, in order. */
  readonly calls: readonly { readonly call: Call; readonly input: unknown }[]
  readonly errors: readonly string[]
}

/** What a test may ask for that is not about routes. */
const HELLO: Route = {
  method: 'GET',
  path: '/hello',
  access: 'public',
  handle: async () => ({ status: 200, body: { status: 'ok' } }),
}

/** Starts it on a free port of the loopback interface. */
export async function startHttp(options: HttpOptions = {}): Promise<TestHttp> {
  const platform = realPlatform({ dns: undefined, logLevel: 'error', writeLog: () => {} })
  const { wallClock } = platform
  const errors: string[] = []
  const log: Log = {
    ...platform.log,
    error: (message, fields) => errors.push(`${message} ${String(fields?.['error'])}`),
  }
  const calls: { call: Call; input: unknown }[] = []
  const known = (): Credential<string> => ({
    secret: KEYS.secretAccessKey,
    sessionToken: null,
    expiresAt: null,
    active: true,
    principal: KEYS.accessKeyId,
    ...options.credential,
  })
  const deps: HttpDeps<string> = {
    config: { ...defaultConfig('local'), ...options.config },
    wallClock: { now: () => options.now?.() ?? wallClock.now(), after: (ms, task) => wallClock.after(ms, task) },
    random: platform.random,
    log,
    credential: async (id) => (id === KEYS.accessKeyId ? known() : undefined),
    authorize: options.authorize ?? (async () => {}),
    async invoke(call, input) {
      calls.push({ call, input })
      return options.invoke ? options.invoke(call, input) : {}
    },
    routes: options.routes ?? [HELLO],
    ready: options.ready ?? (() => true),
  }
  const dispatcher = createDispatcher(deps)
  const server = createHttpServer({
    ...deps,
    dispatcher: async () => dispatcher,
    ...(options.tls && { tls: options.tls }),
  })
  const { port } = await server.listen('127.0.0.1', 0)
  const url = `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`
  const settings = { endpoint: url, region: 'eu-west-1', credentials: KEYS, maxAttempts: 1 }
  const ses = new SESClient(settings)
  const sesv2 = new SESv2Client(settings)
  return {
    server,
    url,
    host: `127.0.0.1:${port}`,
    port,
    ses,
    sesv2,
    calls,
    errors,
    async [Symbol.asyncDispose]() {
      ses.destroy()
      sesv2.destroy()
      await server.close()
    },
  }
}
