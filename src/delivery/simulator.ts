/** The mailbox simulator (SES guide: "Using the mailbox simulator"): addresses that always meet the same fate. */
import type { Outcome, RecipientOutcome, Reply } from '../message/outcome.ts'

const ACCEPTED: Reply = { code: 250, enhanced: '2.6.0', text: 'Message received' }
const UNKNOWN_USER: Reply = { code: 550, enhanced: '5.1.1', text: 'user unknown' }

export type SimulatedMailbox = { readonly position: number; readonly mailbox: string }

/** Delivers to the simulator. `host`: our own name, the reporting MTA of what it tells. */
export function deliverToSimulator(host: string, recipients: readonly SimulatedMailbox[]): Outcome {
  const outcomes = recipients.map(({ position, mailbox }) => fate(position, mailbox))
  return {
    transport: 'simulator',
    recipients: outcomes,
    reportingMta: host,
    transcript: outcomes.map(
      ({ position, reply }) =>
        `${recipients.find((r) => r.position === position)?.mailbox}: ${reply.code} ${reply.text}`,
    ),
  }
}

function fate(position: number, mailbox: string): RecipientOutcome {
  const local = mailbox.slice(0, mailbox.lastIndexOf('@')).toLowerCase()
  const [name = ''] = local.split('+', 1)
  switch (name) {
    // What `ooto` answers is mail of its own: domain/auto-replies.ts.
    case 'success':
    case 'ooto':
      return { position, kind: 'delivered', reply: ACCEPTED }
    case 'complaint':
      return { position, kind: 'complained', reply: ACCEPTED }
    case 'suppressionlist':
      return {
        position,
        kind: 'bounced',
        bounceType: 'Permanent',
        bounceSubType: 'General',
        reply: { ...UNKNOWN_USER, text: `As requested: user unknown (suppressed address: ${mailbox})` },
      }
    // `bounce`, and any name that the simulator does not have: there is no such user.
    default:
      return { position, kind: 'bounced', bounceType: 'Permanent', bounceSubType: 'General', reply: UNKNOWN_USER }
  }
}
