/** TLS on a session: STARTTLS, the handshake, and the certificate as far as anybody asks. */
import { replyLine, type Failure, type TlsResult } from '../message/outcome.ts'
import { lostFailure, ownFailure } from './failures.ts'
import { hello } from './hello.ts'
import { isLost, type Session } from './session.ts'
import type { TlsOptions, TlsState } from '../platform/platform.ts'
import type { Attempt, OpenDeps, Target, TlsDemand } from './target.ts'

/** STARTTLS as far as it is wanted and offered, with the EHLO after it. */
export async function privacy(
  deps: OpenDeps,
  session: Session,
  target: Target,
  attempt: Attempt,
): Promise<Failure | 'without-tls' | undefined> {
  const { level } = target.tls
  if (level === 'never' || session.remote.tls !== null) return undefined
  if (!session.extensions.startTls) {
    report(attempt, session, target, 'starttls-not-supported', 'STARTTLS is not offered')
    // SES, TlsPolicy Require: a host without TLS does not get the message. What a policy of theirs asks for may pass.
    const code = level === 'must' && target.tls.policy.type !== 'tlsa' ? 554 : 454
    return level === 'may' ? undefined : notPrivate(session, code, 'TLS is not offered')
  }
  const answer = await session.ask('starttls', 'STARTTLS')
  if (isLost(answer) || answer.code !== 220) {
    report(attempt, session, target, 'starttls-not-supported', isLost(answer) ? answer.detail : replyLine(answer))
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

export async function secure(
  deps: OpenDeps,
  session: Session,
  target: Target,
  attempt: Attempt,
): Promise<Failure | undefined> {
  const { tls, host } = target
  // A session taken up again shows no certificate, so only those that need none are.
  const key = tls.judge === undefined ? target : undefined
  const known = key && deps.tlsMemory.session(key)
  const state = await session.startTls({
    serverName: host,
    ...strengthOf(deps, tls),
    ...(known !== undefined && { session: known }),
    ...(key !== undefined && { onSession: (fresh) => deps.tlsMemory.keep(key, fresh) }),
    ...(deps.ca !== undefined && { ca: deps.ca }),
  })
  if (typeof state === 'string') {
    report(attempt, session, target, 'validation-failure', state)
    if (key !== undefined) deps.tlsMemory.forget(key)
    return notPrivate(session, 454, `TLS handshake failed: ${state}`)
  }
  const wrong = tls.judge === undefined ? null : (tooOld(deps, state) ?? tls.judge.judge(state))
  report(attempt, session, target, wrong === null ? null : certificateFailure(wrong), wrong ?? '')
  if (wrong !== null && tls.level === 'verified') {
    session.end(`certificate: ${wrong}`)
    return notPrivate(session, 454, `Certificate not trusted: ${wrong}`)
  }
  const verified = wrong === null && tls.judge !== undefined ? tls.judge.by : 'none'
  session.useTls({ version: state.version, cipher: state.cipher, verified }, state.isResumed)
  return undefined
}

/** Bad TLS is better than none, where none would do; where it has to be TLS, it has to be good. */
function strengthOf({ minTlsVersions }: OpenDeps, { level }: TlsDemand): Pick<TlsOptions, 'minVersion' | 'isLenient'> {
  if (level !== 'may') return { minVersion: minTlsVersions.demanded }
  const minVersion = minTlsVersions.opportunistic
  return { minVersion, isLenient: minVersion < 'TLSv1.2' }
}

/** Of a policy in testing is told what it would come to. The names of versions are in their order. */
function tooOld({ minTlsVersions }: OpenDeps, { version }: TlsState): string | null {
  return version < minTlsVersions.demanded ? `${version} is older than ${minTlsVersions.demanded}` : null
}

type TlsFailure = NonNullable<TlsResult['failure']>['type']

function report(attempt: Attempt, session: Session, target: Target, type: TlsFailure | null, reason: string): void {
  const { host, ip, egressIp } = session.remote
  const failure = type === null ? null : { type, reason }
  attempt.report({ policy: target.tls.policy, failure, remote: { host, helo: session.helo, ip, egressIp } })
}

/** By the platform's words for what is wrong with a certificate. */
function certificateFailure(wrong: string): TlsFailure {
  if (wrong === 'CERT_HAS_EXPIRED') return 'certificate-expired'
  if (wrong === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'certificate-host-mismatch'
  return /^[A-Z_0-9]+$/.test(wrong) ? 'certificate-not-trusted' : 'validation-failure'
}

function notPrivate(session: Session, code: 454 | 554, text: string): Failure {
  const [step, reason, whose] = ['starttls', 'tls', 'destination'] as const
  // IANA, SMTP enhanced status codes: X.7.10, encryption needed.
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
