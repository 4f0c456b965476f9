/** Accounts: one owner's identities, configuration sets, mail and keys, in any number of regions. */
import { fail } from '../../errors/fail.ts'
import type { Account } from '../../store/types.ts'
import type { Services } from '../context.ts'

export type NewAccount = {
  /** 12 digits; made up when it is not given. */
  readonly accountId?: string | undefined
  readonly name: string
  readonly email?: string | null | undefined
}

const ACCOUNT_ID = /^\d{12}$/
const EMAIL = /^[^\s@<>\p{Cc}]{1,64}@[^\s@<>\p{Cc}]{1,255}$/u

/** Makes an account. Throws InvalidParameterValue for what it cannot be made of, AlreadyExists when its id is taken. */
export async function createAccount(services: Services, { accountId, name, email }: NewAccount): Promise<Account> {
  const id = accountId ?? randomAccountId(services)
  if (!isAccountId(id)) fail('InvalidParameterValue', `Invalid account id ${id}: an account id has 12 digits.`)
  const account: Account = {
    id,
    name: checkName(name),
    email: checkEmail(email ?? null),
    createdAt: services.clock.now(),
  }
  if (!(await services.store.accounts.insert(account))) fail('AlreadyExists', `Account ${id} already exists.`)
  return account
}

export async function listAccounts(services: Services): Promise<readonly Account[]> {
  return await services.store.accounts.list()
}

/** The account as it is afterwards. Throws NotFound. */
export async function updateAccount(
  services: Services,
  id: string,
  patch: { readonly name?: string | undefined; readonly email?: string | null | undefined },
): Promise<Account> {
  await services.store.accounts.update(id, {
    ...(patch.name === undefined ? {} : { name: checkName(patch.name) }),
    ...(patch.email === undefined ? {} : { email: checkEmail(patch.email) }),
  })
  return await findAccount(services, id)
}

/** Throws NotFound. */
export async function findAccount(services: Services, id: string): Promise<Account> {
  return (await services.store.accounts.find(id)) ?? fail('NotFound', `Account ${id} does not exist.`)
}

/** Makes an account unless it is there. At start: the default account, so that it can be listed, and told by mail. */
export async function ensureAccount(services: Services, id: string, name: string): Promise<void> {
  // Where any credentials will do, each request asks.
  if ((await services.store.cached.accounts.find(id)) !== undefined) return
  await services.store.accounts.insert({ id, name, email: null, createdAt: services.clock.now() })
}

/** The default account exists from the first start on. */
export async function ensureDefaultAccount(services: Services): Promise<void> {
  await ensureAccount(services, services.config.accountId, 'default')
}

export function isAccountId(text: string): boolean {
  return ACCOUNT_ID.test(text)
}

function checkName(name: string): string {
  if (name.trim() === '' || name.length > 128 || /\p{Cc}/u.test(name)) {
    fail('InvalidParameterValue', 'Invalid account name: it needs 1 to 128 printable characters.')
  }
  return name
}

function checkEmail(email: string | null): string | null {
  if (email !== null && !EMAIL.test(email)) fail('InvalidParameterValue', `Invalid email address<${email}>.`)
  return email
}

function randomAccountId({ random }: Services): string {
  // Never a leading zero: such ids look made up, and spreadsheets lose it.
  return String(100_000_000_000 + Math.floor(random.fraction() * 900_000_000_000))
}
