/** A bounded cache of what is read from the database: the values used of late, none older than it may be. */

/** Bounds on each cache. Some hundred thousand sends a minute come from far fewer senders. */
const MOST_ENTRIES = 10_000
const MOST_BYTES = 8 * 1024 * 1024
/** What is larger than this would push out too much else. */
const LARGEST_BYTES = MOST_BYTES / 16
/** Of an entry, beside its key and its value. */
const ENTRY_BYTES = 200

export type CacheOptions = {
  readonly now: () => number
  /** The age at which a value is read again: a change of another process may have gone unheard. */
  readonly maxAgeMs: () => number
}

type Entry<V> = {
  /** When its reading began: what was changed since may not be in it. */
  readonly since: number
  readonly loading: Promise<V>
  settled: { readonly value: V } | undefined
  bytes: number
  /** Read since it was looked at for eviction. */
  isUsed: boolean
}

/**
 * Values by key. Reading a key that is being read already waits for that one. A value whose key is forgotten while it
 * is being read still goes to those who asked before, but it is not kept, and who asks later reads anew: so nobody
 * reads what was so before a change that he knows of.
 */
export class Cache<V> {
  readonly #options: CacheOptions
  readonly #entries = new Map<string, Entry<V>>()
  #bytes = 0

  constructor(options: CacheOptions) {
    this.#options = options
  }

  get size(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#entries.size, bytes: this.#bytes }
  }

  /** The value at once when it is known; otherwise what `load` gives. A failure is not kept. */
  read(key: string, load: () => Promise<V>): V | Promise<V> {
    const entry = this.#known(key) ?? this.#add(key, load())
    return entry.settled === undefined ? entry.loading : entry.settled.value
  }

  /** The values of several keys, in their order; `load` gives a look-up for all that are not known. */
  readMany(
    keys: readonly string[],
    load: (missing: readonly string[]) => Promise<(key: string) => V>,
  ): readonly V[] | Promise<readonly V[]> {
    return this.#allSettled(keys) ?? this.#readMissing(keys, load)
  }

  /** The values where all are there. */
  #allSettled(keys: readonly string[]): readonly V[] | undefined {
    const values: V[] = []
    for (const key of keys) {
      const settled = this.#known(key)?.settled
      if (settled === undefined) return undefined
      values.push(settled.value)
    }
    return values
  }

  #readMissing(
    keys: readonly string[],
    load: (missing: readonly string[]) => Promise<(key: string) => V>,
  ): readonly V[] | Promise<readonly V[]> {
    const found = new Map<string, Entry<V>>()
    const missing: string[] = []
    for (const key of keys) {
      const entry = this.#known(key)
      if (entry === undefined) missing.push(key)
      else found.set(key, entry)
    }
    if (missing.length > 0) {
      const loading = load(missing)
      for (const key of missing) {
        const entry = this.#add(
          key,
          loading.then((look) => look(key)),
        )
        found.set(key, entry)
      }
    }
    const values: V[] = []
    for (const key of keys) {
      const settled = found.get(key)?.settled
      // One that is being read: then all are waited for.
      if (settled === undefined) return Promise.all(keys.flatMap((each) => found.get(each)?.loading ?? []))
      values.push(settled.value)
    }
    return values
  }

  forget(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    this.#bytes -= entry.bytes
  }

  clear(): void {
    this.#entries.clear()
    this.#bytes = 0
  }

  /** The entry of a key, which is now in use. Nothing is moved for that: every message reads some ten keys. */
  #known(key: string): Entry<V> | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    const ageMs = this.#options.now() - entry.since
    // Negative: the clock was set back, and nobody knows how old it is.
    if (ageMs < 0 || ageMs > this.#options.maxAgeMs()) {
      this.forget(key)
      return undefined
    }
    entry.isUsed = true
    return entry
  }

  #add(key: string, loading: Promise<V>): Entry<V> {
    this.forget(key)
    const bytes = ENTRY_BYTES + key.length
    const entry: Entry<V> = { since: this.#options.now(), loading, settled: undefined, bytes, isUsed: false }
    this.#entries.set(key, entry)
    this.#bytes += entry.bytes
    this.#evict()
    loading.then(
      (value) => this.#settle(key, entry, value),
      () => {
        if (this.#entries.get(key) === entry) this.forget(key)
      },
    )
    return entry
  }

  #settle(key: string, entry: Entry<V>, value: V): void {
    // Forgotten meanwhile, and perhaps being read anew.
    if (this.#entries.get(key) !== entry) return
    const bytes = sizeOf(value)
    if (bytes > LARGEST_BYTES) {
      this.forget(key)
      return
    }
    entry.settled = { value }
    entry.bytes += bytes
    this.#bytes += bytes
    this.#evict()
  }

  /** The oldest first; one that was used since it last came to the front goes to the end instead. */
  #evict(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#entries.size <= MOST_ENTRIES && this.#bytes <= MOST_BYTES) return
      if (entry.isUsed) {
        entry.isUsed = false
        this.#entries.delete(key)
        this.#entries.set(key, entry)
      } else this.forget(key)
    }
  }
}

/** About: what is kept is read from JSON or is as plain, and most of it is text in ASCII. */
function sizeOf(value: unknown): number {
  return value === undefined ? 0 : JSON.stringify(value).length
}
