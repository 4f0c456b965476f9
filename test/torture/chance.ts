/** Chance that can be repeated: the same seed, the same choices. What the machine makes of them is another matter. */

export type Chance = {
  /** A whole number from 0 to below `end`. */
  below(end: number): number
  pick<T>(values: readonly T[]): T
}

/** mulberry32, a generator of 32 bits of state. */
export function chance(seed: number): Chance {
  let state = seed >>> 0
  const fraction = () => {
    state = (state + 0x6d_2b_79_f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (end: number) => Math.floor(fraction() * end)
  return {
    below,
    pick<T>(values: readonly T[]): T {
      const picked = values[below(values.length)]
      if (picked === undefined) throw new RangeError('nothing to pick from')
      return picked
    },
  }
}
