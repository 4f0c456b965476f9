/** Access keys: permanent ones (`AKIA…`) and temporary credentials (`ASIA…`), each bounded by an IAM policy if it has one. */
import { fail } from '../../errors/fail.ts'
import type { AccessKey } from '../../store/types.ts'
import { parsePolicy } from '../authorization/policy.ts'
import type { Services } from '../context.ts'
import { findAccount } from './accounts.ts'

export { type Credential, credentialFor } from './credentials.ts'

export type NewKey = {
  /** The IAM user that the key is for; `root`, the account itself, when it is not given. */
  readonly userName?: string | undefined
  /** IAM policy document (JSON text). */
  readonly policy?: string | null | undefined
  /** Makes temporary credentials that are good for so long. */
  readonly durationSeconds?: number | undefined
}

// Bounds that listing an account's keys needs; IAM's own are 5,000 users with two keys each.
const MOST_KEYS = 1000
// IAM User Guide, "IAM and AWS STS quotas": names of users.
const USER_NAME = /^[\w+=,.@-]{1,64}$/
// STS API: GetSessionToken, DurationSeconds.
const SHORTEST_SESSION_SECONDS = 900
const LONGEST_SESSION_SECONDS = 129_600
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/**
 * Makes a key; its secret is shown in the result and nowhere again. Throws NotFound (no such account), InvalidPolicy,
 * InvalidParameterValue, LimitExceeded.
 */
export async function createKey(services: Services, account: string, request: NewKey): Promise<AccessKey> {
  const { userName = 'root', policy = null, durationSeconds } = request
  await findAccount(services, account)
  if (!USER_NAME.test(userName)) {
    fail(
      'InvalidParameterValue',
      `Invalid user name ${userName}: only alphanumeric characters and +=,.@_- are allowed, up to 64.`,
    )
  }
  if (policy !== null) checkPolicy(policy)
  if (durationSeconds !== undefined) checkDuration(durationSeconds)
  if ((await services.store.keys.list(account)).length >= MOST_KEYS) {
    fail('LimitExceeded', `Account ${account} has ${MOST_KEYS} access keys, and cannot have more.`)
  }
  const key = makeKey(services, { account, userName, policy, durationSeconds })
  // 80 random bits: an id that is taken means that the source of randomness is broken.
  if (!(await services.store.keys.insert(key))) fail('AlreadyExists', `Access key ${key.id} already exists.`)
  return key
}

export async function listKeys(services: Services, account: string): Promise<readonly AccessKey[]> {
  await findAccount(services, account)
  return await services.store.keys.list(account)
}

/** Throws NotFound. */
export async function deleteKey(services: Services, account: string, id: string): Promise<void> {
  if (!(await services.store.keys.remove(account, id))) {
    fail('NotFound', `The Access Key with id ${id} cannot be found.`)
  }
}

function checkPolicy(policy: string): void {
  const parsed = parsePolicy(policy, 'key')
  if (!parsed.ok) fail('InvalidPolicy', `Invalid policy: ${parsed.error}`)
}

function checkDuration(seconds: number): void {
  if (Number.isInteger(seconds) && seconds >= SHORTEST_SESSION_SECONDS && seconds <= LONGEST_SESSION_SECONDS) return
  fail(
    'InvalidParameterValue',
    `Invalid duration ${seconds}: temporary credentials last ${SHORTEST_SESSION_SECONDS} to ${LONGEST_SESSION_SECONDS} seconds.`,
  )
}

type KeyOwner = { account: string; userName: string; policy: string | null; durationSeconds: number | undefined }

function makeKey({ random, clock, wallClock }: Services, owner: KeyOwner): AccessKey {
  const { account, userName, policy, durationSeconds } = owner
  const isTemporary = durationSeconds !== undefined
  const characters = Array.from(random.bytes(16), (byte) => BASE32[byte % 32])
  return {
    id: `${isTemporary ? 'ASIA' : 'AKIA'}${characters.join('')}`,
    account,
    userName,
    // 30 octets are 40 characters of base64, the form of AWS's secrets.
    secret: random.bytes(30).toString('base64'),
    policy,
    active: true,
    sessionToken: isTemporary ? random.bytes(192).toString('base64') : null,
    // By real time, as the age of a signature is: SES's clock can be moved.
    expiresAt: isTemporary ? wallClock.now() + durationSeconds * 1000 : null,
    createdAt: clock.now(),
  }
}
