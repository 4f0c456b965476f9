/** Admin API: accounts, their access keys, and what AWS's reviewers and enforcement do to them in a region. */
import { createAccount, listAccounts, updateAccount } from '../../domain/accounts/accounts.ts'
import { REVIEW_DECISIONS } from '../../domain/accounts/details.ts'
import { ENFORCEMENT_STATUSES, patchRegion } from '../../domain/accounts/enforcement.ts'
import { createKey, deleteKey, listKeys } from '../../domain/accounts/keys.ts'
import { accountSettings } from '../../domain/accounts/settings.ts'
import { smtpPasswords } from '../../domain/accounts/smtp-passwords.ts'
import type { Services } from '../../domain/context.ts'
import {
  bodyOf,
  choiceOf,
  flagOf,
  nullableTextOf,
  numberOf,
  paramOf,
  requiredTextOf,
  textOf,
  type Body,
} from './request.ts'
import type { Route, RouteRequest } from './route.ts'

type Account = Awaited<ReturnType<typeof createAccount>>
type Key = Awaited<ReturnType<typeof createKey>>

export function accountRoutes(services: Services): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/_sesame/accounts',
      access: 'admin',
      handle: async () => ({ status: 200, body: { accounts: (await listAccounts(services)).map(accountView) } }),
    },
    {
      method: 'POST',
      path: '/_sesame/accounts',
      access: 'admin',
      async handle(request) {
        const body = bodyOf(request, ['accountId', 'name', 'email'])
        const account = await createAccount(services, {
          accountId: textOf(body, 'accountId'),
          name: requiredTextOf(body, 'name'),
          email: nullableTextOf(body, 'email'),
        })
        return { status: 201, body: accountView(account) }
      },
    },
    {
      method: 'PATCH',
      path: '/_sesame/accounts/:account',
      access: 'admin',
      async handle(request) {
        const body = bodyOf(request, ['name', 'email'])
        const patch = { name: textOf(body, 'name'), email: nullableTextOf(body, 'email') }
        return { status: 200, body: accountView(await updateAccount(services, paramOf(request, 'account'), patch)) }
      },
    },
    {
      method: 'GET',
      path: '/_sesame/accounts/:account/regions/:region',
      access: 'admin',
      handle: async (request) => ({ status: 200, body: await accountSettings(services, scopeOf(request)) }),
    },
    {
      method: 'PATCH',
      path: '/_sesame/accounts/:account/regions/:region',
      access: 'admin',
      async handle(request) {
        const body = bodyOf(request, [
          'productionAccess',
          'max24HourSend',
          'maxSendRate',
          'enforcementStatus',
          'reviewDecision',
        ])
        const settings = await patchRegion(services, scopeOf(request), {
          productionAccess: flagOf(body, 'productionAccess'),
          max24HourSend: numberOf(body, 'max24HourSend'),
          maxSendRate: numberOf(body, 'maxSendRate'),
          enforcementStatus: choiceOf(body, 'enforcementStatus', ENFORCEMENT_STATUSES),
          reviewDecision: choiceOf(body, 'reviewDecision', REVIEW_DECISIONS),
        })
        return { status: 200, body: settings }
      },
    },
    ...keyRoutes(services),
  ]
}

function keyRoutes(services: Services): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/_sesame/accounts/:account/keys',
      access: 'admin',
      handle: async (request) => ({
        status: 200,
        body: { keys: (await listKeys(services, paramOf(request, 'account'))).map(keyView) },
      }),
    },
    {
      method: 'POST',
      path: '/_sesame/accounts/:account/keys',
      access: 'admin',
      async handle(request) {
        const body = bodyOf(request, ['userName', 'policy', 'durationSeconds'])
        const key = await createKey(services, paramOf(request, 'account'), {
          userName: textOf(body, 'userName'),
          policy: policyOf(body),
          durationSeconds: numberOf(body, 'durationSeconds'),
        })
        return { status: 201, body: newKeyView(key) }
      },
    },
    {
      method: 'DELETE',
      path: '/_sesame/accounts/:account/keys/:key',
      access: 'admin',
      async handle(request) {
        await deleteKey(services, paramOf(request, 'account'), paramOf(request, 'key'))
        return { status: 204 }
      },
    },
  ]
}

/** A policy document may come as JSON or as the text of it. */
function policyOf(body: Body): string | null {
  const value = body['policy'] ?? null
  return value !== null && typeof value === 'object' ? JSON.stringify(value) : (textOf(body, 'policy') ?? null)
}

function scopeOf(request: RouteRequest): { account: string; region: string } {
  return { account: paramOf(request, 'account'), region: paramOf(request, 'region') }
}

export function accountView({ id, name, email, createdAt }: Account) {
  return { accountId: id, name, email, createdAt: new Date(createdAt).toISOString() }
}

/** A key as it is listed: without its secret. */
export function keyView({ id, account, userName, policy, active, expiresAt, createdAt }: Key) {
  return {
    accessKeyId: id,
    accountId: account,
    userName,
    policy,
    active,
    expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
    createdAt: new Date(createdAt).toISOString(),
  }
}

/** A key as its maker sees it, once. Temporary credentials have a session token and no SMTP passwords. */
export function newKeyView(key: Key) {
  const { secret, sessionToken } = key
  return {
    ...keyView(key),
    secretAccessKey: secret,
    ...(sessionToken === null ? { smtpPasswords: smtpPasswords(secret) } : { sessionToken }),
  }
}
