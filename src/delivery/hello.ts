/** EHLO, and what an answer means that should have been good. */
import type { Failure, Reply, Step } from '../message/outcome.ts'
import { extensionsOf, NO_EXTENSIONS } from './extensions.ts'
import { lostFailure, refused } from './failures.ts'
import { isLost, type Answer, type Session } from './session.ts'
import type { Attempt } from './target.ts'

/** The failure in an answer that should have been 2yz. */
export function problem(session: Session, step: Step, answer: Answer): Failure | undefined {
  if (isLost(answer)) return lostFailure(answer, session.remote)
  return isGood(answer) ? undefined : refused(step, answer, session.remote)
}

function isGood(reply: Reply): boolean {
  return reply.code >= 200 && reply.code < 300
}

/** EHLO, and HELO for who does not know it (RFC 5321 §3.2). */
export async function hello(session: Session, { egress }: Attempt): Promise<Failure | undefined> {
  const answer = await session.ask('ehlo', `EHLO ${egress.name}`)
  if (!isLost(answer) && isGood(answer)) {
    session.extensions = extensionsOf(answer)
    session.helo = nameIn(answer)
    return undefined
  }
  if (isLost(answer) || answer.code < 500 || !session.isOpen) return problem(session, 'ehlo', answer)
  session.extensions = NO_EXTENSIONS
  const older = await session.ask('ehlo', `HELO ${egress.name}`)
  if (!isLost(older)) session.helo = nameIn(older)
  return problem(session, 'ehlo', older)
}

/** RFC 5321 §4.1.1.1: its first word is the server's name. */
function nameIn({ text }: Reply): string {
  return /^\S{1,255}/.exec(text)?.[0] ?? ''
}
