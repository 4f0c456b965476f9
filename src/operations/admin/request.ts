/** Reading what an admin call says: JSON bodies and query parameters, strictly, with errors that say what to change. */
import { fail } from '../../errors/fail.ts'
import type { RouteRequest } from './route.ts'

export type Body = Readonly<Record<string, unknown>>

/** The JSON object in the body, which may be left out; a member that is not among `members` is refused. */
export function bodyOf({ body }: RouteRequest, members: readonly string[]): Body {
  const value = jsonOf(body)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return wrong('The body is not a JSON object.')
  const stranger = Object.keys(value).find((name) => !members.includes(name))
  if (stranger !== undefined) wrong(`There is no member ${JSON.stringify(stranger)}; there are ${members.join(', ')}.`)
  return Object.fromEntries(Object.entries(value))
}

/** Any JSON in the body; an empty body is an empty object. */
export function jsonOf(body: Buffer): unknown {
  if (body.length === 0) return {}
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return value
  } catch {
    return wrong('The body is not JSON.')
  }
}

export function textOf(body: Body, name: string): string | undefined {
  const value = body[name]
  if (value === undefined || typeof value === 'string') return value
  return wrong(`${name} is not a text.`)
}

export function nullableTextOf(body: Body, name: string): string | null | undefined {
  return body[name] === null ? null : textOf(body, name)
}

export function requiredTextOf(body: Body, name: string): string {
  return textOf(body, name) ?? wrong(`${name} is missing.`)
}

export function numberOf(body: Body, name: string): number | undefined {
  const value = body[name]
  if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value
  return wrong(`${name} is not a number.`)
}

export function flagOf(body: Body, name: string): boolean | undefined {
  const value = body[name]
  if (value === undefined || typeof value === 'boolean') return value
  return wrong(`${name} is neither true nor false.`)
}

export function choiceOf<const T extends string>(body: Body, name: string, choices: readonly T[]): T | undefined {
  const value = textOf(body, name)
  if (value === undefined) return undefined
  return choices.find((choice) => choice === value) ?? wrong(`${name} is none of ${choices.join(', ')}.`)
}

/** A whole number in the query. */
export function countIn(
  query: URLSearchParams,
  name: string,
  bounds: { least: number; most: number; ordinary: number },
) {
  const text = query.get(name)
  if (text === null || text === '') return bounds.ordinary
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (value >= bounds.least && value <= bounds.most) return value
  return wrong(`${name} is not a whole number from ${bounds.least} to ${bounds.most}.`)
}

/** A parameter of the query; an empty one counts as none. */
export function wordIn(query: URLSearchParams, name: string): string | undefined {
  return query.get(name) || undefined
}

/** A value of the path. */
export function paramOf({ params }: RouteRequest, name: string): string {
  return (Object.hasOwn(params, name) ? params[name] : undefined) ?? wrong(`${name} is missing.`)
}

function wrong(text: string): never {
  return fail('Validation', text)
}
