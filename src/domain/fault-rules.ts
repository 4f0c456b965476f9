/** Fault rules as they come over the admin API: parsed strictly, with errors that say what to change. */
import { fail } from '../errors/fail.ts'
import { closest } from '../config/closest.ts'
import { FAILURES } from '../errors/catalogue.ts'
import { failureNamed, type FaultRule } from './faults.ts'

const MAX_RULES = 100
const MAX_DELAY_MS = 60_000
const SERVICES = ['v1', 'v2', 'smtp'] as const
const MEMBERS = [
  'id',
  'service',
  'operation',
  'account',
  'region',
  'failure',
  'message',
  'times',
  'percent',
  'seed',
  'delayMs',
]

type Fields = Readonly<Record<string, unknown>>

/** `{"rules":[{service?, operation?, account?, region?, failure?, message?, times? | percent?, seed?, delayMs?, id?}]}`; throws Validation. */
export function parseFaultRules(document: unknown): readonly FaultRule[] {
  if (!isFields(document) || !Array.isArray(document['rules'])) return wrong('expected {"rules":[…]}')
  if (document['rules'].length > MAX_RULES) return wrong(`there are more than ${MAX_RULES} rules`)
  const rules = document['rules'].map((rule: unknown, index) => parseRule(rule, `rules[${index}]`, `rule-${index + 1}`))
  const ids = new Set(rules.map(({ id }) => id))
  return ids.size === rules.length ? rules : wrong('two rules have one id')
}

function parseRule(rule: unknown, at: string, ordinaryId: string): FaultRule {
  if (!isFields(rule)) return wrong(`${at} is not an object`)
  const stranger = Object.keys(rule).find((name) => !MEMBERS.includes(name))
  if (stranger !== undefined) return wrong(`${at} has no member ${JSON.stringify(stranger)}${hint(stranger, MEMBERS)}`)
  const failure = textIn(rule, 'failure', at)
  const delayMs = wholeIn(rule, 'delayMs', at, MAX_DELAY_MS) ?? 0
  const times = wholeIn(rule, 'times', at, Number.MAX_SAFE_INTEGER)
  const percent = percentIn(rule, at)
  if (failure === null && delayMs === 0) return wrong(`${at} needs a failure or a delayMs`)
  if (times !== null && percent !== null) return wrong(`${at} has both times and percent: give one of them`)
  return {
    id: textIn(rule, 'id', at) ?? ordinaryId,
    service: serviceIn(rule, at),
    operation: textIn(rule, 'operation', at),
    account: textIn(rule, 'account', at),
    region: textIn(rule, 'region', at),
    failure: failure === null ? null : (failureNamed(failure) ?? wrong(`${at}.failure: ${unknownFailure(failure)}`)),
    message: textIn(rule, 'message', at),
    times,
    percent,
    seed: wholeIn(rule, 'seed', at, 2 ** 32 - 1) ?? 1,
    delayMs,
  }
}

function textIn(rule: Fields, name: string, at: string): string | null {
  const value = rule[name] ?? null
  if (value === null || (typeof value === 'string' && value !== '' && value.length <= 1000)) return value
  return wrong(`${at}.${name} is not a text of 1 to 1000 characters`)
}

function wholeIn(rule: Fields, name: string, at: string, most: number): number | null {
  const value = rule[name] ?? null
  if (value === null || (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most))
    return value
  return wrong(`${at}.${name} is not a whole number from 0 to ${most}`)
}

function percentIn(rule: Fields, at: string): number | null {
  const value = rule['percent'] ?? null
  if (value === null || (typeof value === 'number' && value >= 0 && value <= 100)) return value
  return wrong(`${at}.percent is not a number from 0 to 100`)
}

function serviceIn(rule: Fields, at: string): FaultRule['service'] {
  const value = rule['service'] ?? null
  return value === null
    ? null
    : (SERVICES.find((service) => service === value) ?? wrong(`${at}.service is none of ${SERVICES.join(', ')}`))
}

function unknownFailure(name: string): string {
  const codes = Object.entries(FAILURES).flatMap(([row, { v1, v2 }]) => [row, v1[0], v2[0]])
  return `there is no failure ${JSON.stringify(name.slice(0, 100))}${hint(name, codes)} (docs/errors.md lists them)`
}

function hint(name: string, names: readonly string[]): string {
  const near = closest(name, names)
  return near ? `, did you mean ${near}?` : ''
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function wrong(text: string): never {
  return fail('Validation', `Bad fault rules: ${text}.`)
}
