/** The `Condition` block of a policy statement (IAM User Guide: "IAM JSON policy elements: Condition operators"). */
import { isInRange } from './ip-ranges.ts'
import { fillIn, matchesPattern, type Variables } from './patterns.ts'

/** The values of the request's condition keys, by name in lower case. A key that has no value is not there. */
export type RequestContext = ReadonlyMap<string, readonly string[]>

/** One key of one operator: it holds when a value of the request agrees with any of `values`. */
export type Condition = {
  readonly operator: Operator
  /** `ForAllValues:`, `ForAnyValue:`. */
  readonly quantifier: 'all' | 'any' | null
  readonly ifExists: boolean
  /** In lower case: the names of keys are not case-sensitive. */
  readonly key: string
  readonly values: readonly string[]
}

type Test = (expected: string, actual: string, variables: Variables) => boolean
type Comparison = { readonly test: Test; readonly isNegated: boolean }

const equals: Test = (expected, actual, variables) => fillIn(expected, variables) === actual
const equalsIgnoringCase: Test = (expected, actual, variables) =>
  fillIn(expected, variables)?.toLowerCase() === actual.toLowerCase()
const like: Test = (expected, actual, variables) => matchesPattern(expected, actual, variables)

const is = (test: Test): Comparison => ({ test, isNegated: false })
const isNot = (test: Test): Comparison => ({ test, isNegated: true })
const number = (compare: (difference: number) => boolean) =>
  is((expected, actual) => compare(toNumber(actual) - toNumber(expected)))
const date = (compare: (difference: number) => boolean) =>
  is((expected, actual) => compare(toTime(actual) - toTime(expected)))

const COMPARISONS = {
  StringEquals: is(equals),
  StringNotEquals: isNot(equals),
  StringEqualsIgnoreCase: is(equalsIgnoringCase),
  StringNotEqualsIgnoreCase: isNot(equalsIgnoringCase),
  StringLike: is(like),
  StringNotLike: isNot(like),
  NumericEquals: number((difference) => difference === 0),
  NumericNotEquals: isNot((expected, actual) => toNumber(expected) === toNumber(actual)),
  NumericLessThan: number((difference) => difference < 0),
  NumericLessThanEquals: number((difference) => difference <= 0),
  NumericGreaterThan: number((difference) => difference > 0),
  NumericGreaterThanEquals: number((difference) => difference >= 0),
  DateEquals: date((difference) => difference === 0),
  DateNotEquals: isNot((expected, actual) => toTime(expected) === toTime(actual)),
  DateLessThan: date((difference) => difference < 0),
  DateLessThanEquals: date((difference) => difference <= 0),
  DateGreaterThan: date((difference) => difference > 0),
  DateGreaterThanEquals: date((difference) => difference >= 0),
  Bool: is((expected, actual) => expected.toLowerCase() === actual.toLowerCase()),
  IpAddress: is(isInRange),
  NotIpAddress: isNot(isInRange),
  // Arn* all take wildcards; `ArnEquals` and `ArnLike` are the same (IAM User Guide).
  ArnEquals: is(arnLike),
  ArnLike: is(arnLike),
  ArnNotEquals: isNot(arnLike),
  ArnNotLike: isNot(arnLike),
} as const satisfies Record<string, Comparison>

/** `Null` asks whether the key is missing, everything else compares values. */
export type Operator = keyof typeof COMPARISONS | 'Null'

/** Takes `ForAnyValue:StringLikeIfExists` apart; undefined when it is not an operator of IAM's. */
export function parseOperator(text: string): Pick<Condition, 'operator' | 'quantifier' | 'ifExists'> | undefined {
  const quantifier = text.startsWith('ForAllValues:') ? 'all' : text.startsWith('ForAnyValue:') ? 'any' : null
  const rest = quantifier === null ? text : text.slice(text.indexOf(':') + 1)
  const ifExists = rest.endsWith('IfExists')
  const operator = ifExists ? rest.slice(0, -'IfExists'.length) : rest
  if (operator === 'Null') return ifExists || quantifier !== null ? undefined : { operator, quantifier, ifExists }
  return isComparison(operator) ? { operator, quantifier, ifExists } : undefined
}

function isComparison(name: string): name is keyof typeof COMPARISONS {
  return Object.hasOwn(COMPARISONS, name)
}

/** All conditions of a statement must hold. */
export function isMet(condition: Condition, context: RequestContext): boolean {
  const actual = context.get(condition.key)
  if (condition.operator === 'Null') {
    return condition.values.some((value) => (value.toLowerCase() === 'true') === (actual === undefined))
  }
  const { test, isNegated } = COMPARISONS[condition.operator]
  if (actual === undefined || actual.length === 0) {
    return condition.ifExists || (condition.quantifier === null ? isNegated : condition.quantifier === 'all')
  }
  const variables = (name: string) => single(context.get(name.toLowerCase()))
  const agrees = (value: string) => condition.values.some((expected) => test(expected, value, variables)) !== isNegated
  const isEvery = condition.quantifier === 'all' || (condition.quantifier === null && isNegated)
  return isEvery ? actual.every(agrees) : actual.some(agrees)
}

/** Only keys with one value can be policy variables. */
export function single(values: readonly string[] | undefined): string | undefined {
  return values?.length === 1 ? values[0] : undefined
}

/** NaN, which compares with nothing, for what is no number. */
function toNumber(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text)
}

const W3C_DATE = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?)?$/

/** Milliseconds of an ISO 8601 date (UTC where it names no zone) or of seconds since the epoch; NaN for anything else. */
function toTime(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text) * 1000
  if (!W3C_DATE.test(text)) return Number.NaN
  const hasZone = !text.includes('T') || /(?:Z|[+-]\d\d:\d\d)$/.test(text)
  return Date.parse(hasZone ? text : `${text}Z`)
}

/** Each of the six parts by itself, so that a wildcard does not reach over a colon; the last takes the rest. */
function arnLike(expected: string, actual: string, variables: Variables): boolean {
  const patterns = arnParts(expected)
  const parts = arnParts(actual)
  if (patterns.length !== parts.length) return false
  return patterns.every((pattern, index) => matchesPattern(pattern, parts[index] ?? '', variables))
}

/** Splits at the first five colons that are not inside a variable such as `${aws:username}`. */
function arnParts(arn: string): string[] {
  const parts: string[] = []
  let start = 0
  for (let at = 0; at < arn.length && parts.length < 5; at++) {
    if (arn.startsWith('${', at)) at = Math.max(at, arn.indexOf('}', at))
    else if (arn[at] === ':') {
      parts.push(arn.slice(start, at))
      start = at + 1
    }
  }
  return [...parts, arn.slice(start)]
}
