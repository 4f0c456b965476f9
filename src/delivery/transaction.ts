/**
 * One message over a session that is ready (RFC 5321 §3.3): as many transactions as the server wants for its recipients.
 *
 *   [RSET] MAIL RCPT… DATA ─► 354 ─► message ─► reply        with PIPELINING in one go up to DATA, else one by one
 *
 * A recipient is settled when the server has answered for it, or when the message may have arrived; all others may be
 * tried elsewhere.
 */
import type { AttemptedRecipient, Failure, Reply } from '../message/outcome.ts'
import { lostFailure, ownFailure, refused } from './failures.ts'
import { isLost, type Answer, type Command, type Lost, type Session } from './session.ts'
import type { Stuffed } from './stuffing.ts'

export type Mailbox = { readonly position: number; readonly mailbox: string }

/** A message, ready to go. `sender`: of the envelope, empty for the null return path. */
export type Letter = {
  readonly sender: string
  readonly body: Stuffed
  /** Whether it has octets beyond ASCII. */
  readonly isEightBit: boolean
}

/** `left`: who was not answered for, because of `failure`. */
export type Handed = {
  readonly settled: readonly AttemptedRecipient[]
  readonly left: readonly Mailbox[]
  readonly failure: Failure | undefined
}

/** Hands a message to the server for all recipients, `most` of them in a transaction. Leaves the session ready for another. */
export async function handOver(
  session: Session,
  letter: Letter,
  recipients: readonly Mailbox[],
  most: number,
): Promise<Handed> {
  const unsuitable = mismatch(session, letter)
  if (unsuitable !== undefined) return { settled: [], left: recipients, failure: unsuitable }
  const settled: AttemptedRecipient[] = []
  const atOnce = Math.min(most, session.extensions.maxRecipients)
  let left = recipients
  while (left.length > 0) {
    const group = left.slice(0, atOnce)
    const handed = await transact(session, letter, group)
    settled.push(...handed.settled)
    left = [...handed.left, ...left.slice(group.length)]
    if (handed.failure !== undefined) return { settled, left, failure: handed.failure }
  }
  return { settled, left, failure: undefined }
}

/** Why the server cannot take such a message, going by what it said of itself. */
function mismatch(session: Session, { body, isEightBit }: Letter): Failure | undefined {
  const { extensions, remote } = session
  const [step, reason, whose] = ['mail', 'unsuitable', 'message'] as const
  if (body.size > extensions.maxOctets) {
    const text = `Message of ${body.size} octets exceeds the limit of ${extensions.maxOctets} of ${remote.host}`
    return ownFailure({ step, reason, whose, code: 552, enhanced: '5.3.4', text, remote })
  }
  if (isEightBit && !extensions.eightBitMime) {
    // RFC 6152 §3: it must not be sent so; made over, its signature would break.
    const text = `Message has 8-bit content, which ${remote.host} does not take`
    return ownFailure({ step, reason, whose, code: 554, enhanced: '5.6.3', text, remote })
  }
  return undefined
}

type Envelope = {
  readonly mail: Answer
  readonly rcpts: readonly (Answer | undefined)[]
  readonly data: Answer | undefined
}

async function transact(session: Session, letter: Letter, group: readonly Mailbox[]): Promise<Handed> {
  const envelope = session.extensions.pipelining
    ? await allAtOnce(session, letter, group)
    : await oneByOne(session, letter, group)
  session.needsReset = true
  if (isLost(envelope.mail)) return nobody(group, lostFailure(envelope.mail, session.remote))
  if (!isGood(envelope.mail)) return refusedSender(session, group, envelope)
  const { settled, accepted, left } = sortOut(session, group, envelope.rcpts)
  const failure = endOfSession(session, envelope)
  if (failure !== undefined) return { settled, left: [...accepted, ...left], failure }
  const { data } = envelope
  if (accepted.length === 0 || data === undefined || isLost(data)) {
    endUnwanted(session, data)
    return { settled, left, failure: undefined }
  }
  const end = data.code === 354 ? await session.sendBody(letter.body.pieces, letter.body.size) : data
  const sent = closing(session, accepted, data.code === 354, end)
  return { settled: [...settled, ...sent.settled], left: [...sent.left, ...left], failure: sent.failure }
}

async function allAtOnce(session: Session, letter: Letter, group: readonly Mailbox[]): Promise<Envelope> {
  const before: readonly Command[] = session.needsReset ? [RSET] : []
  const commands = [...before, mailFrom(session, letter), ...group.map(rcptTo), DATA]
  const answers = await Promise.all(session.askAll(commands))
  const [mail = NEVER, ...rest] = answers.slice(before.length)
  const reset = before.length > 0 ? answers[0] : undefined
  return { mail: resetFailed(session, reset) ?? mail, rcpts: rest.slice(0, -1), data: rest.at(-1) }
}

async function oneByOne(session: Session, letter: Letter, group: readonly Mailbox[]): Promise<Envelope> {
  const reset = session.needsReset ? await session.ask(RSET.step, RSET.line) : undefined
  const { step, line } = mailFrom(session, letter)
  const mail = resetFailed(session, reset) ?? (await session.ask(step, line))
  const rcpts: Answer[] = []
  if (isLost(mail) || !isGood(mail)) return { mail, rcpts, data: undefined }
  for (const each of group) {
    const rcpt = rcptTo(each)
    const answer = await session.ask(rcpt.step, rcpt.line)
    rcpts.push(answer)
    if (isLost(answer)) return { mail, rcpts, data: undefined }
  }
  const isWanted = rcpts.some((answer) => !isLost(answer) && isGood(answer))
  return { mail, rcpts, data: isWanted ? await session.ask(DATA.step, DATA.line) : undefined }
}

