/**
 * What answers: the operations of both APIs, the routes, and what SMTP submission hands its logins and mail to. It is
 * more than half of the program, and is loaded when the first of it is asked for.
 */
import { authenticateSmtp } from './domain/accounts/authentication.ts'
import { credentialFor } from './domain/accounts/credentials.ts'
import { authorizeOperation } from './domain/authorization/operations.ts'
import { FAILURES } from './errors/catalogue.ts'
import { SesError } from './errors/fail.ts'
import { createDispatcher } from './http/dispatcher.ts'
import type { Dispatcher } from './http/types.ts'
import { adminRoutes, type AdminDeps } from './operations/admin/index.ts'
import type { Counters } from './operations/admin/metrics.ts'
import { callerOf, createDispatch } from './operations/dispatch.ts'
import { publicRoutes } from './operations/public/index.ts'
import { createSubmit, type SubmittedMail } from './operations/smtp.ts'

export type Answers = {
  readonly dispatcher: Dispatcher
  readonly authenticate: (user: string, password: string) => ReturnType<typeof authenticateSmtp>
  /** Throws SesError. */
  readonly submit: (mail: SubmittedMail) => Promise<{ messageId: string }>
}

export function createAnswers(admin: AdminDeps, counters: Counters): Answers {
  const { services, faults, isReady } = admin
  const { config, wallClock, random, log } = services
  const dispatch = createDispatch(services, faults)
  const submit = createSubmit(services, faults)
  return {
    dispatcher: createDispatcher({
      config,
      wallClock,
      random,
      log,
      credential: (accessKeyId) => credentialFor(services, accessKeyId),
      authorize(call) {
        try {
          authorizeOperation(services, callerOf(call), call.operation)
        } catch (error) {
          throw refused(counters, call.service, error)
        }
      },
      invoke: (call, input) => counted(counters, call.service, dispatch(call, input)),
      routes: [...publicRoutes(services), ...adminRoutes(admin)],
      ready: isReady,
    }),
    authenticate: (user, password) => authenticateSmtp(services, user, password),
    submit: (mail) => counted(counters, 'smtp', submit(mail)),
  }
}

type Surface = 'v1' | 'v2' | 'smtp'

function counted<T>(counters: Counters, surface: Surface, answer: Promise<T>): Promise<T> {
  return answer.catch((error: unknown) => {
    throw refused(counters, surface, error)
  })
}

/** Counts what SES refuses, by the code that the surface shows; SMTP's by v1's. */
function refused(counters: Counters, surface: Surface, error: unknown): unknown {
  if (error instanceof SesError) counters.refused(surface, FAILURES[error.failure][surface === 'v2' ? 'v2' : 'v1'][0])
  return error
}
