/** The listeners: which servers this process runs (its roles), and what each is handed. */
import type { Answers } from './answers.ts'
import type { Config, Role } from './config/config.ts'
import type { Principal } from './domain/context.ts'
import type { Inbound } from './domain/inbound/inbound.ts'
import { createHttpServer } from './http/server.ts'
import { once } from './platform/once.ts'
import type { Platform } from './platform/platform.ts'
import { createInboundServer } from './smtp/inbound.ts'
import { createSubmissionServer, type SmtpDeps } from './smtp/submission.ts'
import type { Certificate } from './smtp/tls.ts'

export type Address = { readonly host: string; readonly port: number }

/** Where each server listens; undefined: this process has not its role. */
export type Addresses = {
  readonly http: Address | undefined
  readonly smtp: Address | undefined
  readonly smtps: Address | undefined
  readonly inbound: Address | undefined
}

export type Servers = { listen(): Promise<Addresses>; close(): Promise<void> }

export type ServersDeps = Pick<Platform, 'wallClock' | 'random' | 'log'> & {
  readonly config: Config
  readonly certificate: Certificate
  /** Asked for when there is something to answer. */
  readonly answers: () => Promise<Answers>
  /** Asked for when there is mail from other servers. */
  readonly inbound: () => Promise<Inbound>
}

type Server = { listen(host: string, port: number): Promise<Address>; close(): Promise<void> }

/** Makes the servers; nothing is bound before `listen`. */
export function createServers(deps: ServersDeps): Servers {
  const { config } = deps
  const http = httpServer(deps)
  const { smtp, smtps, inbound } = smtpServers(deps)
  const listen = async (role: Role, server: Server, port: number) =>
    config.roles.has(role) ? await server.listen(config.host, port) : undefined
  return {
    async listen() {
      return {
        http: await listen('api', http, config.httpPort),
        smtp: await listen('smtp', smtp, config.smtpPort),
        smtps: await listen('smtp', smtps, config.smtpsPort),
        inbound: await listen('inbound', inbound, config.inboundPort),
      }
    },
    async close() {
      await Promise.all([http.close(), smtp.close(), smtps.close(), inbound.close()])
    },
  }
}

function httpServer({ config, wallClock, random, log, certificate, answers }: ServersDeps): Server {
  const server = createHttpServer({
    config,
    wallClock,
    random,
    log,
    dispatcher: once(async () => (await answers()).dispatcher),
    ...(isHttps(config) ? { tls: certificate.pem() } : {}),
  })
  if (isHttps(config)) certificate.onChange((pem) => server.renewTls(pem))
  return server
}

/** HTTP is plain unless a certificate is given. */
export function isHttps({ tlsCert, tlsKey }: Pick<Config, 'tlsCert' | 'tlsKey'>): boolean {
  return tlsCert !== undefined && tlsKey !== undefined
}

function smtpServers({ config, wallClock, random, log, certificate, answers, inbound }: ServersDeps): {
  smtp: Server
  smtps: Server
  inbound: Server
} {
  const deps = { config, clock: wallClock, random, log, secureContext: () => certificate.secureContext() }
  const submission: SmtpDeps<Principal> = {
    ...deps,
    authenticate: async (user, password) => (await answers()).authenticate(user, password),
    submit: async (mail) => (await answers()).submit(mail),
  }
  return {
    smtp: createSubmissionServer(submission, 'starttls'),
    smtps: createSubmissionServer(submission, 'tls'),
    inbound: createInboundServer({
      ...deps,
      secureContext: () => certificate.inboundContext(),
      accept: async (recipient) => (await inbound()).accepts(recipient),
      receive: async (mail) => (await inbound()).receive(mail),
    }),
  }
}
