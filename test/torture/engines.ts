/** The engines as the torture sees them: where the data are, and what else than the server can be killed. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { postgres, type PostgresServer } from '../support/postgres.ts'
import type { Chance } from './chance.ts'

export type Engine = {
  readonly name: 'sqlite' | 'postgres'
  /** For `--database` and for the store. */
  readonly database: string
  readonly dataDir: string
  /** Ways to hurt the database itself; each leaves it running in the end. Empty: there is none beside the server. */
  readonly blows: readonly Blow[]
  /** What is wrong with the files; undefined: nothing, or nobody can tell. */
  readonly damage: () => Promise<string | undefined>
  readonly close: () => Promise<void>
}

export type Blow = { readonly name: string; readonly strike: (between: () => Promise<void>) => Promise<void> }

export async function openEngine(name: Engine['name'], chance: Chance): Promise<Engine> {
  const dataDir = await mkdtemp(join(tmpdir(), 'sesame-torture-'))
  const close = () => rm(dataDir, { recursive: true, force: true })
  if (name === 'sqlite') {
    const file = join(dataDir, 'sesame.db')
    return { name, dataDir, database: `sqlite:${file}`, blows: [], damage: async () => damageOf(file), close }
  }
  const server = await postgres()
  return {
    name,
    dataDir,
    database: await server.schema(),
    blows: blowsAt(server, chance),
    damage: async () => undefined,
    close,
  }
}

/** https://www.sqlite.org/pragma.html#pragma_integrity_check */
function damageOf(file: string): string | undefined {
  const database = new DatabaseSync(file)
  try {
    const found = database
      .prepare('pragma integrity_check')
      .all()
      .map((row) => String(row['integrity_check']))
    return found.join() === 'ok' ? undefined : found.slice(0, 5).join('; ')
  } finally {
    database.close()
  }
}

/** `between`: what is done while the database is gone. */
function blowsAt(server: PostgresServer, chance: Chance): readonly Blow[] {
  return [
    {
      name: 'immediate stop',
      async strike(between) {
        await server.stop('immediate')
        await between()
        await server.start()
      },
    },
    {
      name: 'kill -9 of the first process',
      async strike(between) {
        await server.kill()
        await between()
        await startAgain(server)
      },
    },
    {
      name: 'kill -9 of one process',
      async strike(between) {
        const rows = await server.sql(`select pid from pg_stat_activity where pid <> pg_backend_pid()`)
        // It may have ended meanwhile.
        try {
          process.kill(Number(chance.pick(rows)['pid']), 'SIGKILL')
        } catch {}
        await between()
      },
    },
    {
      name: 'all connections ended',
      async strike(between) {
        await server.sql(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'sesame'`)
        await between()
      },
    },
    {
      name: 'pause',
      async strike(between) {
        await server.pause()
        await between()
        server.resume()
      },
    },
  ]
}

/** The processes of one that was killed end in their own time, and until then no other can start. */
async function startAgain(server: PostgresServer): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await server.start()
      return
    } catch (error) {
      if (attempt === 100) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}
