/** The configuration as commands read it, and what they derive from it. */
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { UsageError, type World } from './world.ts'

export type Settings = { readonly config: Config; readonly warnings: readonly string[] }

/** Throws a UsageError with everything that is wrong. */
export async function loadSettings(args: readonly string[], { env, readFile }: World): Promise<Settings> {
  const loaded = await loadConfig({ args, env, readFile: async (path) => (await readFile(path)).toString('utf8') })
  if (loaded.ok) return loaded
  throw new UsageError(loaded.errors.join('\nsesame: '))
}

/** The database's file, when it is one that has an owner. */
export function databaseFile({ database }: Config): string | undefined {
  const file = database.startsWith('sqlite:') ? database.slice('sqlite:'.length) : undefined
  return file === ':memory:' ? undefined : file
}

/** Where the admin token is kept that was made on the first start. */
export function tokenFile({ dataDir }: Config): string {
  return join(dataDir, 'admin-token')
}
