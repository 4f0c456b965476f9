/** Failures as values: what each step of the way means when it goes wrong. */
import type { Failure, Reason, Remote, Reply, Step, Whose } from '../message/outcome.ts'
import { ownReply } from './replies.ts'
import type { Lost } from './session.ts'

/** Whose problem a refusal for good is, by what it answered: a host that will not talk to us refuses us, not the recipient. */
const REFUSED: Readonly<Record<Step, Whose>> = {
  lookup: 'recipient',
  connect: 'destination',
  greeting: 'ours',
  ehlo: 'ours',
  starttls: 'destination',
  auth: 'ours',
  mail: 'ours',
  rcpt: 'recipient',
  data: 'message',
  body: 'message',
  dot: 'message',
  idle: 'destination',
}

/** The other side said no (5yz), or not now. Any other code is out of place there. */
export function refused(step: Step, reply: Reply, remote: Remote | null): Failure {
  const isPermanent = reply.code >= 500
  const isExpected = reply.code >= 400
  const whose = isPermanent || step === 'rcpt' || step === 'auth' ? REFUSED[step] : 'destination'
  return failure({
    isPermanent,
    step,
    reason: isExpected ? 'reply' : 'protocol',
    whose: reply.code === 421 || !isExpected ? 'destination' : whose,
    reply: isExpected ? reply : ownReply(421, '4.5.0', `Unexpected reply: ${reply.code} ${reply.text}`.slice(0, 500)),
    remote,
  })
}

/** SES's words where some are known (the reasons inside its `Message expired` bounces). */
const LOST: Readonly<Record<Lost['lost'], readonly [string, string]>> = {
  timeout: ['4.4.2', 'Connection timed out'],
  dropped: ['4.4.2', 'Connection dropped'],
  protocol: ['4.5.0', 'Protocol error'],
}

/** The connection was lost. After the final dot nobody knows whether the message arrived. */
export function lostFailure(lost: Lost, remote: Remote): Failure {
  if (lost.reply !== null && lost.reply.code >= 400)
    return { ...refused(lost.step, lost.reply, remote), isPermanent: false }
  const [enhanced, text] = LOST[lost.lost]
  const where = lost.step === 'dot' ? 'after the message was sent' : `at ${lost.step}`
  return failure({
    isPermanent: false,
    step: lost.step,
    reason: lost.lost,
    whose: 'destination',
    reply: ownReply(421, enhanced, lost.lost === 'timeout' ? text : `${text} ${where}: ${lost.detail}`),
    remote,
    mayHaveArrived: lost.step === 'dot',
  })
}

export type OwnFailure = {
  readonly step: Step
  readonly reason: Reason
  readonly whose: Whose
  readonly code: number
  readonly enhanced: string
  readonly text: string
  readonly remote?: Remote | null
}

/** A failure that we found ourselves; permanent if `code` is 5yz. */
export function ownFailure({ step, reason, whose, code, enhanced, text, remote = null }: OwnFailure): Failure {
  return failure({ isPermanent: code >= 500, step, reason, whose, reply: ownReply(code, enhanced, text), remote })
}

function failure(given: Omit<Failure, 'mayHaveArrived'> & { readonly mayHaveArrived?: boolean }): Failure {
  return { mayHaveArrived: false, ...given }
}

/**
 * Of the failures of several hosts, the one that a recipient is told: one that may pass before one that does not (then
 * trying again makes sense), what a server said before what we found with one, and that before the rest; the latest of
 * those.
 */
export function mostTelling(failures: readonly Failure[]): Failure | undefined {
  return failures.reduce<Failure | undefined>(
    (best, each) => (best === undefined || weight(each) >= weight(best) ? each : best),
    undefined,
  )
}

function weight({ isPermanent, reason, remote }: Failure): number {
  return (isPermanent ? 0 : 4) + (reason === 'reply' ? 2 : 0) + (remote === null ? 0 : 1)
}
