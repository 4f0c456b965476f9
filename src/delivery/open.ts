/**
 * From an address to a session that takes mail:
 *
 *   connect ─► (TLS) ─► greeting ─► EHLO ─► STARTTLS ─► TLS ─► EHLO ─► AUTH ─► ready
 *                                    └► HELO
 *
 * Opportunistic TLS is never stricter than plaintext: whatever goes wrong with it leads to a connection without it, and
 * is remembered for that host.
 */
import type { Failure, Reply, Step } from '../message/outcome.ts'
import type { Clock, Dial, TlsState } from '../platform/platform.ts'
import { authenticate, type Credentials } from './auth.ts'
import { extensionsOf, NO_EXTENSIONS } from './extensions.ts'
import { lostFailure, ownFailure, refused } from './failures.ts'
import type { Timeouts } from './limits.ts'
import { isLost, Session } from './session.ts'
import type { TlsMemory } from './tls-memory.ts'
import type { Transcript } from './transcript.ts'

/**
 * What is asked of TLS. `never`; `may`: if it works; `must`: encrypted, whoever it is; `verified`: and `judge` finds
 * nothing wrong with the certificate (a text says what).
 */
export type TlsDemand =
  | { readonly level: 'never' | 'may' | 'must' }
  | {
      readonly level: 'verified'
      readonly by: 'mta-sts' | 'dane' | 'pkix'
      readonly judge: (state: TlsState) => string | null
    }

/** A server to talk to. */
export type Target = {
  /** Its name, also expected in its certificate. */
  readonly host: string
  readonly address: string
  readonly port: number
  readonly tls: TlsDemand
  /** TLS from the start, without STARTTLS (RFC 8314 §3). */
  readonly isTlsFromStart: boolean
  readonly credentials: Credentials | undefined
}

/** Who we are on a connection. `address`: ours to call from; any if undefined. */
export type Egress = { readonly address: string | undefined; readonly name: string }

export type OpenDeps = {
  readonly dial: Dial
  readonly clock: Clock
  readonly timeouts: Timeouts
  readonly tlsMemory: TlsMemory
  readonly minTlsVersion: 'TLSv1' | 'TLSv1.2' | 'TLSv1.3'
  /** Authorities trusted instead of the usual ones, PEM. */
  readonly ca: readonly string[] | undefined
}

/** Tells of handshakes, for TLS reports (RFC 8460): null is success. */
export type TlsWitness = (
  target: Target,
  failure: 'starttls-not-supported' | 'certificate' | 'handshake' | null,
  detail: string,
) => void

export type Attempt = {
  readonly egress: Egress
  readonly transcript: Transcript
  readonly giveUpAt: number
  readonly witness: TlsWitness
  /** Adds to the time spent so. */
  readonly spent: (what: 'connectMs' | 'handshakeMs', ms: number) => void
}

/** Opens a session that is ready for MAIL, or says why there is none. */
export async function openSession(deps: OpenDeps, target: Target, attempt: Attempt): Promise<Session | Failure> {
  const isBroken = target.tls.level === 'may' && deps.tlsMemory.isBroken(target)
  if (isBroken) attempt.transcript.note('TLS was broken here lately: we go without it')
  const first = await open(deps, isBroken ? { ...target, tls: { level: 'never' } } : target, attempt)
  if (first !== 'without-tls') return first
  attempt.transcript.note('once more without TLS')
  const second = await open(deps, { ...target, tls: { level: 'never' } }, attempt)
  // Only now is TLS known to be what was wrong.
  if (second instanceof Session) deps.tlsMemory.remember(target)
  return second === 'without-tls' ? unreachable(target, 'ECONNRESET') : second
}

type Opened = Session | Failure | 'without-tls'

async function open(deps: OpenDeps, target: Target, attempt: Attempt): Promise<Opened> {
  const connected = await connect(deps, target, attempt)
  if (!(connected instanceof Session)) return connected
  const { clock } = deps
  const startedAt = clock.now()
  const result = await shakeHands(deps, connected, target, attempt)
  attempt.spent('handshakeMs', clock.now() - startedAt)
  if (result === undefined) return connected
  if (connected.isOpen) connected.quit()
  return result
}

async function connect(deps: OpenDeps, target: Target, attempt: Attempt): Promise<Session | Failure> {
  const { clock, timeouts, dial } = deps
  const { host, address, port } = target
  const { egress, transcript, giveUpAt } = attempt
  const startedAt = clock.now()
  const giveUp = new AbortController()
  const ms = Math.max(0, Math.min(timeouts.connect, giveUpAt - startedAt))
  const cancel = clock.after(ms, () => giveUp.abort())
  const wire = await dial({ address, port, localAddress: egress.address }, giveUp.signal)
  cancel()
  attempt.spent('connectMs', clock.now() - startedAt)
  if (typeof wire === 'string') {
    transcript.note(`${host} [${address}]:${port}: ${wire}`)
    return unreachable(target, wire)
  }
  transcript.note(`connected to ${host} [${address}]:${port}`)
  const session = new Session(wire, { host, port, clock, timeouts, transcript })
  session.giveUpAt = giveUpAt
  return session
}

