/**
 * Octets of an SMTP client in, command lines and messages out: a pull parser without I/O.
 *
 * Lines end with CRLF and with nothing else, a message with CRLF "." CRLF and with nothing else (RFC 5321 §2.3.8,
 * §4.1.1.4). A lone CR or LF is where two servers may disagree about the end of a message (SMTP smuggling), so after
 * one the reader reports the fault and never yields anything again. Which events come out depends on the octets alone,
 * not on how they were cut into chunks; reader.test.ts holds it to that.
 *
 *   line:    TEXT --CR--> CR --LF--> event        skip (over-long): as line, without keeping it
 *   message: START --"."--> DOT --CR--> DOT_CR --LF--> event
 *            START, DOT --other--> TEXT --CR--> CR --LF--> START
 */
import { Octets } from './octets.ts'

/** Why a line or message is refused. `endless`: twice the size limit and no end; `no-room`: see {@link Reader.refuse}. */
export type Fault = 'bare-cr' | 'bare-lf' | 'nul' | 'long-line' | 'too-large' | 'endless' | 'no-room'

export type ReaderEvent =
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'bad-line'; readonly fault: Fault }
  | { readonly kind: 'message'; readonly data: Buffer }
  | { readonly kind: 'bad-message'; readonly fault: Fault }

/** RFC 5321 §4.5.3.1.4 asks for 512 octets and lets extensions have more. With CRLF. */
const COMMAND_LINE = 2048
/** RFC 4954 §4: a base64 line of AUTH, with CRLF. */
export const AUTH_LINE = 12_288
/** RFC 5321 §4.5.3.1.6: 1000 with CRLF, a dot added for transparency not counted. */
const TEXT_LINE = 998
/** What an endless message may have beyond twice its limit: stuffed dots and the like. */
const SLACK = 65_536

/** Unread chunks beyond which they are joined: a chunk of one octet costs a hundred times that. */
const MAX_CHUNKS = 32

const CR = 13
const LF = 10
const DOT = 46

const AT_START = 0
const IN_TEXT = 1
const AFTER_CR = 2
const AFTER_DOT = 3
const AFTER_DOT_CR = 4

export class Reader {
  #chunks: Buffer[] = []
  #at = 0
  #unread = 0
  #mode: 'line' | 'skip' | 'message' | 'stopped' = 'line'

  readonly #line = new Octets()
  #afterCr = false
  /** The longest line taken, and the longest that this one may get: an AUTH command may grow. */
  #lineLimit = COMMAND_LINE
  #thisLineLimit = COMMAND_LINE

  readonly #body = new Octets()
  #state = AT_START
  #fault: Fault | null = null
  #maxBytes = 0
  #size = 0
  #scanned = 0
  /** Where the current text line began in the current chunk; negative when it began in an earlier one. */
  #lineStart = 0

  /** Octets pushed and not looked at yet. */
  get unread(): number {
    return this.#unread
  }

  /** Octets of an unfinished message. */
  get held(): number {
    return this.#body.length
  }

