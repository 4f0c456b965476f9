/** Whom an access key id stands for, and what a request that names it is judged by. */
import type { AccessKey } from '../../store/types.ts'
import { principalArn } from '../authorization/arns.ts'
import type { Principal, Services } from '../context.ts'
import { ensureAccount, isAccountId } from './accounts.ts'

export type Credential = {
  readonly secret: string
  readonly sessionToken: string | null
  /** Real time, not SES's. */
  readonly expiresAt: number | null
  readonly active: boolean
  readonly principal: Principal
  /** Nothing is compared: whatever signature or password comes with this key id is taken. */
  readonly anySecret: boolean
}

/** Key and secret of the default account, where the profile has them. */
const TEST_KEY = 'test'
// AWS: AccessKeyId has at most 128 characters.
const LONGEST_KEY_ID = 128

/** The credential of an access key id; undefined when there is no such key. */
export function credentialFor(
  services: Services,
  accessKeyId: string,
): Credential | undefined | Promise<Credential | undefined> {
  if (accessKeyId === '' || accessKeyId.length > LONGEST_KEY_ID) return undefined
  const key = services.store.cached.keys.find(accessKeyId)
  return key instanceof Promise
    ? key.then((found) => credentialOf(services, accessKeyId, found))
    : credentialOf(services, accessKeyId, key)
}

function credentialOf(
  services: Services,
  accessKeyId: string,
  key: AccessKey | undefined,
): Credential | undefined | Promise<Credential> {
  const { config } = services
  if (key !== undefined) return { ...ofKey(key), anySecret: config.anyCredentials }
  // Never a row: a database that moves on to production must not bring the test key along.
  if (accessKeyId === TEST_KEY && config.profile !== 'production') {
    return ofAccount(config.accountId, accessKeyId, TEST_KEY, config.anyCredentials)
  }
  if (!config.anyCredentials) return undefined
  return ofAnyKey(services, accessKeyId)
}

async function ofAnyKey(services: Services, accessKeyId: string): Promise<Credential> {
  return ofAccount(await accountOfAnyKey(services, accessKeyId), accessKeyId, '', true)
}

/** Test suites of other stand-ins name an account by giving its id as the key. */
async function accountOfAnyKey(services: Services, accessKeyId: string): Promise<string> {
  if (!isAccountId(accessKeyId)) return services.config.accountId
  await ensureAccount(services, accessKeyId, accessKeyId)
  return accessKeyId
}

function ofKey(key: AccessKey): Omit<Credential, 'anySecret'> {
  const { id, account, userName, secret, sessionToken, expiresAt, active, policy } = key
  const principal = { accessKeyId: id, account, userName, arn: principalArn(account, userName), policy }
  return { secret, sessionToken, expiresAt, active, principal }
}

function ofAccount(account: string, accessKeyId: string, secret: string, anySecret: boolean): Credential {
  const principal = { accessKeyId, account, userName: 'root', arn: principalArn(account, 'root'), policy: null }
  return { secret, sessionToken: null, expiresAt: null, active: true, principal, anySecret }
}
