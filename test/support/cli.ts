/** Commands in tests: inside this process, and as a process of their own. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { run } from '../../src/cli/run.ts'
import { ending } from './ending.ts'

export type Ran = { readonly code: number; readonly out: string; readonly err: string }
export type Given = { readonly env?: Readonly<Record<string, string>>; readonly stdin?: string }

export const LAUNCHER = join(import.meta.dirname, '../../bin/sesame')
export const ANY_PORTS = ['--http-port', '0', '--smtp-port', '0', '--smtps-port', '0', '--inbound-port', '0']

/** Runs a command in this process, with an environment of its own. */
export async function sesame(args: readonly string[], { env = {}, stdin = '' }: Given = {}): Promise<Ran> {
  let out = ''
  let err = ''
  const code = await run(args, {
    env,
    out: (written) => (out += written),
    err: (written) => (err += written),
    fetch: (...request) => fetch(...request),
    readFile: (path) => readFile(path),
    readStdin: async () => Buffer.from(stdin),
    onStopSignal: () => assert.fail('no server is to be started here'),
    onStray: () => {},
    exit: (status) => assert.fail(`the process was to end with ${status}`),
  })
  return { code, out, err }
}

export type Server = AsyncDisposable & {
  readonly ready: string
  readonly url: string
  readonly smtp: string
  readonly smtps: string
  readonly pid: number
  kill(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void
  /** Whether the process has ended. */
  isOver(): boolean
  /** Exit code and what went to stderr. */
  readonly ended: Promise<{ readonly code: number | null; readonly err: string }>
}

/** Starts `sesame serve` as a process, and waits for its ready line. `signal` kills it, ready or not. */
export async function serve(args: readonly string[], signal?: AbortSignal): Promise<Server> {
  const child = spawn(LAUNCHER, ['serve', ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: cleanEnvironment() })
  const kill = () => void child.kill('SIGKILL')
  signal?.addEventListener('abort', kill)
  // Whatever becomes of the test.
  process.once('exit', kill)
  const err = text(child.stderr)
  const ended = once(child, 'exit').then(async ([code]) => {
    process.off('exit', kill)
    return { code: code as number | null, err: await err }
  })
  const end = ending(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await ended
  })
  const lines = createInterface(child.stdout)
  const first = await Promise.race([once(lines, 'line').then(([line]) => line as string), ended])
  if (typeof first !== 'string') throw new Error(`it ended with ${first.code}: ${first.err}`)
  const address = (name: string) => new RegExp(` ${name}=(\\S+)`).exec(first)?.[1] ?? ''
  return {
    pid: child.pid!,
    ready: first,
    url: address('http'),
    smtp: address('smtp'),
    smtps: address('smtps'),
    kill: (name) => void child.kill(name),
    isOver: () => child.exitCode !== null || child.signalCode !== null,
    ended,
    [Symbol.asyncDispose]: end,
  }
}

/** Runs the launcher to its end. */
export async function launch(args: readonly string[], launcher: string = LAUNCHER): Promise<Ran> {
  const child = spawn(launcher, args, { stdio: ['ignore', 'pipe', 'pipe'], env: cleanEnvironment() })
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { code: code as number, out, err }
}

/** Without the pinned Node in the path, and without settings of ours. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return { PATH: '/usr/local/bin:/usr/bin:/bin', TMPDIR: tmpdir() }
}

/** An empty directory, gone after the test. */
export async function emptyDirectory(t: { after(task: () => Promise<void>): void }): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'sesame-cli-'))
  t.after(() => rm(path, { recursive: true, force: true }))
  return path
}
