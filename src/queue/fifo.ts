/** First in, first out, without moving what stays: an array that loses its first element moves the rest. */
type Link<T> = { readonly value: T; next: Link<T> | undefined }

export class Fifo<T> {
  #first: Link<T> | undefined
  #last: Link<T> | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  push(value: T): void {
    const link: Link<T> = { value, next: undefined }
    if (this.#last === undefined) this.#first = link
    else this.#last.next = link
    this.#last = link
    this.#size += 1
  }

  shift(): T | undefined {
    const link = this.#first
    if (link === undefined) return undefined
    this.#first = link.next
    if (link.next === undefined) this.#last = undefined
    this.#size -= 1
    return link.value
  }

  /** Lets go of all that do not pass. */
  keep(passes: (value: T) => boolean): void {
    const kept = [...this].filter(passes)
    this.#first = this.#last = undefined
    this.#size = 0
    for (const value of kept) this.push(value)
  }

  *[Symbol.iterator](): Generator<T> {
    for (let link = this.#first; link !== undefined; link = link.next) yield link.value
  }
}
