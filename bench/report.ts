/** Results as text, as JSON that later runs add to, and as the page docs/performance.md. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Section } from './context.ts'
import { ranged } from './format.ts'
import { machineLine, type Machine } from './machine.ts'

const FOLDER = join(import.meta.dirname, 'results')
const FILE = join(FOLDER, 'latest.json')
const PAGE = join(import.meta.dirname, '../docs/performance.md')

/** What one scenario gave, with where and when. */
export type Entry = {
  readonly scenario: string
  readonly machine: Machine
  readonly isQuick: boolean
  readonly remarks: readonly string[]
  readonly sections: readonly Section[]
}

/** What the disk did while the rounds ran. */
export function diskLine(syncs: readonly number[]): string {
  return `Disk before each round: ${ranged(syncs)} synced appends a second.`
}

export function asText({ title, columns, rows, notes }: Section): string {
  const lines = [columns, ...rows]
  const widths = columns.map((_, index) => Math.max(...lines.map((row) => (row[index] ?? '').length)))
  const shown = lines.map((row) =>
    row
      .map((cell, index) => (index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
  return ['', title, ...shown, ...notes.map((note) => `  ${note}`), ''].join('\n')
}

function asMarkdown({ title, columns, rows, notes }: Section): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const rule = columns.map((_, index) => (index === 0 ? '---' : '---:'))
  return [`#### ${title}`, '', line(columns), line(rule), ...rows.map(line), '', ...notes, ''].join('\n')
}

/** Keeps results by scenario: a run of one leaves those of the others, each with its own date and commit. */
export function keep(entries: readonly Entry[]): readonly Entry[] {
  const kept = readKept().filter(({ scenario }) => !entries.some((entry) => entry.scenario === scenario))
  const all = [...kept, ...entries]
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(FILE, `${JSON.stringify(all, null, 2)}\n`)
  return all
}

export function readKept(): readonly Entry[] {
  try {
    return JSON.parse(readFileSync(FILE, 'utf8')) as readonly Entry[]
  } catch {
    return []
  }
}

const BEGIN = '<!-- results: written by `npm run bench -- --write` -->'
const END = '<!-- end of results -->'

/** Puts results between the marks of the page. `order`: the names of the scenarios. */
export function writePage(entries: readonly Entry[], order: readonly string[]): void {
  const page = readFileSync(PAGE, 'utf8')
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (begin === -1 || end < begin) throw new Error(`${PAGE} has no place for results`)
  const sorted = entries.toSorted((a, b) => order.indexOf(a.scenario) - order.indexOf(b.scenario))
  writeFileSync(
    PAGE,
    `${page.slice(0, begin + BEGIN.length)}\n\n${sorted.map(entryText).join('\n')}\n${page.slice(end)}`,
  )
}

function entryText({ scenario, machine, isQuick, remarks, sections }: Entry): string {
  const day = machine.takenAt.slice(0, 10)
  const head = `### \`${scenario}\`: ${day}, commit ${machine.commit}${isQuick ? ' (quick)' : ''}`
  return [head, '', [`${machineLine(machine)}.`, ...remarks].join(' '), '', ...sections.map(asMarkdown)].join('\n')
}
