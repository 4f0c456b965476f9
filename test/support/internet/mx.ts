/**
 * A mail server that does what a test tells it, on an address of the loopback net of its own.
 *
 * What it says to each command is a reply, or a deed:
 *   'drop'     hangs up            'reset'    hangs up with a RST
 *   'stall'    says nothing more   'garbage'  sends what is no reply (no TLS, after 220 to STARTTLS)
 *   a reply may have several lines; with `raw:` before it, it goes out as it is, without a line end.
 */
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls'
import { Reader, type ReaderEvent } from '../../../src/smtp/reader.ts'
import { ending } from '../ending.ts'
import type { Pem } from './certificates.ts'

export type Say = string | readonly string[]
type Saying = Say | ((line: string, session: MxSession) => Say | undefined)

export type Behaviour = Partial<
  Record<
    'greeting' | 'ehlo' | 'helo' | 'starttls' | 'auth' | 'more' | 'mail' | 'rcpt' | 'data' | 'body' | 'dot' | 'rset',
    Saying
  >
> & {
  /** Keywords of EHLO; the usual ones unless given. STARTTLS is there by itself, if there is a certificate. */
  readonly extensions?: readonly string[]
  readonly certificate?: Pem
  readonly isTlsFromStart?: boolean
  readonly maxTlsVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'
}

export type MxSession = {
  isSecure: boolean
  helo: string
  sender: string
  recipients: string[]
  /** Transactions begun. */
  transactions: number
  readonly number: number
  /** Reads nothing more. */
  readonly pause: () => void
}

export type ReceivedMail = {
  readonly helo: string
  readonly sender: string
  readonly recipients: readonly string[]
  readonly data: string
  readonly isSecure: boolean
  readonly session: number
}

const USUAL = ['PIPELINING', 'SIZE 10485760', '8BITMIME', 'ENHANCEDSTATUSCODES']
const DEEDS = new Set(['drop', 'reset', 'stall', 'garbage'])

export class Mx {
  readonly mails: ReceivedMail[] = []
  /** Lines of clients as they came, over all sessions; `(closed)` when one went. */
  readonly heard: string[] = []
  sessions = 0
  behaviour: Behaviour
  readonly address: string
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #stalled = Promise.withResolvers<void>()

  private constructor(server: Server, address: string, behaviour: Behaviour) {
    this.#server = server
    this.address = address
    this.behaviour = behaviour
    server.on('connection', (socket) => this.#accept(socket))
  }

  static async start(address: string, port: number, behaviour: Behaviour = {}): Promise<Mx> {
    const server = createServer()
    const mx = new Mx(server, address, behaviour)
    server.listen(port, address)
    await once(server, 'listening')
    return mx
  }

  get port(): number {
    const at = this.#server.address()
    return typeof at === 'object' && at !== null ? at.port : 0
  }

  /** Connections that there are. */
  get open(): number {
    return this.#sockets.size
  }

  /** Settles when the server has come to a `stall`. */
  get stalled(): Promise<void> {
    return this.#stalled.promise
  }

  /** Says a little more on every connection. */
  drip(octets: string): void {
    for (const socket of this.#sockets) socket.write(octets, 'latin1')
  }

  readonly [Symbol.asyncDispose] = ending(async () => {
    this.hangUp()
    this.#server.close()
    await once(this.#server, 'close')
  })

  /** Ends the connections that there are. */
  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket)
    // Tests that move the clock must not wait for what is held back in real time.
    socket.setNoDelay(true)
    socket
      .on('error', () => {})
      .on('close', () => {
        this.#sockets.delete(socket)
        this.heard.push('(closed)')
      })
    const number = (this.sessions += 1)
    const pause = () => void socket.pause()
    const session = { isSecure: false, helo: '', sender: '', recipients: [], transactions: 0, number, pause }
    if (this.behaviour.isTlsFromStart === true) this.#secure(socket, session, true)
    else this.#talk(socket, session, true)
  }

  #talk(socket: Socket, session: MxSession, isNew: boolean): void {
    let reader = new Reader()
    let isSilent = false
    const say = (step: keyof Behaviour, line: string, usual: Say): string => {
      const wanted = this.behaviour[step] as Saying | undefined
      const said = (typeof wanted === 'function' ? wanted(line, session) : wanted) ?? usual
      if (!isSilent) this.#say(socket, said)
      const last = typeof said === 'string' ? said : (said.at(-1) ?? '')
      if (last === 'stall') isSilent = true
      return last.replace(/^raw:/, '')
    }
    if (isNew) say('greeting', '', '220 mx.test ESMTP')
    socket.on('data', (chunk: Buffer) => {
      reader.push(chunk)
      if (session.sender !== '' && reader.held + reader.unread > 0) this.#interrupt(socket, session)
      for (;;) {
        const event = isSilent ? undefined : reader.next()
        if (event === undefined) return
        const said = this.#hear(event, session, say)
        if (said === 'message') reader.startMessage(50_000_000)
        if (said !== 'tls') continue
        reader = new Reader()
        socket.removeAllListeners('data')
        return this.#secure(socket, session, false)
      }
    })
  }

