/** Calls of the admin API in tests, with the shape of the answer stated by the caller. */
import assert from 'node:assert/strict'
import { CreateEmailIdentityCommand } from '@aws-sdk/client-sesv2'
import type { MessageDetails, MessageSummary } from '../../src/domain/reading.ts'
import { startApp, type AppOptions, type TestApp } from './app.ts'
import { SENDER, sendThrough, type Mail, type Surface } from './surfaces.ts'

export type Answer<T> = { readonly status: number; readonly body: T }
export type Refused = { readonly error: { readonly code: string; readonly message: string } }
export type Event = { readonly eventType: string; readonly mail: { readonly messageId: string } }
export type Details = Omit<MessageDetails, 'events'> & { readonly events: readonly Event[] }
export type Listing = { readonly messages: readonly MessageSummary[]; readonly next?: string }

/** A server with one identity to send from. */
export async function startWithSender(options?: AppOptions): Promise<TestApp> {
  const app = await startApp(options)
  await app.sesv2.send(new CreateEmailIdentityCommand({ EmailIdentity: SENDER }))
  return app
}

export async function call<T = Refused>(
  app: TestApp,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer<T>> {
  const answer = await app.admin(method, path, body)
  return { status: answer.status, body: answer.body as T }
}

export async function get<T>(app: TestApp, path: string): Promise<T> {
  const { status, body } = await call<T>(app, 'GET', path)
  assert.equal(status, 200, JSON.stringify(body))
  return body
}

export function read(app: TestApp, messageId: string): Promise<Details> {
  return get<Details>(app, `/_sesame/messages/${messageId}`)
}

/** Sends what must be accepted, and gives its MessageId. */
export async function send(app: TestApp, mail: Mail = {}, surface: Surface = 'v2'): Promise<string> {
  const verdict = await sendThrough(surface, app, mail)
  assert.ok('messageId' in verdict, JSON.stringify(verdict))
  return verdict.messageId
}
