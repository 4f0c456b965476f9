/** `npm run torture`: see CONTRIBUTING.md. Exit code 1: something that was accepted is lost, twice there, or stuck. */
import { parseArgs } from 'node:util'
import { tortureDelivering } from './delivering.ts'
import { torture } from './torture.ts'

const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '100' },
    engine: { type: 'string', default: 'both' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    quiet: { type: 'boolean', default: false },
    delivering: { type: 'boolean', default: false },
  },
})
const tell = (line: string) => (values.quiet ? undefined : console.log(`  ${line}`))
if (values.delivering) await delivering()
else await accepting()

/** 10,000 jobs and 20 kills in the middle of them. */
async function delivering(): Promise<void> {
  const { lost, duplicates, open, left, jobs } = await tortureDelivering({ calls: 200, kills: 20, tell })
  console.log(`${jobs} jobs, ${duplicates} duplicates at ${open} connections that were open at a kill, ${lost} lost`)
  if (lost > 0 || left > 0 || duplicates > open) process.exitCode = 1
}

async function accepting(): Promise<void> {
  const times = Number(values.times)
  const seed = Number(values.seed)
  const engines = values.engine === 'both' ? (['sqlite', 'postgres'] as const) : [values.engine]

  if (!Number.isInteger(times) || times < 1 || !Number.isInteger(seed))
    throw new Error('--times and --seed: whole numbers')
  for (const engine of engines) {
    if (engine !== 'sqlite' && engine !== 'postgres') throw new Error('--engine: sqlite, postgres or both')
    console.log(`${engine}: ${times} rounds, --seed ${seed}`)
    const { blows, faults, ...counts } = await torture({
      engine,
      times,
      seed,
      tell,
      verifyEvery: 10,
      largest: 6_000_000,
    })
    console.log(`${engine}: ${JSON.stringify(counts)}`)
    for (const [blow, count] of Object.entries(blows)) console.log(`  ${count} × ${blow}`)
    for (const fault of faults) console.log(`  FAULT ${fault}`)
    console.log(faults.length === 0 ? `${engine}: nothing lost, nothing twice, nothing stuck` : `${engine}: FAILED`)
    if (faults.length > 0) process.exitCode = 1
  }
}
