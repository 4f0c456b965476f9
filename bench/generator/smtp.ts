/**
 * SMTP load: bare sockets, pipelining as RFC 2920 allows it. The end of a message goes out together with MAIL, RCPT and
 * DATA of the next, so that a message on a kept connection costs one round trip.
 */
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { SENDER } from './requests.ts'
import type { SmtpSpec } from './spec.ts'
import type { Tally } from './tally.ts'

/** With the header 2 kB, as Postfix's smtp-source does with `-l 2048`. */
const MESSAGE_BYTES = 2048
const RECONNECT_MS = 20

/** Sends until the tally is over. */
export function driveSmtp(spec: SmtpSpec, tally: Tally): void {
  const message = messageOf(MESSAGE_BYTES)
  for (let index = 0; index < spec.connections; index++) {
    const target = spec.targets[index % spec.targets.length]
    if (target === undefined) throw new Error('no targets')
    new Session(spec, target, tally, message).open()
  }
}

function messageOf(bytes: number): string {
  const header = `From: ${SENDER}\r\nTo: reader@dest.example\r\nSubject: bench\r\nDate: Mon, 23 Nov 2026 12:00:00 +0000\r\nMessage-ID: <bench@bench.example>\r\n\r\n`
  const line = `${'x'.repeat(78)}\r\n`
  return `${header}${line.repeat(Math.ceil((bytes - header.length) / line.length))}.\r\n`
}

/** What the next reply answers, in the order of the conversation. */
type Awaited = 'greeting' | 'ehlo' | 'starttls' | 'auth' | 'mail' | 'rcpt' | 'data' | 'message' | 'quit'

const WANTED: Readonly<Record<Awaited, string>> = {
  greeting: '2',
  ehlo: '2',
  starttls: '2',
  auth: '2',
  mail: '2',
  rcpt: '2',
  data: '3',
  message: '2',
  quit: '2',
}

class Session {
  readonly #spec: SmtpSpec
  readonly #target: { readonly host: string; readonly port: number }
  readonly #tally: Tally
  readonly #message: string
  readonly #envelope: readonly [Awaited, string][] = [
    ['mail', `MAIL FROM:<${SENDER}>\r\n`],
    ['rcpt', 'RCPT TO:<reader@dest.example>\r\n'],
    ['data', 'DATA\r\n'],
  ]
  #socket: Socket | undefined
  #awaited: Awaited[] = []
  #received = ''
  #isSecure = false
  #pipelines = false
  /** The end of a message and the next envelope go out together. */
  #joins = false
  #sentAt = 0

  constructor(spec: SmtpSpec, target: { readonly host: string; readonly port: number }, tally: Tally, message: string) {
    this.#spec = spec
    this.#target = target
    this.#tally = tally
    this.#message = message
  }

  open(): void {
    const { tls } = this.#spec
    this.#isSecure = tls === 'implicit'
    this.#awaited = ['greeting']
    this.#received = ''
    // A message on a connection of its own takes as long as all of the conversation.
    this.#sentAt = performance.now()
    const plain = { ...this.#target, noDelay: true }
    this.#use(tls === 'implicit' ? connectTls({ ...plain, rejectUnauthorized: false }) : connect(plain))
  }

  #use(socket: Socket): void {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      if (socket === this.#socket) this.#data(chunk.toString('latin1'))
    })
    socket.on('error', (error) => this.#tally.failed(error.message))
    socket.on('close', () => {
      if (socket !== this.#socket || this.#tally.isOver) return
      const [awaited] = this.#awaited
      if (awaited === 'quit' || awaited === undefined) this.open()
      else {
        this.#tally.failed(`the connection was closed before the answer to ${awaited}`)
        setTimeout(() => this.open(), RECONNECT_MS)
      }
    })
  }

  #data(text: string): void {
    this.#received += text
    for (;;) {
      const end = endOfReply(this.#received)
      if (end === undefined) return
      const reply = this.#received.slice(0, end)
      this.#received = this.#received.slice(end)
      this.#reply(reply)
    }
  }

  #reply(reply: string): void {
    const awaited = this.#awaited.shift()
    if (this.#tally.isOver) return
    if (awaited === undefined || !reply.startsWith(WANTED[awaited])) {
      this.#tally.failed(`${awaited ?? 'unasked'}: ${reply.trim()}`)
      this.#awaited = ['quit']
      // Not at once: a server that refuses everybody is not to be asked thousands of times a second.
      setTimeout(() => this.#socket?.destroy(), RECONNECT_MS)
      return
    }
    this.#step(awaited, reply)
  }

  #step(awaited: Awaited, reply: string): void {
    const { tls, login, isNewEachTime } = this.#spec
    if (awaited === 'greeting') this.#say([['ehlo', 'EHLO bench.example\r\n']])
    else if (awaited === 'starttls') this.#secure()
    else if (awaited === 'ehlo') {
      this.#pipelines = /^250[- ]PIPELINING\r$/m.test(reply)
      this.#joins = this.#pipelines && !isNewEachTime && this.#spec.endsGroupWithMessage !== true
      if (tls === 'starttls' && !this.#isSecure) this.#say([['starttls', 'STARTTLS\r\n']])
      else if (login === undefined) this.#beginMessage('')
      else {
        const secret = Buffer.from(`\0${login.user}\0${login.password}`).toString('base64')
        this.#say([['auth', `AUTH PLAIN ${secret}\r\n`]])
      }
    } else if (awaited === 'auth') this.#beginMessage('')
    else if (awaited === 'message') {
      const now = performance.now()
      this.#tally.accepted(now - this.#sentAt)
      this.#sentAt = now
      if (isNewEachTime) this.#say([['quit', 'QUIT\r\n']])
      else if (!this.#joins) this.#beginMessage('')
    } else if (awaited === 'data') {
      if (!isNewEachTime) this.#sentAt = performance.now()
      this.#awaited.push('message')
      if (this.#joins) this.#beginMessage(this.#message)
      else this.#socket?.write(this.#message)
    } else if (!this.#pipelines) this.#say(this.#envelope.slice(awaited === 'mail' ? 1 : 2).slice(0, 1))
  }

  /** `before`: a message that ends just there. */
  #beginMessage(before: string): void {
    const commands = this.#pipelines ? this.#envelope : this.#envelope.slice(0, 1)
    this.#say(commands, before)
  }

  #say(commands: readonly (readonly [Awaited, string])[], before = ''): void {
    this.#awaited.push(...commands.map(([awaited]) => awaited))
    this.#socket?.write(before + commands.map(([, text]) => text).join(''))
  }

  #secure(): void {
    const socket = this.#socket
    if (socket === undefined) return
    socket.removeAllListeners('data')
    this.#isSecure = true
    const secured = connectTls({ socket, rejectUnauthorized: false })
    this.#use(secured)
    secured.once('secureConnect', () => this.#say([['ehlo', 'EHLO bench.example\r\n']]))
  }
}

/** Where the first reply ends (RFC 5321 §4.2.1: its last line has a space behind the code); undefined: not yet. */
function endOfReply(received: string): number | undefined {
  for (let start = 0; ;) {
    const end = received.indexOf('\r\n', start)
    if (end === -1) return undefined
    if (received[start + 3] !== '-') return end + 2
    start = end + 2
  }
}
