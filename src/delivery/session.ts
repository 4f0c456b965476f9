/**
 * One connection to an SMTP server: commands out, replies in, in order.
 *
 *   each command waits in line for its reply; several may be in line at once (PIPELINING, RFC 2920)
 *   the first in line has a time limit, which starts anew for the next
 *   ended: by the server, by a time limit, by nonsense, by 421; everybody in line hears of it, and who comes later
 */
import type { Remote, Reply, Step, TlsUse } from '../message/outcome.ts'
import type { Clock, TlsOptions, TlsState, Wire } from '../platform/platform.ts'
import { Deadline } from './deadline.ts'
import { NO_EXTENSIONS, type Extensions } from './extensions.ts'
import type { Timeouts } from './limits.ts'
import { ReplyReader } from './replies.ts'
import type { Transcript } from './transcript.ts'

/** A session that ended before its answer. `reply`: the last words of the server, if they were an explanation. */
export type Lost = {
  readonly lost: 'dropped' | 'timeout' | 'protocol'
  readonly step: Step
  readonly detail: string
  readonly reply: Reply | null
}
export type Answer = Reply | Lost

export function isLost(answer: Answer): answer is Lost {
  return 'lost' in answer
}

export type Command = {
  readonly step: Exclude<Step, 'lookup' | 'idle'>
  readonly line: string
  readonly shown?: string
}

type Waiter = { step: Command['step']; readonly resolve: (answer: Answer) => void }

/** Octets of a message handed over at once; the next follow when they have left. */
const BLOCK = 65_536

export type SessionOptions = {
  readonly host: string
  readonly port: number
  readonly clock: Clock
  readonly timeouts: Timeouts
  readonly transcript: Transcript
}

export class Session {
  extensions: Extensions = NO_EXTENSIONS
  /** The name that the server gave in its answer to EHLO; empty before that. */
  helo = ''
  /** Messages offered so far. */
  messages = 0
  /** The transaction before was not brought to an end. */
  needsReset = false
  transcript: Transcript
  /** No command of the attempt under way waits longer than that; milliseconds of the clock. */
  giveUpAt = Infinity
  /** Called when the session ends by itself. */
  onEnd: () => void = () => {}
  readonly openedAt: number
  readonly #wire: Wire
  readonly #options: SessionOptions
  readonly #deadline: Deadline
  readonly #waiting: Waiter[] = []
  #reader = new ReplyReader()
  #end: Lost | undefined
  #drained: (() => void) | undefined
  #remote: Remote

