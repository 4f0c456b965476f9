/** A walk through the identities of all accounts and regions, a page at a time. */
import type { Identity, Page, PageRequest, Scope } from '../../store/types.ts'
import type { Services } from '../context.ts'

export type IdentityPage = {
  readonly account: string | undefined
  readonly region: string | undefined
  /** This one only, in every account and region that has it. */
  readonly name: string | undefined
  /** `ACCOUNT/REGION/NAME` of the last one of the page before. */
  readonly after: string | undefined
  readonly limit: number
}

export type Placed = { readonly scope: Scope; readonly identity: Identity }

const FIRST_REGION = 'us-east-1'

/** Regions that an account uses, and the first one, which all start with. */
export async function usedRegions({ store }: Services, account?: string): Promise<readonly string[]> {
  const accounts = account === undefined ? (await store.accounts.list()).map(({ id }) => id) : [account]
  const regions = new Set([FIRST_REGION])
  for (const each of accounts) for (const region of await store.accounts.regions(each)) regions.add(region)
  return [...regions].toSorted()
}

/** `next`: what `after` is for the next page; undefined: this was the last. */
export async function identitiesOfAll(
  services: Services,
  page: IdentityPage,
): Promise<{ readonly items: readonly Placed[]; readonly next: string | undefined }> {
  const last = readCursor(page.after)
  const items: Placed[] = []
  const accounts =
    page.account === undefined ? (await services.store.accounts.list()).map(({ id }) => id) : [page.account]
  for (const account of accounts.filter((id) => last === undefined || id >= last.account)) {
    for (const region of await regionsOf(services, account, page.region)) {
      const isLast = last?.account === account && last.region === region
      if (last?.account === account && region < last.region) continue
      const after = isLast ? last.name : undefined
      const limit = page.limit - items.length
      const found = await listed(services, { account, region }, page.name, { after, limit })
      items.push(...found.items.map((identity) => ({ scope: { account, region }, identity })))
      if (found.next !== undefined || items.length >= page.limit) return { items, next: cursorOf(items.at(-1)) }
    }
  }
  return { items, next: undefined }
}

async function listed(
  { store }: Services,
  scope: Scope,
  name: string | undefined,
  page: PageRequest,
): Promise<Page<Identity>> {
  if (name === undefined) return await store.identities.list(scope, undefined, page)
  return { items: page.after === undefined ? await store.identities.findMany(scope, [name]) : [], next: undefined }
}

async function regionsOf({ store }: Services, account: string, only: string | undefined): Promise<readonly string[]> {
  return only === undefined ? (await store.accounts.regions(account)).toSorted() : [only]
}

function cursorOf(placed: Placed | undefined): string | undefined {
  return placed && `${placed.scope.account}/${placed.scope.region}/${placed.identity.name}`
}

function readCursor(cursor: string | undefined) {
  if (cursor === undefined) return undefined
  const [account = '', region = '', ...name] = cursor.split('/')
  // Local parts may hold a slash.
  return { account, region, name: name.join('/') }
}
