/**
 * What the server says: one SMTP session as a state machine from reader events to answers, without I/O.
 *
 *   greeted --EHLO/HELO--> (STARTTLS: a new dialogue, nothing is carried over) --AUTH--> authenticated
 *   --MAIL--> sender --RCPT--> recipients --DATA--> message --> authenticated; RSET, EHLO: back to authenticated
 *
 * EHLO is not insisted on, as in the server whose replies SES's resemble (docs/fidelity.md).
 */
import { SesError } from '../errors/fail.ts'
import type { Log } from '../platform/platform.ts'
import { parseCommand, type Path, parsePathArgument } from './command.ts'
import { isFatal, type ReaderEvent } from './reader.ts'
import * as replies from './replies.ts'
import { reply } from './replies.ts'
import { type SaslStep, startSasl } from './sasl.ts'

export type Envelope = {
  /** Empty for the null sender. */
  readonly mailFrom: string
  readonly recipients: readonly string[]
  readonly data: Buffer
  readonly heloName: string
}

/** Takes a message over and resolves to what stands behind `250 `. Throws SesError. */
export type Take = (envelope: Envelope) => Promise<string>

/** What stands behind the dialogue: the submission service or the inbound one. */
export type Backend = {
  /** Who may send is decided by AUTH. null: there is no AUTH, and `anonymous` takes the mail. */
  readonly login:
    | ((user: string, password: string) => Promise<Take | 'invalid' | 'not-subscribed' | 'temporary'>)
    | null
  readonly anonymous: Take | null
  /** null: recipients are judged together with the message. */
  readonly accepts: ((address: string) => Promise<boolean>) | null
}

export type DialogueOptions = {
  readonly hostname: string
  readonly backend: Backend
  readonly isSecure: boolean
  /** AUTH and mail only over TLS. */
  readonly requireTls: boolean
  readonly maxMessageBytes: number
  readonly maxErrors: number
  readonly log: Log
}

/** What to send, and what the octets that follow are: commands unless said otherwise. */
export type Answer = { readonly reply: string; readonly next?: 'challenge' | 'message' | 'tls' | 'close' }

/** SES's 50 are counted at the end of DATA; this bounds what is remembered till then (RFC 5321 §4.5.3.1.8: at least 100). */
const MAX_RECIPIENTS = 1000
/** Commands without an accepted message. */
const MAX_COMMANDS = 3000
const MAX_LOGINS = 3
const MAX_HELO_NAME = 255
/** A browser or an HTTP library that was talked into speaking to us: what it sends next is no mail. */
const WEB_VERBS = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT'])

type Handler = {
  readonly needsTls?: boolean
  readonly needsAuth?: boolean
  readonly run: (dialogue: Verbs, argument: string, unread: number) => Answer | Promise<Answer>
}

type Verbs = Pick<Dialogue, 'hello' | 'startTls' | 'auth' | 'mail' | 'rcpt' | 'data' | 'reset'>

const COMMANDS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['EHLO', { run: (dialogue, argument) => dialogue.hello('EHLO', argument) }],
  ['HELO', { run: (dialogue, argument) => dialogue.hello('HELO', argument) }],
  ['NOOP', { run: () => ({ reply: replies.OK }) }],
  ['QUIT', { run: () => ({ reply: replies.BYE, next: 'close' }) }],
  ['STARTTLS', { run: (dialogue, argument, unread) => dialogue.startTls(argument, unread) }],
  ['AUTH', { needsTls: true, run: (dialogue, argument) => dialogue.auth(argument) }],
  ['RSET', { needsTls: true, run: (dialogue) => dialogue.reset() }],
  ['MAIL', { needsTls: true, needsAuth: true, run: (dialogue, argument) => dialogue.mail(argument) }],
  ['RCPT', { needsTls: true, needsAuth: true, run: (dialogue, argument) => dialogue.rcpt(argument) }],
  ['DATA', { needsTls: true, needsAuth: true, run: (dialogue, argument) => dialogue.data(argument) }],
  ['HELP', { needsTls: true, needsAuth: true, run: () => ({ reply: replies.HELP }) }],
  ['VRFY', { needsTls: true, needsAuth: true, run: () => ({ reply: replies.VRFY_DISABLED }) }],
  ['EXPN', { needsTls: true, needsAuth: true, run: () => ({ reply: replies.EXPN_DISABLED }) }],
])

export class Dialogue {
  readonly #options: DialogueOptions
  #heloName = ''
  #take: Take | null
  #sasl: ((line: string) => SaslStep) | null = null
  #mailFrom: string | null = null
  #recipients: string[] = []
  #logins = 0
  #errors = 0
  #commands = 0

  constructor(options: DialogueOptions) {
    this.#options = options
    this.#take = options.backend.anonymous
  }

  /** Whether the peer still has to say who it is. */
  get isStranger(): boolean {
    return this.#take === null
  }

  get isInTransaction(): boolean {
    return this.#mailFrom !== null
  }

  /** The first line; `id` names the connection. */
  greeting(id: string): string {
    return reply(220, `${this.#options.hostname} ESMTP SimpleEmailService-${id}`)
  }