  constructor(wire: Wire, options: SessionOptions) {
    this.#wire = wire
    this.#options = options
    this.transcript = options.transcript
    this.openedAt = options.clock.now()
    this.#remote = {
      host: options.host,
      ip: wire.remoteAddress,
      port: options.port,
      egressIp: wire.localAddress,
      tls: null,
    }
    this.#deadline = new Deadline(options.clock, () => this.#over({ lost: 'timeout', detail: 'no answer in time' }))
    this.#listen()
  }

  get remote(): Remote {
    return this.#remote
  }

  get isOpen(): boolean {
    return this.#end === undefined
  }

  /** What the server says first. */
  async greeting(): Promise<Answer> {
    return this.#wait('greeting')
  }

  async ask(step: Command['step'], line: string, shown?: string): Promise<Answer> {
    const [answer] = this.askAll([{ step, line, ...(shown !== undefined && { shown }) }])
    return answer ?? this.#lostAt(step)
  }

  /** Sends commands in one go. */
  askAll(commands: readonly Command[]): Promise<Answer>[] {
    const answers = commands.map(({ step }) => this.#wait(step))
    if (this.isOpen) {
      for (const { line, shown } of commands) this.transcript.client(shown ?? line)
      this.#wire.send(commands.map(({ line }) => `${line}\r\n`).join(''))
    }
    return answers
  }

  /** Sends a message with its final dot; the answer to it. An answer before the dot ends the session. */
  async sendBody(pieces: readonly Buffer[], size: number): Promise<Answer> {
    this.transcript.client(`(${size} octets)`)
    const answer = this.#wait('body')
    const waiter = this.#waiting.at(-1)
    for (const block of blocksOf(pieces)) {
      if (!this.isOpen || waiter !== this.#waiting[0]) break
      this.#arm()
      if (!this.#wire.send(...block)) await this.#untilDrained()
    }
    if (waiter !== undefined && waiter === this.#waiting[0]) {
      waiter.step = 'dot'
      this.#arm()
    } else if (this.isOpen) {
      // Answered in the middle: the server no longer listens to what we are saying.
      this.end('the message was refused before its end')
    }
    return answer
  }

  /** Takes up TLS after a 220 to STARTTLS, or before the greeting. A text says why it failed; the session is over then. */
  async startTls(options: TlsOptions): Promise<TlsState | string> {
    // What came in the clear after the 220 would be taken for a reply in TLS (CVE-2011-0411).
    if (this.#reader.isMidReply) return this.#tlsFailed('more than a reply came before TLS')
    const { clock, timeouts } = this.#options
    let isLate = false
    const late = () => {
      isLate = true
      this.#wire.destroy()
    }
    const cancel = clock.after(Math.min(timeouts.starttls, Math.max(0, this.giveUpAt - clock.now())), late)
    const state = await this.#wire.startTls(options)
    cancel()
    if (typeof state === 'string') return this.#tlsFailed(isLate ? 'ETIMEDOUT' : state)
    this.#reader = new ReplyReader()
    this.extensions = NO_EXTENSIONS
    this.#listen()
    return state
  }

  /** Notes what TLS came to. */
  useTls(tls: TlsUse, isResumed: boolean): void {
    this.#remote = { ...this.#remote, tls }
    const verified = tls.verified === 'none' ? '' : `, verified by ${tls.verified}`
    this.transcript.note(`${tls.version} ${tls.cipher}${isResumed ? ', resumed' : ''}${verified}`)
  }

  /** Says QUIT, waits for nothing. */
  quit(): void {
    if (!this.isOpen) return
    this.#close({ lost: 'dropped', detail: 'we said QUIT' })
    this.#wire.finish('QUIT\r\n')
  }

  /** Hangs up. */
  end(why: string): void {
    if (!this.isOpen) return
    this.transcript.note(`we hang up: ${why}`)
    this.#close({ lost: 'dropped', detail: why })
    this.#wire.destroy()
  }

  #listen(): void {
    this.#wire.listen({
      data: (octets) => {
        const fault = this.#reader.push(octets, (reply) => this.#take(reply))
        if (fault !== undefined) this.#over({ lost: 'protocol', detail: `not an SMTP reply: ${fault}` })
      },
      drained: () => this.#drained?.(),
      closed: (code) => this.#over({ lost: 'dropped', detail: code ?? 'the server hung up' }),
    })
  }

  #take(reply: Reply): void {
    if (!this.isOpen) return
    this.transcript.server(reply)
    const waiter = this.#waiting.shift()
    this.#drained?.()
    waiter?.resolve(reply)
    // RFC 5321 §3.8: after 421 the server hangs up. A reply to nothing: we no longer know what answers what.
    if (reply.code === 421) this.#over({ lost: 'dropped', detail: 'the server closes the connection' }, reply)
    else if (waiter === undefined) this.#over({ lost: 'protocol', detail: 'a reply to nothing' }, reply)
    else this.#arm()
  }

  #wait(step: Command['step']): Promise<Answer> {
    if (!this.isOpen) return Promise.resolve(this.#lostAt(step))
    const { promise, resolve } = Promise.withResolvers<Answer>()
    this.#waiting.push({ step, resolve })
    if (this.#waiting.length === 1) this.#arm()
    return promise
  }

  /** Sets the time limit of the first in line. */
  #arm(): void {
    const [first] = this.#waiting
    const { clock, timeouts } = this.#options
    this.#deadline.set(first === undefined ? Infinity : Math.min(clock.now() + timeouts[first.step], this.giveUpAt))
  }

  async #untilDrained(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#drained = resolve
    await promise
    this.#drained = undefined
  }

  #tlsFailed(why: string): string {
    this.transcript.note(`TLS failed: ${why}`)
    this.#close({ lost: 'dropped', detail: why })
    this.#wire.destroy()
    return why
  }

  #over(how: Pick<Lost, 'lost' | 'detail'>, reply: Reply | null = null): void {
    if (!this.isOpen) return
    if (this.#waiting.length > 0) this.transcript.note(how.detail)
    this.#close(how, reply)
    this.#wire.destroy()
    this.onEnd()
  }

  #close(how: Pick<Lost, 'lost' | 'detail'>, reply: Reply | null = null): void {
    this.#end = { ...how, step: this.#waiting[0]?.step ?? 'idle', reply }
    this.#deadline.stop()
    this.#drained?.()
    for (const { step, resolve } of this.#waiting.splice(0)) resolve(this.#lostAt(step))
  }

  #lostAt(step: Step): Lost {
    return { ...(this.#end ?? { lost: 'dropped', detail: 'nothing was asked', reply: null }), step }
  }
}

/** Pieces in groups of about {@link BLOCK}, the largest cut. */
function* blocksOf(pieces: readonly Buffer[]): Generator<readonly Buffer[]> {
  let block: Buffer[] = []
  let size = 0
  for (const piece of pieces) {
    for (let from = 0; from < piece.length; from += BLOCK) {
      const part = piece.length <= BLOCK ? piece : piece.subarray(from, from + BLOCK)
      block.push(part)
      size += part.length
      if (size < BLOCK) continue
      yield block
      block = []
      size = 0
    }
  }
  if (block.length > 0) yield block
}
