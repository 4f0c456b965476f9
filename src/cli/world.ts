/** What a command has of the process: main.ts hands it over, so that commands run in a test as they do in a shell. */

export type World = {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly fetch: typeof globalThis.fetch
  readonly readFile: (path: string) => Promise<Buffer>
  readonly readStdin: () => Promise<Buffer>
  /** Calls `listener` for each SIGINT and SIGTERM, from now on. */
  readonly onStopSignal: (listener: () => void) => void
  /** Calls `listener` for what nobody caught. */
  readonly onStray: (listener: (error: unknown, kind: 'exception' | 'rejection') => void) => void
  /** Ends the process at once. */
  readonly exit: (code: number) => never
}

/** What a script can tell from the exit code. */
export const EXIT = { ok: 0, failed: 1, usage: 2, refused: 3 } as const

/** The command line is wrong; the message says what to change. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The command could not be done, for a reason that the user can act on. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}

/** The server understood, and said no. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError'
}
