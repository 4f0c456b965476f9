/** Pages of identities, in the order of their names (SES API: ListIdentities; v2: ListEmailIdentities). */
import { fail } from '../../errors/fail.ts'
import type { Identity } from '../../store/types.ts'
import { type Ctx, scopeOf } from '../context.ts'

export type Wanted = {
  readonly kind?: Identity['kind'] | undefined
  /** v2's: `IDENTITY_NAME_CONTAINS`, `IDENTITY_TYPE`, `VERIFICATION_STATUS`; all must hold. */
  readonly filter?: ReadonlyMap<string, string>
  readonly nextToken: string | undefined
  /** How many at most; undefined or 0: 100. */
  readonly size: number | undefined
}

export type Listing = { readonly items: readonly Identity[]; readonly nextToken: string | undefined }

const DEFAULT_SIZE = 100
const LARGEST_SIZE = 1000
/** How many identities are read at a time when most of them may be left out. */
const READ_AT_ONCE = 500

/** v1: a size out of bounds counts as none. Throws InvalidParameterValue, without a text, for a token that is not ours. */
export async function listIdentitiesV1(ctx: Ctx, wanted: Wanted): Promise<Listing> {
  const after = readToken(wanted.nextToken) ?? fail('InvalidParameterValue', null)
  return await list(ctx, isSize(wanted.size) ? wanted : { ...wanted, size: undefined }, after)
}

/** v2. Throws InvalidParameterValue for a size out of bounds or a token that is not ours. */
export async function listIdentitiesV2(ctx: Ctx, wanted: Wanted): Promise<Listing> {
  if (!isSize(wanted.size)) fail('InvalidParameterValue', `The page size must be between 0 and ${LARGEST_SIZE}`)
  const after = readToken(wanted.nextToken) ?? fail('InvalidParameterValue', `invalid nextToken ${wanted.nextToken}`)
  return await list(ctx, wanted, after)
}

function isSize(size: number | undefined): boolean {
  return size === undefined || (Number.isInteger(size) && size >= 0 && size <= LARGEST_SIZE)
}

async function list(ctx: Ctx, { kind, filter = new Map(), size = 0 }: Wanted, start: string): Promise<Listing> {
  const most = size === 0 ? DEFAULT_SIZE : size
  // One more than the page holds tells whether there is a next one.
  const limit = filter.size === 0 ? most + 1 : READ_AT_ONCE
  const found: Identity[] = []
  let after: string | undefined = start
  while (after !== undefined && found.length <= most) {
    const page: Awaited<ReturnType<typeof ctx.store.identities.list>> = await ctx.store.identities.list(
      scopeOf(ctx),
      kind,
      { after, limit },
    )
    found.push(...page.items.filter((identity) => isWanted(identity, filter)))
    after = page.next
  }
  const items = found.slice(0, most)
  const last = items.at(-1)
  return { items, nextToken: found.length > most && last !== undefined ? tokenOf(last) : undefined }
}

function isWanted({ name, kind, verification }: Identity, filter: ReadonlyMap<string, string>): boolean {
  const part = filter.get('IDENTITY_NAME_CONTAINS') ?? ''
  return (
    name.toLowerCase().includes(part.toLowerCase()) &&
    (filter.get('IDENTITY_TYPE') ?? kind) === kind &&
    (filter.get('VERIFICATION_STATUS') ?? verification.state) === verification.state
  )
}

/** Every address that is verified: v1's ListVerifiedEmailAddresses has no pages. */
export async function verifiedAddresses(ctx: Ctx): Promise<readonly string[]> {
  const names: string[] = []
  let nextToken: string | undefined
  do {
    const page = await listIdentitiesV2(ctx, { kind: 'EMAIL_ADDRESS', size: LARGEST_SIZE, nextToken })
    names.push(...page.items.filter(({ verification }) => verification.state === 'SUCCESS').map(({ name }) => name))
    nextToken = page.nextToken
  } while (nextToken !== undefined)
  return names
}

/** Opaque to callers: the name to go on after. */
function tokenOf({ name }: Identity): string {
  return Buffer.from(name).toString('base64url')
}

/** '' to start from the beginning: an empty token is none. Undefined for what is no token of ours. */
function readToken(token: string | undefined): string | undefined {
  if (token === undefined || token === '') return ''
  const name = Buffer.from(token, 'base64url').toString()
  return Buffer.from(name).toString('base64url') === token ? name : undefined
}
