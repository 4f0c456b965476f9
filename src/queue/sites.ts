/** Which site each destination belongs to, as it was seen last: limits hold for a provider, not for each of its domains. */

/** Destinations that are remembered; each takes some 200 octets. */
const MOST = 50_000

export class Sites {
  readonly #sites = new Map<string, string>()
  readonly #most: number

  constructor(most = MOST) {
    this.#most = most
  }

  get(destination: string): string | undefined {
    return this.#sites.get(destination)
  }

  /** Notes what was seen; false: it was known. Who was seen the longest ago is forgotten. */
  learn(destination: string, site: string): boolean {
    const before = this.#sites.get(destination)
    this.#sites.delete(destination)
    this.#sites.set(destination, site)
    if (this.#sites.size > this.#most) {
      const [oldest] = this.#sites.keys()
      if (oldest !== undefined) this.#sites.delete(oldest)
    }
    return before !== site
  }
}
