/** PostgreSQL from the npm package that the tests use, on a disk like everything else, with its defaults. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { postgres, type PostgresServer } from '../../test/support/postgres.ts'

export type Postgres = PostgresServer & {
  /** Its first process, whose children do the work. */
  readonly pid: number
}

let started: Promise<Postgres> | undefined

/** One server for the whole run, started when it is first asked for. Its own keeper ends it with this process. */
export function startPostgres(): Promise<Postgres> {
  started ??= start()
  return started
}

async function start(): Promise<Postgres> {
  const server = await postgres()
  // Counts statements; it can only be loaded at a start.
  await server.sql(`alter system set shared_preload_libraries = 'pg_stat_statements'`)
  await server.stop('fast')
  await server.start()
  await server.sql('create extension pg_stat_statements schema public')
  const [found] = await server.sql('show data_directory')
  const pid = Number.parseInt(readFileSync(join(String(found?.data_directory), 'postmaster.pid'), 'utf8'), 10)
  return { ...server, pid }
}
