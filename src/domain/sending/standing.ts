/**
 * What an address stands for when the account that it belongs to sends from it: all that depends on nothing but the
 * address and the identities there, so that it is found once and not for each message.
 */
import type { Mailbox } from '../../message/addresses.ts'
import type { CachedReads } from '../../store/cached.ts'
import type { Store } from '../../store/store.ts'
import type { Identity, MailFrom, Scope } from '../../store/types.ts'
import { identityArn, isIdentityArn } from '../authorization/arns.ts'
import { identityPolicies } from '../authorization/sending.ts'
import { effectiveMailFrom, resolveIdentity } from '../identities/resolution.ts'

/** An identity that may be used, and in whose account it is. */
export type Usable = { readonly identity: Identity; readonly scope: Scope; readonly arn: string }

export type Standing = {
  /** undefined: nothing that is verified. */
  readonly usable: Usable | undefined
  /** The ARN that permissions are asked for: of the identity, or of what comes nearest to one. */
  readonly resource: string
  /** The sending authorization policies of that; undefined: it is no ARN, and whoever asks for them is told so. */
  readonly policies: readonly string[] | undefined
  /** The MAIL FROM domain of mail from there; null: SES's. */
  readonly mailFrom: MailFrom | null
}

/** Gives the standing of an address, at once where it is known. */
export type Standings = (scope: Scope, mailbox: Mailbox) => Standing | Promise<Standing>

/** Addresses are looked up before their length is judged; a longer one is not remembered. */
const LONGEST_REMEMBERED = 320

export function createStandings({ cached, derive }: Pick<Store, 'cached' | 'derive'>): Standings {
  const read = derive<Standing>()
  return (scope, mailbox) =>
    mailbox.address.length > LONGEST_REMEMBERED
      ? standingOf(cached, scope, mailbox)
      : read(scope, mailbox.address, (fresh) => standingOf(fresh, scope, mailbox))
}

async function standingOf(reads: CachedReads, scope: Scope, mailbox: Mailbox): Promise<Standing> {
  const found = await resolveIdentity(reads, scope, mailbox)
  const { identity } = found
  const nearest = 'nearest' in found ? found.nearest : identity
  const resource = identityArn(scope, nearest?.name ?? mailbox.address)
  return {
    usable: identity && { identity, scope, arn: resource },
    resource,
    policies: isIdentityArn(resource) ? await identityPolicies(reads, resource) : undefined,
    mailFrom: identity === undefined ? null : await effectiveMailFrom(reads, scope, identity),
  }
}