  /** Takes the next octets. They must not change afterwards. */
  push(chunk: Buffer): void {
    if (this.#mode === 'stopped' || chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#unread += chunk.length
    const [first, ...rest] = this.#chunks.length > MAX_CHUNKS ? this.#chunks : []
    if (first !== undefined) this.#chunks = [first, Buffer.concat(rest)]
  }

  /** The next complete line or message; undefined: more octets are needed. */
  next(): ReaderEvent | undefined {
    for (;;) {
      const chunk = this.#chunks[0]
      if (chunk === undefined) return undefined
      const from = this.#at
      const event = this.#mode === 'message' ? this.#message(chunk) : this.#command(chunk)
      this.#unread -= this.#at - from
      if (this.#at >= chunk.length) {
        this.#chunks.shift()
        this.#lineStart -= chunk.length
        this.#at = 0
      }
      if (event === undefined) continue
      if (isFatal(event)) this.stop()
      return event
    }
  }

  /** The octets that follow are a message of at most `maxBytes` after removal of transparency dots. */
  startMessage(maxBytes: number): void {
    if (this.#mode === 'stopped') return
    this.#mode = 'message'
    this.#state = AT_START
    this.#fault = null
    this.#maxBytes = maxBytes
    this.#size = 0
    this.#scanned = 0
    this.#lineStart = this.#at
  }

  /** Lines up to `octets` are taken from now on: {@link AUTH_LINE} while a SASL exchange runs, else undefined. */
  limitLines(octets = COMMAND_LINE): void {
    this.#lineLimit = octets
    this.#thisLineLimit = octets
  }

  /** Gives up the message that is coming in; it is read to its end and then reported as `no-room`. */
  refuse(): void {
    this.#fault ??= 'no-room'
    this.#body.clear()
  }

  /** Forgets everything and yields nothing more. */
  stop(): void {
    this.#mode = 'stopped'
    this.#chunks = []
    this.#at = 0
    this.#unread = 0
    this.#line.clear()
    this.#body.clear()
  }

  #command(chunk: Buffer): ReaderEvent | undefined {
    const start = this.#at
    const length = this.#line.length
    for (let i = start; i < chunk.length; i++) {
      const octet = chunk[i] ?? 0
      if (this.#afterCr) {
        this.#at = i + 1
        if (octet === LF) return this.#endLine(chunk, start, i + 1)
        if (this.#mode === 'line') return { kind: 'bad-line', fault: 'bare-cr' }
        this.#afterCr = octet === CR
      } else if (octet === CR) {
        this.#afterCr = true
      } else if (this.#mode === 'line' && (octet === LF || octet === 0)) {
        return { kind: 'bad-line', fault: octet === LF ? 'bare-lf' : 'nul' }
      }
      if (this.#mode === 'line' && length + i + 1 - start >= this.#thisLineLimit) {
        if (this.#thisLineLimit < AUTH_LINE && this.#isAuth(chunk, start)) {
          this.#thisLineLimit = AUTH_LINE
          continue
        }
        this.#mode = 'skip'
        this.#line.clear()
        this.#at = i + 1
        return { kind: 'bad-line', fault: 'long-line' }
      }
    }
    if (this.#mode === 'line') this.#line.append(chunk, start, chunk.length)
    this.#at = chunk.length
    return undefined
  }

  #endLine(chunk: Buffer, start: number, end: number): ReaderEvent | undefined {
    this.#afterCr = false
    this.#thisLineLimit = this.#lineLimit
    if (this.#mode === 'skip') {
      this.#mode = 'line'
      return undefined
    }
    if (this.#line.length === 0) return { kind: 'line', text: chunk.toString('utf8', start, end - 2) }
    this.#line.append(chunk, start, end)
    const line = this.#line.take()
    return { kind: 'line', text: line.toString('utf8', 0, line.length - 2) }
  }

  #isAuth(chunk: Buffer, start: number): boolean {
    const known = this.#line.length
    let word = ''
    for (let n = 0; n < 5; n++)
      word += String.fromCharCode(n < known ? this.#line.at(n) : (chunk[start + n - known] ?? 0))
    return word.toUpperCase() === 'AUTH '
  }

  #message(chunk: Buffer): ReaderEvent | undefined {
    const start = this.#at
    const end = Math.min(chunk.length, start + this.#bound() - this.#scanned)
    let keepFrom = start
    let state = this.#state
    for (let i = start; i < end; i++) {
      if (state === IN_TEXT) {
        i = skipText(chunk, i, end)
        if (i === end) break
      }
      const octet = chunk[i] ?? 0
      if (state === AFTER_DOT_CR && octet === LF) return this.#endMessage(i + 1)
      if (state === AT_START && octet === DOT) {
        this.#keep(chunk, keepFrom, i)
        keepFrom = i + 1
        this.#lineStart = i + 1
        state = AFTER_DOT
      } else if (state === AFTER_DOT && octet === CR) {
        keepFrom = i + 1
        state = AFTER_DOT_CR
      } else {
        state = this.#text(state, octet, i)
      }
    }
    this.#keep(chunk, keepFrom, end)
    this.#state = state
    this.#scanned += end - start
    this.#at = end
    return this.#scanned < this.#bound() ? undefined : { kind: 'bad-message', fault: 'endless' }
  }

  #bound(): number {
    return 2 * this.#maxBytes + SLACK
  }

  /** The state after `octet`, which neither begins nor ends a message's end; notes what is wrong with it. */
  #text(state: number, octet: number, i: number): number {
    if (octet === LF) {
      if (state !== AFTER_CR) {
        this.#fault ??= 'bare-lf'
        return IN_TEXT
      }
      if (i - 1 - this.#lineStart > TEXT_LINE) this.#fault ??= 'long-line'
      this.#lineStart = i + 1
      return AT_START
    }
    if (state === AFTER_CR || state === AFTER_DOT_CR) this.#fault ??= 'bare-cr'
    if (octet === 0) this.#fault ??= 'nul'
    return octet === CR ? AFTER_CR : IN_TEXT
  }

  #keep(chunk: Buffer, start: number, end: number): void {
    this.#size += end - start
    if (this.#fault === null && this.#size <= this.#maxBytes) this.#body.append(chunk, start, end)
    else this.#body.clear()
  }

  #endMessage(at: number): ReaderEvent {
    this.#at = at
    this.#mode = 'line'
    const fault = this.#fault ?? (this.#size > this.#maxBytes ? 'too-large' : null)
    return fault === null ? { kind: 'message', data: this.#body.take() } : { kind: 'bad-message', fault }
  }
}

/** The next place from `i` on that may not be plain text within a line: CR, LF, NUL and the controls around them. */
function skipText(chunk: Buffer, i: number, end: number): number {
  let at = i
  while (at < end && (chunk[at] ?? 0) > CR) at++
  return at
}

/** Whether the reader yields nothing after `event`: nobody can be sure any more what the sender takes for a line. */
export function isFatal(event: ReaderEvent): boolean {
  if (event.kind === 'bad-line') return event.fault !== 'long-line'
  return event.kind === 'bad-message' && ['bare-cr', 'bare-lf', 'endless'].includes(event.fault)
}
