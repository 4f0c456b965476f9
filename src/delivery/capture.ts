/** The capture transport: nothing leaves the machine; the mail stays readable through the admin API. */
import type { Outcome } from '../message/outcome.ts'

/** Says plainly what happened, so that nobody takes a captured message for a delivered one. */
const CAPTURED = { code: 250, enhanced: '2.0.0', text: 'Ok: captured, not sent' } as const

export function capture(host: string, positions: readonly number[]): Outcome {
  return {
    transport: 'capture',
    recipients: positions.map((position) => ({ position, kind: 'delivered', reply: CAPTURED })),
    reportingMta: host,
    transcript: ['250 2.0.0 Ok: captured, not sent'],
  }
}
