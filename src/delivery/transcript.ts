/** The dialogue of an attempt, as an operator reads it: `+12 C: MAIL FROM:<a@example.com>`. */
import type { Reply } from '../message/outcome.ts'
import type { Clock } from '../platform/platform.ts'

const MAX_LINES = 500
const MAX_TEXT = 500
/** The first and last lines of a long reply say what it is about. */
const MAX_REPLY_LINES = 20

export class Transcript {
  readonly lines: string[] = []
  readonly #clock: Clock
  readonly #startedAt: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#startedAt = clock.now()
  }

  /** What we said, a line or more without line ends. Credentials and bodies must not come here. */
  client(line: string): void {
    this.#add(`C: ${line}`)
  }

  server(reply: Reply): void {
    const lines = reply.lines ?? []
    for (const line of lines.slice(0, MAX_REPLY_LINES)) this.#add(`S: ${line}`)
    if (lines.length > MAX_REPLY_LINES) this.#add(`S: (${lines.length - MAX_REPLY_LINES} more lines)`)
  }

  /** What happened beside the dialogue. */
  note(text: string): void {
    this.#add(`* ${text}`)
  }

  #add(text: string): void {
    if (this.lines.length > MAX_LINES) return
    const isLast = this.lines.length === MAX_LINES
    const shown = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text
    this.lines.push(isLast ? '* (the rest is left out)' : `+${this.#clock.now() - this.#startedAt} ${shown}`)
  }
}
