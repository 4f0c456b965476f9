/** The listeners: which servers this process runs (its roles), and what each is handed. */
import type { Config, Role } from './config/config.ts'
import { authenticateSmtp } from './domain/accounts/authentication.ts'
import { credentialFor } from './domain/accounts/credentials.ts'
import { authorizeOperation } from './domain/authorization/operations.ts'
import type { Services } from './domain/context.ts'
import type { Faults } from './domain/faults.ts'
import { createHttpServer, type Route } from './http/server.ts'
import { FAILURES } from './errors/catalogue.ts'
import { SesError } from './errors/fail.ts'
import type { Counters } from './operations/admin/metrics.ts'
import { callerOf, createDispatch } from './operations/dispatch.ts'
import { createSubmit, type SubmittedMail } from './operations/smtp.ts'
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
  readonly counters: Counters
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

function httpServer({ services, faults, certificate, routes, counters, isReady }: ServerDeps): Server {
  const { config, wallClock, random, log } = services
  const dispatch = createDispatch(services, faults)
  const server = createHttpServer({
    config,
    wallClock,
    random,
    log,
    credential: (accessKeyId) => credentialFor(services, accessKeyId),
    authorize: (call) => counted(counters, call.service, authorizeOperation(services, callerOf(call), call.operation)),
    invoke: (call, input) => counted(counters, call.service, dispatch(call, input)),
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

/** Counts what SES refuses, by the code that the surface shows; SMTP's by v1's. */
async function counted<T>(counters: Counters, surface: 'v1' | 'v2' | 'smtp', answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof SesError) counters.refused(surface, FAILURES[error.failure][surface === 'v2' ? 'v2' : 'v1'][0])
    throw error
  }
}

function smtpServers({ services, faults, certificate, counters }: ServerDeps): {
  smtp: Server
  smtps: Server
  inbound: Server
} {
  const { config, wallClock, random, log } = services
  const deps = { config, clock: wallClock, random, log, secureContext: () => certificate.secureContext() }
  const submit = createSubmit(services, faults)
  const submission = {
    ...deps,
    authenticate: (user: string, password: string) => authenticateSmtp(services, user, password),
    submit: (mail: SubmittedMail) => counted(counters, 'smtp', submit(mail)),
  }
  return {
    smtp: createSubmissionServer(submission, 'starttls'),
    smtps: createSubmissionServer(submission, 'tls'),
    // Receiving comes with a later version: until then nobody has a mailbox here.
    inbound: createInboundServer({ ...deps, accept: async () => false, receive: async () => {} }),
  }
}
