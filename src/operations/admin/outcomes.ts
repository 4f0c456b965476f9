/** Admin API: the body of `POST /_sesame/messages/{messageId}/outcomes`, `{recipient, outcome, …}`. */
import type { ReportedOutcome } from '../../domain/reported-outcomes.ts'
import { fail } from '../../errors/fail.ts'
import { bodyOf, choiceOf, requiredTextOf, textOf, type Body } from './request.ts'
import type { RouteRequest } from './route.ts'

type Kind = ReportedOutcome['kind']

/** What may stand beside `recipient` and `outcome`, all of it optional but a click's link. */
const MEMBERS = {
  delivery: ['smtpResponse'],
  bounce: ['bounceType', 'bounceSubType', 'status', 'diagnosticCode'],
  complaint: ['complaintFeedbackType', 'userAgent'],
  delay: ['delayType', 'diagnosticCode', 'status'],
  reject: ['reason'],
  open: ['ipAddress', 'userAgent'],
  click: ['link', 'ipAddress', 'userAgent'],
} as const satisfies Record<Kind, readonly string[]>

const KINDS = ['delivery', 'bounce', 'complaint', 'delay', 'reject', 'open', 'click'] as const satisfies readonly Kind[]
const BOUNCE_TYPES = ['Undetermined', 'Permanent', 'Transient'] as const

/** Throws Validation. */
export function outcomeOf(request: RouteRequest): { recipient: string; outcome: ReportedOutcome } {
  const loose = bodyOf(request, ['recipient', 'outcome', ...new Set(Object.values(MEMBERS).flat())])
  const kind =
    choiceOf(loose, 'outcome', KINDS) ?? fail('Validation', `outcome is missing: one of ${KINDS.join(', ')}.`)
  const body = bodyOf(request, ['recipient', 'outcome', ...MEMBERS[kind]])
  return { recipient: requiredTextOf(body, 'recipient'), outcome: detailsOf(kind, body) }
}

function detailsOf(kind: Kind, body: Body): ReportedOutcome {
  if (kind === 'click') {
    return { kind, link: requiredTextOf(body, 'link'), ...texts(body, ['ipAddress', 'userAgent']) }
  }
  if (kind !== 'bounce') return { kind, ...texts(body, MEMBERS[kind]) }
  const bounceType = choiceOf(body, 'bounceType', BOUNCE_TYPES)
  return { kind, ...(bounceType && { bounceType }), ...texts(body, ['bounceSubType', 'status', 'diagnosticCode']) }
}

/** The given members that are there. */
function texts<const Name extends string>(body: Body, names: readonly Name[]): { [K in Name]?: string } {
  const found: { [K in Name]?: string } = {}
  for (const name of names) {
    const value = textOf(body, name)
    if (value !== undefined) found[name] = value
  }
  return found
}
