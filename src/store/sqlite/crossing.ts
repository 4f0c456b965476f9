/**
 * A batch as it crosses to the thread that writes: what is written with every message as flat arrays, and all octets as
 * one stretch. Cloning graphs of objects takes about as long as all that SQLite does with them.
 */
import type { AnyCommand } from '../db.ts'
import type { Call } from '../group-commit.ts'

export type Crossing = {
  readonly names: readonly string[]
  /** Flat where the command says how. */
  readonly payloads: readonly unknown[]
  /** One call's after the other's. */
  readonly data: Uint8Array<ArrayBuffer>
  /** The lengths of the calls' shares of it. */
  readonly lengths: readonly number[]
}

type Commands = ReadonlyMap<string, AnyCommand>

/** Packs a batch; `data` is a copy, whose buffer may be handed over. */
export function pack(calls: readonly Call[], commands: Commands): Crossing {
  const names: string[] = []
  const payloads: unknown[] = []
  const lengths: number[] = []
  let octets = 0
  for (const { name, payload, data } of calls) {
    names.push(name)
    payloads.push(commands.get(name)?.flat?.flatten(ofItsCommand(payload)) ?? payload)
    lengths.push(data.byteLength)
    octets += data.byteLength
  }
  const all = new Uint8Array(octets)
  let at = 0
  for (const { data } of calls) {
    all.set(data, at)
    at += data.byteLength
  }
  return { names, payloads, data: all, lengths }
}

/** The calls again, their `data` as views. */
export function unpack({ names, payloads, data, lengths }: Crossing, commands: Commands): readonly Call<never>[] {
  let at = 0
  return names.map((name, index) => {
    const from = at
    at += lengths[index] ?? 0
    const crossed = payloads[index]
    const flat = commands.get(name)?.flat
    const payload = ofItsCommand(flat === undefined ? crossed : flat.restore(ofItsCommand(crossed)))
    return { name, payload, data: data.subarray(from, at) }
  })
}

/** On its way a payload is anything, and here it is what its command takes. */
function ofItsCommand(payload: unknown): never
function ofItsCommand(payload: unknown): unknown {
  return payload
}
