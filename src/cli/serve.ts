/** `sesame serve`: from the command line to a running server, and to its end. */
import { flushCompileCache } from 'node:module'
import { createApp, type Address, type Addresses, type App } from '../app.ts'
import type { Config } from '../config/config.ts'
import { takeOwnership, type Ownership } from '../platform/ownership.ts'
import type { Clock, Platform } from '../platform/platform.ts'
import { realPlatform } from '../platform/real.ts'
import { keepSecret } from '../platform/secret-file.ts'
import { databaseFile, loadSettings, tokenFile } from './settings.ts'
import { CommandError, EXIT, type World } from './world.ts'

/** How long a stop may take to finish what is under way. */
const DRAIN_MS = 30_000

export async function serve(args: readonly string[], world: World): Promise<number> {
  const { config, warnings } = await loadSettings(args, world)
  const platform = realPlatform({ dns: config.dns, logLevel: config.logLevel, writeLog: world.err })
  for (const warning of warnings) platform.log.warn(warning)
  const stop = stopSignal(world, platform.wallClock)
  world.onStray((error, kind) => stray(error, kind, platform, stop.request))
  const ownership = await own(config)
  const adminToken = config.adminToken ?? (await keepSecret(tokenFile(config)))
  const app = await prepareApp({ ...config, adminToken }, platform)
  try {
    const listening = readyAddresses(config, await startApp(app, config))
    ownership?.announce(listening)
    world.out(
      `sesame ready ${Object.entries(listening)
        .map(([name, address]) => `${name}=${address}`)
        .join(' ')}\n`,
    )
    // So that the next start is quick however this one ends.
    flushCompileCache()
    const code = await stop.requested
    platform.clock.after(DRAIN_MS, () => {
      platform.log.error('not everything under way could be finished in time', { limitMs: DRAIN_MS })
      world.exit(EXIT.failed)
    })
    return code
  } finally {
    await app.close()
    ownership?.release()
  }
}

/** npm hands on the signal that a terminal has sent to all of us already: within this time two are one. */
const SAME_SIGNAL_MS = 200

/** The first signal asks for a stop; a later one ends the process where it stands. */
function stopSignal(world: World, wallClock: Clock) {
  const { promise, resolve } = Promise.withResolvers<number>()
  let requestedAt: number | undefined
  world.onStopSignal(() => {
    requestedAt ??= wallClock.now()
    if (wallClock.now() > requestedAt + SAME_SIGNAL_MS) world.exit(EXIT.failed)
    resolve(EXIT.ok)
  })
  return { requested: promise, request: resolve }
}

/** A rejection that nobody awaited harms nobody else; after an exception in the middle of something we start afresh. */
function stray(error: unknown, kind: 'exception' | 'rejection', { log }: Platform, stop: (code: number) => void): void {
  log.error('a bug: nobody caught this', { kind, error })
  if (kind === 'exception') stop(EXIT.failed)
}

async function own(config: Config): Promise<Ownership | undefined> {
  const file = databaseFile(config)
  if (file === undefined) return undefined
  const owned = await takeOwnership(file).catch((error: unknown) => {
    throw new CommandError(`the data directory ${config.dataDir} cannot be used: ${messageOf(error)}`)
  })
  if (!('takenBy' in owned)) return owned
  const who = owned.takenBy ? `process ${owned.takenBy.pid}` : 'another process'
  throw new CommandError(
    `${file} is in use by ${who}. Stop it, or give this server a directory of its own with --data-dir.`,
  )
}

/** What keeps an app from being made is the operator's to mend: a database, a certificate, a setting. */
async function prepareApp(config: Config, platform: Platform): Promise<App> {
  try {
    return await createApp(config, platform)
  } catch (error) {
    platform.log.debug('the server could not be put together', { error })
    throw new CommandError(messageOf(error))
  }
}

async function startApp(app: App, config: Config): Promise<Addresses> {
  try {
    return await app.start()
  } catch (error) {
    throw explainListening(error, config) ?? error
  }
}

const PORT_FLAGS = {
  httpPort: 'http',
  smtpPort: 'smtp',
  smtpsPort: 'smtps',
  inboundPort: 'inbound',
  dnsPort: 'dns',
} as const

/** What to do about a port that cannot be bound; undefined for any other error. */
function explainListening(error: unknown, config: Config): CommandError | undefined {
  if (!(error instanceof Error && 'code' in error && 'port' in error)) return undefined
  const [, name = 'http'] = Object.entries(PORT_FLAGS).find(([key]) => portOf(config, key) === error.port) ?? []
  const where = `port ${String(error.port)} of ${config.host}`
  if (error.code === 'EADDRINUSE') {
    return new CommandError(
      `${where} is in use. Stop what listens there, or choose another with --${name}-port${name === 'dns' ? '' : ' (0: any free one)'}.`,
    )
  }
  if (error.code === 'EACCES') {
    return new CommandError(
      `${where} needs rights that this process does not have. Choose another with --${name}-port.`,
    )
  }
  return error.code === 'EADDRNOTAVAIL'
    ? new CommandError(`${config.host} is no address of this machine: see --host.`)
    : undefined
}

function portOf(config: Config, key: string): number | undefined {
  const isPort = key === 'httpPort' || key === 'smtpPort' || key === 'smtpsPort' || key === 'inboundPort'
  return isPort || key === 'dnsPort' ? config[key] : undefined
}

/** In the order of the ready line; a server whose role this process has not is left out. */
function readyAddresses(config: Config, { http, smtp, smtps, inbound }: Addresses) {
  const scheme = config.tlsCert === undefined ? 'http' : 'https'
  return {
    ...(http && { http: `${scheme}://${text(http)}` }),
    ...(smtp && { smtp: text(smtp) }),
    ...(smtps && { smtps: text(smtps) }),
    ...(inbound && { inbound: text(inbound) }),
  }
}

function text({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