  /** `body`: what is done while a message is coming in. */
  #interrupt(socket: Socket, session: MxSession): void {
    const { body } = this.behaviour
    if (body === undefined || !this.heard.at(-1)?.startsWith('DATA')) return
    this.#say(socket, typeof body === 'function' ? (body('', session) ?? '') : body)
  }

  #hear(
    event: ReaderEvent,
    session: MxSession,
    say: (step: keyof Behaviour, line: string, usual: Say) => string,
  ): 'message' | 'tls' | undefined {
    if (event.kind === 'message') {
      const { helo, sender, recipients, isSecure, number } = session
      const data = event.data.toString('latin1')
      const said = say('dot', data, '250 2.0.0 Ok: queued')
      if (said.startsWith('2')) this.mails.push({ helo, sender, recipients, data, isSecure, session: number })
      session.recipients = []
      return undefined
    }
    const line = event.kind === 'line' ? event.text : `(${event.kind}: ${event.fault})`
    this.heard.push(line)
    const verb = line.split(/[ :]/)[0]?.toUpperCase() ?? ''
    switch (verb) {
      case 'EHLO':
      case 'HELO':
        session.helo = line.slice(5)
        say(verb === 'EHLO' ? 'ehlo' : 'helo', line, verb === 'EHLO' ? this.#ehlo(session) : '250 mx.test')
        return undefined
      case 'STARTTLS':
        return say('starttls', line, '220 2.0.0 Go ahead').startsWith('220') ? 'tls' : undefined
      case 'AUTH':
        say('auth', line, '235 2.7.0 Welcome')
        return undefined
      case 'MAIL':
        session.sender = line
        session.recipients = []
        session.transactions += 1
        say('mail', line, '250 2.1.0 Ok')
        return undefined
      case 'RCPT':
        if (say('rcpt', line, '250 2.1.5 Ok').startsWith('2')) session.recipients.push(line.slice(9, -1))
        return undefined
      case 'DATA':
        return say('data', line, session.recipients.length > 0 ? '354 Go on' : '554 5.5.1 No valid recipients') ===
          '354 Go on'
          ? 'message'
          : undefined
      case 'RSET':
        session.recipients = []
        say('rset', line, '250 2.0.0 Ok')
        return undefined
      case 'QUIT':
        say('more', line, ['221 2.0.0 Bye', 'drop'])
        return undefined
      default:
        say('more', line, '500 5.5.2 What?')
        return undefined
    }
  }

  #ehlo(session: MxSession): string {
    const { certificate, isTlsFromStart, extensions = USUAL } = this.behaviour
    const all = ['mx.test', ...extensions]
    if (certificate !== undefined && !session.isSecure && isTlsFromStart !== true) all.push('STARTTLS')
    return all.map((each, index) => `250${index === all.length - 1 ? ' ' : '-'}${each}`).join('\n')
  }

  #say(socket: Socket, said: Say): void {
    for (const each of typeof said === 'string' ? [said] : said) {
      if (each === 'stall') this.#stalled.resolve()
      else if (each === 'reset') socket.resetAndDestroy()
      else if (each === 'garbage') socket.end('\0\x01\x02 no, not at all\r\n')
      else if (each === 'drop') socket.end()
      else if (each.startsWith('raw:')) socket.write(each.slice(4), 'latin1')
      else if (each !== '') socket.write(`${each.replaceAll('\n', '\r\n')}\r\n`, 'latin1')
      if (DEEDS.has(each)) return
    }
  }

  #secure(socket: Socket, session: MxSession, isNew: boolean): void {
    const { certificate, maxTlsVersion } = this.behaviour
    if (certificate === undefined) return void socket.end('this is no TLS\r\n')
    const secureContext = contextOf(certificate, maxTlsVersion)
    const secure = new TLSSocket(socket, { isServer: true, secureContext })
    this.#sockets.add(secure)
    secure.on('error', () => {}).on('close', () => this.#sockets.delete(secure))
    secure.once('secure', () => {
      session.isSecure = true
      this.#talk(secure, session, isNew)
    })
  }
}

/** One for all connections: a server that forgets its keys knows no session again. */
const contexts = new Map<string, SecureContext>()

function contextOf({ cert, key }: Pem, maxVersion: Behaviour['maxTlsVersion']): SecureContext {
  const known = contexts.get(`${maxVersion} ${cert}`)
  if (known !== undefined) return known
  const made = createSecureContext({
    cert,
    key,
    ...(maxVersion !== undefined && { maxVersion, minVersion: 'TLSv1' }),
    ...((maxVersion === 'TLSv1' || maxVersion === 'TLSv1.1') && { ciphers: 'DEFAULT@SECLEVEL=0' }),
  })
  contexts.set(`${maxVersion} ${cert}`, made)
  return made
}
