/** Figures as they stand in tables. */
import { spread } from './stats.ts'

/** `1,234 [1,100..1,300]`: the median of the rounds, the least and the greatest. */
export function ranged(values: readonly number[], digits = 0): string {
  const usable = values.filter((value) => Number.isFinite(value))
  if (usable.length === 0) return '–'
  const { median, min, max, n } = spread(usable)
  return n === 1 ? number(median, digits) : `${number(median, digits)} [${number(min, digits)}..${number(max, digits)}]`
}

export function number(value: number, digits = 0): string {
  if (!Number.isFinite(value)) return '–'
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

export function percent(values: readonly number[]): string {
  return values.length === 0 ? '–' : `${number(spread(values).median * 100)} %`
}

/** Each round's figure by that of the same round. */
export function ratios(of: readonly number[], by: readonly number[]): readonly number[] {
  return of.flatMap((value, round) => {
    const other = by[round]
    return other === undefined || other === 0 ? [] : [value / other]
  })
}

type Failing = { readonly errors: number; readonly samples: readonly string[] }

/** What went wrong, in the words of who was asked: a figure with errors in it is worth little without them. */
export function errorNotes(named: Iterable<readonly [name: string, rounds: readonly Failing[]]>): readonly string[] {
  const told = new Set<string>()
  for (const [name, rounds] of named) {
    for (const { samples } of rounds) for (const sample of samples) told.add(`Error of ${name}: ${oneLine(sample)}`)
  }
  return [...told].slice(0, MAX_NOTES)
}

const MAX_NOTES = 12

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll('|', '/').trim()
}
