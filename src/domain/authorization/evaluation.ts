/** What policies say to a request (IAM User Guide: "Policy evaluation logic"): an explicit deny wins over any allow. */
import { isMet, type RequestContext, single } from './conditions.ts'
import { matchesPattern, type Variables } from './patterns.ts'
import { parsePolicy, type PolicyKind, type Selection, type Statement } from './policy.ts'

export type PolicyRequest = {
  /** `ses:SendEmail`. */
  readonly action: string
  /** An ARN; `*` where the action has no resource; undefined while the resource is not known yet. */
  readonly resource: string | undefined
  readonly context: RequestContext
  /** Whom the principals of identity policies are held against. */
  readonly principal: { readonly account: string; readonly arn: string }
}

/**
 * `account`: allowed, but only to the account as a whole, which has to pass it on to its users by their own policies.
 * `none`: nothing said, which is a denial where an allow is needed.
 */
export type Verdict = 'deny' | 'allow' | 'account' | 'none'

/** One verdict of all the documents together. A document that cannot be read allows nothing. */
export function evaluate(documents: readonly string[], kind: PolicyKind, request: PolicyRequest): Verdict {
  let verdict: Verdict = 'none'
  for (const statement of documents.flatMap((text) => statementsOf(text, kind))) {
    const reach = reachOf(statement, request)
    if (reach === null) continue
    if (statement.effect === 'Deny') return 'deny'
    if (verdict !== 'allow') verdict = reach === 'account' ? 'account' : 'allow'
  }
  return verdict
}

// Documents are read once: keys and identities send the same text with every call.
const REMEMBERED = 1000
const remembered: Record<PolicyKind, Map<string, readonly Statement[]>> = { key: new Map(), identity: new Map() }

function statementsOf(text: string, kind: PolicyKind): readonly Statement[] {
  const known = remembered[kind].get(text)
  if (known !== undefined) return known
  const parsed = parsePolicy(text, kind)
  const statements = parsed.ok ? parsed.statements : []
  if (remembered[kind].size >= REMEMBERED) remembered[kind].clear()
  remembered[kind].set(text, statements)
  return statements
}

/** Whether a statement speaks of this request, and of its caller himself or only of his account. */
function reachOf(statement: Statement, request: PolicyRequest): 'caller' | 'account' | null {
  const { action, resource, context } = request
  const variables: Variables = (name) => single(context.get(name.toLowerCase()))
  // The names of actions are not case-sensitive; variables have no place in them.
  const isAction = selects(statement.actions, (pattern) =>
    matchesPattern(pattern.toLowerCase(), action.toLowerCase(), none),
  )
  if (!isAction || !speaksOf(statement, resource, variables)) return null
  const reach = statement.principals === null ? 'caller' : principalReach(statement.principals, request.principal)
  if (reach === null || !statement.conditions.every((condition) => isMet(condition, context))) return null
  return reach
}

function speaksOf({ effect, resources }: Statement, resource: string | undefined, variables: Variables): boolean {
  if (resource !== undefined) return selects(resources, (pattern) => matchesPattern(pattern, resource, variables))
  // Not known yet: what could be allowed passes for now, and only what forbids everything forbids already.
  return effect === 'Allow' || (!resources.isNegated && resources.patterns.includes('*'))
}

function selects({ patterns, isNegated }: Selection, matches: (pattern: string) => boolean): boolean {
  return patterns.some(matches) !== isNegated
}

/** `*` and a user's own ARN mean the caller; an account id or its root ARN mean the account. */
function principalReach(
  principals: Selection,
  { account, arn }: PolicyRequest['principal'],
): 'caller' | 'account' | null {
  const isCaller = principals.patterns.some((name) => name === '*' || name === arn)
  const isAccount = principals.patterns.some((name) => name === account || name === `arn:aws:iam::${account}:root`)
  if (principals.isNegated) return isCaller || isAccount ? null : 'caller'
  if (isCaller) return 'caller'
  return isAccount ? 'account' : null
}

function none(): undefined {
  return undefined
}
