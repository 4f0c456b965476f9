/** A whole server for one test: its own store, clock and ports, and AWS's own clients pointed at it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SESClient } from '@aws-sdk/client-ses'
import { SESv2Client } from '@aws-sdk/client-sesv2'
import { createTransport } from 'nodemailer'
import { type Address, type App, createApp } from '../../src/app.ts'
import { defaultConfig } from '../../src/config/load.ts'
import type { Config, Profile } from '../../src/config/config.ts'
import type { Services } from '../../src/domain/context.ts'
import { smtpPassword } from '../../src/domain/accounts/smtp-passwords.ts'
import { createLog } from '../../src/platform/log.ts'
import type { Clock, Dns, HttpsGet, MovableClock } from '../../src/platform/platform.ts'
import { realPlatform } from '../../src/platform/real.ts'
import { fakeClock } from './clock.ts'
import { fakeDns } from './dns.ts'
import { ending } from './ending.ts'

export type AppOptions = {
  readonly profile?: Profile
  readonly config?: Partial<Config>
  /** Default: a DNS without any names, or the real resolver asking `config.dns`. */
  readonly dns?: Dns
  /** Default: a clock that stands still. */
  readonly clock?: MovableClock
  /** Default: real time, by which signatures and the leases of nodes are judged. */
  readonly wallClock?: Clock
  readonly httpsGet?: HttpsGet
  /** Mail to others goes to the port of its own inbound server, as on the Internet. Default: `config.mxPort`. */
  readonly isPortShared?: boolean
}

export type Credentials = {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}
export type Clients = { readonly ses: SESClient; readonly sesv2: SESv2Client }
export type AdminReply = { readonly status: number; readonly body: unknown }

type SmtpTransport = ReturnType<typeof smtpTransport>

export type TestApp = AsyncDisposable &
  Clients & {
    readonly app: App
    readonly services: Services
    readonly clock: MovableClock
    readonly url: string
    readonly smtpPort: number
    readonly smtpsPort: number
    readonly inboundPort: number
    /** Of the name server for `config.dnsZone`. */
    readonly dnsPort: number
    /** Lines that the server logged as errors; empty at the end of every test. */
    readonly errors: readonly string[]
    clients(region?: string, credentials?: Credentials): Clients
    /** nodemailer over STARTTLS. */
    smtp(user?: string, pass?: string): SmtpTransport
    admin(method: string, path: string, body?: unknown): Promise<AdminReply>
    /** Settles when nothing that is due is left to deliver. */
    idle(): Promise<void>
  }

export const TEST_KEY: Credentials = { accessKeyId: 'test', secretAccessKey: 'test' }

/** Starts a server on free ports. A test that made it log an error fails when the server is disposed of, unless it took `errors` away. */
export async function startApp(options: AppOptions = {}): Promise<TestApp> {
  const dataDir = await mkdtemp(join(tmpdir(), 'sesame-test-'))
  const config: { -readonly [Key in keyof Config]: Config[Key] } = {
    ...defaultConfig(options.profile ?? 'local'),
    database: `sqlite:${join(dataDir, 'sesame.db')}`,
    dataDir,
    httpPort: 0,
    smtpPort: 0,
    smtpsPort: 0,
    inboundPort: 0,
    dnsPort: 0,
    ...options.config,
  }
  const clock = options.clock ?? fakeClock()
  const errors: string[] = []
  const real = realPlatform({ dns: config.dns, logLevel: 'error', writeLog: () => {} })
  const platform = {
    ...real,
    clock,
    wallClock: options.wallClock ?? real.wallClock,
    httpsGet: options.httpsGet ?? real.httpsGet,
    dns: options.dns ?? (config.dns === undefined ? fakeDns({}) : real.dns),
    log: createLog('error', real.wallClock, (line) => errors.push(line)),
  }
  const app = await createApp(config, platform)
  const open: { destroy(): void }[] = []
  const transports: { close(): void }[] = []
  const end = ending(async () => {
    for (const each of open) each.destroy()
    for (const each of transports) each.close()
    await app.close()
    await rm(dataDir, { recursive: true, force: true })
    if (errors.length > 0) throw new Error(`the server logged errors:\n${errors.join('\n')}`)
  })
  const addresses = await app.start()
  // Which is free is not to be known before it is taken; nothing is delivered yet.
  if (options.isPortShared === true) config.mxPort = portOf(addresses.inbound)
  const url = `http://127.0.0.1:${portOf(addresses.http)}`

  function clients(region = 'us-east-1', credentials: Credentials = TEST_KEY): Clients {
    const settings = { endpoint: url, region, credentials, maxAttempts: 1 }
    const made = { ses: new SESClient(settings), sesv2: new SESv2Client(settings) }
    open.push(made.ses, made.sesv2)
    return made
  }

  return {
    app,
    services: app.services,
    clock,
    url,
    smtpPort: portOf(addresses.smtp),
    smtpsPort: portOf(addresses.smtps),
    inboundPort: portOf(addresses.inbound),
    dnsPort: portOf(addresses.dns),
    errors,
    ...clients(),
    clients,
    smtp(user = 'test', pass = smtpPassword('test', 'us-east-1')) {
      const transport = smtpTransport(portOf(addresses.smtp), user, pass)
      transports.push(transport)
      return transport
    },
    async admin(method, path, body) {
      const response = await fetch(url + path, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      })
      const text = await response.text()
      return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
    },
    idle: () => app.idle(),
    [Symbol.asyncDispose]: end,
  }
}

function smtpTransport(port: number, user: string, pass: string) {
  return createTransport({ host: '127.0.0.1', port, auth: { user, pass }, tls: { rejectUnauthorized: false } })
}

/** Tests that take a role away do without its port. */
function portOf(address: Address | undefined): number {
  return address?.port ?? 0
}
