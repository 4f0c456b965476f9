/** One attempt: a message for the recipients at one destination, over the hosts that take mail for it, until all are settled. */
import { isAscii } from 'node:buffer'
import type { AttemptedRecipient, Failure, NetworkOutcome, Timings, TlsResult } from '../message/outcome.ts'
import type { Clock } from '../platform/platform.ts'
import type { Keeping } from './connections.ts'
import { mostTelling, ownFailure } from './failures.ts'
import type { DeliveryLimits } from './limits.ts'
import { openSession } from './open.ts'
import { Session } from './session.ts'
import { stuff } from './stuffing.ts'
import type { Egress, OpenDeps, Target } from './target.ts'
import { handOver, type Letter, type Mailbox } from './transaction.ts'
import { Transcript } from './transcript.ts'

export type AttemptDeps = OpenDeps & { readonly connections: Keeping; readonly limits: DeliveryLimits }

/** A message for one destination. */
export type Mail = {
  /** Of the envelope; empty for the null return path. */
  readonly sender: string
  /** Of one destination: one domain, or any at a smarthost. */
  readonly recipients: readonly Mailbox[]
  /** As it goes out: signed, CRLF line ends. */
  readonly message: Buffer
  readonly egress: Egress
}

/** A host to try. `isBest`: none is preferred to it, so that a session with it is worth keeping. */
export type Candidate = { readonly target: Target; readonly isBest: boolean }

/** The way to a destination. Without end if it does not end by itself: the limits end it. */
export type Route = {
  readonly transport: NetworkOutcome['transport']
  readonly site: string
  /** Sessions to the same hosts, for the same purpose, share it. */
  readonly lane: string
  readonly candidates: () => AsyncIterable<Candidate | Failure>
}

/** State of one attempt. */
export type Progress = {
  readonly transcript: Transcript
  readonly startedAt: number
  readonly timings: { -readonly [K in keyof Timings]: Timings[K] }
  readonly tlsResults: TlsResult[]
}

export function begin(clock: Clock): Progress {
  const timings = { lookupMs: 0, connectMs: 0, handshakeMs: 0, transferMs: 0 }
  return { transcript: new Transcript(clock), startedAt: clock.now(), timings, tlsResults: [] }
}

/** Delivers `mail` along `route`. Whatever the other side does is part of the outcome, never an exception. */
export async function attempt(
  deps: AttemptDeps,
  mail: Mail,
  route: Route,
  progress: Progress,
): Promise<NetworkOutcome> {
  const run = new Run(deps, mail, route, progress)
  await run.overKeptSessions()
  await run.overCandidates()
  return run.outcome()
}

class Run {
  readonly #deps: AttemptDeps
  readonly #mail: Mail
  readonly #route: Route
  readonly #progress: Progress
  readonly #letter: Letter
  readonly #giveUpAt: number
  readonly #settled: AttemptedRecipient[] = []
  readonly #failures: Failure[] = []
  readonly #connections = { opened: 0, failed: 0, reused: 0 }
  #left: readonly Mailbox[]
  /** Sessions that came as far as MAIL. */
  #sessions = 0

  constructor(deps: AttemptDeps, mail: Mail, route: Route, progress: Progress) {
    this.#deps = deps
    this.#mail = mail
    this.#route = route
    this.#progress = progress
    this.#giveUpAt = progress.startedAt + deps.timeouts.attempt
    this.#letter = { sender: mail.sender, body: stuff(mail.message), isEightBit: !isAscii(mail.message) }
    this.#left = mail.recipients.filter((each) => this.#isSpeakable(each))
  }