  /** Answers one event. `unread`: octets that the peer sent behind it already. Neither throws nor rejects. */
  handle(event: ReaderEvent, unread: number): Answer | Promise<Answer> {
    try {
      return this.#event(event, unread)
    } catch (error) {
      this.#options.log.error('smtp command failed', { error })
      return { reply: replies.TEMPORARY_FAILURE }
    }
  }

  #event(event: ReaderEvent, unread: number): Answer | Promise<Answer> {
    if (event.kind === 'line') return this.#line(event.text, unread)
    if (event.kind === 'message') return this.#message(event.data)
    if (event.kind === 'bad-message') this.reset()
    this.#sasl = null
    const said = event.kind === 'bad-line' ? replies.LINE_FAULTS : replies.MESSAGE_FAULTS
    return this.#refused(said[event.fault], isFatal(event))
  }

  hello(verb: 'EHLO' | 'HELO', argument: string): Answer {
    const name = argument.split(' ', 1)[0] ?? ''
    if (name === '') return { reply: reply(501, `Syntax: ${verb} hostname`) }
    this.reset()
    this.#heloName = name.slice(0, MAX_HELO_NAME).replaceAll(/[^!-~]/g, '?')
    const { hostname, isSecure, requireTls, backend } = this.#options
    if (verb === 'HELO') return { reply: reply(250, hostname) }
    const lines = [hostname, '8BITMIME', 'PIPELINING']
    if (!isSecure) lines.push('STARTTLS')
    if (backend.login !== null && (isSecure || !requireTls)) lines.push('AUTH PLAIN LOGIN')
    return { reply: reply(250, [...lines, 'Ok'].join('\n')) }
  }

  startTls(argument: string, unread: number): Answer {
    if (argument !== '') return { reply: replies.NO_PARAMETERS }
    if (this.#options.isSecure) return { reply: replies.TLS_ACTIVE }
    // RFC 3207 §4: the client waits for the reply. What came along in the clear may be somebody else's.
    if (unread > 0) return closing(replies.TLS_PIPELINED)
    return { reply: replies.START_TLS, next: 'tls' }
  }

  auth(argument: string): Answer | Promise<Answer> {
    if (this.#options.backend.login === null) return { reply: replies.AUTH_UNSUPPORTED }
    if (!this.isStranger) return { reply: replies.AUTH_DONE }
    const [mechanism = '', initial = null, ...rest] = argument.split(' ')
    if (mechanism === '' || rest.length > 0) return { reply: replies.AUTH_SYNTAX }
    const step = startSasl(mechanism.toUpperCase(), initial)
    return step === undefined ? { reply: replies.MECHANISM_UNSUPPORTED } : this.#saslStep(step)
  }

  mail(argument: string): Answer {
    if (this.#mailFrom !== null) return { reply: replies.NESTED_MAIL }
    const path = parsePathArgument(argument, 'FROM:')
    if (path?.mailbox === undefined) return { reply: replies.BAD_MAIL_FROM }
    // SES takes no bounces for submission.
    if (path.mailbox === null && this.#options.backend.login !== null) return { reply: replies.BAD_MAIL_FROM }
    const refusal = this.#mailParameters(path)
    if (refusal !== null) return { reply: refusal }
    this.#mailFrom = path.mailbox === null ? '' : path.mailbox.address
    return { reply: replies.OK }
  }

  rcpt(argument: string): Answer | Promise<Answer> {
    if (this.#mailFrom === null) return { reply: replies.NEED_MAIL }
    const path = parsePathArgument(argument, 'TO:')
    const { accepts, login } = this.#options.backend
    // RFC 5321 §4.5.1: the one address that needs no domain. SES's submission does not know it.
    const isPostmaster = login === null && /^TO:\s*<postmaster>(?:\s|$)/i.test(argument)
    const address = isPostmaster ? 'postmaster' : path?.mailbox?.address
    if (path === undefined || address === undefined) return { reply: replies.BAD_RCPT_TO }
    if (path.parameters === undefined) return { reply: replies.BAD_PARAMETER }
    if (path.parameters.size > 0) return { reply: replies.PARAMETER_UNKNOWN }
    if (this.#recipients.length >= MAX_RECIPIENTS) return { reply: replies.TOO_MANY_RECIPIENTS }
    if (accepts !== null) return this.#judge(address, accepts)
    this.#recipients.push(address)
    return { reply: replies.OK }
  }

  data(argument: string): Answer {
    if (argument !== '') return { reply: replies.NO_PARAMETERS }
    if (this.#mailFrom === null) return { reply: replies.NEED_MAIL }
    if (this.#recipients.length === 0) return { reply: replies.NEED_RCPT }
    return { reply: replies.START_DATA, next: 'message' }
  }

  reset(): Answer {
    this.#mailFrom = null
    this.#recipients = []
    return { reply: replies.OK }
  }

  #line(text: string, unread: number): Answer | Promise<Answer> {
    if (++this.#commands > MAX_COMMANDS) return { reply: replies.TOO_MANY_COMMANDS, next: 'close' }
    if (this.#sasl !== null) return this.#whenCounted(this.#saslStep(this.#sasl(text)))
    const { verb, argument } = parseCommand(text)
    const handler = COMMANDS.get(verb)
    if (handler === undefined) {
      if (WEB_VERBS.has(verb)) return closing(replies.UNKNOWN_COMMAND)
      return this.#counted({ reply: verb.length < 4 ? replies.BAD_SYNTAX : replies.UNKNOWN_COMMAND })
    }
    const { requireTls, isSecure } = this.#options
    if (handler.needsTls === true && requireTls && !isSecure) return this.#counted({ reply: replies.NEED_TLS })
    if (handler.needsAuth === true && this.isStranger) return this.#counted({ reply: replies.NEED_AUTH })
    return this.#whenCounted(handler.run(this, argument, unread))
  }

  #whenCounted(answer: Answer | Promise<Answer>): Answer | Promise<Answer> {
    return answer instanceof Promise ? answer.then((late) => this.#counted(late)) : this.#counted(answer)
  }

  /** Ends the session of a peer that was refused too often. */
  #counted(answer: Answer): Answer {
    if (!answer.reply.startsWith('5') || answer.next === 'close') return answer
    return ++this.#errors < this.#options.maxErrors
      ? answer
      : { reply: answer.reply + replies.TOO_MANY_ERRORS, next: 'close' }
  }

  #saslStep(step: SaslStep): Answer | Promise<Answer> {
    this.#sasl = step.kind === 'challenge' ? step.answer : null
    if (step.kind === 'challenge') return { reply: step.reply, next: 'challenge' }
    return step.kind === 'refused' ? { reply: step.reply } : this.#logIn(step.user, step.password)
  }

  async #logIn(user: string, password: string): Promise<Answer> {
    const refusal = await this.#tryLogin(user, password)
    if (refusal === null) return { reply: replies.AUTHENTICATED }
    return ++this.#logins < MAX_LOGINS
      ? { reply: refusal }
      : { reply: refusal + replies.TOO_MANY_ERRORS, next: 'close' }
  }

  async #tryLogin(user: string, password: string): Promise<string | null> {
    const { backend, log } = this.#options
    try {
      const result = (await backend.login?.(user, password)) ?? 'invalid'
      if (result === 'invalid') return replies.BAD_CREDENTIALS
      if (result === 'not-subscribed') return replies.NOT_SUBSCRIBED
      if (result === 'temporary') return replies.TEMPORARY_AUTH_FAILURE
      this.#take = result
      return null
    } catch (error) {
      log.error('smtp login failed', { error })
      return replies.TEMPORARY_AUTH_FAILURE
    }
  }

  /** RFC 1870 SIZE, RFC 6152 BODY, RFC 4954 §5 AUTH: their values are checked and not used. null: all well. */
  #mailParameters(path: Path): string | null {
    if (path.parameters === undefined) return replies.BAD_PARAMETER
    for (const [keyword, value] of path.parameters) {
      if (keyword !== 'SIZE' && keyword !== 'BODY' && keyword !== 'AUTH') return replies.PARAMETER_UNKNOWN
      if (value === null) return replies.BAD_PARAMETER
      if (keyword === 'BODY' && !['7BIT', '8BITMIME'].includes(value.toUpperCase())) return replies.VALUE_UNSUPPORTED
      if (keyword !== 'SIZE') continue
      if (!/^[0-9]{1,20}$/.test(value)) return replies.BAD_PARAMETER
      if (Number(value) > this.#options.maxMessageBytes) return replies.TOO_LONG
    }
    return null
  }

  async #judge(address: string, accepts: (address: string) => Promise<boolean>): Promise<Answer> {
    try {
      if (!(await accepts(address))) return { reply: replies.NO_SUCH_MAILBOX }
      this.#recipients.push(address)
      return { reply: replies.OK }
    } catch (error) {
      if (error instanceof SesError) return { reply: replies.errorReply(error) }
      this.#options.log.error('smtp recipient check failed', { error })
      return { reply: replies.TEMPORARY_FAILURE }
    }
  }

  async #message(data: Buffer): Promise<Answer> {
    const envelope = { mailFrom: this.#mailFrom ?? '', recipients: this.#recipients, data, heloName: this.#heloName }
    const take = this.#take
    try {
      // Only data() lets a message begin, and it asks for a sender, recipients and a login.
      if (take === null) throw new Error('message without a login')
      const text = await take(envelope)
      this.#commands = 0
      return { reply: reply(250, text) }
    } catch (error) {
      if (error instanceof SesError) return { reply: replies.errorReply(error) }
      this.#options.log.error('smtp message failed', { error })
      return { reply: replies.TEMPORARY_FAILURE }
    } finally {
      this.reset()
    }
  }

  #refused(said: string, isLast: boolean): Answer {
    return isLast ? closing(said) : this.#counted({ reply: said })
  }
}

function closing(said: string): Answer {
  return { reply: said + replies.CLOSING, next: 'close' }
}
