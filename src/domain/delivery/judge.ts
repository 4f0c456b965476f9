/** What an attempt over the network means for each recipient: he has it, will get another attempt, or never gets it. */
import { classify, expiredReply, type Stage, type Verdict } from '../../message/bounces/classify.ts'
import {
  type AttemptedRecipient,
  type Failure,
  type NetworkOutcome,
  type Remote,
  type Reply,
  replyLine,
  type Step,
} from '../../message/outcome.ts'
import type { Expiry } from './schedule.ts'

export type Reached = { readonly position: number; readonly reply: Reply; readonly remote: Remote }

export type Bounced = {
  readonly position: number
  readonly reply: Reply
  readonly remote: Remote | null
  readonly bounceType: Verdict['bounceType']
  readonly bounceSubType: string
  /** Whether the address is bad by what was said of it. */
  readonly suppresses: boolean
}

export type Delayed = {
  readonly position: number
  readonly reply: Reply
  readonly remote: Remote | null
  readonly delayType: string
}

export type Judgement = {
  readonly reached: readonly Reached[]
  readonly bounced: readonly Bounced[]
  readonly delayed: readonly Delayed[]
}

/** Judges at `now`: whoever was not reached by the end of the message's life is given up. */
export function judge(outcome: NetworkOutcome, expiry: Expiry, now: number): Judgement {
  const reached: Reached[] = []
  const bounced: Bounced[] = []
  const delayed: Delayed[] = []
  for (const each of outcome.recipients) {
    if (each.kind === 'delivered') {
      reached.push(each)
      continue
    }
    const { position, failure } = each
    const { reply, remote } = failure
    const verdict = classify(reply, stageOf(failure.step))
    if (isRefused(each, verdict)) {
      const { bounceType, bounceSubType } = verdict
      const suppresses = verdict.suppresses && !isShared(outcome, failure)
      // What we found out ourselves (no such domain, a null MX) is DNS's word on the address.
      bounced.push({ position, reply, remote, bounceType, bounceSubType, suppresses })
    } else if (now >= expiry.at) bounced.push({ position, ...expired(failure, expiry) })
    else delayed.push({ position, reply, remote, delayType: verdict.delayType })
  }
  return { reached, bounced, delayed }
}

/** What is said at the end of a message to several may be about any of them: those of one transaction share the failure. */
function isShared({ recipients }: NetworkOutcome, failure: Failure): boolean {
  if (stageOf(failure.step) !== 'data') return false
  return recipients.filter((each) => each.kind !== 'delivered' && each.failure === failure).length > 1
}

/** Some refuse for good what passes with time (“too many connections”). */
function isRefused({ kind }: AttemptedRecipient, { retries }: Verdict): boolean {
  return kind === 'bounced' && !retries
}

function expired({ reply, remote }: Failure, { minutes, isCustom }: Expiry): Omit<Bounced, 'position'> {
  return {
    reply: expiredReply(minutes, replyLine(reply)),
    remote,
    bounceType: 'Transient',
    bounceSubType: isCustom ? 'CustomTimeoutExceeded' : 'General',
    suppresses: false,
  }
}

/** What a reply at that step can be about. */
export function stageOf(step: Step): Stage {
  return STAGES[step]
}

const STAGES: Readonly<Record<Step, Stage>> = {
  // Who has no host has no mailbox either.
  lookup: 'recipient',
  connect: 'session',
  greeting: 'greeting',
  ehlo: 'session',
  starttls: 'session',
  auth: 'session',
  mail: 'mail',
  rcpt: 'recipient',
  data: 'data',
  body: 'data',
  dot: 'data',
  idle: 'session',
}
