/** `sesame db copy|check`: the database itself, without a server. */
import type { Config } from '../config/config.ts'
import { realClock } from '../platform/clock.ts'
import { takeOwnership } from '../platform/ownership.ts'
import { realPlatform } from '../platform/real.ts'
import { copy, type Copied, type Progress } from '../store/copy/copy.ts'
import type { PostgresPlace } from '../store/copy/postgres.ts'
import { CopyRefused, type Source, type Target } from '../store/copy/side.ts'
import { schemaVersion } from '../store/migrations.ts'
import { readOptions, type Options } from './options.ts'
import { databaseFile, loadSettings } from './settings.ts'
import { CommandError, EXIT, UsageError, type World } from './world.ts'

export async function db(args: readonly string[], world: World): Promise<number> {
  const [action, ...rest] = args
  if (action === 'copy') return await explained(() => copyDatabase(rest, world))
  if (action === 'check') return await explained(() => checkDatabase(rest, world))
  throw new UsageError('`sesame db` is followed by copy or check.')
}

async function copyDatabase(args: readonly string[], world: World): Promise<number> {
  const flags = { from: 'value', to: 'value', json: 'switch' } as const
  const options = readOptions(args, { command: 'db copy', flags, settings: true })
  const from = await configOf(options, options.required('from'), world)
  const to = await configOf(options, options.required('to'), world)
  if (from.database === to.database) throw new UsageError('--from and --to are the same database.')
  const warn = (warning: string) => world.err(`sesame: ${warning}\n`)
  using owned = new DisposableStack()
  for (const config of [from, to]) owned.use(await own(config))
  const source = await openSource(from, world, warn)
  try {
    const target = await openTarget(to, world)
    const copied = await copy(source, target, progressOn(world))
    if (options.isSet('json')) world.out(`${JSON.stringify({ from: source.name, to: target.name, tables: copied })}\n`)
    else world.out(`${tableOf(copied)}${source.name} is copied to ${target.name}: every table has as many rows.\n`)
    return EXIT.ok
  } finally {
    await source.close()
  }
}

async function checkDatabase(args: readonly string[], world: World): Promise<number> {
  const options = readOptions(args, { command: 'db check', flags: { json: 'switch' }, settings: true })
  const { config } = await loadSettings(options.settings, world)
  const source = await openSource(config, world, () => {}, true)
  try {
    const tables: Copied[] = []
    for (const table of source.tables.keys()) tables.push({ table, rows: await source.count(table) })
    const faults = await source.check()
    const { name, version } = source
    if (options.isSet('json')) world.out(`${JSON.stringify({ database: name, schema: version, tables, faults })}\n`)
    else world.out(`${tableOf(tables)}${name}: schema ${version} of ${schemaVersion()}${soundness(faults)}\n`)
    return faults.length === 0 ? EXIT.ok : EXIT.failed
  } finally {
    await source.close()
  }
}

function soundness(faults: readonly string[]): string {
  return faults.length === 0 ? ', nothing wrong' : `\n${faults.map((fault) => `FAULT ${fault}`).join('\n')}`
}

async function explained(task: () => Promise<number>): Promise<number> {
  try {
    return await task()
  } catch (error) {
    throw error instanceof CopyRefused ? new CommandError(error.message) : error
  }
}

/** The settings with this database, which is read as `--database` is. */
async function configOf(options: Options, database: string, world: World): Promise<Config> {
  return (await loadSettings([...options.settings, `--database=${database}`], world)).config
}

/** A file has one owner: a server that uses it, or we. */
async function own(config: Config): Promise<Disposable | undefined> {
  const file = databaseFile(config)
  if (file === undefined) return undefined
  const owned = await takeOwnership(file)
  if ('takenBy' in owned) throw new CommandError(`${file} is in use by ${who(owned.takenBy?.pid)}. Stop it first.`)
  return { [Symbol.dispose]: () => owned.release() }
}

function who(pid: number | undefined): string {
  return pid === undefined ? 'another process' : `process ${pid}`
}

/** Each engine is loaded when it is used. */
async function openSource(
  config: Config,
  world: World,
  warn: (warning: string) => void,
  isLive = false,
): Promise<Source> {
  const file = databaseFile(config)
  if (file !== undefined) return (await import('../store/copy/sqlite.ts')).sqliteSource(file)
  const { postgresSource } = await import('../store/copy/postgres.ts')
  return await postgresSource(placeOf(config, world), { warn, isLive })
}

async function openTarget(config: Config, world: World): Promise<Target> {
  const file = databaseFile(config)
  if (file !== undefined) return (await import('../store/copy/sqlite.ts')).sqliteTarget(file)
  return await (await import('../store/copy/postgres.ts')).postgresTarget(placeOf(config, world))
}

function placeOf({ database, logLevel, dns }: Config, world: World): PostgresPlace {
  if (database.startsWith('sqlite:')) throw new UsageError('a database in memory cannot be copied.')
  const { log, wallClock: clock } = realPlatform({ dns, logLevel, writeLog: world.err })
  return { url: database, clock, log }
}

const PROGRESS_MS = 1_000

/** A line for each table, and one a second while it takes longer. */
function progressOn(world: World): (progress: Progress) => void {
  const clock = realClock()
  let toldAt = clock.now()
  return ({ table, copied, of }) => {
    if (copied < of && clock.now() - toldAt < PROGRESS_MS) return
    toldAt = clock.now()
    world.err(`sesame: ${table}: ${copied} of ${of}\n`)
  }
}

function tableOf(tables: readonly Copied[]): string {
  const width = Math.max(...tables.map(({ table }) => table.length))
  return tables.map(({ table, rows }) => `${table.padEnd(width)}  ${rows}\n`).join('')
}
