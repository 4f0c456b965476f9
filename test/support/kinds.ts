/** What a refusal is called by v1 and v2, and its SMTP reply without the message. */
import type { Refusal } from './surfaces.ts'

export type Kind = {
  readonly v1: readonly [code: string, status: number]
  readonly v2: readonly [code: string, status: number]
  readonly smtp: readonly [code: number, prefix: string]
}

export const REJECTED: Kind = {
  v1: ['MessageRejected', 400],
  v2: ['MessageRejected', 400],
  smtp: [554, 'Message rejected: '],
}
export const INVALID: Kind = {
  v1: ['InvalidParameterValue', 400],
  v2: ['BadRequestException', 400],
  smtp: [554, 'Transaction failed: '],
}
export const THROTTLED: Kind = {
  v1: ['Throttling', 400],
  v2: ['TooManyRequestsException', 429],
  smtp: [454, 'Throttling failure: '],
}
export const DENIED: Kind = {
  v1: ['AccessDenied', 403],
  v2: ['AccessDeniedException', 403],
  smtp: [554, 'Access denied: '],
}
/** v1 has no such code: what tenants and lists it may name are parameters to it. */
export const NOT_FOUND: Kind = { ...INVALID, v2: ['NotFoundException', 404] }
/** SMTP says it without a message. */
export const TOO_LONG: Kind = { ...INVALID, smtp: [552, 'Message is too long.'] }

export function refusalAs(kind: Kind, api: 'v1' | 'v2' | 'smtp', text: string): Refusal {
  if (api === 'smtp') {
    const [code, prefix] = kind.smtp
    return { code: String(code), status: code, message: kind === TOO_LONG ? prefix : prefix + text }
  }
  const [code, status] = kind[api]
  return { code, status, message: text }
}
