/**
 * One connection: octets from the socket through reader and dialogue to replies, with its timers, TLS and bounds.
 *
 * Events are handled one after another; while an answer is awaited nothing else is. Replies gather and leave in one
 * write when the octets at hand are used up. Nothing is read from a peer that does not read its replies.
 */
import type { Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'
import type { Cancel, Clock, Log } from '../platform/platform.ts'
import type { Answer, Dialogue } from './dialogue.ts'
import { AUTH_LINE, Reader, type ReaderEvent } from './reader.ts'
import { CLOSING, IDLE } from './replies.ts'

/** Whom we talk to. */
export type Peer = { readonly ip: string; readonly tlsVersion: string | null }

/** Octets of unfinished and unanswered messages of all connections of a listener, and how many there may be. */
export type Budget = { used: number; readonly max: number }

export type ConnectionOptions = {
  readonly clock: Clock
  readonly log: Log
  /** `d-…` and the connection's own token, for the greeting. */
  readonly id: string
  readonly ip: string
  readonly isTlsFromStart: boolean
  readonly secureContext: () => SecureContext
  readonly dialogue: (peer: Peer) => Dialogue
  readonly maxMessageBytes: number
  readonly idleTimeoutMs: number
  readonly sessionTimeoutMs: number
  readonly budget: Budget
  readonly closed: () => void
}

/** What a peer may send before it has logged in: two AUTH lines at their longest, and much patience. */
const MAX_STRANGER_BYTES = 65_536
/** In which it must have logged in. */
const LOGIN_TIMEOUT_MS = 60_000
/** Unread octets at which the socket is paused, and replies at which they are written out. */
const MAX_UNREAD = 65_536
const MAX_UNSENT = 16_384
/** A message of this size is taken even if the budget is used up, so that large mail cannot shut out small. */
const SMALL_MESSAGE = 65_536
/** How long the peer has to take the last reply and hang up. */
const LINGER_MS = 5000

export class Connection {
  readonly #options: ConnectionOptions
  readonly #socket: Socket
  #stream: Socket
  #reader = new Reader()
  #dialogue: Dialogue
  #state: 'handshake' | 'open' | 'leaving' | 'closed' = 'open'
  /** An answer is awaited. */
  #isBusy = false
  /** The peer does not read its replies. */
  #isStalled = false
  #isPaused = false
  #hasEnded = false
  #isRetiring = false
  #unsent = ''
  #strangerBytes = 0
  #charged = 0
  #lastActivity: number
  #idleTimer: Cancel
  #sessionTimer: Cancel

  constructor(socket: Socket, options: ConnectionOptions) {
    const { clock, idleTimeoutMs, sessionTimeoutMs } = options
    this.#options = options
    this.#socket = socket
    this.#stream = socket
    this.#dialogue = options.dialogue({ ip: options.ip, tlsVersion: null })
    this.#lastActivity = clock.now()
    this.#idleTimer = clock.after(idleTimeoutMs, () => this.#checkIdle())
    const end = clock.now() + sessionTimeoutMs
    this.#sessionTimer = clock.after(Math.min(LOGIN_TIMEOUT_MS, sessionTimeoutMs), () => this.#checkLogin(end))
  }

  /** Greets, or waits for the handshake. */
  start(): void {
    this.#socket.on('close', () => this.destroy())
    this.#socket.on('error', () => this.destroy())
    if (this.#options.isTlsFromStart) this.#startTls()
    else this.#greet()
  }

  /** Ends the session as soon as no transaction is under way. */
  retire(): void {
    this.#isRetiring = true
    if (this.#state === 'handshake') this.destroy()
    else if (!this.#isBusy && !this.#dialogue.isInTransaction) this.#leave(CLOSING)
  }

  destroy(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#idleTimer()
    this.#sessionTimer()
    this.#reader.stop()
    this.#charge(0)
    this.#stream.destroy()
    this.#socket.destroy()
    this.#options.closed()
  }

  #greet(): void {
    this.#listen()
    this.#send(this.#dialogue.greeting(this.#options.id))
  }

  #listen(): void {
    this.#stream.on('data', (chunk: Buffer) => this.#received(chunk))
    this.#stream.on('drain', () => this.#drained())
    this.#stream.on('end', () => this.#ended())
  }

  #received(chunk: Buffer): void {
    if (this.#state !== 'open') return
    this.#lastActivity = this.#options.clock.now()
    if (this.#dialogue.isStranger && (this.#strangerBytes += chunk.length) > MAX_STRANGER_BYTES) {
      return this.#leave(CLOSING)
    }
    this.#reader.push(chunk)
    this.#work()
  }

  #drained(): void {
    this.#isStalled = false
    this.#lastActivity = this.#options.clock.now()
    this.#work()
  }

  #ended(): void {
    this.#hasEnded = true
    this.#work()
  }

  /** Handles what has come in, as far as that goes without waiting. */
  #work(): void {
    while (this.#state === 'open' && !this.#isBusy && !this.#isStalled) {
      const event = this.#reader.next()
      if (event === undefined) break
      const answer = this.#dialogue.handle(this.#ifRoom(event), this.#reader.unread)
      if (answer instanceof Promise) void this.#await(answer)
      else this.#apply(answer)
      if (this.#unsent.length > MAX_UNSENT) this.#flush()
    }
    if (this.#state !== 'open') return
    this.#flush()
    this.#holdBack()
    if (this.#isBusy || this.#isStalled) return
    if (this.#hasEnded) this.#leave('')
    else if (this.#isRetiring && !this.#dialogue.isInTransaction) this.#leave(CLOSING)
  }

  async #await(answer: Promise<Answer>): Promise<void> {
    this.#isBusy = true
    try {
      const late = await answer
      this.#isBusy = false
      this.#lastActivity = this.#options.clock.now()
      if (this.#state !== 'open') return
      this.#apply(late)
      this.#work()
    } catch (error) {
      this.#options.log.error('smtp session failed', { error })
      this.destroy()
    }
  }

  #apply(answer: Answer): void {
    this.#unsent += answer.reply
    this.#reader.limitLines(answer.next === 'challenge' ? AUTH_LINE : undefined)
    if (answer.next === 'message') this.#reader.startMessage(this.#options.maxMessageBytes)
    else if (answer.next === 'close') this.#leave('')
    else if (answer.next === 'tls') this.#startTls()
  }

  /** Keeps memory bounded: what is not worked on is not read, and large messages must fit the budget. */
  #holdBack(): void {
    const isFull = (this.#isBusy || this.#isStalled) && this.#reader.unread > MAX_UNREAD
    if (isFull !== this.#isPaused) {
      this.#isPaused = isFull
      if (isFull) this.#stream.pause()
      else this.#stream.resume()
    }
    if (!this.#isBusy && !this.#hasRoom(this.#reader.held)) this.#reader.refuse()
  }

  #ifRoom(event: ReaderEvent): ReaderEvent {
    if (event.kind !== 'message' || this.#hasRoom(event.data.length)) return event
    return { kind: 'bad-message', fault: 'no-room' }
  }

  /** Whether this connection may hold `octets` of a message; they are charged if so. */
  #hasRoom(octets: number): boolean {
    const { budget } = this.#options
    this.#charge(octets)
    if (octets <= SMALL_MESSAGE || budget.used <= budget.max) return true
    this.#charge(0)
    return false
  }

  #charge(octets: number): void {
    this.#options.budget.used += octets - this.#charged
    this.#charged = octets
  }

  #send(text: string): void {
    this.#unsent += text
    this.#flush()
  }

  #flush(): void {
    if (this.#unsent === '') return
    const text = this.#unsent
    this.#unsent = ''
    this.#isStalled = !this.#stream.write(text, 'latin1')
  }

  /** Says the last words, and hears nothing any more. */
  #leave(lastWords: string): void {
    if (this.#state !== 'open') return
    this.#state = 'leaving'
    this.#reader.stop()
    this.#charge(0)
    this.#idleTimer()
    this.#sessionTimer()
    this.#idleTimer = this.#options.clock.after(LINGER_MS, () => this.destroy())
    // Unread octets would turn the close into a reset, which may cost the peer our last reply.
    this.#stream.resume()
    this.#stream.end(this.#unsent + lastWords, 'latin1')
    if (this.#hasEnded) this.#stream.once('finish', () => this.destroy())
    else this.#stream.once('end', () => this.destroy())
  }

  /** Everything said in the clear is forgotten: reader, dialogue, and what is still in their buffers. */
  #startTls(): void {
    this.#flush()
    const plain = this.#stream
    plain.removeAllListeners('data').removeAllListeners('drain').removeAllListeners('end')
    this.#reader.stop()
    this.#reader = new Reader()
    this.#state = 'handshake'
    this.#isStalled = false
    const failed = (error: unknown) => {
      this.#options.log.debug('smtp tls failed', { ip: this.#options.ip, error })
      this.destroy()
    }
    let secure: TLSSocket
    try {
      secure = new TLSSocket(plain, { isServer: true, secureContext: this.#options.secureContext() })
    } catch (error) {
      // The peer hung up this very moment.
      return failed(error)
    }
    secure.disableRenegotiation()
    this.#stream = secure
    // Without a tls.Server around it, a TLSSocket tells of protocol errors only by the second of these.
    secure.on('error', failed).on('_tlsError', failed)
    secure.on('close', () => this.destroy())
    secure.on('secure', () => this.#secured(secure))
  }

  #secured(secure: TLSSocket): void {
    if (this.#state !== 'handshake') return
    this.#state = 'open'
    this.#lastActivity = this.#options.clock.now()
    this.#dialogue = this.#options.dialogue({ ip: this.#options.ip, tlsVersion: secure.getProtocol() })
    if (this.#options.isTlsFromStart) this.#greet()
    else this.#listen()
  }

  /** One timer for the whole session: octets only note their time, which is cheaper than a new timer for each. */
  #checkIdle(): void {
    const { clock, idleTimeoutMs } = this.#options
    const quietMs = clock.now() - this.#lastActivity
    if (this.#isBusy || quietMs < idleTimeoutMs) {
      const restMs = this.#isBusy ? idleTimeoutMs : idleTimeoutMs - quietMs
      this.#idleTimer = clock.after(restMs, () => this.#checkIdle())
    } else if (this.#state === 'handshake') this.destroy()
    else this.#leave(IDLE)
  }

  #checkLogin(end: number): void {
    if (this.#state === 'handshake') this.destroy()
    else if (this.#dialogue.isStranger && !this.#isBusy) this.#leave(IDLE)
    else this.#sessionTimer = this.#options.clock.after(end - this.#options.clock.now(), () => this.#endSession())
  }

  /** A session's time is up: the transaction under way may end, if that takes no longer than an idle peer may. */
  #endSession(): void {
    this.retire()
    if (this.#state !== 'open') return
    this.#sessionTimer = this.#options.clock.after(this.#options.idleTimeoutMs, () => this.#cutOff())
  }

  #cutOff(): void {
    if (this.#isBusy) this.#endSession()
    else this.#leave(CLOSING)
  }
}
