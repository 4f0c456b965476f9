/** What callers draw on in their turn: a supply held here, and fetched from elsewhere for all who wait, in one call. */

type Waiting<S> = {
  readonly amount: number
  readonly settings: S
  readonly resolve: (isTaken: boolean) => void
  readonly reject: (error: unknown) => void
}

export type SupplyOptions<S> = {
  /** Before anything is taken: may drop what is held, when that is no longer good under the settings. */
  readonly check: (settings: S) => void
  /** Whether it is known that fetching would bring nothing. */
  readonly isOut: (settings: S) => boolean
  /**
   * Fetches more for callers that want `sums` (each with those before it), in exchange for `held`, which is too little
   * for the first; gives what is held then. Nobody takes anything meanwhile.
   */
  readonly fetch: (held: number, sums: readonly number[], settings: S) => Promise<number>
  /** Told at once of what is taken. */
  readonly onTake: (amount: number) => void
}

/** Whoever comes passes while anything is left, and may take more than that: the next one is refused. */
export class Supply<S> {
  readonly #options: SupplyOptions<S>
  #waiting: Waiting<S>[] = []
  #isBusy = false
  held = 0

  constructor(options: SupplyOptions<S>) {
    this.#options = options
  }

  /** Something is being fetched or given back. */
  get isBusy(): boolean {
    return this.#isBusy
  }

  /** Whether it was taken: at once where enough is held, else when the fetch has come that all who wait share. */
  take(amount: number, settings: S): boolean | Promise<boolean> {
    if (!this.#isBusy) {
      this.#options.check(settings)
      if (this.held >= amount) return this.#pass(amount)
      if (this.#options.isOut(settings)) return false
    }
    return new Promise<boolean>((resolve, reject) => {
      this.#waiting.push({ amount, settings, resolve, reject })
      this.#serve()
    })
  }

  /** Lets go of all that is held, unless others are at it; `give` hands it back. Callers wait meanwhile. */
  async giveBack(give: (held: number) => Promise<void>): Promise<void> {
    if (this.#isBusy) return
    this.#isBusy = true
    const { held } = this
    this.held = 0
    try {
      await give(held)
    } finally {
      this.#isBusy = false
      this.#serve()
    }
  }

  #serve(): void {
    if (this.#isBusy || this.#waiting.length === 0) return
    this.#isBusy = true
    void this.#serveAll()
  }

  /** Never rejects. */
  async #serveAll(): Promise<void> {
    // Those who come in the same turn share the first fetch as well.
    await Promise.resolve()
    while (this.#waiting.length > 0) await this.#serveSome(this.#waiting.splice(0))
    this.#isBusy = false
  }

  async #serveSome(callers: Waiting<S>[]): Promise<void> {
    try {
      const settings = callers.at(-1)?.settings
      if (settings === undefined) return
      this.#options.check(settings)
      let next = callers[0]
      while (next !== undefined && this.held >= next.amount) {
        next.resolve(this.#pass(next.amount))
        callers.shift()
        next = callers[0]
      }
      if (next === undefined) return
      if (!this.#options.isOut(settings)) await this.#fetch(callers, settings)
      for (const { amount, resolve } of callers) resolve(this.held >= 1 && this.#pass(amount))
    } catch (error) {
      for (const { reject } of callers) reject(error)
    }
  }

  async #fetch(callers: readonly Waiting<S>[], settings: S): Promise<void> {
    let sum = 0
    const sums = callers.map(({ amount }) => (sum += amount))
    const { held } = this
    this.held = 0
    // What is released meanwhile comes on top.
    const fetched = await this.#options.fetch(held, sums, settings)
    this.held += fetched
  }

  #pass(amount: number): true {
    this.held -= amount
    this.#options.onTake(amount)
    return true
  }
}
