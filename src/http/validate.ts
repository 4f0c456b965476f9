/** Holds a decoded request against the model's constraints: every violation in one message, as AWS's framework words it. */
import { SesError } from '../errors/fail.ts'
import type { Rule } from '../model/constraints.ts'
import { ENUMS_CHECKED_BY_DOMAIN, PHRASES, printedValues } from '../model/constraints.ts'
import type { Api } from '../model/load.ts'
import type { Member, Structure, Type } from '../model/shapes.ts'
import { messageName } from '../model/shapes.ts'
import { isObject } from './objects.ts'

/** More are not listed: a hostile request could hold a million. */
const MAX_VIOLATIONS = 10

type Violations = { add(path: string, phrase: string): void; isFull(): boolean }
type Check = (value: unknown, path: string, violations: Violations) => void
/** Phrases that a scalar violates, most often none. */
type ScalarCheck = (value: unknown) => readonly string[]

const NONE: readonly string[] = []

/**
 * Compiles the validation of an operation's decoded input. The compiled function throws ValidationError (v1) or
 * BadRequestException (v2): `2 validation errors detected: Value at 'a' failed to satisfy constraint: …; Value at …`.
 */
export function validator(structure: Structure): (input: unknown) => void {
  const check = structureCheck(structure)
  return (input) => {
    const found: string[] = []
    check(input, '', {
      add: (path, phrase) => {
        if (found.length < MAX_VIOLATIONS) found.push(`Value at '${path}' failed to satisfy constraint: ${phrase}`)
      },
      isFull: () => found.length >= MAX_VIOLATIONS,
    })
    if (found.length === 0) return
    const errors = found.length === 1 ? 'error' : 'errors'
    throw new SesError('Validation', `${found.length} validation ${errors} detected: ${found.join('; ')}`)
  }
}

function structureCheck(structure: Structure): Check {
  const members = structure.members
    .map((member) => compileMember(structure.api, member))
    .filter(({ required, check }) => required || check)
  return (value, path, violations) => {
    if (!isObject(value)) return
    for (const { name, printed, required, check } of members) {
      const member = value[name]
      if (member === undefined || member === null) {
        if (required) violations.add(path + printed, PHRASES.notNull)
      } else {
        check?.(member, path + printed, violations)
      }
    }
  }
}

function compileMember(api: Api, { name, id, type, required, rule }: Member) {
  const byDomain = ENUMS_CHECKED_BY_DOMAIN[api].has(id)
  return { name, printed: messageName(name), required, check: typeCheck(type, rule, byDomain) }
}

/** The check of a member's value and all below it; undefined where anything of the right type will do. */
function typeCheck(type: Type, rule: Rule | undefined, enumByDomain = false): Check | undefined {
  switch (type.kind) {
    case 'list':
      return listCheck(type.element, rule, enumByDomain)
    case 'map':
      return mapCheck(type.key, type.value, rule)
    case 'structure': {
      const nested = structureCheck(type.structure)
      return (value, path, violations) => nested(value, `${path}.`, violations)
    }
    case 'string':
    case 'number':
    case 'boolean':
    case 'timestamp':
    case 'blob':
    default: {
      const phrases = scalarCheck(type, rule, enumByDomain)
      return (
        phrases &&
        ((value, path, violations) => {
          for (const phrase of phrases(value)) violations.add(path, phrase)
        })
      )
    }
  }
}

function isNested(type: Type): boolean {
  return type.kind === 'list' || type.kind === 'map' || type.kind === 'structure'
}

function listCheck(element: Type, rule: Rule | undefined, enumByDomain: boolean): Check {
  const size = lengthCheck(rule)
  const scalar = scalarCheck(element, rule?.each, enumByDomain)
  const below = isNested(element) ? typeCheck(element, rule?.each) : undefined
  return (value, path, violations) => {
    if (!Array.isArray(value)) return
    if (size) for (const phrase of size(value.length)) violations.add(path, phrase)
    const broken = new Set<string>()
    for (const [index, each] of value.entries()) {
      if (violations.isFull()) break
      if (each === null) violations.add(`${path}.${index + 1}.member`, PHRASES.notNull)
      else if (below) below(each, `${path}.${index + 1}.member`, violations)
      else if (scalar) for (const phrase of scalar(each)) broken.add(phrase)
    }
    // Observed: an element's constraint is reported once, at the list.
    if (broken.size > 0) violations.add(path, PHRASES.elements([...broken]))
  }
}

const MAX_PRINTED_KEY = 64

function mapCheck(key: Type, value: Type, rule: Rule | undefined): Check {
  const size = lengthCheck(rule)
  const keyCheck = scalarCheck(key, undefined, false)
  const scalar = scalarCheck(value, rule?.each, false)
  const below = isNested(value) ? typeCheck(value, rule?.each) : undefined
  return (map, path, violations) => {
    if (!isObject(map)) return
    const entries = Object.entries(map)
    if (size) for (const phrase of size(entries.length)) violations.add(path, phrase)
    const badKeys = new Set<string>()
    const badValues = new Set<string>()
    for (const [name, each] of entries) {
      if (violations.isFull()) break
      for (const phrase of keyCheck?.(name) ?? NONE) badKeys.add(phrase)
      if (each === null) badValues.add(PHRASES.notNull)
      else if (below) below(each, `${path}.${name.slice(0, MAX_PRINTED_KEY)}.member`, violations)
      else for (const phrase of scalar?.(each) ?? NONE) badValues.add(phrase)
    }
    if (badKeys.size > 0) violations.add(path, PHRASES.mapKeys([...badKeys]))
    if (badValues.size > 0) violations.add(path, PHRASES.mapValues([...badValues]))
  }
}

function lengthCheck(rule: Rule | undefined): ((length: number) => readonly string[]) | undefined {
  const { min = 0, max = Infinity } = rule?.length ?? {}
  if (min === 0 && max === Infinity) return undefined
  return (length) => {
    if (length < min) return [PHRASES.minLength(min)]
    return length > max ? [PHRASES.maxLength(max)] : NONE
  }
}

function scalarCheck(type: Type, rule: Rule | undefined, enumByDomain: boolean): ScalarCheck | undefined {
  if (type.kind === 'number') return rangeCheck(rule)
  if (type.kind !== 'string') return undefined
  const values = enumByDomain ? undefined : type.enum && printedValues(type.enum.name, type.enum.values)
  if (values) {
    const known = new Set(values)
    const phrase = [PHRASES.oneOf(values)]
    return (value) => (typeof value === 'string' && known.has(value) ? NONE : phrase)
  }
  return textCheck(rule)
}

function rangeCheck(rule: Rule | undefined): ScalarCheck | undefined {
  if (!rule?.range) return undefined
  const { min = -Infinity, max = Infinity } = rule.range
  return (value) => {
    if (typeof value !== 'number') return NONE
    if (value < min) return [PHRASES.min(min)]
    return value > max ? [PHRASES.max(max)] : NONE
  }
}

function textCheck(rule: Rule | undefined): ScalarCheck | undefined {
  const length = lengthCheck(rule)
  const pattern = rule?.pattern
  if (!length && !pattern) return undefined
  const max = rule?.length?.max ?? Infinity
  return (value) => {
    if (typeof value !== 'string' || (rule?.unlessBlank && value.trim() === '')) return NONE
    const phrases: string[] = []
    // Over-long text is not held against the pattern, some of which would take it quadratic time.
    if (pattern && value.length <= max && !pattern.expression.test(value)) phrases.push(PHRASES.pattern(pattern.text))
    if (length) phrases.push(...length(value.length))
    return phrases
  }
}
