/** The log: one line of logfmt an entry, `2026-01-15T12:00:00.000Z level=info msg="…" key=value`, without secrets. */
import { inspect } from 'node:util'
import type { Clock, Log } from './platform.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 }
const LONGEST_VALUE = 4000
const SECRET = /secret|password|passphrase|authorization|credential|signature|privatekey|token$/i

/** Entries below `level` are dropped; the others are handed to `write`, each with its line end. `clock` is real time. */
export function createLog(level: LogLevel, clock: Clock, write: (line: string) => void): Log {
  const entry = (of: LogLevel) => (message: string, fields?: Readonly<Record<string, unknown>>) => {
    if (RANK[of] < RANK[level]) return
    const words = Object.entries(fields ?? {}).map(([key, value]) => ` ${nameOf(key)}=${word(key, value)}`)
    write(`${new Date(clock.now()).toISOString()} level=${of} msg=${quote(message)}${words.join('')}\n`)
  }
  return { debug: entry('debug'), info: entry('info'), warn: entry('warn'), error: entry('error') }
}

function nameOf(key: string): string {
  return key.replace(/[^A-Za-z0-9_.-]/g, '_')
}

function word(key: string, value: unknown): string {
  return SECRET.test(key) ? '[redacted]' : quote(textOf(value))
}

/** Control characters are escaped, so that what a client sent cannot start a line of its own. */
function quote(text: string): string {
  const cut = text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text
  return /^[\w.:/@+-]+$/.test(cut) ? cut : JSON.stringify(cut).replace(/[\u007f-\u009f\u2028\u2029]/g, escapeControl)
}

function escapeControl(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (value instanceof Error) return inspect(value, { depth: 2 })
  if (value === null || typeof value !== 'object') return String(value)
  return inspect(value, { depth: 3, breakLength: Number.POSITIVE_INFINITY, compact: true })
}
