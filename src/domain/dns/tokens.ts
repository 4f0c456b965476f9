/** Whose Easy DKIM tokens are whose: kept in memory, since the store cannot be asked by token. */
import type { Cancel } from '../../platform/platform.ts'
import { once } from '../../platform/once.ts'
import type { Identity, Scope } from '../../store/types.ts'
import type { Services } from '../context.ts'
import { publicKeyOf } from '../identities/dkim-keys.ts'
import { identitiesOfAll } from './scopes.ts'

export type Tokens = {
  /** The key record of a token; undefined: there is none. */
  record(token: string): Promise<string | undefined>
  stop(): void
}

/** Some 200 octets each. */
const MAX_TOKENS = 1_000_000
const PAGE = 1000
/** A change may go unheard, and a start may fall between two. */
const REFRESH_MS = 300_000

type Place = { readonly scope: Scope; readonly name: string }

/** Reads all identities with the first question, then what changes. */
export function createTokens(services: Services): Tokens {
  const { store, wallClock, log } = services
  const places = new Map<string, Place>()
  let cancel: Cancel | undefined
  const stop = new AbortController()

  function note(scope: Scope, { name, kind, dkim: { tokens, origin } }: Identity): void {
    if (kind !== 'DOMAIN' || origin === 'EXTERNAL') return
    for (const token of tokens) {
      if (places.size < MAX_TOKENS || places.has(token)) places.set(token, { scope, name })
    }
  }

  async function noteOne(scope: Scope, name: string): Promise<void> {
    // Missed here, it is found at the next reading of all.
    const found = await store.identities.find(scope, name).catch(() => undefined)
    if (found !== undefined) note(scope, found)
  }

  async function readAll(): Promise<void> {
    let after: string | undefined
    do {
      const page = await identitiesOfAll(services, {
        account: undefined,
        region: undefined,
        name: undefined,
        after,
        limit: PAGE,
      })
      for (const { scope, identity } of page.items) note(scope, identity)
      after = page.next
    } while (after !== undefined && !stop.signal.aborted)
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
      const place = places.get(token)
      const identity = place && (await store.cached.identities.find(place.scope, place.name))
      const key = identity?.dkim.privateKeys[identity.dkim.tokens.indexOf(token)]
      return key === undefined ? undefined : `v=DKIM1; k=rsa; p=${publicKeyOf(key)}`
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
