/** `npm run bench`: measures what docs/performance.md tells. See README.md beside it. */
import type { Scenario } from './context.ts'
import { Lab } from './lab.ts'
import { describeMachine, machineLine, type Machine } from './machine.ts'
import { HELP, parseOptions, type Asked } from './options.ts'
import { asText, diskLine, keep, readKept, writePage, type Entry } from './report.ts'
import { SCENARIOS } from './scenarios/index.ts'

process.exitCode = await main(process.argv.slice(2))
// PostgreSQL's pools and pipes would keep the process for a while.
process.exit()

async function main(args: readonly string[]): Promise<number> {
  let asked: Asked
  let chosen: readonly Scenario[]
  try {
    asked = parseOptions(args)
    chosen = choose(asked)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`)
    return 2
  }
  if (asked.help || asked.list) {
    process.stdout.write(
      asked.help ? HELP : SCENARIOS.map(({ name, about }) => `${name.padEnd(10)} ${about}\n`).join(''),
    )
    return 0
  }
  const all = asked.kept ? readKept() : await measureAll(asked, chosen)
  if (asked.kept) for (const { sections } of all) process.stdout.write(sections.map(asText).join(''))
  if (asked.write)
    writePage(
      all,
      SCENARIOS.map(({ name }) => name),
    )
  return process.exitCode === undefined ? 0 : Number(process.exitCode)
}

function choose({ only, isQuick }: Asked): readonly Scenario[] {
  for (const name of only) {
    if (!SCENARIOS.some((scenario) => scenario.name === name)) throw new Error(`There is no scenario "${name}".`)
  }
  return SCENARIOS.filter(({ name, isQuick: fits }) => (only.length > 0 ? only.includes(name) : !isQuick || fits))
}

/** Runs scenarios one after another, each with what is left of the time; one that fails says so, and the rest go on. */
async function measureAll(asked: Asked, chosen: readonly Scenario[]): Promise<readonly Entry[]> {
  const stop = new AbortController()
  const ask = (): void => {
    if (stop.signal.aborted) process.exit(130)
    stop.abort(new Error('interrupted'))
    process.exitCode = 130
  }
  process.on('SIGINT', ask)
  process.on('SIGTERM', ask)
  const timer = setTimeout(() => stop.abort(new Error('the time is up')), asked.limitMs)
  const entries: Entry[] = []
  let kept = readKept()
  const machine = await inLab(stop.signal, undefined, describeMachine)
  process.stdout.write(`${machineLine(machine)}\n`)
  const end = performance.now() + asked.limitMs
  for (const [index, scenario] of chosen.entries()) {
    if (stop.signal.aborted) process.stdout.write(`\n${scenario.name}: not run, ${messageOf(stop.signal.reason)}\n`)
    else {
      const rest = chosen.slice(index).reduce((sum, { weight }) => sum + weight, 0)
      const now = performance.now()
      const roundsUntil = now + ((end - now) * scenario.weight) / rest
      const entry = await runOne({ asked, scenario, machine, signal: stop.signal, roundsUntil })
      if (entry !== undefined) entries.push(entry)
      // At once: what comes later may fail.
      kept = keep(entries)
    }
  }
  clearTimeout(timer)
  return kept
}

type Run = {
  readonly asked: Asked
  readonly scenario: Scenario
  readonly machine: Machine
  readonly signal: AbortSignal
  readonly roundsUntil: number
}

async function runOne({ asked, scenario, machine, signal, roundsUntil }: Run): Promise<Entry | undefined> {
  const startedAt = performance.now()
  const syncs: number[] = []
  const remarks: string[] = []
  const say = (text: string): void => {
    process.stderr.write(`[${scenario.name} ${Math.round((performance.now() - startedAt) / 1000)} s] ${text}\n`)
  }
  try {
    const sections = await inLab(signal, asked.profile, (lab) => {
      return scenario.run({ lab, options: asked, say, syncs, remarks, roundsUntil })
    })
    process.stdout.write(sections.map(asText).join(''))
    if (syncs.length > 0) remarks.push(diskLine(syncs))
    process.stdout.write(
      remarks
        .map(
          (remark) => `  ${remark}
`,
        )
        .join(''),
    )
    const taken = { ...machine, takenAt: new Date().toISOString() }
    return { scenario: scenario.name, machine: taken, isQuick: asked.isQuick, remarks, sections }
  } catch (error) {
    const reason = signal.aborted ? messageOf(signal.reason) : error instanceof Error ? error.stack : undefined
    process.stdout.write(`\n${scenario.name}: failed: ${reason ?? messageOf(error)}\n`)
    process.exitCode ??= 1
    return undefined
  }
}

/** Whatever happens in it, nothing of it is left. */
async function inLab<T>(signal: AbortSignal, profile: string | undefined, use: (lab: Lab) => Promise<T>): Promise<T> {
  const lab = new Lab(signal, profile)
  try {
    return await use(lab)
  } finally {
    await lab.close()
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