/** A server that cannot forget the transaction before would answer for the wrong one: no more of it. */
function resetFailed(session: Session, reset: Answer | undefined): Lost | undefined {
  if (reset === undefined || (!isLost(reset) && isGood(reset))) return undefined
  session.end('RSET failed')
  return isLost(reset) ? reset : { ...NEVER, detail: 'RSET failed' }
}

const RSET: Command = { step: 'mail', line: 'RSET' }
const DATA: Command = { step: 'data', line: 'DATA' }
const NEVER: Lost = { lost: 'dropped', step: 'mail', detail: 'nothing was sent', reply: null }

function mailFrom({ extensions }: Session, { sender, body, isEightBit }: Letter): Command {
  const size = extensions.size ? ` SIZE=${body.size}` : ''
  return { step: 'mail', line: `MAIL FROM:<${sender}>${size}${isEightBit ? ' BODY=8BITMIME' : ''}` }
}

function rcptTo({ mailbox }: Mailbox): Command {
  return { step: 'rcpt', line: `RCPT TO:<${mailbox}>` }
}

function isGood(reply: Reply): boolean {
  return reply.code >= 200 && reply.code < 300
}

function nobody(left: readonly Mailbox[], failure: Failure): Handed {
  return { settled: [], left, failure }
}

/** MAIL was refused: for good, for everybody; for now, by this host, so that the next is asked. */
function refusedSender(session: Session, group: readonly Mailbox[], { mail, data }: Envelope): Handed {
  const failure = isLost(mail) ? lostFailure(mail, session.remote) : refused('mail', mail, session.remote)
  endUnwanted(session, data)
  if (!failure.isPermanent) return nobody(group, failure)
  return {
    settled: group.map(({ position }) => ({ position, kind: 'bounced', failure })),
    left: [],
    failure: undefined,
  }
}

type Sorted = { readonly settled: AttemptedRecipient[]; readonly accepted: Mailbox[]; readonly left: Mailbox[] }

/** Who is taken, who is settled by a refusal, and who has to come again: not answered, or too many for one transaction. */
function sortOut(session: Session, group: readonly Mailbox[], rcpts: Envelope['rcpts']): Sorted {
  const sorted: Sorted = { settled: [], accepted: [], left: [] }
  for (const [index, recipient] of group.entries()) {
    const answer = rcpts[index]
    if (answer === undefined || isLost(answer)) sorted.left.push(recipient)
    else if (isGood(answer)) sorted.accepted.push(recipient)
    else if (answer.code === 421 || (sorted.accepted.length > 0 && isTooMany(answer))) sorted.left.push(recipient)
    else sorted.settled.push(settle(recipient, refused('rcpt', answer, session.remote)))
  }
  return sorted
}

/** The session ended before the message: the answer that says so. */
function endOfSession({ remote }: Session, { rcpts, data }: Envelope): Failure | undefined {
  for (const answer of [...rcpts, data]) {
    if (answer === undefined) continue
    if (isLost(answer)) return lostFailure(answer, remote)
    if (answer.code === 421) return refused(answer === data ? 'data' : 'rcpt', answer, remote)
  }
  return undefined
}

/** RFC 5321 §4.5.3.1.10: 452, from old servers 552; but not when it is about the recipient's mailbox or the disk. */
function isTooMany({ code, enhanced, text }: Reply): boolean {
  if (enhanced !== null) return /^[45]\.5\.3$/.test(enhanced)
  return code === 452 || (code < 600 && code >= 400 && /too many (?:recipients|rcpt)/i.test(text.slice(0, 500)))
}

function settle({ position }: Mailbox, failure: Failure): AttemptedRecipient {
  return { position, kind: failure.isPermanent ? 'bounced' : 'deferred', failure }
}

/** The server waits for a message to nobody: an empty one might be delivered, so we hang up instead. */
function endUnwanted(session: Session, data: Answer | undefined): void {
  if (data !== undefined && !isLost(data) && data.code < 400) session.end('DATA was accepted without a recipient')
}

/** What the end of DATA means for those whom the server had taken. */
function closing(session: Session, accepted: readonly Mailbox[], wasSent: boolean, end: Answer): Handed {
  if (isLost(end)) {
    const failure = lostFailure(end, session.remote)
    if (!failure.mayHaveArrived) return nobody(accepted, failure)
    // Whoever tries again at once makes a duplicate of what most likely arrived.
    return { settled: accepted.map((each) => settle(each, failure)), left: [], failure: undefined }
  }
  if (wasSent && isGood(end)) {
    session.needsReset = false
    const { remote } = session
    const settled = accepted.map(({ position }) => ({ position, kind: 'delivered', reply: end, remote }) as const)
    return { settled, left: [], failure: undefined }
  }
  const failure = refused(wasSent ? 'dot' : 'data', end, session.remote)
  // 421 is about the host, not about the message: the next host may take it.
  if (end.code === 421) return nobody(accepted, failure)
  return { settled: accepted.map((each) => settle(each, failure)), left: [], failure: undefined }
}
