/** Programs that are not from npm: found, or missed with a message that says how to get them; run, and held to a time. */
import { spawn, spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { text } from 'node:stream/consumers'

export type Outcome = { readonly status: number | null; readonly stdout: string; readonly stderr: string }

export type RunOptions = {
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  readonly cwd?: string
}

const LONGEST_RUN_MS = 30_000

/** The path of `program`, or an error that says how to install it. */
export function need(program: string): string {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return needFile(program, ...folders.map((folder) => join(folder, program)))
}

/** The first of `paths` that can be executed, or an error that says how to install `program`. */
export function needFile(program: string, ...paths: readonly string[]): string {
  const found = paths.find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
  return found ?? missing(program)
}

/** A Python that has boto3. */
export function needBoto3(): string {
  return needPython('boto3')
}

/** A Python that has these modules: packages bring them to the system's, pip to the one that is first on the PATH. */
export function needPython(...modules: readonly string[]): string {
  const found = ['python3', '/usr/bin/python3'].find(
    (python) => spawnSync(python, ['-c', `import ${modules.join(', ')}`], { stdio: 'ignore' }).status === 0,
  )
  return found ?? missing(modules.join(' and '))
}

/** Runs a program to its end. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const child = spawn(program, args, {
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    timeout: LONGEST_RUN_MS,
    killSignal: 'SIGKILL',
  })
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
  // A program that has said what it had to say may end before it has read everything.
  child.stdin.on('error', () => {})
  child.stdin.end(options.input ?? '')
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  if (status === null) throw new Error(`${program} ${args.join(' ')} did not end in time:\n${stdout}${stderr}`)
  return { status, stdout, stderr }
}

function missing(program: string): never {
  throw new Error(`${program} is not installed. As root on Debian or Ubuntu, .ci/install-clients brings it.`)
}
