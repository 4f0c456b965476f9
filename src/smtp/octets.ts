/** A buffer that grows as octets come in, so that many small pieces cost no more memory than one large one. */

const EMPTY = Buffer.alloc(0)

export class Octets {
  #bytes = EMPTY
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Appends `chunk[start, end)`. The first piece is stored exactly, later ones double the room. */
  append(chunk: Buffer, start: number, end: number): void {
    const length = this.#length + end - start
    if (length > this.#bytes.length) {
      const bytes = Buffer.allocUnsafe(Math.max(length, 2 * this.#bytes.length))
      this.#bytes.copy(bytes, 0, 0, this.#length)
      this.#bytes = bytes
    }
    chunk.copy(this.#bytes, this.#length, start, end)
    this.#length = length
  }

  /** The octet at `index`; -1 beyond the end. */
  at(index: number): number {
    return index < this.#length ? (this.#bytes[index] ?? -1) : -1
  }

  /** Hands out what was collected and starts anew. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length)
    this.clear()
    return taken
  }

  clear(): void {
    this.#bytes = EMPTY
    this.#length = 0
  }
}
