/** Whose Easy DKIM tokens are whose: kept in memory, since the store cannot be asked by token. */
import type { Cancel } from '../../platform/platform.ts'
import { once } from '../../platform/once.ts'
import type { DkimKey, Identity, Scope } from '../../store/types.ts'
import type { Services } from '../context.ts'
import { isPublished } from '../dkim/ring.ts'
import { keyRecordOf } from '../identities/dkim-keys.ts'
import { identitiesOfAll } from './scopes.ts'

export type Tokens = {
  /** The key record of a token; undefined: there is none. */
  record(token: string): Promise<string | undefined>
  stop(): void
}

/** Some 200 octets each. */
const MAX_TOKENS = 1_000_000
/** More than there are regions. */
const MAX_PLACES = 64
const PAGE = 1000
/** A change may go unheard, and a start may fall between two. */
const REFRESH_MS = 300_000

type Place = { readonly scope: Scope; readonly name: string }

/** Deterministic Easy DKIM has the same token in several regions, any of which may be the last that is left. */
type Places = Map<string, readonly Place[]>

function isOurs(key: DkimKey): boolean {
  return key.publishedBy === 'operator' && isPublished(key)
}

function note(places: Places, scope: Scope, { name, kind, dkim: { tokens, origin, keys } }: Identity): void {
  if (kind !== 'DOMAIN') return
  // Keys of a set-up that is being replaced sign on, or did until lately.
  const older = keys.filter(isOurs).map(({ selector }) => selector)
  for (const token of new Set([...(origin === 'EXTERNAL' ? [] : tokens), ...older])) {
    const known = places.get(token) ?? []
    if (known.length === 0 && places.size >= MAX_TOKENS) return
    const isKnown = known.some((each) => each.name === name && isSame(each.scope, scope))
    if (!isKnown && known.length < MAX_PLACES) places.set(token, [...known, { scope, name }])
  }
}

function isSame(one: Scope, other: Scope): boolean {
  return one.account === other.account && one.region === other.region
}

/** Reads all identities with the first question, then what changes. */
export function createTokens(services: Services): Tokens {
  const { store, wallClock, log } = services
  let places: Places = new Map()
  /** What a reading that is under way has found so far. */
  let found: Places | undefined
  let cancel: Cancel | undefined
  const stop = new AbortController()

  async function noteOne(scope: Scope, name: string): Promise<void> {
    // Missed here, it is found at the next reading of all.
    const identity = await store.identities.find(scope, name).catch(() => undefined)
    if (identity === undefined) return
    note(places, scope, identity)
    if (found !== undefined) note(found, scope, identity)
  }

  /** Anew, so that what is gone is forgotten. */
  async function readAll(): Promise<void> {
    const fresh: Places = new Map()
    found = fresh
    let after: string | undefined
    do {
      const page = await identitiesOfAll(services, {
        account: undefined,
        region: undefined,
        name: undefined,
        after,
        limit: PAGE,
      })
      for (const { scope, identity } of page.items) note(fresh, scope, identity)
      after = page.next
    } while (after !== undefined && !stop.signal.aborted)
    places = fresh
    if (places.size >= MAX_TOKENS) log.warn('there are more DKIM tokens than the name server keeps', { MAX_TOKENS })
  }

  function again(): void {
    cancel = wallClock.after(REFRESH_MS, () => {
      void readAll()
        .catch((error: unknown) => log.warn('the DKIM tokens could not be read', { error }))
        .finally(() => {
          if (!stop.signal.aborted) again()
        })
    })
  }

  const unheard = store.onChange((changes) => {
    for (const { kind, account, region, name } of changes) {
      if (kind !== 'identities' || account === undefined || region === undefined || name === undefined) continue
      void noteOne({ account, region }, name)
    }
  })
  const loaded = retried(async () => {
    await readAll()
    again()
  })

  return {
    async record(token) {
      await loaded()
      for (const { scope, name } of places.get(token) ?? []) {
        const identity = await store.cached.identities.find(scope, name)
        const key = identity?.dkim.keys.findLast((each) => each.selector === token && isOurs(each))
        if (key !== undefined) return keyRecordOf(key.pem)
      }
      return undefined
    },
    stop() {
      stop.abort()
      unheard()
      cancel?.()
    },
  }
}

/** Once, unless it failed: then again with the next question. */
function retried(make: () => Promise<void>): () => Promise<void> {
  let current = once(make)
  return async () => {
    const mine = current
    try {
      await mine()
    } catch (error) {
      if (current === mine) current = once(make)
      throw error
    }
  }
}
