/**
 * Which addresses the inbound port takes mail for: return paths that prove themselves, the feedback loops' address, and
 * those of whoever runs this.
 */
import { type Mailbox, parseMailbox } from '../../message/addresses.ts'
import { readReturnPath, type ReturnTarget } from '../../message/return-path.ts'
import type { Services } from '../context.ts'
import { returnPathKey } from '../delivery/return-paths.ts'

/** `fbl@` the host name: what an operator gives to providers for their feedback loops. */
const FEEDBACK_LOOP = 'fbl'
/** Behind which there is a person: RFC 5321 §4.5.1, RFC 2142 §2. */
const ROLES: ReadonlySet<string> = new Set(['postmaster', 'abuse'])

/** Whether mail for this address is taken. Throws ServiceUnavailable when that cannot be found out now. */
export async function isOurs(services: Services, address: string): Promise<boolean> {
  const { local, domain } = split(address)
  if (isRole(address))
    return (await operatorOf(services)) !== undefined && (!address.includes('@') || isOwnDomain(services, domain))
  if (local.toLowerCase() === FEEDBACK_LOOP) return isOwnDomain(services, domain)
  const target = await targetOf(services, address)
  if (target === null) return false
  return isOwnDomain(services, domain) || (await wasSentFrom(services, target, domain))
}

/** Whether an address that is ours is one of a person's. `postmaster` may stand alone. */
export function isRole(address: string): boolean {
  return ROLES.has(address.replace(/@.*/s, '').toLowerCase())
}

/** Where mail for whoever runs this goes: to the default account's address, unless that would bring it here again. */
export async function operatorOf(services: Services): Promise<Mailbox | undefined> {
  const account = await services.store.accounts.find(services.config.accountId)
  const mailbox = account?.email === null || account === undefined ? undefined : parseMailbox(account.email)
  return mailbox?.ok === true && !isOwnDomain(services, mailbox.value.domain.toLowerCase()) ? mailbox.value : undefined
}

/** What a return path of ours was made for; null: it is none. Throws ServiceUnavailable. */
export async function targetOf(services: Services, address: string): Promise<ReturnTarget | null> {
  return readReturnPath(split(address).local, [await returnPathKey(services)])
}

/** The domain of an address, in lower case. */
export function domainIn(address: string): string {
  return split(address).domain
}

/** Our domains, and those below them: the regions' return paths, the hosts that MX records of MAIL FROM domains name. */
function isOwnDomain({ config }: Services, domain: string): boolean {
  return [config.hostname, config.mailDomain].some((own) => `.${domain}`.endsWith(`.${own.toLowerCase()}`))
}

/** A MAIL FROM domain: the one that the message went out with. Of a message that is gone nobody knows it any more. */
async function wasSentFrom({ store }: Services, { messageId }: ReturnTarget, domain: string): Promise<boolean> {
  const stored = await store.messages.find(messageId)
  return stored === undefined || domainIn(stored.message.returnPath) === domain
}

function split(address: string): { readonly local: string; readonly domain: string } {
  const at = address.lastIndexOf('@')
  return { local: address.slice(0, Math.max(at, 0)), domain: address.slice(at + 1).toLowerCase() }
}
