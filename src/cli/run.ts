/** The commands, and how a command ends: its exit code, and what is said when it fails. */
import { closest } from '../config/closest.ts'
import { CommandError, EXIT, RefusedError, UsageError, type World } from './world.ts'

/** Runs one command, and gives the exit code. */
export type Command = (args: readonly string[], world: World) => Promise<number>

// Loaded when called: the server starts without the other commands, and they without the server.
const COMMANDS: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ['serve', async () => (await import('./serve.ts')).serve],
  ['account', async () => (await import('./account.ts')).account],
  ['key', async () => (await import('./key.ts')).key],
  ['identity', async () => (await import('./identity.ts')).identity],
  ['dns', async () => (await import('./dns.ts')).dns],
  ['dkim', async () => (await import('./dkim.ts')).dkim],
  ['doctor', async () => (await import('./doctor.ts')).doctor],
  ['db', async () => (await import('./db.ts')).db],
  ['queue', async () => (await import('./queue.ts')).queue],
  ['tls-report', async () => (await import('./tls-report.ts')).tlsReport],
  ['send', async () => (await import('./send.ts')).send],
])

/** `args`: the words after the program's name. Without a command, `serve` is meant. */
export async function run(args: readonly string[], world: World): Promise<number> {
  try {
    return await runCommand(args, world)
  } catch (error) {
    if (error instanceof UsageError) {
      world.err(`sesame: ${error.message}\n\`sesame help\` tells what there is.\n`)
      return EXIT.usage
    }
    if (error instanceof RefusedError) {
      world.err(`sesame: refused: ${error.message}\n`)
      return EXIT.refused
    }
    if (!(error instanceof CommandError)) throw error
    world.err(`sesame: ${error.message}\n`)
    return EXIT.failed
  }
}

async function runCommand(args: readonly string[], world: World): Promise<number> {
  const [first = '', ...rest] = args
  if (first === '--version' || first === '-v' || first === 'version') return await printVersion(world)
  if (first === '--help' || first === '-h') return await printHelp(undefined, world)
  if (first === 'help') return await printHelp(rest[0], world)
  const isFlagOnly = first === '' || first.startsWith('-')
  const name = isFlagOnly ? 'serve' : first
  const words = isFlagOnly ? args : rest
  if (!COMMANDS.has(name)) throw noCommand(name)
  if (words.includes('--help') || words.includes('-h')) return await printHelp(name, world)
  const command = await COMMANDS.get(name)?.()
  return command ? await command(words, world) : EXIT.usage
}

async function printHelp(name: string | undefined, world: World): Promise<number> {
  const { help, HELP } = await import('./help.ts')
  if (name !== undefined && !Object.hasOwn(HELP, name)) throw noCommand(name)
  world.out(help(name))
  return EXIT.ok
}

function noCommand(name: string): UsageError {
  const near = closest(name, [...COMMANDS.keys()])
  return new UsageError(`there is no command ${JSON.stringify(name)}.${near ? ` Did you mean ${near}?` : ''}`)
}

async function printVersion({ out, readFile }: World): Promise<number> {
  const manifest: unknown = JSON.parse(
    (await readFile(new URL('../../package.json', import.meta.url).pathname)).toString(),
  )
  const hasVersion = typeof manifest === 'object' && manifest !== null && 'version' in manifest
  out(`sesame ${hasVersion ? String(manifest.version) : 'unknown'}\n`)
  return EXIT.ok
}