function unreachable({ host, address, port }: Target, code: string): Failure {
  return ownFailure({
    step: 'connect',
    reason: code === 'ETIMEDOUT' ? 'timeout' : 'connect',
    // An address of ours that is not there is nobody else's fault.
    whose: code === 'EADDRNOTAVAIL' || code === 'EMFILE' ? 'ours' : 'destination',
    code: 421,
    enhanced: '4.4.1',
    text: 'Failed to establish connection',
    remote: { host, ip: address, port, egressIp: '', tls: null },
  })
}

/** Brings a fresh connection to where it takes mail; the result is what prevents it. */
async function shakeHands(
  deps: OpenDeps,
  session: Session,
  target: Target,
  attempt: Attempt,
): Promise<Failure | 'without-tls' | undefined> {
  if (target.isTlsFromStart) {
    const failed = await secure(deps, session, target, attempt)
    if (failed !== undefined) return failed
  }
  const greeting = await session.greeting()
  const unwelcome = problem(session, 'greeting', greeting)
  if (unwelcome !== undefined) return unwelcome
  const failed = (await hello(session, attempt)) ?? (await privacy(deps, session, target, attempt))
  if (failed !== undefined || target.credentials === undefined) return failed
  const answer = await authenticate(session, target.credentials)
  return answer === undefined ? undefined : problem(session, 'auth', answer)
}

/** The failure in an answer that should have been 2yz. */
function problem(session: Session, step: Step, answer: Awaited<ReturnType<Session['greeting']>>): Failure | undefined {
  if (isLost(answer)) return lostFailure(answer, session.remote)
  return isGood(answer) ? undefined : refused(step, answer, session.remote)
}

function isGood(reply: Reply): boolean {
  return reply.code >= 200 && reply.code < 300
}

/** EHLO, and HELO for who does not know it (RFC 5321 §3.2). */
async function hello(session: Session, { egress }: Attempt): Promise<Failure | undefined> {
  const answer = await session.ask('ehlo', `EHLO ${egress.name}`)
  if (!isLost(answer) && isGood(answer)) {
    session.extensions = extensionsOf(answer)
    return undefined
  }
  if (isLost(answer) || answer.code < 500 || !session.isOpen) return problem(session, 'ehlo', answer)
  session.extensions = NO_EXTENSIONS
  return problem(session, 'ehlo', await session.ask('ehlo', `HELO ${egress.name}`))
}

/** STARTTLS as far as it is wanted and offered, with the EHLO after it. */
async function privacy(
  deps: OpenDeps,
  session: Session,
  target: Target,
  attempt: Attempt,
): Promise<Failure | 'without-tls' | undefined> {
  const { level } = target.tls
  if (level === 'never' || session.remote.tls !== null) return undefined
  if (!session.extensions.startTls) {
    attempt.witness(target, 'starttls-not-supported', '')
    // SES, TlsPolicy Require: a host without TLS does not get the message. What a policy of theirs asks for may pass.
    return level === 'may' ? undefined : notPrivate(session, level === 'must' ? 554 : 454, 'TLS is not offered')
  }
  const answer = await session.ask('starttls', 'STARTTLS')
  if (isLost(answer) || answer.code !== 220) {
    attempt.witness(target, 'starttls-not-supported', isLost(answer) ? answer.detail : String(answer.code))
    if (level !== 'may')
      return isLost(answer) ? lostFailure(answer, session.remote) : notPrivate(session, 454, answer.text)
    return session.isOpen ? undefined : 'without-tls'
  }
  const failed = await secure(deps, session, target, attempt)
  if (failed !== undefined) return level === 'may' ? 'without-tls' : failed
  const rejected = await hello(session, attempt)
  // With TLS 1.3 a server that does not like our handshake says so only now.
  return rejected !== undefined && level === 'may' && !session.isOpen ? 'without-tls' : rejected
}

async function secure(
  deps: OpenDeps,
  session: Session,
  target: Target,
  attempt: Attempt,
): Promise<Failure | undefined> {
  const { tls, host } = target
  // A session taken up again shows no certificate, so only those that need none are.
  const key = tls.level === 'verified' ? undefined : target
  const known = key && deps.tlsMemory.session(key)
  const state = await session.startTls({
    serverName: host,
    minVersion: deps.minTlsVersion,
    ...(known !== undefined && { session: known }),
    ...(key !== undefined && { onSession: (fresh) => deps.tlsMemory.keep(key, fresh) }),
    ...(deps.ca !== undefined && { ca: deps.ca }),
  })
  if (typeof state === 'string') {
    attempt.witness(target, 'handshake', state)
    if (key !== undefined) deps.tlsMemory.forget(key)
    return notPrivate(session, 454, `TLS handshake failed: ${state}`)
  }
  const wrong = tls.level === 'verified' ? tls.judge(state) : null
  if (wrong !== null) {
    attempt.witness(target, 'certificate', wrong)
    session.end(`certificate: ${wrong}`)
    return notPrivate(session, 454, `Certificate not trusted: ${wrong}`)
  }
  attempt.witness(target, null, '')
  session.useTls({ version: state.version, cipher: state.cipher, verified: tls.level === 'verified' ? tls.by : 'none' })
  return undefined
}

function notPrivate(session: Session, code: 454 | 554, text: string): Failure {
  const [step, reason, whose] = ['starttls', 'tls', 'destination'] as const
  // RFC 7505's neighbour in the registry: X.7.10 encryption needed.
  return ownFailure({
    step,
    reason,
    whose,
    code,
    enhanced: `${code === 554 ? 5 : 4}.7.10`,
    text,
    remote: session.remote,
  })
}
