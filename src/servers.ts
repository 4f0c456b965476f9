/** The listeners: which servers this process runs (its roles), and what each is handed. */
import type { Config, Role } from './config/config.ts'
import { authenticateSmtp } from './domain/accounts/authentication.ts'
import { credentialFor } from './domain/accounts/credentials.ts'
import { authorizeOperation } from './domain/authorization/operations.ts'
import type { Services } from './domain/context.ts'
import type { Faults } from './domain/faults.ts'
import { createHttpServer, type Route } from './http/server.ts'
import { callerOf, createDispatch } from './operations/dispatch.ts'
import { createSubmit } from './operations/smtp.ts'
import { createInboundServer } from './smtp/inbound.ts'
import { createSubmissionServer } from './smtp/submission.ts'
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

export type ServerDeps = {
  readonly services: Services
  readonly faults: Faults
  readonly certificate: Certificate
  readonly routes: readonly Route[]
  readonly isReady: () => boolean
}

type Server = { listen(host: string, port: number): Promise<Address>; close(): Promise<void> }

/** Makes the servers; nothing is bound before `listen`. */
export function createServers(deps: ServerDeps): Servers {
  const { config } = deps.services
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

function httpServer({ services, faults, certificate, routes, isReady }: ServerDeps): Server {
  const { config, wallClock, random, log } = services
  const server = createHttpServer({
    config,
    wallClock,
    random,
    log,
    credential: (accessKeyId) => credentialFor(services, accessKeyId),
    authorize: (call) => authorizeOperation(services, callerOf(call), call.operation),
    invoke: createDispatch(services, faults),
    routes,
    ready: isReady,
    ...(isHttps(config) ? { tls: certificate.pem() } : {}),
  })
  if (isHttps(config)) certificate.onChange((pem) => server.renewTls(pem))
  return server
}

/** HTTP is plain unless a certificate is given. */
export function isHttps({ tlsCert, tlsKey }: Pick<Config, 'tlsCert' | 'tlsKey'>): boolean {
  return tlsCert !== undefined && tlsKey !== undefined
}

function smtpServers({ services, faults, certificate }: ServerDeps): { smtp: Server; smtps: Server; inbound: Server } {
  const { config, wallClock, random, log } = services
  const deps = { config, clock: wallClock, random, log, secureContext: () => certificate.secureContext() }
  const submission = {
    ...deps,
    authenticate: (user: string, password: string) => authenticateSmtp(services, user, password),
    submit: createSubmit(services, faults),
  }
  return {
    smtp: createSubmissionServer(submission, 'starttls'),
    smtps: createSubmissionServer(submission, 'tls'),
    // Receiving comes with a later version: until then nobody has a mailbox here.
    inbound: createInboundServer({ ...deps, accept: async () => false, receive: async () => {} }),
  }
}
