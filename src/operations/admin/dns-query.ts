/** Parameters that the routes about DNS have in common. */
import type { IdentityPage } from '../../domain/dns/scopes.ts'
import { isAddress, isMailbox } from '../../domain/dns/words.ts'
import { fail } from '../../errors/fail.ts'
import { countIn, wordIn } from './request.ts'

const PAGE = { least: 1, most: 1000, ordinary: 100 }
/** More than any host sends from that this is meant for. */
const MOST_ADDRESSES = 64

export function identityPageIn(query: URLSearchParams): IdentityPage {
  return {
    account: wordIn(query, 'account'),
    region: wordIn(query, 'region'),
    name: wordIn(query, 'identity')?.toLowerCase(),
    after: wordIn(query, 'after'),
    limit: countIn(query, 'limit', PAGE),
  }
}

/** Every `address` of the query. */
export function addressesIn(query: URLSearchParams): readonly string[] {
  const addresses = query.getAll('address')
  if (addresses.length > MOST_ADDRESSES) fail('Validation', `There are more than ${MOST_ADDRESSES} addresses.`)
  const wrong = addresses.find((address) => !isAddress(address))
  if (wrong !== undefined) fail('Validation', `${JSON.stringify(wrong)} is no IP address.`)
  return addresses
}

export function mailboxIn(query: URLSearchParams, name: string): string | undefined {
  const text = wordIn(query, name)
  if (text !== undefined && !isMailbox(text)) fail('Validation', `${name} is no email address.`)
  return text
}
