/** Policy documents (IAM User Guide: "Grammar of the IAM JSON policy language"), read into statements that can be evaluated. */
import { type Condition, parseOperator } from './conditions.ts'

/**
 * `key`: bounds an access key; its principal is the key's user. `identity`: a sending authorization policy, which names
 * whom it is for.
 */
export type PolicyKind = 'key' | 'identity'

/** `isNegated`: everything but these (NotAction, NotResource, NotPrincipal). */
export type Selection = { readonly patterns: readonly string[]; readonly isNegated: boolean }

export type Statement = {
  readonly effect: 'Allow' | 'Deny'
  readonly actions: Selection
  readonly resources: Selection
  /** The `AWS` principals; `*` is everybody. Only in policies of identities. */
  readonly principals: Selection | null
  readonly conditions: readonly Condition[]
}

export type ParsedPolicy =
  | { readonly ok: true; readonly statements: readonly Statement[] }
  | { readonly ok: false; readonly error: string }

/** Longest document, in characters: IAM's for a role's inline policies, SES's 4 KB for an identity's. */
export const LONGEST_POLICY = { key: 10_240, identity: 4_096 } as const satisfies Record<PolicyKind, number>

const POLICY_MEMBERS = ['Version', 'Id', 'Statement']
const STATEMENT_MEMBERS = [
  'Sid',
  'Effect',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Principal',
  'NotPrincipal',
  'Condition',
]
const PRINCIPAL_KINDS = ['AWS', 'Service', 'Federated', 'CanonicalUser']
const KEY_VERSIONS: readonly unknown[] = [undefined, '2012-10-17', '2008-10-17']

/** Why a document is no policy; thrown and caught in this file only. */
class PolicyError extends Error {}

/** Reads a policy document. The error says in a sentence what is wrong with it, for the person who wrote it. */
export function parsePolicy(text: string, kind: PolicyKind): ParsedPolicy {
  try {
    return { ok: true, statements: readDocument(text, kind) }
  } catch (error) {
    if (error instanceof PolicyError) return { ok: false, error: error.message }
    throw error
  }
}

function readDocument(text: string, kind: PolicyKind): Statement[] {
  if (text.length > LONGEST_POLICY[kind]) refuse(`Policy exceeds ${LONGEST_POLICY[kind]} characters.`)
  const document = members(parseJson(text), 'The policy', POLICY_MEMBERS)
  if (kind === 'key' && !KEY_VERSIONS.includes(document.get('Version'))) {
    refuse('Version must be 2012-10-17 or 2008-10-17.')
  }
  const given = document.get('Statement')
  const statements: readonly unknown[] = Array.isArray(given) ? given : given === undefined ? [] : [given]
  if (statements.length === 0) refuse('A policy needs at least one Statement.')
  return statements.map((statement) => readStatement(statement, kind))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    return refuse('The policy is not valid JSON.', error)
  }
}

function readStatement(value: unknown, kind: PolicyKind): Statement {
  const statement = members(value, 'A Statement', STATEMENT_MEMBERS)
  const effect = statement.get('Effect')
  if (effect !== 'Allow' && effect !== 'Deny') refuse('Effect must be Allow or Deny.')
  const actions = selection(statement, 'Action')
  const badAction = actions.patterns.find((action) => action !== '*' && !/^[^:\s]+:[^:\s]+$/.test(action))
  if (badAction !== undefined) refuse(`Action ${badAction} is not of the form service:Operation.`)
  return {
    effect,
    actions,
    resources: selection(statement, 'Resource'),
    principals: kind === 'identity' ? readPrincipals(statement) : refusePrincipals(statement),
    conditions: readConditions(statement.get('Condition')),
  }
}

/** `X` or `NotX`, one of them. */
function selection(statement: ReadonlyMap<string, unknown>, name: string): Selection {
  const chosen = oneOf(statement, name)
  return { patterns: texts(statement.get(chosen), chosen), isNegated: chosen !== name }
}

function oneOf(statement: ReadonlyMap<string, unknown>, name: string): string {
  const chosen = [name, `Not${name}`].filter((each) => statement.has(each))
  if (chosen.length !== 1) refuse(`A Statement needs either ${name} or Not${name}.`)
  return chosen[0] ?? name
}

function refusePrincipals(statement: ReadonlyMap<string, unknown>): null {
  if (statement.has('Principal') || statement.has('NotPrincipal')) refuse('The policy of a key has no Principal.')
  return null
}

/** Services cannot call here, so of the principals only those of `AWS` are kept. */
function readPrincipals(statement: ReadonlyMap<string, unknown>): Selection {
  const chosen = oneOf(statement, 'Principal')
  const isNegated = chosen !== 'Principal'
  const value = statement.get(chosen)
  if (value === '*') return { patterns: ['*'], isNegated }
  const principals = members(value, chosen, PRINCIPAL_KINDS)
  if (principals.size === 0) refuse(`${chosen} names nobody.`)
  for (const [principalKind, names] of principals) texts(names, `${chosen} ${principalKind}`)
  const aws = principals.get('AWS')
  return { patterns: aws === undefined ? [] : texts(aws, chosen), isNegated }
}

function readConditions(value: unknown): Condition[] {
  if (value === undefined) return []
  return [...members(value, 'Condition')].flatMap(([name, keys]) => {
    const operator = parseOperator(name) ?? refuse(`${name} is not a condition operator.`)
    return [...members(keys, name)].map(([key, values]) => ({
      ...operator,
      key: key.toLowerCase(),
      values: texts(values, `${name} ${key}`),
    }))
  })
}

/** The members of a JSON object as a map, so that no name in it reaches a prototype. */
function members(value: unknown, what: string, known?: readonly string[]): ReadonlyMap<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(`${what} must be a JSON object.`)
  const found = new Map<string, unknown>(Object.entries(value ?? {}))
  const unknown = known && [...found.keys()].find((name) => !known.includes(name))
  if (unknown !== undefined) refuse(`${what} has an unknown element ${unknown}.`)
  return found
}

/** One text or a list of them. Numbers and booleans count as their text, as in IAM. */
function texts(value: unknown, what: string): string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (list.length === 0) refuse(`${what} must not be empty.`)
  return list.map((each) => {
    if (typeof each === 'string') return each
    if (typeof each === 'number' || typeof each === 'boolean') return String(each)
    return refuse(`${what} must be a text or a list of texts.`)
  })
}

function refuse(message: string, cause?: unknown): never {
  throw new PolicyError(message, { cause })
}
