/** "Did you mean …?" */

/** The name nearest to `word` in spelling, when it is near enough to have been meant. */
export function closest(word: string, names: readonly string[]): string | undefined {
  if (word.length > 60) return undefined
  let best: string | undefined
  let least = Math.max(2, Math.floor(word.length / 3)) + 1
  for (const name of names) {
    const changes = distance(word, name)
    if (changes < least) [best, least] = [name, changes]
  }
  return best
}

/** Letters to add, drop or change to make `a` of `b` (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
