/** Texts that stand for booleans, numbers and times, as forms, paths and query strings carry them. */
import { fail } from '../errors/fail.ts'
import type { NumberKind } from '../model/numbers.ts'

// Observed of SES: these words are taken, whatever the case is a choice.
const TRUE = new Set(['true', 'yes', 'y', 't', '1'])
const FALSE = new Set(['false', 'no', 'n', 'f', '0'])

export function readBoolean(text: string): boolean {
  const word = text.length <= 5 ? text.toLowerCase() : ''
  if (TRUE.has(word)) return true
  if (FALSE.has(word)) return false
  return fail('Serialization', 'STRING_VALUE can not be converted to an Boolean') // sic
}

const WHOLE = /^[+-]?[0-9]{1,16}$/
const DECIMAL = /^[+-]?[0-9]{1,20}(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,3})?$/

export function readNumber(text: string, kind: NumberKind): number {
  const value = (kind === 'Double' ? DECIMAL : WHOLE).test(text) ? Number(text) : NaN
  if (Number.isFinite(value)) return value
  return fail('Serialization', `STRING_VALUE can not be converted to ${kind === 'Integer' ? 'an' : 'a'} ${kind}`)
}

const ISO_DATE = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/

/** ISO 8601, as the SDKs write times in query strings, or epoch seconds. */
export function readTimestamp(text: string): Date {
  const date = ISO_DATE.test(text)
    ? new Date(text)
    : DECIMAL.test(text)
      ? new Date(Math.round(Number(text) * 1000))
      : new Date(NaN)
  if (!Number.isNaN(date.getTime())) return date
  return fail('Serialization', 'STRING_VALUE can not be converted to milliseconds since epoch')
}
