/** Puts a refusal into SES's words, and says whose problem it is and what to do next. */
import type { Reply } from '../outcome.ts'
import type { BounceSubType, BounceType, Cause, DelayType, Whose } from './causes.ts'
import { rowOf } from './causes.ts'
import { enhancedIn, PRECISE, SMTP, smtpCodeIn, SUBJECTS, VAGUE } from './codes.ts'
import { compilePhrases } from './phrases.ts'
import type { Phrases } from './phrases.ts'
import type { Rule } from './rule.ts'
import { RULES } from './rules/index.ts'

/** How far the dialogue had come: before RCPT nothing that is said can be about a recipient. */
export type Stage = 'greeting' | 'session' | 'mail' | 'recipient' | 'data'

export type Verdict = {
  readonly cause: Cause
  readonly bounceType: BounceType
  readonly bounceSubType: BounceSubType
  readonly whose: Whose
  /** Whether the address may go on the suppression list: it is bad for good, and the reply says so of the address. */
  readonly suppresses: boolean
  /** Whether another attempt can be of use. */
  readonly retries: boolean
  /** Whether the destination shall get less mail for a while. */
  readonly slowsDown: boolean
  readonly delayType: DelayType
  /** What decided: `5.1.1`, the words of a rule, or the SMTP code. */
  readonly decidedBy: string
}

/** Judges a reply of 400 to 599 to one of our commands. Takes a bounded time, whatever the text is. */
export function classify(reply: Reply, stage: Stage = 'recipient'): Verdict {
  const enhanced = enhancedOf(reply)
  const { cause, decidedBy } = causeOf(reply.code, enhanced, reply.text)
  return verdictOf({ cause, decidedBy, code: reply.code, enhanced, stage })
}

/** What is known of a failure that came as a report (RFC 3464): its fields as they stand there. */
export type ReportedFailure = { readonly status: string | null; readonly diagnosticCode: string | null }

/**
 * Judges what another server reports to have failed after it had taken the message: nothing of it can be tried again. Without
 * any code, only words that a rule knows count.
 */
export function classifyReport({ status, diagnosticCode }: ReportedFailure): Verdict {
  const reply = replyIn(diagnosticCode ?? '', status)
  if (reply === null) return UNDETERMINED
  const verdict = classify(reply)
  if (reply.enhanced === null && verdict.decidedBy === String(UNCODED)) return UNDETERMINED
  return { ...verdict, retries: false, slowsDown: false }
}

/** Stands for a code where there is none. */
const UNCODED = 599

const UNDETERMINED: Verdict = {
  cause: 'unknown',
  bounceType: 'Undetermined',
  bounceSubType: 'Undetermined',
  whose: 'unknown',
  suppresses: false,
  retries: false,
  slowsDown: false,
  delayType: 'Undetermined',
  decidedBy: 'nothing',
}

type Decision = { readonly cause: Cause; readonly decidedBy: string }

/** Rules that name the code, the code where it is precise, the other rules, and then whatever the codes hint at. */
function causeOf(code: number, enhanced: string | null, text: string): Decision {
  const detail = enhanced === null ? null : enhanced.slice(2)
  const rules = matching(text)
  const named = detail === null ? undefined : rules.find(([, , , of]) => of === detail)
  if (named !== undefined) return { cause: named[1], decidedBy: named[0] }
  const precise = detail === null ? undefined : PRECISE[detail]
  if (precise !== undefined) return { cause: precise, decidedBy: enhanced ?? '' }
  const rule = rules.find(([, , , of]) => of === undefined)
  if (rule !== undefined) return { cause: rule[1], decidedBy: rule[0] }
  const hint = detail === null ? undefined : (VAGUE[detail] ?? SUBJECTS[detail.slice(0, detail.indexOf('.'))])
  if (hint !== undefined) return { cause: hint, decidedBy: enhanced ?? '' }
  return { cause: SMTP[code] ?? 'unknown', decidedBy: String(code) }
}

type Compiled = { readonly phrases: Phrases; readonly needs: readonly (readonly number[])[] }

let compiled: Compiled | undefined

/** The rules that know the text, in their order. */
function matching(text: string): Rule[] {
  compiled ??= compile()
  const { phrases, needs } = compiled
  const { found } = phrases.find(text)
  return found.size === 0 ? [] : RULES.filter((_, index) => needs[index]?.every((phrase) => found.has(phrase)))
}

function compile(): Compiled {
  const numbers = new Map<string, number>()
  const needs = RULES.map(([says]) => says.split(' … ').map((phrase) => numberOf(phrase, numbers)))
  return { phrases: compilePhrases([...numbers.keys()]), needs }
}

function numberOf(phrase: string, numbers: Map<string, number>): number {
  const number = numbers.get(phrase) ?? numbers.size
  numbers.set(phrase, number)
  return number
}

type Judged = Decision & { readonly code: number; readonly enhanced: string | null; readonly stage: Stage }

function verdictOf({ cause, decidedBy, code, enhanced, stage }: Judged): Verdict {
  const row = rowOf(cause)
  const isForGood = code >= 500 && row.isTemporary !== true
  const isAboutRecipients = stage === 'recipient' || stage === 'data'
  const whose = !isAboutRecipients && row.whose === 'recipient' ? 'unknown' : row.whose
  const [type, subType] = row.bounce
  const isHard = isForGood && type === 'Permanent'
  return {
    cause,
    bounceType: isHard ? 'Permanent' : 'Transient',
    bounceSubType: isHard || type === 'Transient' ? subType : 'General',
    whose,
    suppresses: isHard && whose === 'recipient',
    // A refusal at the greeting is about us and may be lifted; no recipient has been named yet.
    retries: !isForGood || stage === 'greeting',
    slowsDown: row.slows ?? (code === 421 || stage === 'greeting' || enhanced?.startsWith('4.7.') === true),
    delayType: row.delay,
    decidedBy,
  }
}

/** The reply's enhanced code, or the first in its text: old servers write `550 #5.1.1`. */
function enhancedOf({ code, enhanced, text }: Reply): string | null {
  const found = enhanced ?? enhancedIn(text)
  // A code of success in a refusal is a mistake that says nothing.
  return found === null || found.startsWith('2') || code < 400 ? null : found
}

/** `smtp; 550 5.1.1 unknown` as a reply. Of the two enhanced codes the more telling one is taken. */
function replyIn(diagnostic: string, status: string | null): Reply | null {
  const text = diagnostic.replace(/^[\w-]{1,32};\s*/, '').slice(0, 4096)
  const smtp = smtpCodeIn(text)
  const told = enhancedIn(text)
  const stated = enhancedIn(status ?? '')
  const enhanced = stated === null || (told !== null && stated.endsWith('.0.0')) ? told : stated
  if (enhanced?.startsWith('2') === true) return null
  const code = smtp ?? (enhanced === null ? UNCODED : `${enhanced.charAt(0)}50`)
  return { code: Number(code), enhanced, text }
}

/**
 * The reply with which SES ends a message whose time has run out (seen in its events): the last reply stands in it, and
 * bounces as Transient/General.
 */
export function expiredReply(minutes: number, last: string | null): Reply {
  const inner = last === null ? '' : `<${last}>`
  return { code: 550, enhanced: '4.4.7', text: `Message expired: unable to deliver in ${minutes} minutes.${inner}` }
}
