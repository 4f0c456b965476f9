/** Listing configuration sets, page by page, in the order of their names. */
import { fail } from '../../errors/fail.ts'
import type { ConfigurationSet, Scope } from '../../store/types.ts'
import type { Services } from '../context.ts'

export type ListRequest = {
  readonly pageSize: number | undefined
  readonly nextToken: string | undefined
  /** Only sets whose name has this in it, upper and lower case alike. */
  readonly nameContains?: string | undefined
}

export type Listing = { readonly names: readonly string[]; readonly nextToken: string | undefined }

// Observed: the default of both APIs, and their bound. v1 takes a size out of bounds for none, v2 refuses it.
const DEFAULT_PAGE_SIZE = 50
const MOST_PAGE_SIZE = 1000
const LONGEST_TOKEN = 1024

/** v1 ListConfigurationSets. Throws InvalidParameterValue, without a text, for a token that is not ours. */
export async function listConfigurationSetsV1(
  services: Services,
  scope: Scope,
  request: ListRequest,
): Promise<Listing> {
  const { pageSize = DEFAULT_PAGE_SIZE, nextToken } = request
  const limit = isPageSize(pageSize) ? pageSize : DEFAULT_PAGE_SIZE
  const after = readToken(scope, '', nextToken) ?? fail('InvalidParameterValue', null)
  return await page(services, scope, { after, limit, part: '' })
}

/** v2 ListConfigurationSets. Throws InvalidParameterValue for a page size out of bounds or a token that is not ours. */
export async function listConfigurationSetsV2(
  services: Services,
  scope: Scope,
  request: ListRequest,
): Promise<Listing> {
  const { pageSize = DEFAULT_PAGE_SIZE, nextToken, nameContains = '' } = request
  if (!isPageSize(pageSize)) fail('InvalidParameterValue', `The page size must be between 1 and ${MOST_PAGE_SIZE}`)
  if (nameContains !== '' && (nameContains.length < 3 || nameContains.length > 64)) {
    fail('InvalidParameterValue', 'CONFIGURATION_SET_NAME_CONTAINS must be between 3 and 64 characters')
  }
  const part = nameContains.toLowerCase()
  const after = readToken(scope, part, nextToken) ?? fail('InvalidParameterValue', `invalid nextToken ${nextToken}`)
  return await page(services, scope, { after, limit: pageSize, part })
}

function isPageSize(size: number): boolean {
  return size >= 1 && size <= MOST_PAGE_SIZE
}

type PageQuery = { readonly after: string; readonly limit: number; readonly part: string }

async function page(services: Services, scope: Scope, { after, limit, part }: PageQuery): Promise<Listing> {
  const names: string[] = []
  let from: string | undefined = after
  // One more than the page holds tells whether there is a next one.
  while (from !== undefined && names.length <= limit) {
    const { items, next }: { items: readonly ConfigurationSet[]; next: string | undefined } =
      await services.store.configurationSets.list(scope, { after: from, limit: MOST_PAGE_SIZE })
    names.push(...items.map(({ name }) => name).filter((name) => name.toLowerCase().includes(part)))
    from = next
  }
  const shown = names.slice(0, limit)
  const last = shown.at(-1)
  return {
    names: shown,
    nextToken: names.length > limit && last !== undefined ? makeToken(scope, part, last) : undefined,
  }
}

/** Opaque to callers: the name to go on after, bound to the region and the filter that it was given out for (observed). */
function makeToken({ region }: Scope, part: string, after: string): string {
  return Buffer.from(JSON.stringify(['configuration-sets', region, part, after])).toString('base64url')
}

/** '' to start from the beginning: an empty token is none (observed); undefined for what is no token of this listing. */
function readToken(scope: Scope, part: string, token: string | undefined): string | undefined {
  if (token === undefined || token === '') return ''
  if (token.length > LONGEST_TOKEN) return undefined
  const decoded = parseJson(Buffer.from(token, 'base64url').toString())
  const after: unknown = Array.isArray(decoded) ? decoded[3] : undefined
  return typeof after === 'string' && makeToken(scope, part, after) === token ? after : undefined
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