  async overKeptSessions(): Promise<void> {
    const { connections } = this.#deps
    while (this.#left.length > 0) {
      const session = connections.take(this.#route.lane)
      if (session === undefined) return
      const { host, ip, port } = session.remote
      this.#progress.transcript.note(`kept connection to ${host} [${ip}]:${port}, ${session.messages} messages before`)
      this.#connections.reused += 1
      const failure = await this.#use(session, true)
      // It may have ended while nobody looked: no failure of the host, and the next is asked.
      if (failure === undefined || (failure.step === 'mail' && !session.isOpen)) continue
      this.#failures.push(failure)
      this.#sessions += 1
      return
    }
  }

  async overCandidates(): Promise<void> {
    const { limits, clock } = this.#deps
    let addresses = 0
    const isOver = () =>
      this.#left.length === 0 ||
      addresses >= limits.addresses ||
      this.#sessions >= limits.sessions ||
      clock.now() >= this.#giveUpAt
    if (isOver()) return
    for await (const candidate of this.#route.candidates()) {
      if ('target' in candidate) {
        addresses += 1
        const failure = await this.#call(candidate)
        if (failure !== undefined) this.#failures.push(failure)
      } else {
        this.#progress.transcript.note(candidate.reply.text)
        this.#failures.push(candidate)
      }
      if (isOver()) return
    }
  }

  outcome(): NetworkOutcome {
    const failure = mostTelling(this.#failures) ?? NO_CANDIDATE
    const kind = failure.isPermanent ? 'bounced' : 'deferred'
    const { startedAt, transcript, timings, tlsResults } = this.#progress
    return {
      transport: this.#route.transport,
      recipients: [...this.#settled, ...this.#left.map(({ position }) => ({ position, kind, failure }) as const)],
      reportingMta: this.#mail.egress.name,
      transcript: transcript.lines,
      startedAt,
      timings,
      site: this.#route.site,
      connections: this.#connections,
      tlsResults,
    }
  }

  async #call({ target, isBest }: Candidate): Promise<Failure | undefined> {
    const { transcript, timings, tlsResults } = this.#progress
    const opened = await openSession(this.#deps, target, {
      egress: this.#mail.egress,
      transcript,
      giveUpAt: this.#giveUpAt,
      report: (result) => void tlsResults.push(result),
      spent: (what, ms) => void (timings[what] += ms),
    })
    if (!(opened instanceof Session)) {
      this.#connections.failed += 1
      return opened
    }
    this.#connections.opened += 1
    this.#sessions += 1
    return this.#use(opened, isBest)
  }

  async #use(session: Session, isKept: boolean): Promise<Failure | undefined> {
    const { clock, limits, connections } = this.#deps
    const startedAt = clock.now()
    session.transcript = this.#progress.transcript
    session.giveUpAt = this.#giveUpAt
    session.messages += 1
    const handed = await handOver(session, this.#letter, this.#left, limits.recipients)
    this.#progress.timings.transferMs += clock.now() - startedAt
    this.#settled.push(...handed.settled)
    this.#left = handed.left
    if (isKept && handed.failure === undefined) connections.put(this.#route.lane, session)
    else session.quit()
    return handed.failure
  }

  /** Addresses go into command lines: nothing may end one, and what is not ASCII needs SMTPUTF8, which we do not speak. */
  #isSpeakable({ position, mailbox }: Mailbox): boolean {
    const isSender = UNSPEAKABLE.test(this.#mail.sender)
    if (!isSender && !UNSPEAKABLE.test(mailbox)) return true
    const text = isSender ? 'Sender address cannot be spoken in SMTP' : 'Recipient address cannot be spoken in SMTP'
    const [step, reason, whose] = ['rcpt', 'unsuitable', isSender ? 'ours' : 'recipient'] as const
    const failure = ownFailure({ step, reason, whose, code: 553, enhanced: isSender ? '5.1.7' : '5.1.3', text })
    this.#settled.push({ position, kind: 'bounced', failure })
    return false
  }
}

const UNSPEAKABLE = /[^\x20-\x7e]/

const NO_CANDIDATE = ownFailure({
  step: 'connect',
  reason: 'timeout',
  whose: 'destination',
  code: 421,
  enhanced: '4.4.2',
  text: 'Connection timed out',
})
