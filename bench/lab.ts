/** Where a benchmark runs: the processes it starts and the folders it makes, all gone at its end. */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Keep } from './keeper.ts'
import { startedAt } from './proc.ts'

export type Ran = { readonly code: number | null; readonly out: string; readonly err: string }

export class Lab {
  /** Aborts when the time is up, or the user has had enough. */
  readonly signal: AbortSignal
  /** Where CPU profiles of Sesame go; undefined: nowhere. */
  readonly profile: string | undefined
  readonly #keeper: ChildProcess

  constructor(signal: AbortSignal, profile?: string) {
    this.signal = signal
    this.profile = profile
    this.#keeper = spawn(process.execPath, [join(import.meta.dirname, 'keeper.ts')], {
      stdio: ['pipe', 'ignore', 'inherit'],
      detached: true,
    })
    // It ends when we do, and so says nothing new then.
    this.#keeper.stdin?.on('error', () => {})
  }

  /** An empty folder. It stands where temporary files do: on a machine where that is memory, set TMPDIR to a disk. */
  folder(name: string, parent = tmpdir()): string {
    const folder = mkdtempSync(join(parent, `sesame-bench-${name}-`))
    this.#keep({ folder })
    return folder
  }

  /** Starts a program that runs until it is stopped. */
  start(program: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    this.signal.throwIfAborted()
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
    const { pid } = child
    if (pid !== undefined) {
      this.adopt(pid)
      child.once('exit', () => this.#keep({ ended: pid }))
    }
    return child
  }

  /** A process that one of ours started, and that is to end with us. */
  adopt(pid: number): void {
    this.#keep({ child: pid, startedAt: startedAt(pid) ?? 0 })
  }

  /** Runs a program to its end; kills it after `limitMs`. */
  async run(program: string, args: readonly string[], limitMs: number, options: SpawnOptions = {}): Promise<Ran> {
    const child = this.start(program, args, options)
    const kill = (): void => void child.kill('SIGKILL')
    const timer = setTimeout(kill, limitMs)
    this.signal.addEventListener('abort', kill)
    try {
      const ended = once(child, 'close')
      const output = [child.stdout, child.stderr].map((stream) => (stream === null ? '' : text(stream)))
      const [[code], out = '', err = ''] = await Promise.all([ended, ...output])
      this.signal.throwIfAborted()
      return { code: code as number | null, out, err }
    } finally {
      clearTimeout(timer)
      this.signal.removeEventListener('abort', kill)
    }
  }

  /** Asks a program to end, and waits until it has. `worker`: the process to ask, if it only waits for one. */
  async stop(child: ChildProcess, worker = child.pid): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null || worker === undefined) return
    const ended = once(child, 'exit')
    process.kill(worker, 'SIGTERM')
    const timer = setTimeout(() => {
      process.kill(worker, 'SIGKILL')
      child.kill('SIGKILL')
    }, STOP_MS)
    await ended
    clearTimeout(timer)
    this.#keep({ ended: worker })
  }

  async sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      this.signal.addEventListener('abort', done)
    })
    this.signal.throwIfAborted()
  }

  /** Polls until `probe` gives something; throws when that takes longer than `limitMs`. */
  async until<T>(what: string, limitMs: number, probe: () => Promise<T | undefined>): Promise<T> {
    const end = performance.now() + limitMs
    for (;;) {
      const found = await probe()
      if (found !== undefined) return found
      if (performance.now() > end) throw new Error(`${what}: not within ${limitMs} ms`)
      await this.sleep(50)
    }
  }

  /** Ends everything that was started and removes all folders. */
  async close(): Promise<void> {
    if (this.#keeper.exitCode !== null) return
    const ended = once(this.#keeper, 'exit')
    this.#keeper.stdin?.end()
    await ended
  }

  #keep(keep: Keep): void {
    this.#keeper.stdin?.write(`${JSON.stringify(keep)}\n`)
  }
}

const STOP_MS = 10_000

/** Where a program is; undefined when it is not installed. Postfix keeps its own in sbin, which is not on every PATH. */
export async function find(lab: Lab, program: string): Promise<string | undefined> {
  const env = { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` }
  const { code, out } = await lab.run('/bin/sh', ['-c', 'command -v "$1"', 'sh', program], 5_000, { env })
  return code === 0 ? out.trim() : undefined
}
