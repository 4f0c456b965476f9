/**
 * From an address to a session that takes mail:
 *
 *   connect ─► (TLS) ─► greeting ─► EHLO ─► STARTTLS ─► TLS ─► EHLO ─► AUTH ─► ready
 *                                    └► HELO
 *
 * Opportunistic TLS is never stricter than plaintext: whatever goes wrong with it leads to a connection without it, and
 * is remembered for that host.
 */
import type { Failure } from '../message/outcome.ts'
import { authenticate } from './auth.ts'
import { localAddressFor } from './egress.ts'
import { ownFailure } from './failures.ts'
import { hello, problem } from './hello.ts'
import { Session } from './session.ts'
import { privacy, secure } from './starttls.ts'
import type { Attempt, OpenDeps, Target } from './target.ts'

/** Opens a session that is ready for MAIL, or says why there is none. */
export async function openSession(deps: OpenDeps, target: Target, attempt: Attempt): Promise<Session | Failure> {
  const isBroken = target.tls.level === 'may' && deps.tlsMemory.isBroken(target)
  if (isBroken) attempt.transcript.note('TLS was broken here lately: we go without it')
  const first = await open(deps, isBroken ? inTheClear(target) : target, attempt)
  if (first !== 'without-tls') return first
  attempt.transcript.note('once more without TLS')
  const second = await open(deps, inTheClear(target), attempt)
  // Only now is TLS known to be what was wrong.
  if (second instanceof Session) deps.tlsMemory.remember(target)
  return second === 'without-tls' ? unreachable(target, 'ECONNRESET') : second
}

function inTheClear(target: Target): Target {
  return { ...target, tls: { ...target.tls, level: 'never' } }
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
  const wire = await dial({ address, port, localAddress: localAddressFor(egress, address) }, giveUp.signal)
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
  const refusal = answer && problem(session, 'auth', answer)
  // A password that is wrong is for the operator to mend, and no reason to return everybody's mail.
  return refusal && { ...refusal, isPermanent: false }
}
