/**
 * Octets of an SMTP server in, replies out (RFC 5321 §4.2): a push parser without I/O.
 *
 * A line ends with LF, whether or not a CR comes before it: the replies of a server that forgets it are still told
 * apart, and what we send never depends on how they were cut. Bounds: a server that talks without end is none.
 */
import type { Reply } from '../message/outcome.ts'

/** RFC 5321 §4.5.3.1.5 has 512 octets, code and CRLF included; servers say more. */
const MAX_LINE = 4096
/** EHLO of the richest server has some twenty lines, the longest refusals seen have ten. */
const MAX_LINES = 100
const MAX_REPLY = 32_768

const LF = 10
const CR = 13

/** What was wrong with what a server said. */
export type ReplyFault = 'long-line' | 'long-reply' | 'not-a-reply'

export class ReplyReader {
  #rest: Buffer = Buffer.alloc(0)
  #lines: string[] = []
  #size = 0

  /** Whether octets are waiting that make no whole reply yet. */
  get isMidReply(): boolean {
    return this.#rest.length > 0 || this.#lines.length > 0
  }

  /** Takes the next octets; calls `take` with each whole reply. The result is what made it give up, if anything. */
  push(octets: Buffer, take: (reply: Reply) => void): ReplyFault | undefined {
    const chunk = this.#rest.length === 0 ? octets : Buffer.concat([this.#rest, octets])
    let start = 0
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      const textEnd = end > start && chunk[end - 1] === CR ? end - 1 : end
      if (textEnd - start > MAX_LINE) return 'long-line'
      const fault = this.#line(chunk.toString('utf8', start, textEnd), take)
      if (fault !== undefined) return fault
      start = end + 1
    }
    this.#rest = start === chunk.length ? EMPTY : chunk.subarray(start)
    return this.#rest.length > MAX_LINE ? 'long-line' : undefined
  }

  #line(line: string, take: (reply: Reply) => void): ReplyFault | undefined {
    if (!REPLY_LINE.test(line)) return 'not-a-reply'
    this.#size += line.length
    if (this.#size > MAX_REPLY || this.#lines.length >= MAX_LINES) return 'long-reply'
    this.#lines.push(line.replace(UNPRINTABLE, '?'))
    if (line[3] === '-') return undefined
    const lines = this.#lines
    this.#lines = []
    this.#size = 0
    take(replyOf(lines))
    return undefined
  }
}

const EMPTY = Buffer.alloc(0)

// Some servers put a tab, or leave out the space before nothing.
const REPLY_LINE = /^[2-5][0-9][0-9](?:[- \t]|$)/
// oxlint-disable-next-line no-control-regex
const UNPRINTABLE = /[\0-\x08\x0a-\x1f\x7f]/g
/** RFC 2034 §4: at the start of the text, its class that of the code. */
const ENHANCED = /^([245])\.([0-9]{1,3})\.([0-9]{1,3})(?:[ \t]+|$)/

/** The reply that these lines make. The code that counts is that of the last line (RFC 5321 §4.2.1 wants them equal). */
export function replyOf(lines: readonly string[]): Reply {
  const last = lines.at(-1) ?? ''
  const code = Number(last.slice(0, 3))
  let enhanced: string | null = null
  const texts = lines.map((line) => {
    const text = line.slice(4)
    const found = ENHANCED.exec(text)
    if (found === null || found[1] !== last[0]) return text
    enhanced ??= `${found[1]}.${Number(found[2])}.${Number(found[3])}`
    return text.slice(found[0].length)
  })
  return { code, enhanced, text: texts.join('\n').trim(), lines }
}

/** A reply of our own making, for what no server said. */
export function ownReply(code: number, enhanced: string, text: string): Reply {
  return { code, enhanced, text }
}
