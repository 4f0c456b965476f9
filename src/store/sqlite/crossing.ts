/**
 * A batch as it crosses to the thread that writes. Cloning a graph of objects costs about as much as all that SQLite
 * does with it; one text and one stretch of octets for the whole batch cost a third, on both sides.
 */
import type { Call } from '../group-commit.ts'

export type Crossing = {
  readonly names: readonly string[]
  /** A JSON array: the payloads of the commands that are text; null for the others, which are in `cloned`. */
  readonly text: string
  /** In their order. */
  readonly cloned: readonly unknown[]
  /** One call's after the other's. */
  readonly data: Uint8Array<ArrayBuffer>
  /** The lengths of the calls' shares of it. */
  readonly lengths: readonly number[]
}

/** Packs a batch; `data` is a copy, whose buffer may be handed over. */
export function pack(calls: readonly Call[]): Crossing {
  const names: string[] = []
  const payloads: unknown[] = []
  const cloned: unknown[] = []
  const lengths: number[] = []
  let octets = 0
  for (const { name, payload, isText, data } of calls) {
    names.push(name)
    payloads.push(isText ? payload : null)
    if (!isText) cloned.push(payload)
    lengths.push(data.byteLength)
    octets += data.byteLength
  }
  const all = new Uint8Array(octets)
  let at = 0
  for (const { data } of calls) {
    all.set(data, at)
    at += data.byteLength
  }
  return { names, text: JSON.stringify(payloads), cloned, data: all, lengths }
}

/** The calls again, their `data` as views. On arrival a payload is what its command takes. */
export function unpack(crossing: Crossing): readonly Call<never>[]
export function unpack({ names, text, cloned, data, lengths }: Crossing): readonly Call[] {
  const payloads: readonly unknown[] = JSON.parse(text)
  let others = 0
  let at = 0
  return names.map((name, index) => {
    const from = at
    at += lengths[index] ?? 0
    const payload = payloads[index]
    const isText = payload !== null
    return { name, payload: isText ? payload : cloned[others++], data: data.subarray(from, at), isText }
  })
}
